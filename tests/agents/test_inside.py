"""Whose code is at work; the doors of the standard library go on working as they did."""

from __future__ import annotations

import contextvars
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from leafmesh_nb.agents.inside import agent_thread, as_handed_in, enter_call, inside_call


def in_agent_code(work: Any) -> Any:
    """What ``work`` returns when it is called as an agent's code."""

    def entered() -> Any:
        enter_call()
        return work()

    return contextvars.copy_context().run(entered)


def on_a_thread(work: Any, thread: Any = threading.Thread) -> Any:
    found: list[Any] = []
    started = thread(target=lambda: found.append(work()))
    started.start()
    started.join(20)
    return found[0]


def test_a_thread_belongs_to_whoever_started_it() -> None:
    assert not inside_call()
    assert in_agent_code(inside_call)
    assert in_agent_code(lambda: on_a_thread(inside_call))
    assert in_agent_code(lambda: on_a_thread(lambda: on_a_thread(inside_call)))
    assert not on_a_thread(inside_call)
    assert not inside_call()


def test_a_thread_for_agents_is_theirs_whoever_starts_it() -> None:
    assert on_a_thread(inside_call, lambda target: agent_thread(target, "t"))
    assert agent_thread(int, "t").daemon


def test_work_belongs_to_whoever_hands_it_in() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert in_agent_code(lambda: pool.submit(inside_call).result(20))
        assert not pool.submit(inside_call).result(20)
        assert in_agent_code(lambda: list(pool.map(lambda _: inside_call(), "ab"))) == [True, True]
        assert not any(pool.map(lambda _: inside_call(), "ab"))


def test_a_callback_belongs_to_whoever_handed_it_in() -> None:
    theirs = in_agent_code(lambda: as_handed_in(inside_call))
    ours = as_handed_in(inside_call)
    assert (theirs(), ours()) == (True, False)
    assert in_agent_code(lambda: (theirs(), ours(), inside_call())) == (True, False, True)


def test_a_pool_takes_and_gives_what_it_did() -> None:
    def add(a: int, *, b: int) -> int:
        return a + b

    def fail() -> None:
        raise KeyError("x")

    def work() -> int:
        with ThreadPoolExecutor(1) as pool:
            with pytest.raises(KeyError, match="x"):
                pool.submit(fail).result(20)
            return pool.submit(add, 1, b=2).result(20)

    assert work() == in_agent_code(work) == 3


def test_the_doors_look_as_they_did() -> None:
    in_agent_code(int)
    assert list(inspect.signature(threading.Thread.start).parameters) == ["self"]
    assert threading.Thread.start.__doc__.startswith("Start the thread's activity")
    assert ThreadPoolExecutor.submit.__name__ == "submit"
    thread = threading.Thread(target=int)
    thread.start()
    with pytest.raises(RuntimeError, match="once"):
        thread.start()
    thread.join(20)
