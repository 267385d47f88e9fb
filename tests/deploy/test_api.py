"""The API over real HTTP: runs, questions, answers, and its own description."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.deploy import tokens
from leafmesh_nb.engine import events as ev

TICKET = {"ticket_id": "7", "ticket": "I was charged twice, please refund 620.00", "tier": "gold"}


def start(client: Any, **input: Any) -> Any:
    return client.post("/api/runs", json={"workflow": "refund", "input": {**TICKET, **input}})


def ended(service: Any, client: Any, id: str) -> Any:
    def over() -> bool:
        return client.get(f"/api/runs/{id}").json()["ended"] is not None

    service.until(over)
    return client.get(f"/api/runs/{id}").json()


def waiting(service: Any, client: Any, id: str) -> Any:
    """The open question of a run."""

    def asked() -> list[Any]:
        found = client.get("/api/approvals").json()["approvals"]
        return [question for question in found if question["run"] == id]

    service.until(asked)
    return asked()[0]


class TestRuns:
    def test_a_run_is_started_asks_and_ends(self, service: Any) -> None:
        client = service.client(service.operator)
        answer = start(client)
        assert answer.status_code == 201
        id = answer.json()["id"]
        assert answer.headers["location"] == f"/api/runs/{id}"
        question = waiting(service, client, id)
        assert question["value"] == {"ticket_id": "7", "amount": "620.00"}
        assert question["roster"] == ["lead"]
        lead = service.client(service.token("lead"))
        done = lead.post(f"/api/approvals/{question['id']}", json={"answer": "approve"})
        assert done.status_code == 200
        run = ended(service, client, id)
        assert (run["status"], run["output"]) == ("done", {"category": "refund", "paid": "620.00"})
        assert run["requester"] == "ada"
        assert [step["status"] for step in run["steps"]] == ["done", "done", "done"]
        assert service.paid() == [Decimal(620)]

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"workflow": "refund"}, "ticket_id"),
            ({"workflow": "refund", "input": {**TICKET, "tier": "brass"}}, "brass"),
            ({"workflow": "refund", "input": {**TICKET, "more": 1}}, "more"),
            ({"workflow": "refunds", "input": TICKET}, "no workflow 'refunds'"),
            ({"workflow": ["refund"]}, "workflow is missing"),
            ({"input": TICKET}, "workflow is missing"),
            ({"workflow": "refund", "input": []}, "no object"),
            ({"workflow": "refund", "input": TICKET, "journal": "/etc/passwd"}, "journal"),
        ],
    )
    def test_what_does_not_fit_is_said_and_starts_nothing(
        self, service: Any, body: Any, said: str
    ) -> None:
        client = service.client(service.operator)
        answer = client.post("/api/runs", json=body)
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert said in error["message"]
        assert client.get("/api/runs").json()["runs"] == []

    @pytest.mark.parametrize(
        ("content", "kind", "status"),
        [
            (b'{"workflow": ', "application/json", 400),
            (b"[1]", "application/json", 400),
            (b'{"workflow": NaN}', "application/json", 400),
            (b"[" * 100_000, "application/json", 400),
            (b"\xff\xfe\x00", "application/json", 400),
            (b'{"workflow": "refund"}', "text/plain", 415),
            (b"workflow=refund", "application/x-www-form-urlencoded", 415),
            (b"", "", 415),
        ],
    )
    def test_a_body_that_cannot_be_read_is_refused(
        self, service: Any, content: bytes, kind: str, status: int
    ) -> None:
        headers = {"Content-Type": kind} if kind else {}
        answer = service.client(service.operator).post(
            "/api/runs", content=content, headers=headers
        )
        assert answer.status_code == status
        assert "Traceback" not in answer.text

    def test_a_body_that_is_too_large_is_refused_before_it_is_read(self, service: Any) -> None:
        client = service.client(service.operator)
        huge = {"workflow": "refund", "input": {**TICKET, "ticket": "x" * 1_000_000}}
        answer = client.post("/api/runs", json=huge)
        assert answer.status_code == 413
        assert "1,000,000 bytes" in answer.json()["error"]["message"]

    def test_a_body_in_parts_that_grows_too_large_is_refused_too(self, service: Any) -> None:
        def parts() -> Any:
            for _ in range(100):
                yield b" " * 20_000

        answer = service.client(service.operator).post(
            "/api/runs", content=parts(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413

    def test_runs_come_in_pages_newest_first(self, service: Any) -> None:
        client = service.client(service.operator)
        ids = [service.refund(str(amount)).id for amount in (1, 620, 2)]
        listed = client.get("/api/runs").json()
        assert [run["id"] for run in listed["runs"]] == ids[::-1]
        assert listed["next"] is None
        first = client.get("/api/runs?limit=2").json()
        assert [run["id"] for run in first["runs"]] == [ids[2], ids[1]]
        rest = client.get(f"/api/runs?limit=2&before={first['next']}").json()
        assert [run["id"] for run in rest["runs"]] == [ids[0]]
        (only,) = client.get("/api/runs?status=waiting").json()["runs"]
        assert only["id"] == ids[1]
        assert client.get("/api/runs?workflow=other").json()["runs"] == []
        assert client.get("/api/runs?before=nothing").status_code == 404
        for limit in ("0", "-1", "x", "9" * 30, "٣"):
            assert client.get("/api/runs", params={"limit": limit}).status_code == 422

    def test_a_run_that_is_not_there(self, service: Any) -> None:
        client = service.client(service.operator)
        for id in ("0000000000", "..%2f..", "%00", "'"):
            assert client.get(f"/api/runs/{id}").status_code == 404

    def test_secrets_are_masked_in_everything_that_is_read(self, serve: Callable[..., Any]) -> None:
        service = serve(SECRETIVE)
        echo = lm.testing.ScriptedModel(lambda request: {"letter": request.inputs["text"]})
        service.mesh.use(models={"quick": echo})
        client = service.client(service.operator)
        card, name = "4111 1111 1111 1111", "Zebulon Quarrington"
        given = {"text": f"{name}, your card is {card}", "name": name}
        id = client.post("/api/runs", json={"workflow": "go", "input": given}).json()["id"]
        question = waiting(service, client, id)
        shown = json.dumps(question) + client.get(f"/api/runs/{id}").text
        with client.stream("GET", f"/api/runs/{id}/events") as stream:
            for line in stream.iter_lines():
                shown += line
                if "approval.asked" in line:
                    break
        assert card not in shown
        assert name not in shown
        assert question["value"] == {"letter": "•••, your card is •••• 1111"}
        assert question["memory"] == {"name": "•••"}
        lm.resume(id).cancel()


SECRETIVE = """
mesh: secretive
memory:
  name: {type: string, sensitivity: pii}
people:
  lead: {}
models:
  quick: {provider: offline, tier: small}
agents:
  writer:
    role: Writes a letter
    capabilities:
      letter.write:
        input: {text: string}
        output: {letter: string}
    memory: {read: [name]}
policies:
  letters:
    at: output
    for: {agents: [writer]}
    rules:
      - {id: all, then: ask, to: lead, reason: "${output.letter} for ${memory.name}"}
workflows:
  go:
    input: {text: string, name: string}
    save: {name: input.name}
    steps:
      write: {capability: letter.write, with: {text: input.text}}
    output: {letter: steps.write.output.letter}
"""


class TestIdempotency:
    def test_the_same_key_and_body_are_the_same_run(self, service: Any) -> None:
        client = service.client(service.operator)
        client.headers["Idempotency-Key"] = "order 66"
        first, second = start(client), start(client)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json()["id"] == second.json()["id"]
        assert len(client.get("/api/runs").json()["runs"]) == 1

    def test_with_another_body_it_is_a_conflict(self, service: Any) -> None:
        client = service.client(service.operator)
        client.headers["Idempotency-Key"] = "order 66"
        start(client)
        answer = start(client, ticket_id="8")
        assert answer.status_code == 409
        assert "another body" in answer.json()["error"]["message"]

    def test_ten_requests_at_once_start_one_run(self, service: Any) -> None:
        from concurrent.futures import ThreadPoolExecutor

        def send(_: int) -> Any:
            client = service.client(service.operator)
            client.headers["Idempotency-Key"] = "all at once"
            return start(client)

        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(send, range(10)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1

    def test_a_key_that_is_too_long_is_refused(self, service: Any) -> None:
        client = service.client(service.operator)
        client.headers["Idempotency-Key"] = "k" * 201
        assert start(client).status_code == 422


class TestPruned:
    def test_a_run_that_was_pruned_is_gone_at_once(self, service: Any) -> None:
        run = service.refund("50")
        client = service.client(service.operator)
        assert client.get(f"/api/runs/{run.id}").json()["status"] == "done"
        journal = service.journal
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert journal.prune(journal.prunable(tomorrow), by="ada")
        assert client.get(f"/api/runs/{run.id}").status_code == 404
        assert client.get("/api/runs").json()["runs"] == []


class TestAnswers:
    def test_an_answer_is_recorded_as_signed_in(self, service: Any) -> None:
        run = service.refund()
        lead = service.client(service.token("lead"))
        (question,) = lead.get("/api/approvals").json()["approvals"]
        answer = lead.post(
            f"/api/approvals/{question['id']}", json={"answer": "reject", "note": "no <b>way</b>"}
        )
        assert answer.status_code == 200
        assert answer.json()["accepted"] is True
        (body,) = [e.body for e in run.recorded() if e.kind == "approval.answered"]
        assert isinstance(body, ev.ApprovalAnswered)
        assert (body.person, body.channel, body.identity, body.note) == (
            "lead",
            "service",
            "signed_in",
            "no <b>way</b>",
        )

    def test_the_operator_answers_for_who_is_asked_and_that_is_asserted(self, service: Any) -> None:
        run = service.refund()
        client = service.client(service.operator)
        (question,) = client.get("/api/approvals").json()["approvals"]
        done = client.post(f"/api/approvals/{question['id']}", json={"answer": "approve"})
        assert done.status_code == 200
        (body,) = [e.body for e in run.recorded() if e.kind == "approval.answered"]
        assert isinstance(body, ev.ApprovalAnswered)
        assert (body.person, body.identity) == ("lead", "asserted")

    def test_a_reviewer_sees_and_answers_only_what_is_theirs(self, service: Any) -> None:
        run = service.refund()
        finance = service.client(service.token("finance"))
        (question,) = run.approvals()
        assert finance.get("/api/approvals").json() == {"approvals": []}
        for mine in (finance, service.client(service.token("lead"))):
            for path in ("", f"/{run.id}", f"/{run.id}/events", "/0000000000"):
                answer = mine.get(f"/api/runs{path}")
                assert answer.status_code == 403
                assert run.id not in answer.text
        answer = finance.post(f"/api/approvals/{question.id}", json={"answer": "approve"})
        assert answer.status_code == 403
        assert run.status == "waiting"
        assert start(finance).status_code == 403

    def test_a_question_that_went_up_the_ladder_is_the_next_ones(self, service: Any) -> None:
        run = service.refund()
        lead = service.client(service.token("lead"))
        finance = service.client(service.token("finance"))
        (question,) = run.approvals()
        path = f"/api/approvals/{question.id}"
        assert lead.post(path, json={"answer": "escalate"}).status_code == 200
        assert lead.get("/api/approvals").json() == {"approvals": []}
        assert lead.post(path, json={"answer": "approve"}).status_code == 403
        (shown,) = finance.get("/api/approvals").json()["approvals"]
        assert (shown["to"], shown["ladder"]) == ("finance", [])
        again = finance.post(path, json={"answer": "escalate"})
        assert again.status_code == 422
        assert finance.post(path, json={"answer": "approve"}).status_code == 200

    def test_the_requester_is_refused_where_a_rule_says_so(
        self, serve: Callable[..., Any], refunds_text: str
    ) -> None:
        rule = "to: lead\n        not: [requester]\n"
        service = serve(refunds_text.replace("to: lead\n", rule, 1))
        lead = service.client(tokens.create(service.access, "refunds", "lead", operator=True))
        id = start(lead).json()["id"]
        question = waiting(service, lead, id)
        assert (question["requester"], question["roster"]) == ("lead", ["finance"])
        path = f"/api/approvals/{question['id']}"
        refused = lead.post(path, json={"answer": "approve"})
        assert refused.status_code == 403
        assert "whoever asks must not answer" in refused.json()["error"]["message"]
        reviewer = service.client(service.token("lead"))
        assert reviewer.post(path, json={"answer": "approve"}).status_code == 403
        finance = service.client(service.token("finance"))
        assert finance.post(path, json={"answer": "approve"}).status_code == 200

    def test_what_is_decided_is_a_conflict(self, service: Any) -> None:
        run = service.refund()
        lead = service.client(service.token("lead"))
        (question,) = run.approvals()
        path = f"/api/approvals/{question.id}"
        assert lead.post(path, json={"answer": "approve"}).status_code == 200
        again = lead.post(path, json={"answer": "reject"})
        assert again.status_code == 409
        assert "approved by lead" in again.json()["error"]["message"]
        run.result(20)
        assert lead.post(path, json={"answer": "reject"}).status_code == 409
        assert service.paid() == [Decimal(620)]

    def test_of_many_answers_at_once_one_counts(self, service: Any) -> None:
        from concurrent.futures import ThreadPoolExecutor

        run = service.refund()
        (question,) = run.approvals()
        token = service.token("lead")

        def send(n: int) -> int:
            verb = "approve" if n % 2 else "reject"
            client = service.client(token)
            answer = client.post(f"/api/approvals/{question.id}", json={"answer": verb})
            return int(answer.status_code)

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(send, range(8))) == [200] + [409] * 7

    def test_an_edit_is_governed_again(self, service: Any) -> None:
        run = service.refund()
        lead = service.client(service.token("lead"))
        (question,) = run.approvals()
        path = f"/api/approvals/{question.id}"
        for value, said in (
            ({"ticket_id": "7", "amount": "a lot"}, "does not fit"),
            ({"ticket_id": "7"}, "does not fit"),
            ("620", "does not fit"),
            ({"ticket_id": "7", "amount": "9000"}, "denied"),
        ):
            answer = lead.post(path, json={"answer": "edit", "value": value})
            assert answer.status_code == 422, value
            assert said in answer.json()["error"]["message"]
        value = {"ticket_id": "7", "amount": "80.50"}
        assert lead.post(path, json={"answer": "edit", "value": value}).status_code == 200
        run.result(20)
        assert service.paid() == [Decimal("80.50")]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"answer": "maybe"},
            {"answer": ["approve"]},
            {"answer": "approve", "note": 1},
            {"answer": "approve", "note": "x" * 2_001},
            {"answer": "edit"},
            {"answer": "approve", "by": "finance"},
        ],
    )
    def test_no_answer_is_refused(self, service: Any, body: Any) -> None:
        run = service.refund()
        (question,) = run.approvals()
        client = service.client(service.token("lead"))
        assert client.post(f"/api/approvals/{question.id}", json=body).status_code == 422
        assert run.status == "waiting"

    def test_a_question_that_is_not_there(self, service: Any) -> None:
        service.refund()
        client = service.client(service.token("lead"))
        assert client.post("/api/approvals/q0", json={"answer": "approve"}).status_code == 404

    def test_what_stays_masked_in_an_edit_stays_as_it_was(self, serve: Callable[..., Any]) -> None:
        service = serve(SECRETIVE)
        echo = lm.testing.ScriptedModel(lambda request: {"letter": request.inputs["text"]})
        service.mesh.use(models={"quick": echo})
        client = service.client(service.operator)
        name = "Zebulon Quarrington"
        given = {"text": f"Dear {name}, your parcel is late.", "name": name}
        id = client.post("/api/runs", json={"workflow": "go", "input": given}).json()["id"]
        question = waiting(service, client, id)
        assert "•••" in question["value"]["letter"]
        answer = client.post(
            f"/api/approvals/{question['id']}", json={"answer": "edit", "value": question["value"]}
        )
        assert answer.status_code == 200
        run = lm.resume(id)
        assert name in run.result(20)["letter"]


class TestDescription:
    def test_it_is_valid_and_describes_every_route(self, service: Any) -> None:
        document = service.described.document
        assert document["openapi"].startswith("3.1")
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                assert operation["summary"], (path, method)
                assert operation["responses"]
        from leafmesh_nb.deploy.api import OPERATIONS

        routed = {(o.path, o.method.lower()) for o in OPERATIONS}
        described = {(p, m) for p, methods in document["paths"].items() for m in methods}
        assert routed == described

    def test_its_references_lead_somewhere(self, service: Any) -> None:
        document = service.described.document
        for name in _references(document):
            assert name.removeprefix("#/components/schemas/") in document["components"]["schemas"]

    def test_health_and_metrics_need_no_token_and_tell_of_nobody(self, service: Any) -> None:
        service.refund()
        client = service.client()
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json()["mesh"] == "refunds"
        text = client.get("/metrics").text
        assert 'leafmesh_runs{workflow="refund",status="waiting"} 1' in text
        assert "leafmesh_open_questions 1" in text
        assert 'leafmesh_http_answers_total{method="GET",status="200"}' in text
        assert "money back" not in text

    def test_nothing_else_is_answered_without_a_token(self, service: Any) -> None:
        client, wrong = service.client(), service.client("lm_wrong")
        open_paths = ("/healthz", "/readyz", "/metrics", "/openapi.json")
        for path, methods in service.described.document["paths"].items():
            for method in methods:
                if path in open_paths:
                    continue
                for sender in (client, wrong):
                    answer = sender.request(method, path.replace("{id}", "x"), json={})
                    assert answer.status_code == 401, (method, path)
                    assert answer.headers["www-authenticate"] == "Bearer"


def _references(value: Any) -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
