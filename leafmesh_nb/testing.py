"""Public fakes: equals of the real parts, for tests of your own meshes.

mesh.use(models={"quick": ScriptedModel([{"category": "refund"}])},
         clock=FixedClock(), approver=ScriptedApprover([{"answer": "approve"}]))
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine.answers import Answer
from leafmesh_nb.engine.paths import parent
from leafmesh_nb.engine.ports import ModelReply, ModelRequest
from leafmesh_nb.engine.state import ApprovalState
from leafmesh_nb.errors import AgentError, ApprovalError, LeafmeshError
from leafmesh_nb.language.suggest import suggest

__all__ = ["FixedClock", "ScriptedApprover", "ScriptedModel"]


class ScriptedModel:
    """Gives the next output of a list, or what a function makes of the request.

    ``requests`` keeps every request it was asked, in order. ``cost`` is US dollars a call;
    ``tokens`` is (in, out) a call. An output that is an exception is raised.
    """

    def __init__(
        self,
        outputs: Iterable[Any] | Callable[[ModelRequest], Any],
        *,
        cost: Decimal | str = "0",
        tokens: tuple[int, int] = (100, 20),
    ) -> None:
        self.requests: list[ModelRequest] = []
        self._next = outputs if callable(outputs) else None
        self._outputs = iter(()) if callable(outputs) else iter(outputs)
        self._cost = Decimal(cost)
        self._tokens = tokens

    async def ask(self, request: ModelRequest) -> ModelReply:
        """The next scripted reply. Raises AgentError when the script fails or is at its end."""
        self.requests.append(request)
        try:
            output = self._next(request) if self._next else next(self._outputs)
        except StopIteration:
            raise AgentError(
                f"the scripted model has no reply for request {len(self.requests)}"
            ) from None
        except LeafmeshError:
            raise
        except Exception as error:
            raise AgentError(f"the scripted model raised {_described(error)}") from error
        if isinstance(output, LeafmeshError):
            raise output
        if isinstance(output, Exception):
            raise AgentError(f"the scripted model raised {_described(output)}")
        return ModelReply(output, *self._tokens, note="scripted model", cost=self._cost)

    def count(self, request: ModelRequest) -> int:
        """Tokens in, as scripted."""
        return self._tokens[0]


class FixedClock:
    """A clock that stands still until it is moved with ``advance``.

    ``now`` is where it starts, aware (default: the start of 2026, UTC).
    """

    def __init__(self, now: datetime | None = None) -> None:
        start = now or datetime(2026, 1, 1, tzinfo=UTC)
        if start.tzinfo is None:
            raise LeafmeshError(
                "a FixedClock needs a time with a zone: datetime(2026, 1, 1, tzinfo=UTC)"
            )
        self._now = start.astimezone(UTC)
        self._sleepers: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Aware, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the epoch: latencies are zero while the clock stands."""
        return self._now.timestamp()

    def advance(self, seconds: float = 0, **more: float) -> None:
        """Move on, and wake whatever is due; keywords as for ``timedelta``."""
        with self._lock:
            self._now += timedelta(seconds=seconds, **more)
            sleepers = tuple(self._sleepers)
        for loop, event in sleepers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    async def sleep_until(self, when: datetime) -> None:
        """Return once the clock was moved to ``when``."""
        event = asyncio.Event()
        entry = (asyncio.get_running_loop(), event)
        with self._lock:
            self._sleepers.append(entry)
        try:
            while self._now < when:
                await event.wait()
                event.clear()
        finally:
            with self._lock:
                self._sleepers.remove(entry)


class ScriptedApprover:
    """Answers questions from a list of entries; the first whose given keys all fit is the answer.

    An entry has ``answer`` (approve, reject, edit with a ``value``, or escalate), may have ``by``
    and ``note``, and narrows with ``step policy rule subject to``; a step is meant with all that it
    is made of. A side effect in doubt is another question than the one that let it happen: only an
    entry with ``point: in_doubt``, or one that rejects, answers it. Raises ApprovalError for
    entries that can fit nothing.
    """

    NARROW = ("step", "policy", "rule", "subject", "to", "point")
    ANSWERS = ("approve", "reject", "edit", "escalate")
    KEYS = (*NARROW, "answer", "by", "note", "value")

    def __init__(
        self, entries: Iterable[Mapping[str, Any]], *, source: str = "scripted approver"
    ) -> None:
        try:
            given = list(entries)
        except TypeError:
            raise ApprovalError(f"{source} must hold a list of answers") from None
        self._entries = [_entry(e, f"{source}, entry {n}") for n, e in enumerate(given, 1)]

    def answer(self, question: ApprovalState) -> Answer | None:
        """The first entry that fits, or None to leave the question open."""
        asked = question.asked
        facts = {
            "policy": asked.policy,
            "rule": asked.rule,
            "subject": asked.subject,
            "to": question.to,
            "point": asked.point,
        }
        for entry in self._entries:
            careless = asked.point == "in_doubt" and "point" not in entry
            if careless and entry["answer"] != "reject":
                continue
            narrowed = (key for key in self.NARROW if key in entry and key != "step")
            at = "step" not in entry or _is_part(question.path, entry["step"])
            if at and all(entry[key] == facts[key] for key in narrowed):
                return Answer(
                    id=question.id,
                    answer=entry["answer"],
                    person=entry.get("by", ""),
                    note=entry.get("note", ""),
                    value=entry.get("value"),
                )
        return None


def _is_part(path: str, step: str) -> bool:
    """Whether a path is ``step``, or a part of it."""
    while path and path != step:
        path = parent(path)
    return path == step


def _entry(entry: Any, place: str) -> dict[str, Any]:
    """A checked entry of a script."""
    if not isinstance(entry, Mapping) or "answer" not in entry:
        raise ApprovalError(f"{place} has no 'answer'")
    for key, value in entry.items():
        if key not in ScriptedApprover.KEYS:
            close = suggest(str(key), ScriptedApprover.KEYS)
            hint = (
                f"did you mean {close!r}?"
                if close
                else "known are " + ", ".join(ScriptedApprover.KEYS)
            )
            raise ApprovalError(f"{place} has an unknown key {key!r}; {hint}")
        if key != "value" and not isinstance(value, str):
            raise ApprovalError(f"{place}: {key!r} must be text")
    if entry["answer"] not in ScriptedApprover.ANSWERS:
        raise ApprovalError(
            f"{place}: {entry['answer']!r} is no answer; say {', '.join(ScriptedApprover.ANSWERS)}"
        )
    if (entry["answer"] == "edit") != ("value" in entry):
        raise ApprovalError(f"{place}: an edit needs a 'value', and no other answer has one")
    return dict(entry)


def _described(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}{': ' if text else ''}{text}"
