"""Functions bound to agents and tools: signatures, imports, and how they are run."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.agents import threads
from leafmesh_nb.agents.functions import Functions, check_signature
from leafmesh_nb.agents.inside import inside_call
from leafmesh_nb.engine.ports import Seat, Suspended, ToolReply
from leafmesh_nb.errors import AgentError, PolicyDenied
from leafmesh_nb.language import load
from leafmesh_nb.language.spec import Spec

MESH = """
mesh: bound
tools:
  look: {PYTHON input: {name: string}, output: {found: boolean}}
agents:
  a:
    role: A
    kind: python
    tools: [look]
    capabilities: {do: {input: {n: integer}, output: {n: integer}}}
workflows:
  w: {input: {}, steps: {s: {capability: do, with: {n: 1}}}, output: {}}
"""


def spec(python: str = "") -> Spec:
    return load(MESH.replace("PYTHON", f'python: "{python}",' if python else ""))


def functions(agent: Callable[..., Any] | None = None, **tools: Any) -> Functions:
    bound = {f"tool:{name}": tool for name, tool in tools.items()}
    return Functions(spec(), {**bound, **({"agent:a": agent} if agent else {})})


def seat(tool: Any = None) -> Seat:
    async def refuse(name: str, arguments: Any) -> ToolReply:
        raise PolicyDenied("no")

    return Seat(memory=None, key="k", tool=tool or refuse, progress=lambda text: None)  # type: ignore[arg-type]


def perform(agent: Callable[..., Any], tool: Any = None) -> Any:
    async def run() -> Any:
        return await asyncio.wait_for(functions(agent).function("a", {"n": 1}, seat(tool)), 20)

    return asyncio.run(run())


# Signatures


def takes_n(n: int) -> None: ...
def takes_ctx(n: int, *, ctx: Any) -> None: ...
def takes_more(n: int, extra: int = 1) -> None: ...
def takes_all(**anything: Any) -> None: ...


@pytest.mark.parametrize("function", [takes_n, takes_ctx, takes_more, takes_all, dict])
def test_signatures_that_fit(function: Callable[..., Any]) -> None:
    check_signature("agent a", function, ("n",))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: None, r"must take exactly \(n\), and ctx if it likes; it lacks n"),
        (lambda n, m: None, "it asks for m"),
        (lambda m: None, "it lacks n and it asks for m"),
        (lambda n, /: None, "it lacks n"),
        (lambda *n: None, "it lacks n"),
    ],
)
def test_signatures_that_do_not_fit(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        check_signature("agent a", function, ("n",))


def test_a_tool_gets_no_context() -> None:
    with pytest.raises(AgentError, match=r"tool look must take exactly \(n\); it asks for ctx"):
        check_signature("tool look", takes_ctx, ("n",))


def test_an_input_cannot_be_called_ctx() -> None:
    with pytest.raises(AgentError, match="agent a has an input called ctx"):
        check_signature("agent a", takes_ctx, ("n", "ctx"))


# Named functions


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    return write


def test_a_named_function_is_imported(module: Any) -> None:
    module("named_shop", "def look(name):\n    return {'found': name == 'bob'}\n")
    found = Functions(spec("named_shop:look"), {})
    assert found.missing() == ["agent:a"]
    assert found.unbound() == {"a"}
    assert set(found.digests()) == {"tool:look"}
    assert asyncio.run(found.tool("look", {"name": "bob"})) == {"found": True}


def test_a_bound_function_goes_before_a_named_one(module: Any) -> None:
    module("named_second", "def look(name):\n    raise SystemExit\n")
    found = Functions(spec("named_second:look"), {"tool:look": lambda name: {"found": False}})
    assert asyncio.run(found.tool("look", {"name": "bob"})) == {"found": False}


def test_a_module_that_is_not_there_counts_as_not_bound() -> None:
    assert Functions(spec("nowhere_at_all:look"), {}).missing() == ["agent:a", "tool:look"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "tool:look: module named_N has no function 'look'"),
        ("look = 5\n", "tool:look: named_N:look is no function"),
        ("import nowhere_at_all\n", "importing named_N:look failed: No module named 'nowhere"),
        ("1 / 0\n", "importing named_N:look failed: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", "importing named_N:look failed: SystemExit: 3"),
        ("def look(:\n", "importing named_N:look failed: SyntaxError"),
    ],
)
def test_a_named_function_that_cannot_be_had(
    module: Any, request: pytest.FixtureRequest, text: str, message: str
) -> None:
    name = f"named_{abs(hash(request.node.name))}"
    module(name, text)
    with pytest.raises(AgentError) as info:
        Functions(spec(f"{name}:look"), {})
    assert message.replace("named_N", name) in str(info.value)


# Running


def test_arguments_are_keywords_and_ctx_comes_when_asked_for() -> None:
    def with_ctx(n: int, ctx: Any) -> Any:
        return {"n": n, "key": ctx.key}

    assert perform(with_ctx) == {"n": 1, "key": "k"}
    assert perform(lambda n: n) == 1
    assert perform(functools.partial(lambda m, n: (m, n), 5)) == (5, 1)


def test_a_caller_inside_a_function_is_known() -> None:
    async def asynchronous(n: int) -> bool:
        return inside_call()

    assert perform(lambda n: inside_call()) is True
    assert perform(asynchronous) is True
    assert not inside_call()


def test_threads_are_used_again() -> None:
    used = [perform(lambda n: threading.current_thread()) for _ in range(10)]
    assert len(set(used)) <= 2
    assert all(thread.daemon for thread in used)


def test_a_hung_function_keeps_its_thread_and_nothing_else() -> None:
    free = threading.Event()

    async def run() -> Any:
        bound = functions(lambda n: free.wait(20))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bound.function("a", {"n": 1}, seat()), 0.05)
        return await asyncio.wait_for(functions(lambda n: n).function("a", {"n": 2}, seat()), 20)

    assert asyncio.run(run()) == 2
    free.set()


def test_more_functions_than_kept_threads_run_at_once() -> None:
    count = threads.IDLE + 8
    together = threading.Barrier(count, timeout=20)

    async def run() -> Any:
        bound = functions(lambda n: together.wait())
        return await asyncio.gather(*(bound.function("a", {"n": 1}, seat()) for _ in range(count)))

    assert sorted(asyncio.run(run())) == list(range(count))


def test_what_a_function_raises_says_where() -> None:
    def broken(n: int) -> Any:
        raise LookupError("bob")

    with pytest.raises(AgentError, match=r"agent a raised LookupError: bob \(in broken, line \d+"):
        perform(broken)


def test_errors_of_ours_pass_as_they_are() -> None:
    def denied(n: int, ctx: Any) -> Any:
        return ctx.tool("look", name="bob")

    with pytest.raises(PolicyDenied, match="no"):
        perform(denied)


def test_an_unwound_function_stays_unwound_whatever_it_does() -> None:
    asked: list[str] = []

    async def suspend(name: str, arguments: Any) -> ToolReply:
        asked.append(name)
        raise Suspended

    def stubborn(n: int, ctx: Any) -> int:
        for _ in range(3):
            try:
                ctx.tool("look", name="bob")
            except BaseException:
                continue
        return 5

    def rude(n: int, ctx: Any) -> int:
        try:
            ctx.tool("look", name="bob")
        except BaseException:
            raise ValueError("not me") from None
        return 5

    for function in (stubborn, rude):
        with pytest.raises(Suspended):
            perform(function, suspend)
    assert asked == ["look", "look"], "the engine is asked once, however often the function tries"


def test_a_tool_that_timed_out() -> None:
    def slow(name: str) -> Any:
        raise TimeoutError("no answer")

    async def slow_too(name: str) -> Any:
        raise TimeoutError("no answer")

    for tool in (slow, slow_too):
        with pytest.raises(AgentError, match="tool look raised TimeoutError: no answer"):
            asyncio.run(functions(None, look=tool).tool("look", {"name": "bob"}))


def test_a_tool_that_is_not_a_function_of_its_input() -> None:
    with pytest.raises(AgentError, match="tool look raised TypeError"):
        asyncio.run(functions(None, look=lambda: None).tool("look", {"name": "bob"}))
