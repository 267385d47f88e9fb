"""Waiting for a run, and asking whoever sits there while it waits for a person.

An **attendant** is whoever can put a question to a person in this process: the notebook's live
card, or the input line of a terminal. Without one a wait ends with advice, and the run stays
``waiting``: silence is never taken for a yes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from leafmesh_nb.errors import ApprovalError, RunError

if TYPE_CHECKING:
    from leafmesh_nb.mesh.run import Run

__all__ = ["Attendant", "InputLine", "NobodyHere", "wait", "wait_async"]

TICK = 0.1
GRACE = 5.0
"""Seconds in which an answer may come from elsewhere before a wait without attendant gives up."""

ADVICE = (
    "answer it with run.approvals()[0].approve(by=…), with %mesh approvals in a notebook, or run "
    "again with a script of answers (LEAFMESH_ANSWERS, or --answers FILE)"
)


class NobodyHere(ApprovalError):
    """Nobody in this process can be asked."""


class Attendant(Protocol):
    """Asks while a run waits. Called about every 100 ms; may block only to ask."""

    def tick(self, run: Run, waited: float) -> None:
        """``waited``: seconds since the run began to wait. Raises NobodyHere with the reason."""
        ...


class InputLine:
    """Asks on the terminal's input line."""

    def tick(self, run: Run, waited: float) -> None:
        """Ask the oldest open question, when there is an input line."""
        if not sys.stdin or not sys.stdin.isatty():
            if waited < GRACE:
                return
            raise NobodyHere("there is no input line to ask on")
        ask_on_input_line(run)


def ask_on_input_line(run: Run, why: str = "") -> None:
    """Ask a run's oldest open question on the input line, until an answer counts."""
    questions = run.approvals()
    if not questions:
        return
    question = questions[0]
    lines = [
        "",
        *([why] if why else []),
        f"{run.workflow}.{question.step} asks {', '.join(question.roster)}: {question.subject}",
        f"  why: {question.reason}",
        *(f"  {text} = {_plain(value)}" for text, value in question.values),
        f"  what: {run.masker.text(json.dumps(question.value, ensure_ascii=False))}",
    ]
    print("\n".join(run.masker.text(line) for line in lines), flush=True)  # noqa: T201  # the face
    letters = {o[0]: o for o in question.options if o != "edit"}
    prompt = " / ".join(f"[{o[0]}]{o[1:]}" for o in letters.values()) + "? "
    while any(q.id == question.id for q in run.approvals()):
        typed = input(prompt).strip().lower()
        choice = letters.get(typed[:1])
        if choice is None:
            continue
        note = input("note (optional): ").strip()
        try:
            run.answer(question.id, choice, person=None, channel="input line", note=note)
        except ApprovalError as error:
            print(f"refused: {error}", flush=True)  # noqa: T201  # the face
            return


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class _Watch:
    """What one wait looks at on every tick."""

    def __init__(self, run: Run, timeout: float | None) -> None:
        self._run = run
        self._until = None if timeout is None else time.monotonic() + timeout
        self._waiting_since: float | None = None

    def tick(self) -> None:
        """Ask, or raise where waiting longer cannot help."""
        run, now = self._run, time.monotonic()
        status = run.status
        if self._until is not None and now >= self._until:
            raise TimeoutError(f"run {run.id} is still {status}")
        if status == "paused":
            raise RunError(
                f"run {run.id} is paused; go on with run.resume(), or one step with run.step()",
                run=run,
            )
        if status != "waiting":
            self._waiting_since = None
            return
        if self._waiting_since is None:
            self._waiting_since = now
        try:
            run.attendant.tick(run, now - self._waiting_since)
        except NobodyHere as error:
            asked = "; ".join(f"{q.to}: {q.reason}" for q in run.approvals())
            raise RunError(
                f"run {run.id} waits for a person ({asked}), and {error}. It stays open: {ADVICE}",
                run=run,
            ) from None


def wait(run: Run, ended: Future[None], timeout: float | None) -> None:
    """Block until ``ended``."""
    watch = _Watch(run, timeout)
    while True:
        try:
            ended.result(TICK if timeout is None else min(TICK, timeout))
            return
        except TimeoutError:
            if ended.done():
                ended.result()
                return
            watch.tick()


async def wait_async(run: Run, ended: Future[None]) -> None:
    """The same without blocking the caller's loop between ticks."""
    watch = _Watch(run, None)
    waited = asyncio.wrap_future(ended)
    while not waited.done():
        await asyncio.wait([waited], timeout=TICK)
        if not waited.done():
            watch.tick()
    waited.result()
