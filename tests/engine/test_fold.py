"""Properties of ``fold`` and ``decide``: over recorded runs, and over events that nobody sends."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.decide import Perform, decide
from leafmesh_nb.engine.events import BODIES, Event, decode, encode
from leafmesh_nb.engine.fold import IllegalEventError, apply, fold
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.state import RunState

Recordings = Mapping[str, tuple[Plan, list[Event]]]

NAMES = (
    "approved by rule",
    "nothing to pay",
    "approved by a person",
    "rejected",
    "edited",
    "escalated",
    "denied by rule",
    "every kind of step",
)
names = st.sampled_from(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_run_folds_to_its_end(recordings: Recordings, name: str) -> None:
    _, events = recordings[name]
    state = fold(events)
    assert state.ended == ("failed" if name in ("rejected", "denied by rule") else "done")
    assert all(not call.open for call in state.calls.values())
    assert not list(state.open_approvals())
    assert state.reserved == 0


@given(name=names, data=st.data())
def test_any_prefix_folds_and_the_rest_follows(
    recordings: Recordings, name: str, data: st.DataObject
) -> None:
    _, events = recordings[name]
    cuts = data.draw(st.lists(st.integers(1, len(events)), min_size=1, max_size=3).map(sorted))
    state = fold(events[: cuts[0]])
    for start, end in zip(cuts, [*cuts[1:], len(events)], strict=True):
        for event in events[start:end]:
            apply(state, event)
    assert state == fold(events)


@given(name=names, data=st.data())
def test_what_is_stored_folds_to_the_same(
    recordings: Recordings, name: str, data: st.DataObject
) -> None:
    _, events = recordings[name]
    length = data.draw(st.integers(1, len(events)))
    stored = [
        dataclasses.replace(e, body=decode(e.kind, e.body.v, encode(e.body)))
        for e in events[:length]
    ]
    assert fold(stored) == fold(events[:length])


def test_a_list_is_stored_and_read_as_a_list(hand: Any) -> None:
    written = ev.MemoryWritten("notes", 1, "a", ["x", ["y"]])
    asked = ev.ApprovalAsked("q", "tool", "tool:1", "pay", "d", "b", ("b",), "a", value=[1])
    for body in (written, asked, ev.CallFinished("k", [1, 2], reads=("f",))):
        assert decode(body.kind, body.v, encode(body)) == body


@given(name=names, data=st.data())
def test_the_same_state_gives_the_same_effects(
    recordings: Recordings, name: str, data: st.DataObject
) -> None:
    plan, events = recordings[name]
    length = data.draw(st.integers(1, len(events)))
    state = fold(events[:length])
    before = copy.deepcopy(state)
    effects = decide(plan, state)
    assert effects == decide(plan, state) == decide(plan, fold(events[:length]))
    assert state == before, "to decide changes nothing"


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_never_stuck(recordings: Recordings, name: str) -> None:
    """At every point there is something to do, or a person is asked."""
    plan, events = recordings[name]
    state = fold(events[:1])
    for event in events[1:]:
        asked = list(state.open_approvals())
        assert decide(plan, state) or asked or state.timers, (
            f"nothing to do before {event.seq} {event.kind}"
        )
        apply(state, event)
    assert decide(plan, state) == (), "an ended run wants nothing"


@pytest.mark.parametrize("name", NAMES)
def test_a_call_in_flight_is_performed_again_and_a_returned_one_never(
    recordings: Recordings, name: str
) -> None:
    plan, events = recordings[name]
    state = fold(events[:1])
    for event in events[1:]:
        apply(state, event)
        for effect in decide(plan, state):
            if isinstance(effect, Perform):
                main = state.calls.get(state.steps[effect.path].main)
                assert main is None or main.open


# Events that nobody should send

WRONG = st.one_of(
    st.sampled_from(["x", "", "NaN", "-1", "1e400", None, 3, "lead", "tool:1"]),
    st.builds(list),
    st.builds(dict),
    st.just([("a", 1), 2]),
)


def bodies(state: RunState) -> st.SearchStrategy[tuple[str, Any]]:
    """Any kind of event about anything, mostly about what is there."""
    known = [*state.calls, *state.approvals, "approve", "edit", "reject", "escalate", "done"]
    values = st.one_of(st.sampled_from(known), WRONG)
    parts = ("", "[0]", "#1", "@1", "/x", "[x", "/")
    paths = st.builds(
        str.__add__, st.sampled_from(["", "nobody", *state.steps]), st.sampled_from(parts)
    )

    def of(kind: type[Any]) -> st.SearchStrategy[Any]:
        needed = [f.name for f in dataclasses.fields(kind)]
        return st.fixed_dictionaries(dict.fromkeys(needed, values)).map(lambda given: kind(**given))

    return st.tuples(paths, st.sampled_from(list(BODIES.values())).flatmap(of))


@given(name=names, data=st.data())
def test_whatever_comes_is_carried_in_whole_or_not_at_all(
    recordings: Recordings, name: str, data: st.DataObject
) -> None:
    _, events = recordings[name]
    length = data.draw(st.integers(1, len(events)), label="prefix")
    state = fold(events[:length])
    path, body = data.draw(bodies(state), label="event")
    event = dataclasses.replace(events[0], seq=state.seq + 1, path=path, body=body)
    before = copy.deepcopy(state)
    try:
        apply(state, event)
    except IllegalEventError:
        assert state == before
    else:
        assert state.seq == before.seq + 1


def test_reloading_folds_ten_thousand_events_in_a_moment(hand: Any) -> None:
    """No event may cost more the longer a run is; 1 s here is thirty times what it takes."""
    bodies: list[Any] = [hand.started()]
    for n in range(2_000):
        path = f"s{n}"
        bodies += [
            (path, ev.StepResolved(True, {"n": n})),
            (path, ev.TaskRouted("c", (), (), "a", None)),
            (path, ev.CallStarted(f"k{n}", "function", "a", "a", 0, "x")),
            (path, ev.CallFinished(f"k{n}", {"n": n})),
            (path, ev.StepEnded("done", {"n": n})),
        ]
    events = hand.events(*bodies)
    began = time.process_time()
    state = fold(events)
    assert time.process_time() - began < 1.0
    assert len(state.steps) == 2_000
