"""The words that people read on a card: money, durations, statuses, and a line for every event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine import events as ev

__all__ = [
    "ANSWERS",
    "GLYPHS",
    "IN_DOUBT_ANSWERS",
    "OFFLINE_LABEL",
    "RUN_TONES",
    "RUN_WORDS",
    "STEP_WORDS",
    "clock_time",
    "day_and_time",
    "duration",
    "elapsed",
    "event_line",
    "milliseconds",
    "step_name",
    "step_time",
    "usd",
]

OFFLINE_LABEL = "offline reader: rules, not a language model"
"""Stands wherever an output of the offline model is shown."""

STEP_WORDS = {
    "idle": "queued",
    "run": "running",
    "wait": "waiting",
    "ok": "done",
    "fail": "failed",
    "skip": "skipped",
    "cancelled": "cancelled",
}
RUN_WORDS = {
    "running": "Running",
    "waiting": "Waiting",
    "paused": "Paused",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
GLYPHS = {
    "ok": "✓",
    "run": "◐",
    "wait": "!",
    "fail": "✕",
    "idle": "○",
    "skip": "–",
    "cancelled": "–",
}
RUN_TONES = {
    "running": "run",
    "waiting": "wait",
    "paused": "wait",
    "done": "ok",
    "failed": "fail",
    "cancelled": "skip",
}
ANSWERS = {
    "approve": "approved",
    "reject": "rejected",
    "edit": "approved with edits",
    "escalate": "escalated",
}
IN_DOUBT_ANSWERS = {
    "approve": "run again",
    "reject": "failed",
    "edit": "result entered by hand",
}


def usd(amount: str | Decimal) -> str:
    """US dollars: whole cents and all from one dollar on with two places, below with three, and of
    less than a mill the first two digits."""
    value = Decimal(amount)
    size = abs(value)
    if size >= 1 or size == size.quantize(Decimal("0.01")):
        return f"${value:,.2f}"
    if size >= Decimal("0.001"):
        return f"${value:.3f}"
    # adjusted() is the exponent of the first digit: keep that one and the next.
    return f"${value:.{1 - value.adjusted()}f}"


def duration(milliseconds: int | None) -> str:
    """``340 ms``, ``2.5 s``, ``4:07``, ``1:04:07``; empty for None."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def elapsed(state: Mapping[str, Any]) -> int | None:
    """Milliseconds from a run's start to its end, or None while it has not ended."""
    if state["started"] is None or state["ended"] is None:
        return None
    return int(state["ended"] - state["started"])


def step_time(step: Mapping[str, Any]) -> str:
    """How long a step took; empty while it has not ended."""
    if step["started"] is None or step["ended"] is None:
        return ""
    return duration(step["ended"] - step["started"])


def clock_time(at: int | None) -> str:
    """A time of day in UTC from milliseconds since 1970, which reads the same on every machine."""
    return "" if at is None else f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M:%S} UTC"


def day_and_time(at: int) -> str:
    """The same with its day, to the minute."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return f"{moment.day} {moment:%B, %H:%M} UTC"


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970, as JavaScript counts them."""
    return round(at.timestamp() * 1000)


def step_name(path: str) -> str:
    """A step's id as a heading: ``look_up`` becomes ``Look up``."""
    words = path.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def event_line(event: ev.Event) -> str:
    """What an event says in a few words, not yet masked."""
    return " ".join(_words(event.path, event.body))


def _words(path: str, body: ev.Body) -> list[str]:
    here = [path] if path else []
    match body:
        case ev.RunStarted():
            return [body.workflow, "by", body.requester]
        case ev.RunPaused():
            return ["by", body.by]
        case ev.RunResumed():
            steps = [] if body.steps is None else [f"for {body.steps} step(s)"]
            return (["by a new owner"] if body.recovered else ["by", body.by]) + steps
        case ev.RunEnded():
            return [body.status, *_error(body.error)]
        case ev.StepResolved():
            items = [] if body.items is None else [f"{len(body.items):,} items"]
            return [*here, "run" if body.run else "skip", *items]
        case ev.TimerSet():
            return [*here, body.purpose, "until", body.due]
        case ev.TaskRouted():
            model = [f"({body.model})"] if body.model else []
            return [*here, "→", body.agent or "nobody", *model]
        case ev.PolicyDecided():
            governed = [] if body.governed else ["(no policy)"]
            return [*_about(path, body.subject), body.outcome, *governed]
        case ev.ApprovalAsked():
            return [*_about(path, body.subject), "asks", body.to]
        case ev.ApprovalAnswered():
            ways = ", ".join(dict.fromkeys((body.channel, body.identity)))
            return [*here, body.answer, "by", body.person, f"({ways})"]
        case ev.ApprovalRefused():
            return [*here, body.answer, "by", body.person, "refused:", body.reason]
        case ev.ApprovalEscalated():
            return [*here, "to", body.to, "by", body.by]
        case ev.CallStarted():
            again = [f"attempt {body.attempt}"] if body.attempt > 1 else []
            return [*here, body.call, body.target, *again]
        case ev.CallFinished():
            tokens = body.tokens_in + body.tokens_out
            used = [f"{tokens:,} tokens"] if tokens else []
            return [*here, duration(round(body.latency * 1000)), *used]
        case ev.CallFailed():
            return [*here, *_error(body.error)]
        case ev.MemoryWritten():
            return [body.field, f"v{body.version}", "by", body.agent or "the workflow"]
        case ev.MemoryPatched():
            return [body.field, f"v{body.version}", "by", body.person]
        case ev.MemoryDenied():
            return [*here, body.agent, "may not", body.access, body.field]
        case ev.BudgetReserved() | ev.BudgetSettled():
            return [*here, usd(body.amount)]
        case ev.BudgetRefused():
            return [*here, body.scope, "limit", body.limit]
        case ev.StepEnded():
            return [*here, body.status, *_error(body.error)]
    return here


def _about(path: str, subject: str) -> list[str]:
    return [path] if path == subject else [path, subject]


def _error(error: Any) -> list[str]:
    return [str(error.get("message", ""))] if error else []
