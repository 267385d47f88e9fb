"""Functions bound to python agents and tools, and how they are run.

A plain function runs on a daemon thread, so that one that hangs blocks neither its run nor the
interpreter's exit. A coroutine function runs on a loop kept for agents, so that one that blocks
cannot stop the engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leafmesh_nb.agents.code import code_digest
from leafmesh_nb.agents.context import AsyncContext, Context
from leafmesh_nb.agents.inside import enter_call, importing
from leafmesh_nb.agents.threads import agents_loop, doubt_loop, run_on_thread
from leafmesh_nb.engine.ports import Seat, Suspended
from leafmesh_nb.errors import AgentError, LeafmeshError
from leafmesh_nb.language.spec import AgentSpec, Spec, ToolSpec
from leafmesh_nb.memory.marks import cut

__all__ = ["AsyncContext", "Context", "Functions", "check_signature"]

Function = Callable[..., Any]

LONGEST_ERROR = 20_000
"""Characters of what a function says in an exception. Views mask first and shorten then."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """A function with what calling it needs to know. ``owner`` reads ``agent clerk``."""

    owner: str
    call: Function
    is_async: bool
    takes_ctx: bool

    @classmethod
    def of(cls, owner: str, function: Function) -> _Bound:
        try:
            takes_ctx = "ctx" in inspect.signature(function).parameters
        except (TypeError, ValueError):
            takes_ctx = False  # a builtin without a signature
        # An object is a coroutine function when its __call__ is one.
        method = getattr(type(function), "__call__", None)  # noqa: B004  # not asking if callable
        is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(method)
        return cls(owner.replace(":", " "), function, is_async, takes_ctx)


class Functions:
    """The functions of one mesh: bound in Python, or named as ``python: "module:function"``."""

    def __init__(self, spec: Spec, bound: Mapping[str, Function]) -> None:
        self._spec = spec
        self._functions = dict(bound)
        self._bound: dict[str, _Bound] = {}
        for owner, declared in self._named():
            if owner not in self._functions and declared.python:
                function = _imported(owner, declared.python)
                if function is not None:
                    self._functions[owner] = function

    def _named(self) -> list[tuple[str, AgentSpec | ToolSpec]]:
        agents = [(f"agent:{a.id}", a) for a in self._spec.agents.values() if a.kind == "python"]
        return [*agents, *((f"tool:{t.name}", t) for t in self._spec.tools.values())]

    def missing(self) -> list[str]:
        """``agent:ID`` and ``tool:ID`` without a function, in declaration order."""
        return [owner for owner, _ in self._named() if owner not in self._functions]

    def unbound(self) -> frozenset[str]:
        """Python agents without a function."""
        return frozenset(
            owner.removeprefix("agent:") for owner in self.missing() if owner.startswith("agent:")
        )

    def digests(self) -> dict[str, str]:
        """Digest of the code of every bound function."""
        return {
            owner: code_digest(self._functions[owner])
            for owner, _ in self._named()
            if owner in self._functions
        }

    def _get(self, owner: str) -> _Bound:
        known = self._bound.get(owner)
        if known is None:
            known = self._bound[owner] = _Bound.of(owner, self._functions[owner])
        return known

    async def function(self, agent: str, arguments: Mapping[str, Any], seat: Seat) -> Any:
        """Run an agent's function with the capability's inputs as keywords."""
        bound = self._get(f"agent:{agent}")
        loop = asyncio.get_running_loop()
        context = AsyncContext(seat, loop) if bound.is_async else Context(seat, loop)
        given = dict(arguments)
        if bound.takes_ctx:
            given["ctx"] = context
        try:
            result = await _run(bound, given)
        except LeafmeshError:
            if context._suspended:
                raise Suspended from None
            raise
        if context._suspended:
            raise Suspended
        return result

    async def tool(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """Run a tool's function with its input fields as keywords."""
        return await _run(self._get(f"tool:{tool}"), dict(arguments))


def check_signature(owner: str, function: Function, inputs: tuple[str, ...]) -> None:
    """Raise AgentError when a function cannot take exactly these keywords.

    ``owner`` reads ``agent clerk`` or ``tool pay_out``; an agent's function may ask for ``ctx``.
    """
    is_agent = owner.startswith("agent ")
    if is_agent and "ctx" in inputs:
        raise AgentError(f"{owner} has an input called ctx, which is the name of its context")
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
    extra = sorted(required - set(inputs) - ({"ctx"} if is_agent else set()))
    lacking = sorted(set(inputs) - names)
    if extra or lacking:
        wants = f"({', '.join(inputs)})"
        problem = [f"it lacks {', '.join(lacking)}"] if lacking else []
        problem += [f"it asks for {', '.join(extra)}"] if extra else []
        raise AgentError(
            f"the function for {owner} must take exactly {wants}"
            f"{', and ctx if it likes' if is_agent else ''}; {' and '.join(problem)}"
        )


def _imported(owner: str, name: str) -> Function | None:
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        with importing():
            function = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name == module.partition(".")[0]:
            return None
        raise AgentError(f"{owner}: importing {name} failed: {error}") from None
    except AttributeError:
        raise AgentError(f"{owner}: module {module} has no function {attribute!r}") from None
    except (Exception, SystemExit) as error:
        raise AgentError(f"{owner}: importing {name} failed: {_described(error)}") from None
    if not callable(function):
        raise AgentError(f"{owner}: {name} is no function")
    return function


async def _run(bound: _Bound, given: dict[str, Any]) -> Any:
    return await (_run_async(bound, given) if bound.is_async else _run_plain(bound, given))


def _run_plain(bound: _Bound, given: dict[str, Any]) -> asyncio.Future[Any]:
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
        enter_call()
        try:
            result = bound.call(**given)
            if inspect.iscoroutine(result):
                result.close()
                raise AgentError(
                    f"{bound.owner} returned a coroutine; declare its function with async def"
                )
            outcome: tuple[Any, BaseException | None] = (result, None)
        except BaseException as error:
            outcome = (None, _mapped(error, bound.owner))
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits for this
            loop.call_soon_threadsafe(settle, *outcome)

    context = contextvars.copy_context()
    run_on_thread(lambda: context.run(work))
    return done


async def _run_async(bound: _Bound, given: dict[str, Any]) -> Any:
    loop = agents_loop()
    future = asyncio.run_coroutine_threadsafe(_guarded(bound, given), loop)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and not task.cancelling():
            raise AgentError(f"{bound.owner} cancelled itself") from None
        doubt_loop(loop)
        raise


async def _guarded(bound: _Bound, given: dict[str, Any]) -> Any:
    enter_call()
    try:
        return await bound.call(**given)
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        mapped = _mapped(error, bound.owner)
        if mapped is error:
            raise
        raise mapped from error


def _mapped(error: BaseException, owner: str) -> BaseException:
    """A function's exception as ours; what unwinds, and our own errors, pass through."""
    if isinstance(error, (LeafmeshError, Suspended)):
        return error
    mapped = AgentError(f"{owner} raised {_described(error)}")
    mapped.__cause__ = error
    return mapped


def _described(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = next((f for f in reversed(frames) if f.filename not in _OURS), None)
    where = f" (in {place.name}, line {place.lineno})" if place else ""
    try:
        text = cut(str(error), LONGEST_ERROR)
    except Exception:  # an exception whose text raises
        text = ""
    return f"{type(error).__name__}{': ' if text else ''}{text}{where}"


_OURS = frozenset({__file__, str(Path(__file__).with_name("context.py"))})
