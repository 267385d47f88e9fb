"""A run of every kind of step in every view, at every point of its way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine.events import Event
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe import frames
from leafmesh_nb.observe.audit import audit_frame
from leafmesh_nb.observe.calls import calls_frame, costs_frame
from leafmesh_nb.observe.card import CardState
from leafmesh_nb.observe.card_html import run_html
from leafmesh_nb.observe.chart_timeline import timeline_chart
from leafmesh_nb.observe.handoffs import handoffs_frame
from leafmesh_nb.observe.telemetry.projection import project
from leafmesh_nb.testing import FixedClock

MESH = """
mesh: views
memory:
  notes: {type: {list: integer}, merge: append}
  secret: {type: string, sensitivity: secret}
agents:
  worker:
    role: Works
    kind: python
    capabilities: {work: {input: {n: integer}, output: {n: integer}}}
    memory: {write: [notes]}
  other:
    role: Works too
    kind: python
    capabilities: {work: {input: {n: integer}, output: {n: integer}}}
    memory: {write: [notes]}
workflows:
  w:
    input: {n: integer}
    steps:
      each:
        capability: work
        agent: worker
        with: {n: item}
        for_each: {in: "[1, 2, 3, 4]", max: 10, parallel: 2}
        on_error: continue
        save: {notes: output.n}
      again: {let: "default(previous, 0) + 1", repeat: {until: output > 2, max: 9}, after: each}
      race: {capability: work, with: {n: input.n}, race: 2}
      flaky: {capability: work, agent: worker, with: {n: "3"}, retry: {max: 1}, on_error: fix}
      fix: {let: "7"}
      pause: {wait: 1s, after: race}
      sub: {workflow: inner, with: {ns: "steps.each.output.map(o, default(o.n, 0))"}, after: pause}
    output: {n: steps.sub.output.n}
  inner:
    input: {ns: {list: integer}}
    save: {secret: "'s3cr3t-' + string(input.ns[0])"}
    steps:
      pick: {let: "input.ns.filter(n, n > 2)"}
      work:
        capability: work
        agent: other
        with: {n: item}
        for_each: {in: steps.pick.output, max: 10}
    output: {n: size(steps.work.output)}
"""


class Instant(FixedClock):
    """A clock for which every timer is due at once."""

    async def sleep_until(self, when: Any) -> None:
        self.advance(max(0.0, (when - self.now()).total_seconds()))


def work(n: int) -> dict[str, int]:
    if n == 3:
        raise ValueError("three")
    return {"n": n + 1}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Spec, list[Event], lm.Run]:
    folder: Path = tmp_path_factory.mktemp("flows")
    mesh = lm.Mesh.from_yaml(MESH).use(clock=Instant())
    mesh.agent("worker")(work)
    mesh.agent("other")(lambda n: {"n": n})
    run = mesh.start("w", n=1, journal=folder / "journal.db")
    assert run.result(20) == {"n": 2}
    return mesh.spec, run.recorded(), run


def test_the_card_shows_a_line_a_step_at_every_point(recorded: Any) -> None:
    spec, events, run = recorded
    card = CardState(spec, "w", run.id)
    for event in events:
        card.apply([event])
        json.dumps(card.take())
        state = card.snapshot()
        assert list(state["steps"]) == list(spec.workflows["w"].steps)
        assert run_html(state)
    steps = state["steps"]
    assert steps["each"]["name"] == "Each (4 of 4)"
    assert {name: step["status"] for name, step in steps.items()} == {
        "each": "ok",
        "again": "ok",
        "race": "ok",
        "flaky": "fail",
        "fix": "ok",
        "pause": "ok",
        "sub": "ok",
    }
    assert steps["race"]["agent"] in ("worker, other", "other, worker")
    assert steps["sub"]["agent"] == "other"


@pytest.mark.parametrize(
    "view",
    [
        frames.events_frame,
        frames.routing_frame,
        frames.memory_frame,
        calls_frame,
        costs_frame,
        handoffs_frame,
        audit_frame,
    ],
    ids=lambda view: view.__name__,
)
def test_every_frame_can_be_made_at_every_point(recorded: Any, view: Any) -> None:
    spec, events, _ = recorded
    for length in range(1, len(events) + 1, 7):
        view(events[:length], spec=spec)
    assert view(events, spec=spec) is not None


def test_frames_name_the_place(recorded: Any) -> None:
    spec, events, _ = recorded
    steps = calls_frame(events, spec=spec)["step"].tolist()
    assert {"each[0]", "each[3]", "race@1", "race@2", "flaky", "sub/work[0]"} <= set(steps)
    story = audit_frame(events, spec=spec)
    texts = "\n".join(story[story.columns[-1]].astype(str))
    assert "each is done for 4 items" in texts
    assert "flaky is tried again at" in texts
    assert "pause waits until" in texts


def test_a_secret_of_a_workflow_within_is_masked(recorded: Any) -> None:
    spec, events, run = recorded
    masker = Masker.for_run(spec, events)
    assert "s3cr3t" not in masker.text("the key is s3cr3t-2")
    assert "s3cr3t" not in calls_frame(events, spec=spec).to_string()
    assert "s3cr3t" not in audit_frame(events, spec=spec).to_string()
    assert "s3cr3t" not in str(run._repr_mimebundle_())


def test_spans_stand_within_what_they_are_part_of(recorded: Any) -> None:
    spec, events, _ = recorded
    masker = Masker.for_run(spec, events)
    for length in range(1, len(events) + 1):
        project(events[:length], spec, masker)
    spans = {span.seq: span for span in project(events, spec, masker)}
    by_path = {
        path: span
        for span in spans.values()
        if span.of in ("step", "agent") and (path := _path(span))
    }
    assert by_path["each[1]"].parent == by_path["each"].seq
    assert by_path["sub/work[0]"].parent == by_path["sub/work"].seq
    assert by_path["sub/work"].parent == by_path["sub"].seq
    assert by_path["race@2"].parent == by_path["race"].seq


def _path(span: Any) -> str:
    return str(next((v for k, v in span.attributes.items() if k == "leafmesh.step.path"), ""))


def test_a_timeline_gives_the_parts_lines_until_there_are_too_many(
    recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, events, _ = recorded
    assert lines(events, spec) > 10
    monkeypatch.setattr("leafmesh_nb.observe.timeline.MOST_STEPS", 3)
    assert lines(events, spec) == len(spec.workflows["w"].steps)


def lines(events: Sequence[Event], spec: Spec) -> int:
    return len(timeline_chart(events, spec=spec).layout.yaxis.ticktext)
