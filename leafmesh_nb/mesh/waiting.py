"""Waiting for a run, and asking whoever sits there while it waits for a person.

An **attendant** is whoever can put a question to a person in this process: the notebook's live
card, or the input line of a terminal. Without one a wait ends with advice, and the run stays
``waiting``: silence is never taken for a yes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from leafmesh_nb.errors import ApprovalError, RunError

if TYPE_CHECKING:
    from leafmesh_nb.mesh.approval import Approval
    from leafmesh_nb.mesh.run import Run

__all__ = ["Attendant", "InputLine", "NobodyHere", "StillRunning", "wait", "wait_async"]

TICK = 0.1
"""Seconds between two looks at a run that is waited for."""

GRACE = 5.0
"""Seconds in which an answer may come from elsewhere before a wait without attendant gives up."""

ADVICE = (
    "answer it with run.approvals()[0].approve(by=…), with %mesh approvals in a notebook, or run "
    "again with a script of answers (LEAFMESH_ANSWERS, or --answers FILE)"
)
DOUBT = (
    "find out outside whether it happened, then say so: run.approvals()[0].edit(RESULT, by=…) if "
    "it did, with its result; .approve(by=…) runs it again; .reject(by=…) lets the step fail"
)


class NobodyHere(ApprovalError):
    """Nobody in this process can be asked."""


class StillRunning(RunError, TimeoutError):
    """A wait with a timeout is over, and the run is not. Nothing happened to the run."""


class Attendant(Protocol):
    """Asks while a run waits. Called about every 100 ms; may block only to ask."""

    def tick(self, run: Run, waited: float) -> None:
        """``waited``: seconds since the run began to wait. Raises NobodyHere with the reason."""
        ...


class InputLine:
    """Asks on the terminal's input line."""

    def tick(self, run: Run, waited: float) -> None:
        """Ask the oldest open question, when there is an input line."""
        if not sys.stdin or sys.stdin.closed or not sys.stdin.isatty():
            if waited < GRACE:
                return
            raise NobodyHere("there is no input line to ask on")
        try:
            ask_on_input_line(run)
        except EOFError:
            raise NobodyHere("the input line was closed") from None


VERBS = {"approve": "[a]pprove", "reject": "[r]eject", "escalate": "[e]scalate"}
IN_DOUBT = {"approve": "[a] run it again", "reject": "[r] let it fail"}


def ask_on_input_line(run: Run, why: str = "") -> None:
    """Ask a run's oldest open question on the input line, until an answer counts.

    An edit is not offered: a line is no form. Raises EOFError when the line is closed.
    """
    questions = run.approvals()
    if not questions:
        return
    question = questions[0]
    print("\n".join(_lines(run, question, why)), flush=True)  # noqa: T201  # the face
    words = IN_DOUBT if question.point == "in_doubt" else VERBS
    letters = {verb[0]: verb for verb in words if verb in question.options}
    prompt = " / ".join(words[verb] for verb in letters.values()) + "? "
    while any(q.id == question.id for q in run.approvals()):
        choice = letters.get(input(prompt).strip().lower()[:1])
        if choice is None:
            continue
        note = input("note (optional): ").strip()
        try:
            run.answer(question.id, choice, channel="input line", note=note)
        except ApprovalError as error:
            print(f"refused: {error}", flush=True)  # noqa: T201  # the face
            return


def _lines(run: Run, question: Approval, why: str) -> list[str]:
    masker = run.masker
    read = [(str(text), value) for text, value in question.values]
    values = masker.fields((text.rpartition(".")[2], value) for text, value in read)
    lines = [
        "",
        *([why] if why else []),
        f"{run.workflow}.{question.step} asks {', '.join(question.roster)}: {question.subject}",
        f"  why: {question.reason}",
        *(f"  {text} = {_plain(v)}" for (text, _), v in zip(read, values, strict=True)),
        f"  what: {json.dumps(masker.value(question.value), ensure_ascii=False)}",
    ]
    return [masker.text(line) for line in lines]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class _Watch:
    """What one wait looks at on every tick."""

    def __init__(self, run: Run, timeout: float | None) -> None:
        self._run = run
        self._until = None if timeout is None else time.monotonic() + timeout
        self._waiting_since: float | None = None

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        if self._until is None:
            return TICK
        return max(0.0, min(TICK, self._until - time.monotonic()))

    def tick(self) -> None:
        """Ask, or raise where waiting longer cannot help."""
        run, now = self._run, time.monotonic()
        status = run.status
        if self._until is not None and now >= self._until:
            raise StillRunning(f"run {run.id} is still {status}{_under_way(run)}", run=run)
        if status == "paused":
            raise RunError(
                f"run {run.id} is paused; go on with run.resume(), or one step with run.step()",
                run=run,
            )
        if status == "running" and run.abandoned():
            raise RunError(
                f"nobody drives run {run.id}: the process that did is gone. Go on with "
                f"lm.resume({run.id!r}); what had returned is not called again",
                run=run,
            )
        if status != "waiting":
            self._waiting_since = None
            return
        if self._waiting_since is None:
            self._waiting_since = now
        if run.asking.acquire(blocking=False):  # two waits must not ask the same question twice
            try:
                run.attendant.tick(run, now - self._waiting_since)
            except NobodyHere as error:
                raise _nobody(run, error) from None
            finally:
                run.asking.release()


def _nobody(run: Run, why: NobodyHere) -> RunError:
    questions = run.approvals()
    asked = "; ".join(f"{', '.join(q.roster)}: {q.reason}" for q in questions)
    asked = run.masker.text(asked)
    doubt = any(q.point == "in_doubt" for q in questions)
    advice = DOUBT if doubt else ADVICE
    return RunError(
        f"run {run.id} waits for a person ({asked}), and {why}. It stays open: {advice}",
        run=run,
        cause="NobodyHere",
    )


def _under_way(run: Run) -> str:
    """What a run is doing, and what to do about an agent that hangs."""
    busy = [step for step in run.under_way() if step.agent]
    if not busy:
        return ""
    names = ", ".join(f"{step.agent} at step {step.path}" for step in busy)
    remedy = f"agents.{busy[0].agent}.limits.timeout"
    return f" ({names}); cancel it with run.cancel(), or bound it with {remedy}"


def wait(run: Run, timeout: float | None) -> None:
    """Block until the run is over."""
    watch = _Watch(run, timeout)
    while not run.is_over(watch.pause):
        watch.tick()


async def wait_async(run: Run) -> None:
    """The same without blocking the caller's loop between ticks."""
    watch = _Watch(run, None)
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def notice(_: Future[None]) -> None:
        with contextlib.suppress(RuntimeError):  # the caller's loop may be closed by then
            loop.call_soon_threadsafe(over.set)

    # The future itself is never handed to a loop, which would cancel it with the waiting task.
    run.when_over(notice)
    while not run.is_over(0):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), watch.pause)
        if not over.is_set():
            watch.tick()
        over.clear()
