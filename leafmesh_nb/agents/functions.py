"""Functions bound to python agents and tools, and how they are run.

A plain function runs on a daemon thread of its own, so that one that hangs blocks neither its run
nor the interpreter's exit. A coroutine function runs on one loop kept for agents, so that one that
blocks cannot stop the engine.
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import inspect
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from leafmesh_nb.agents.code import code_digest
from leafmesh_nb.engine.ports import Seat, Suspended, ToolReply
from leafmesh_nb.errors import AgentError, LeafmeshError
from leafmesh_nb.language.spec import AgentSpec, Spec, ToolSpec
from leafmesh_nb.memory.view import MemoryView

__all__ = ["AsyncContext", "Context", "Functions", "inside_call"]

Function = Callable[..., Any]

_INSIDE: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "leafmesh_inside_call", default=False
)


def inside_call() -> bool:
    """Whether the caller is an agent's or a tool's function that the engine is running."""
    return _INSIDE.get()


class Context:
    """What a python agent may ask for as ``ctx``.

    ``memory`` holds the granted fields, ``key`` is the idempotency key of this execution.
    """

    def __init__(self, seat: Seat, loop: asyncio.AbstractEventLoop) -> None:
        self.memory: MemoryView = seat.memory
        self.key: str = seat.key
        self.progress: Callable[[str], None] = seat.progress
        self._seat = seat
        self._loop = loop
        self._suspended = False

    def tool(self, name: str, /, **arguments: Any) -> ToolReply:
        """Call a tool through the gate; its output by field, and ``.arguments`` as carried out.

        Raises PolicyDenied, BudgetError, or AgentError. While a person is asked, the function is
        unwound, and run again from its start with recorded results once there is an answer.
        """
        future = asyncio.run_coroutine_threadsafe(self._ask(name, arguments), self._loop)
        return future.result()

    async def _ask(self, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        if self._suspended:
            raise Suspended
        try:
            return await self._seat.tool(name, arguments)
        except Suspended:
            self._suspended = True
            raise


class AsyncContext(Context):
    """The same for a coroutine function: ``await ctx.tool(…)``."""

    async def tool(self, name: str, /, **arguments: Any) -> ToolReply:  # type: ignore[override]  # awaited
        """See ``Context.tool``."""
        future = asyncio.run_coroutine_threadsafe(self._ask(name, arguments), self._loop)
        return await asyncio.wrap_future(future)


class Functions:
    """The functions of one mesh: bound in Python, or named as ``python: "module:function"``."""

    def __init__(self, spec: Spec, bound: Mapping[str, Function]) -> None:
        self._spec = spec
        self._bound = dict(bound)
        for owner, declared in self._named():
            if owner not in self._bound and declared.python:
                function = _imported(owner, declared.python)
                if function is not None:
                    self._bound[owner] = function

    def _named(self) -> list[tuple[str, AgentSpec | ToolSpec]]:
        agents = [(f"agent:{a.id}", a) for a in self._spec.agents.values() if a.kind == "python"]
        return [*agents, *((f"tool:{t.name}", t) for t in self._spec.tools.values())]

    def missing(self) -> list[str]:
        """``agent:ID`` and ``tool:ID`` without a function, in declaration order."""
        return [owner for owner, _ in self._named() if owner not in self._bound]

    def unbound(self) -> frozenset[str]:
        """Python agents without a function."""
        return frozenset(
            owner.removeprefix("agent:") for owner in self.missing() if owner.startswith("agent:")
        )

    def digests(self) -> dict[str, str]:
        """Digest of the code of every bound function."""
        return {
            owner: code_digest(self._bound[owner])
            for owner, _ in self._named()
            if owner in self._bound
        }

    async def function(self, agent: str, arguments: Mapping[str, Any], seat: Seat) -> Any:
        """Run an agent's function with the capability's inputs as keywords."""
        function = self._bound[f"agent:{agent}"]
        loop = asyncio.get_running_loop()
        is_async = inspect.iscoroutinefunction(function)
        context = AsyncContext(seat, loop) if is_async else Context(seat, loop)
        given = dict(arguments)
        if "ctx" in inspect.signature(function).parameters:
            given["ctx"] = context
        try:
            result = await _run(function, given, f"agent {agent}")
        except LeafmeshError:
            if context._suspended:
                raise Suspended from None
            raise
        if context._suspended:
            raise Suspended
        return result

    async def tool(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """Run a tool's function with its input fields as keywords."""
        return await _run(self._bound[f"tool:{tool}"], dict(arguments), f"tool {tool}")


def check_signature(owner: str, function: Function, inputs: tuple[str, ...]) -> None:
    """Raise AgentError when a function cannot take exactly these keywords."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return  # a builtin without a signature: its call will tell
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    names = {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.POSITIONAL_ONLY)}
    required = {
        p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL
    }
    extra = sorted(required - set(inputs) - {"ctx"})
    lacking = sorted(set(inputs) - names)
    if extra or lacking:
        wants = f"({', '.join(inputs)})"
        problem = [f"it lacks {', '.join(lacking)}"] if lacking else []
        problem += [f"it asks for {', '.join(extra)}"] if extra else []
        raise AgentError(
            f"the function for {owner} must take exactly {wants}, and ctx if it likes; "
            f"{' and '.join(problem)}"
        )


def _imported(owner: str, name: str) -> Function | None:
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        function = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name == module.partition(".")[0]:
            return None
        raise AgentError(f"{owner}: importing {name} failed: {error}") from None
    except AttributeError:
        raise AgentError(f"{owner}: module {module} has no function {attribute!r}") from None
    except Exception as error:
        raise AgentError(f"{owner}: importing {name} failed: {_described(error)}") from None
    if not callable(function):
        raise AgentError(f"{owner}: {name} is no function")
    return function  # type: ignore[no-any-return]  # callable was just checked


async def _run(function: Function, given: dict[str, Any], owner: str) -> Any:
    if inspect.iscoroutinefunction(function):
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(_guarded(function, given, owner), _agents_loop())
        )
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if done.done():
            return  # the step timed out or was cancelled; nobody waits for this thread
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)

    def work() -> None:
        _INSIDE.set(True)
        try:
            outcome: tuple[Any, BaseException | None] = (function(**given), None)
        except BaseException as error:
            outcome = (None, _mapped(error, owner))
        loop.call_soon_threadsafe(settle, *outcome)

    thread = threading.Thread(
        target=contextvars.copy_context().run, args=(work,), name=f"leafmesh {owner}", daemon=True
    )
    thread.start()
    return await done


async def _guarded(function: Function, given: dict[str, Any], owner: str) -> Any:
    _INSIDE.set(True)
    try:
        return await function(**given)
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        raise _mapped(error, owner) from None


def _mapped(error: BaseException, owner: str) -> BaseException:
    """A function's exception as ours; what unwinds, and our own errors, pass through."""
    if isinstance(error, (LeafmeshError, Suspended)):
        return error
    return AgentError(f"{owner} raised {_described(error)}")


def _described(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = str(Path(__file__).parent.parent)
    place = next((f for f in reversed(frames) if not f.filename.startswith(own)), None)
    where = f" (in {place.name}, line {place.lineno})" if place else ""
    text = str(error)
    return f"{type(error).__name__}{': ' if text else ''}{text}{where}"


_loop: asyncio.AbstractEventLoop | None = None
_guard = threading.Lock()


def _agents_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _guard:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="leafmesh-agents", daemon=True).start()
        return _loop
