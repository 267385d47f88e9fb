"""A run's events as they come: in order, each once, also over a connection that was lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import leafmesh_nb as lm
from leafmesh_nb.deploy import events_stream, tokens


def told(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The events of a stream: what EventSource would hand out."""
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if not line:
            if "data" in event:
                yield {**event, "data": json.loads(event["data"])}
            event = {}
        elif name:
            event[name] = value


def test_events_come_in_order_with_their_place_in_the_journal(service: Any) -> None:
    run = service.refund("50")
    client = service.client(service.operator)
    with client.stream("GET", f"/api/runs/{run.id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = list(told(stream.iter_lines()))
    recorded = run.recorded()
    assert [int(e["id"]) for e in events] == [event.seq for event in recorded]
    assert [e["event"] for e in events] == [event.kind for event in recorded]
    for event in events:
        service.described.valid({"$ref": "#/components/schemas/Event"}, event["data"])
    assert events[-1]["data"]["body"]["status"] == "done"


def test_who_connects_anew_goes_on_after_the_last_event(service: Any) -> None:
    run = service.refund()
    client = service.client(service.operator)
    path = f"/api/runs/{run.id}/events"
    with client.stream("GET", path) as stream:
        events = told(stream.iter_lines())
        first = [next(events) for _ in range(3)]
    last = first[-1]["id"]
    (question,) = run.approvals()
    question.approve(by="lead")
    run.result(20)
    for more in ({"headers": {"Last-Event-ID": last}}, {"params": {"after": last}}):
        with client.stream("GET", path, **more) as stream:
            rest = list(told(stream.iter_lines()))
        ids = [int(e["id"]) for e in (*first, *rest)]
        assert ids == [event.seq for event in run.recorded()]


def test_after_the_last_event_there_is_nothing_to_wait_for(service: Any) -> None:
    run = service.refund("50")
    client = service.client(service.operator)
    last = str(run.recorded()[-1].seq)
    answer = client.get(f"/api/runs/{run.id}/events", headers={"Last-Event-ID": last})
    assert answer.status_code == 204


def test_events_come_while_the_run_goes_on(service: Any) -> None:
    run = service.refund()
    client = service.client(service.operator)
    with client.stream("GET", f"/api/runs/{run.id}/events") as stream:
        for event in told(stream.iter_lines()):
            if event["event"] == "approval.asked":
                lm.resume(run.id).approvals()[0].reject(by="lead", note="no")
            if event["event"] == "approval.answered":
                assert event["data"]["body"]["note"] == "no"
    assert event["event"] == "run.ended"


def test_a_quiet_stream_shows_that_it_lives(service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(events_stream, "BEAT_EVERY", 0.1)
    run = service.refund()
    client = service.client(service.operator)
    with client.stream("GET", f"/api/runs/{run.id}/events") as stream:
        assert any(line.startswith(":") for line in stream.iter_lines())


def test_a_stream_ends_when_its_token_is_taken_back(service: Any) -> None:
    run = service.refund()
    client = service.client(service.operator)
    with client.stream("GET", f"/api/runs/{run.id}/events") as stream:
        kinds = []
        for event in told(stream.iter_lines()):
            kinds.append(event["event"])
            if event["event"] == "approval.asked":
                tokens.create(service.access, "refunds", "operator", operator=True)
                run.approvals()[0].escalate(by="lead")
    assert "approval.escalated" not in kinds


def test_an_event_id_that_is_none_is_refused(service: Any) -> None:
    run = service.refund()
    client = service.client(service.operator)
    for text in ("-1", "x", "1" * 40, "１"):
        path = f"/api/runs/{run.id}/events"
        assert client.get(path, params={"after": text}).status_code == 422


def test_hostile_text_stays_within_its_event(service: Any, tmp_path: Path) -> None:
    ticket = "\n\nevent: run.ended\ndata: {}\n\n\u2028\x00<script>alert(1)</script>"
    run = service.refund("50", ticket=ticket)
    client = service.client(service.operator)
    with client.stream("GET", f"/api/runs/{run.id}/events") as stream:
        events = list(told(stream.iter_lines()))
    assert len(events) == len(run.recorded())
    assert events[0]["data"]["body"]["input"]["ticket"] == ticket
