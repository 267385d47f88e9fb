"""What people and other processes say to a run: read in order, judged by its owner."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from leafmesh_nb.engine.answers import Answer, answer
from leafmesh_nb.engine.events import (
    ApprovalRefused,
    MemoryPatched,
    PersonSignedIn,
    RunPaused,
    RunResumed,
)
from leafmesh_nb.engine.ports import InboxRow, Ports, Verdict
from leafmesh_nb.engine.runner.record import Record
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.marks import cut

__all__ = ["Messages", "Reply"]

LONGEST_REASON = 1_000
"""Characters of what a script says in an exception."""

_ANSWER_TEXTS = ("person", "channel", "identity", "note")

Reply = tuple[Future[Verdict], Verdict]
"""Who waits for a verdict in this process, and the verdict to give once it is durable."""


class Messages:
    """The inbox of one run, and the script that answers its questions, if there is one."""

    def __init__(self, record: Record, ports: Ports) -> None:
        self.cancelled_by: str | None = None
        self._record = record
        self._ports = ports
        self._unread: deque[tuple[InboxRow, Future[Verdict] | None]] = deque()
        self._seen: set[int] = set()
        self._cancels: list[int] = []
        self._scripted: set[tuple[str, str]] = set()

    def deliver(self, row: InboxRow, future: Future[Verdict] | None) -> bool:
        """Hand over an inbox row, each once."""
        if row.id in self._seen:
            return False
        self._seen.add(row.id)
        self._unread.append((row, future))
        return True

    def read(self, replies: list[Reply]) -> None:
        """Act on what came in; ``replies`` gets what to tell whoever waits here.

        The journal learns of a cancellation's verdict only when the run has ended, so that one
        that a crash overtakes is read again.
        """
        while self._unread:
            row, future = self._unread.popleft()
            refusal = _malformed(row)
            if refusal:
                self._record.verdict(Verdict(row.id, False, refusal))
            elif row.kind == "cancel":
                self.cancelled_by = self.cancelled_by or str(row.body.get("by", "")) or "somebody"
                self._cancels.append(row.id)
            else:
                refusal = self._act(row)
                self._record.verdict(Verdict(row.id, not refusal, refusal))
            if future is not None:
                replies.append((future, Verdict(row.id, not refusal, refusal)))

    def cancelled(self) -> None:
        """Accept the cancellations: the run is at its end."""
        for row in self._cancels:
            self._record.verdict(Verdict(row, True))
        self._cancels.clear()

    def unanswered(self) -> list[Future[Verdict]]:
        """Who still waits when the run is over."""
        waiting = [future for _, future in self._unread if future is not None]
        self._unread.clear()
        return waiting

    def _act(self, row: InboxRow) -> str:
        """Act on a message; a text says why it was refused."""
        body, by = row.body, str(row.body.get("by", ""))
        if self._record.state.ended is not None:
            return f"the run has ended ({self._record.state.ended})"
        if self.cancelled_by is not None:
            return f"the run is being cancelled by {self.cancelled_by}"
        if row.kind == "answer":
            return self._answer(body)
        if row.kind == "pause":
            self._record.append("", RunPaused(by))
        elif row.kind == "resume":
            steps = body.get("steps")
            if steps is not None and (type(steps) is not int or steps < 1):
                return f"{steps!r} is no number of steps"
            self._record.append("", RunResumed(by, steps))
        elif row.kind == "patch":
            return self._patch(str(body.get("field", "")), body.get("value"), by)
        else:
            return f"a run takes no message {row.kind!r}"
        return ""

    def _answer(self, body: Mapping[str, Any]) -> str:
        for name in ("id", "answer", *_ANSWER_TEXTS):
            if not isinstance(body.get(name, "" if name in _ANSWER_TEXTS else None), str):
                return f"this is no answer: its {name} is no text"
        if not isinstance(body.get("inside_call", False), bool):
            return "this is no answer: its inside_call is neither true nor false"
        if type(body.get("session", 0)) is not int:
            return "this is no answer: its session is no number"
        try:
            given = Answer.from_json(body)
        except (TypeError, ValueError) as error:
            return f"this is no answer: {error}"
        # Whoever can write to the inbox can write anything there: nothing makes it surer than that
        # but a sign-in, which stands in a chain for everybody to see.
        channel = "python" if given.channel == "script" else given.channel
        identity = "signed_in" if self._signed_in(given) else "asserted"
        return self._answered(replace(given, channel=channel, identity=identity))

    def _signed_in(self, given: Answer) -> bool:
        """Whether the journal has the sign-in that an answer goes by, and of the same person."""
        if given.identity != "signed_in" or given.session < 1:
            return False
        found = self._ports.journal.read("journal", given.session - 1, 1)
        body = found[0].body if found else None
        return isinstance(body, PersonSignedIn) and body.person == given.person

    def _answered(self, given: Answer) -> str:
        record, now = self._record, self._ports.clock.now()
        outcome = answer(record.plan, record.state, record.shared, given, now)
        record.append(outcome.path, *outcome.bodies, now=now)
        return outcome.refusal

    def _patch(self, name: str, value: Any, by: str) -> str:
        record = self._record
        field = record.plan.spec.memory.get(name)
        if field is None or field.scope != "run":
            return f"memory.{name} is no field of scope run in this mesh"
        try:
            dumped = dump(field.type, accept(field.type, value))
        except TypeMismatch as error:
            return f"memory.{name}: {error}"
        before = record.state.memory.get(name)
        version = before.version + 1 if before else 1
        record.append("", MemoryPatched(name, version, by, dumped))
        return ""

    def ask_script(self) -> bool:
        """Let a scripted approver answer what is open; True when it answered something."""
        if self._ports.approver is None:
            return False
        answered = False
        for question in tuple(self._record.state.open_approvals()):
            asked = (question.id, question.to)
            if asked in self._scripted:
                continue
            self._scripted.add(asked)
            try:
                given = self._ports.approver.answer(question)
            except Exception as error:  # a script that fails is nobody's answer
                reason = cut(f"the script that answers failed: {error!r}", LONGEST_REASON)
                refused = ApprovalRefused(question.id, "", "", "script", reason)
                self._record.append(question.path, refused)
                answered = True
                continue
            if given is not None:
                given = replace(given, id=question.id, channel="script", identity="script")
                self._answered(given)
                answered = True
        return answered


def _malformed(row: InboxRow) -> str:
    """Why a message is not even a message that can be recorded, or an empty text."""
    if not isinstance(row.body, Mapping):
        return f"the {row.kind} is no object"
    if not isinstance(row.body.get("by", ""), str):
        return f"the {row.kind} does not say by whom: its by is no text"
    try:
        json.dumps(row.body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return f"the {row.kind} cannot be written down: {error}"
    return ""
