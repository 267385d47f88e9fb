"""Whose code is at work: an agent's or a tool's, or that of a person at this process.

What an agent's code does must not count as a person's word. Its function, coroutines and tasks are
known by a context variable. Threads start without their parent's context, so the first call of a
function here puts a wrapper round two doors of the standard library: ``Thread.start`` marks a
thread that agent code starts, for as long as it lives, and ``ThreadPoolExecutor.submit`` makes work
count as that of whoever hands it in, not of whoever happened to start the pool's thread.

What agent code hands over in other ways (a queue that somebody else's thread reads, a signal
handler, a finaliser, another process) cannot be told from a person's: a kernel is no security
boundary.
"""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

__all__ = ["agent_thread", "as_handed_in", "enter_call", "importing", "inside_call"]

P = ParamSpec("P")
T = TypeVar("T")

_INSIDE: contextvars.ContextVar[bool | None] = contextvars.ContextVar(
    "leafmesh_inside_call", default=None
)
"""True in agent code, False where it was left on purpose; None asks the thread."""

_IMPORTING: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "leafmesh_importing", default=False
)

_MARK = "_leafmesh_agent_code"
_guard = threading.Lock()
_watching = False


def inside_call() -> bool:
    """Whether the caller is the code of an agent or a tool, or a thread that such code started."""
    said = _INSIDE.get()
    return _MARK in vars(threading.current_thread()) if said is None else said


def enter_call() -> None:
    """Count what follows in this context as agent code."""
    _watch()
    _INSIDE.set(True)


@contextmanager
def importing() -> Iterator[None]:
    """Count threads as agent code's that the import of an agent's module starts.

    The import itself is nobody's call: a module may define its mesh as well.
    """
    _watch()
    token = _IMPORTING.set(True)
    try:
        yield
    finally:
        _IMPORTING.reset(token)


def agent_thread(target: Callable[[], object], name: str) -> threading.Thread:
    """A daemon thread that runs nothing but agent code; not started yet."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    _mark(thread)
    return thread


def as_handed_in(function: Callable[P, T]) -> Callable[P, T]:
    """``function``, to count as the code of whoever hands it in now, whoever calls it later."""
    return _counting_as(inside_call(), function)


def _counting_as(inside: bool, function: Callable[P, T]) -> Callable[P, T]:
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        token = _INSIDE.set(inside)
        try:
            return function(*args, **kwargs)
        finally:
            _INSIDE.reset(token)

    return call


def _mark(thread: threading.Thread) -> None:
    vars(thread)[_MARK] = True


def _watch() -> None:
    """Learn, from now on, who starts threads and who hands work to them."""
    global _watching
    with _guard:
        if _watching:
            return
        _watching = True
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    @functools.wraps(start)
    def marking(self: threading.Thread) -> None:
        if inside_call() or _IMPORTING.get():
            _mark(self)
        start(self)

    @functools.wraps(submit)  # type: ignore[arg-type]  # a generic method, which mypy cannot say
    def attributing(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        if not inside_call():
            return submit(self, fn, *args, **kwargs)
        # The thread that this may start is the pool's: it will do other people's work as well.
        hand_in = _counting_as(False, submit)
        return hand_in(self, _counting_as(True, fn), *args, **kwargs)

    threading.Thread.start = marking  # type: ignore[method-assign]  # see the module
    ThreadPoolExecutor.submit = attributing  # type: ignore[assignment,method-assign]  # the same
