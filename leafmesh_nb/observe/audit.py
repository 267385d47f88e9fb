"""The audit trail as sentences: who did what, and why, one line an event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.events import Event
from leafmesh_nb.observe.columns import COUNT, TEXT, TIME, Kind, table
from leafmesh_nb.observe.masked import masked_body, masker_for
from leafmesh_nb.observe.phrasing import brief, changes, dollars, seconds, why
from leafmesh_nb.observe.standing import states

if TYPE_CHECKING:
    import pandas as pd

    from leafmesh_nb.language.spec import Spec
    from leafmesh_nb.memory.masking import Masker

__all__ = ["audit_frame", "stories"]

_COLUMNS: dict[str, Kind] = {
    "run": TEXT,
    "seq": COUNT,
    "when": TIME,
    "step": TEXT,
    "kind": (),
    "who": TEXT,
    "story": TEXT,
}

_Body = dict[str, Any]
_About = dict[str, str]
"""What a key of a call or the id of a question is about."""


def audit_frame(
    events: Sequence[Event], *, spec: Spec | None = None, masker: Masker | None = None
) -> pd.DataFrame:
    """A row an event, with a sentence for people.

    Columns: ``run seq when step kind who story``. ``run`` is the stream's name for events outside
    runs (``journal``, ``mesh:NAME``); ``who`` is a person, an agent, or ``time``.
    """
    rows = [
        {
            "run": event.stream.removeprefix("run:"),
            "seq": event.seq,
            "when": event.ts,
            "step": event.path or None,
            "kind": event.kind,
            "who": who or None,
            "story": story,
        }
        for event, who, story in stories(events, masker_for(events, spec, masker))
    ]
    return table(rows, _COLUMNS, states(events))


def stories(events: Iterable[Event], masker: Masker) -> list[tuple[Event, str, str]]:
    """Each event with who acted (or an empty text) and a sentence of plain, masked text."""
    about: _About = {}
    told = []
    for event in events:
        body = masked_body(event, masker)
        if event.kind == "call.started":
            about[body["key"]] = body["target"]
        elif event.kind == "approval.asked":
            about[body["id"]] = body["subject"]
        who = (
            ""
            if event.kind in _NOBODY
            else next((str(body[name]) for name in _WHO if body.get(name)), "")
        )
        teller = _STORIES[event.kind]
        told.append((event, who, brief(teller(body, event.path, about), 400)))
    return told


# These name an agent that does nothing here.
_NOBODY = frozenset({"policy.decided", "task.routed"})
_WHO = ("person", "asked_by", "agent", "by", "requester")


def _given(value: Any, before: str = ": ") -> str:
    text = brief(value)
    return f"{before}{text}" if text else ""


def _error(error: Any) -> str:
    return f": {error.get('message', '')}" if error else ""


def _run_started(b: _Body, path: str, about: _About) -> str:
    how = ", step by step" if b["step_by_step"] else ""
    origin = ""
    if b["parent"]:
        at = b["parent"]
        origin = f", taken from run {at.get('run', '')} before {at.get('step', '')}"
    return f"{b['requester']} started {b['workflow']} of {b['mesh']}{how}{origin}" + _given(
        b["input"], " with "
    )


def _run_resumed(b: _Body, path: str, about: _About) -> str:
    if b["recovered"]:
        return f"{b['by']} took the run over; calls that were out are in doubt"
    if b["steps"] is None:
        return f"{b['by']} resumed the run"
    return f"{b['by']} resumed the run for {b['steps']} step{'' if b['steps'] == 1 else 's'}"


def _run_ended(b: _Body, path: str, about: _About) -> str:
    if b["status"] == "failed":
        step = (b["error"] or {}).get("step")
        return f"the run failed{f' at {step}' if step else ''}{_error(b['error'])}"
    return f"the run is {b['status']}" + _given(b["output"])


def _step_resolved(b: _Body, path: str, about: _About) -> str:
    if b["items"] is not None:
        count = len(b["items"])
        return f"{path} is done for {count} item{'' if count == 1 else 's'}" + _given(b["items"])
    if b["run"]:
        return f"{path} runs" + _given(b["inputs"], " with ")
    if b["error"]:
        return f"{path} cannot run{_error(b['error'])}"
    return f"{path} is skipped: {b['reason']}"


def _task_routed(b: _Body, path: str, about: _About) -> str:
    reasons: dict[str, list[str]] = {}
    for excluded in b["excluded"]:
        reasons.setdefault(excluded["reason"], []).append(excluded["agent"])
    out = "".join(f"; not {' or '.join(names)}: {reason}" for reason, names in reasons.items())
    if b["agent"] is None:
        return f"nobody can take {b['capability']}{out}"
    model = f" with model {b['model']}" if b["model"] else ""
    scores = [f"{_candidate(c)} {c['score']:.2f}" for c in b["candidates"]]
    tie = f"; {b['tie']}" if b["tie"] else ""
    return f"{b['capability']} goes to {b['agent']}{model} (points: {', '.join(scores)}){tie}{out}"


def _candidate(candidate: _Body) -> str:
    agent, model = candidate["agent"], candidate["model"]
    return f"{agent} on {model}" if model else str(agent)


def _policy_decided(b: _Body, path: str, about: _About) -> str:
    thing = f"{b['subject']} of {b['agent']}" + _given(b["value"], " with ")
    edited = f", as edited by {b['edited_by']}" if b["edited_by"] else ""
    if not b["governed"]:
        verdict = "it passes" if b["outcome"] == "approve" else "it is denied"
        return f"no policy applies to {thing}{edited}: {verdict}"
    verdict = {"approve": "approve", "ask": "ask a person about", "deny": "deny"}[b["outcome"]]
    policies = " and ".join(p["policy"] for p in b["policies"])
    reasons = why(b["policies"], b["outcome"])
    return f"{policies}: {verdict} {thing}{edited}" + (f" ({reasons})" if reasons else "")


def _asked(b: _Body, path: str, about: _About) -> str:
    within = f", within {seconds(b['within'])}" if b["within"] is not None else ""
    reason = f" because {b['reason']}" if b["reason"] else ""
    return f"{b['to']} is asked about {b['subject']}{_given(b['value'], ' with ')}{reason}{within}"


def _answered(b: _Body, path: str, about: _About) -> str:
    verb = {"approve": "approved", "reject": "rejected", "edit": "edited"}.get(
        b["answer"], "passed on"
    )
    diff = f" ({changes(b['diff'])})" if b["diff"] else ""
    where = f" ({', '.join(dict.fromkeys((b['channel'], b['identity'])))})"
    return f"{b['person']} {verb} {about.get(b['id'], b['id'])}{diff}{where}" + _given(b["note"])


def _escalated(b: _Body, path: str, about: _About) -> str:
    why_now = "nobody answered in time" if b["by"] == "time" else f"{b['by']} passed it on"
    return f"{why_now}: {b['to']} is asked about {about.get(b['id'], b['id'])}"


def _call_started(b: _Body, path: str, about: _About) -> str:
    verb = {"model": "asks model", "function": "runs", "tool": "calls"}.get(b["call"], b["call"])
    effect = ", which has a side effect" if b["side_effect"] else ""
    again = f", attempt {b['attempt']}" if b["attempt"] > 1 else ""
    given = _given(b["request"], " with ") if b["call"] == "tool" else ""
    return f"{b['agent']} {verb} {b['target']}{effect}{again}{given}"


def _call_finished(b: _Body, path: str, about: _About) -> str:
    tokens = b["tokens_in"] + b["tokens_out"]
    cost = f", {tokens} tokens for {dollars(Decimal(b['cost']))}" if tokens else ""
    if tokens and b["list_cost"] is not None:
        cost += f" ({dollars(Decimal(b['list_cost']))} at list price)"
    source = "" if b["live"] else ", not live"
    if b["reused"]:
        source = f", reused from run {b['reused']['run']}"
    note = f" ({b['note']})" if b["note"] else ""
    took = f" after {seconds(b['latency'])}"
    return f"{about.get(b['key'], 'a call')} returned{took}{cost}{source}{note}" + _given(
        b["result"]
    )


def _call_failed(b: _Body, path: str, about: _About) -> str:
    return (
        f"{about.get(b['key'], 'a call')} failed after {seconds(b['latency'])}{_error(b['error'])}"
    )


def _written(b: _Body, path: str, about: _About) -> str:
    shared = "shared " if b["scope"] == "mesh" else ""
    did = "wrote" if b["op"] == "replace" else "added to"
    return f"{b['agent']} {did} {shared}{b['field']}, version {b['version']}" + _given(b["value"])


def _budget_refused(b: _Body, path: str, about: _About) -> str:
    if b["scope"] == "calls":
        return f"a call was not made: {b['used']} of {b['limit']} calls were made already"
    amount, used, limit = (dollars(Decimal(b[name])) for name in ("amount", "used", "limit"))
    return (
        f"a call was not made: at worst {amount}, with {used} used, passes the {b['scope']} limit"
        f" of {limit}"
    )


def _timer_set(b: _Body, path: str, about: _About) -> str:
    does = {"wait": "waits", "retry": "is tried again", "timeout": "fails if it has not ended"}
    until = "until" if b["purpose"] == "wait" else "at"
    return f"{path} {does.get(b['purpose'], b['purpose'])} {until} {b['due']}"


def _step_ended(b: _Body, path: str, about: _About) -> str:
    if b["status"] == "done":
        return f"{path} is done" + _given(b["output"])
    return f"{path} {'was ' if b['status'] != 'failed' else ''}{b['status']}{_error(b['error'])}"


_STORIES: dict[str, Callable[[_Body, str, _About], str]] = {
    "run.started": _run_started,
    "run.paused": lambda b, path, about: f"{b['by']} paused the run",
    "run.resumed": _run_resumed,
    "run.ended": _run_ended,
    "run.rebound": lambda b, path, about: (
        f"{b['by']} accepted changed functions: {', '.join(b['functions'])}"
    ),
    "run.head": lambda b, path, about: (
        f"run {b['run']} ended {b['status']} with event {b['seq']}, hash {b['hash'][:12]}"
    ),
    "run.pruned": lambda b, path, about: (
        f"{b['by']} deleted run {b['run']} ({b['seq']} events, {b['status']} since {b['ended']}) "
        f"for good; its last hash was {b['hash'][:12]}"
    ),
    "step.resolved": _step_resolved,
    "task.routed": _task_routed,
    "policy.decided": _policy_decided,
    "approval.asked": _asked,
    "approval.answered": _answered,
    "approval.refused": lambda b, path, about: (
        f"an answer ({b['answer']}) of {b['person'] or 'nobody'} ({b['channel']}) does not count: "
        f"{b['reason']}"
    ),
    "approval.escalated": _escalated,
    "approval.expired": lambda b, path, about: (
        f"nobody answered about {about.get(b['id'], b['id'])} in time, which denies it"
    ),
    "call.started": _call_started,
    "call.finished": _call_finished,
    "call.failed": _call_failed,
    "memory.written": _written,
    "memory.denied": lambda b, path, about: (
        f"{b['agent']} tried to {b['access']} {b['field']} without a grant and was refused"
    ),
    "memory.patched": lambda b, path, about: (
        f"{b['person']} changed {b['field']} by hand, version {b['version']}" + _given(b["value"])
    ),
    "checkpoint.signed": lambda b, path, about: (
        f"key {b['key'][:12]} signed that {b['stream']} has {b['size']} events up to hash "
        f"{b['head'][:12]}"
    ),
    "release.recorded": lambda b, path, about: (
        f"{b['by']} recorded release {b['release']} of {b['mesh']} ({len(b['files'])} files)"
    ),
    "person.signed_in": lambda b, path, about: (
        f"{b['person']} signed in ({b['channel']})" + (" as the operator" if b["operator"] else "")
    ),
    "memory.revealed": lambda b, path, about: (
        f"{b['person']} looked behind the mask of {b['what']} in run {b['run']} ({b['channel']})"
    ),
    "budget.reserved": lambda b, path, about: (
        f"{dollars(Decimal(b['amount']))} set aside for {about.get(b['key'], 'a call')}"
    ),
    "budget.settled": lambda b, path, about: (
        f"{about.get(b['key'], 'a call')} settled at {dollars(Decimal(b['amount']))}"
    ),
    "budget.refused": _budget_refused,
    "step.ended": _step_ended,
    "timer.set": _timer_set,
    "timer.fired": lambda b, path, about: f"the time that {path} waited for has come",
}
"""A sentence for every kind of event; a test holds it against ``engine.events.BODIES``."""
