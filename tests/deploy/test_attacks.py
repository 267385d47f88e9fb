"""What somebody hostile sends to a service, and what becomes of it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from leafmesh_nb.deploy import tokens
from leafmesh_nb.deploy.bodies import LARGEST
from leafmesh_nb.deploy.launch import names
from leafmesh_nb.deploy.security import is_served

JSON = {"Content-Type": "application/json"}
REFUND = {"workflow": "refund", "input": {"ticket_id": "7", "ticket": "hello", "tier": "gold"}}


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status of a refusal and its code for programs."""
    return answer.status_code, answer.json()["error"]["code"]


def question(service: Any) -> tuple[Any, str]:
    """A run that waits, and the id of its question."""
    run = service.refund("620")
    (asked,) = service.client(service.operator).get("/api/approvals").json()["approvals"]
    return run, asked["id"]


@contextmanager
def streaming(client: httpx.Client, path: str) -> Iterator[Callable[[], bool]]:
    """Read a stream on a thread; called, it says whether the service has ended it."""
    over, begun = threading.Event(), threading.Event()

    def read() -> None:
        with client.stream("GET", path) as answer:
            assert answer.status_code == 200
            for _ in answer.iter_raw():
                begun.set()
        over.set()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert begun.wait(10)
    yield over.is_set
    thread.join(10)


# Who comes in


def test_a_token_that_was_taken_back_ends_its_streams(service: Any) -> None:
    run, id = question(service)
    lead = service.client(service.token("lead"))
    page = service.client()
    token = lead.headers["authorization"].partition(" ")[2]
    assert page.post("/sign-in", data={"token": token}).status_code == 303
    with (
        streaming(service.client(service.operator), f"/api/runs/{run.id}/events") as events_over,
        streaming(page, f"/live?run={run.id}") as live_over,
    ):
        assert tokens.revoke(service.access, "refunds", "lead") == 1
        service.until(live_over, timeout=5)
        assert not events_over()
        tokens.create(service.access, "refunds", "operator", operator=True)
        service.until(events_over, timeout=5)
        assert page.get("/approvals").headers["location"].startswith("/sign-in")
    assert code(lead.post(f"/api/approvals/{id}", json={"answer": "approve"})) == (
        401,
        "not_signed_in",
    )
    assert service.paid() == []


def test_a_token_of_another_mesh_opens_nothing(service: Any) -> None:
    question(service)
    other = service.client(tokens.create(service.access, "payroll", "lead", operator=True))
    for path in ("/api/runs", "/api/approvals"):
        assert code(other.get(path)) == (401, "not_signed_in")
    assert other.get("/runs").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Basic {}", "Bearer x{}", "Bearer {}x", "{}", "Bearer \xff"]
)
def test_what_only_looks_like_a_token_opens_nothing(service: Any, given: str) -> None:
    shown = given.format(service.operator).encode("latin-1")
    headers = {"Authorization": shown}
    client = service.client(headers=headers)
    assert code(client.get("/api/runs")) == (401, "not_signed_in")
    assert service.operator not in client.get("/api/runs").text


def test_a_token_is_nowhere_but_with_its_holder(service: Any) -> None:
    operator = service.client(service.operator)
    operator.post("/sign-in", data={"token": service.operator})
    operator.get("/audit")
    files = [file for file in service.folder.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if service.operator.encode() in file.read_bytes()]
    assert service.access.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("path", ["/runs/{}", "/runs/{}/events", "/runs/{}/memory", "/costs"])
def test_a_reviewer_is_told_the_same_of_what_there_is_and_is_not(service: Any, path: str) -> None:
    run, _ = question(service)
    lead = service.client(service.token("lead"))
    real, made_up = (lead.get(path.format(id)) for id in (run.id, "0000000000"))
    assert real.status_code == made_up.status_code == 403
    assert real.text == made_up.text


# From other sites


@pytest.mark.parametrize(
    "origin",
    ["http://[", "http://[::1", "null", "", "http://evil.example", "//", "http://127.0.0.1"],
)
@pytest.mark.parametrize("path", ["/api/runs", "/sign-in", "/sign-out"])
def test_an_origin_that_is_not_ours_is_refused(service: Any, origin: str, path: str) -> None:
    client = service.client(service.operator, headers={"Origin": origin})
    answer = client.post(path, json=REFUND)
    assert code(answer) == (403, "forbidden")
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("127.0.0.1:8420", True),
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("[::1]:8420", True),
        ("mesh.example:443", True),
        ("evil.example:8420", False),
        ("127.0.0.1.evil.example:8420", False),
        ("127.0.0.1:8420:1", False),
        ("localhost:x", False),
        ("", False),
    ],
)
def test_a_name_that_was_made_to_lead_here_reads_nothing(host: str, served: bool) -> None:
    assert is_served(host, names("127.0.0.1", ["Mesh.example"])) is served
    assert is_served(host, names("0.0.0.0", []))


def test_half_a_surrogate_pair_is_no_note(service: Any) -> None:
    _, id = question(service)
    body = b'{"answer": "reject", "note": "\\ud800"}'
    answer = service.client(service.operator).post(
        f"/api/approvals/{id}", content=body, headers=JSON
    )
    assert code(answer) == (422, "unfit")
    assert answer.json()["error"]["message"].startswith("a note is a text")


def test_no_other_site_is_given_leave(service: Any) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = service.client(service.operator, headers=asked).options("/api/runs")
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example",
        "/\\evil.example",
        "http://evil.example",
        "javascript:alert(1)",
        "\t//evil.example",
        "/\t/evil.example",
        "/runs\r\nSet-Cookie: a=b",
        "runs",
        "@evil.example",
    ],
)
def test_a_sign_in_leads_to_this_service_whatever_is_asked(service: Any, place: str) -> None:
    form = {"token": service.operator, "next": place}
    answer = service.client().post(f"/sign-in?next={quote(place)}", data=form)
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_sign_in_takes_no_session_that_was_brought_along(service: Any) -> None:
    client = service.client(headers={"Cookie": f"{service.context.cookie}=chosen-by-somebody-else"})
    answer = client.post("/sign-in", data={"token": service.operator})
    assert answer.status_code == 303
    assert "chosen-by-somebody-else" not in answer.headers["set-cookie"]
    again = service.client(headers={"Cookie": f"{service.context.cookie}=chosen-by-somebody-else"})
    assert again.get("/runs").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize(
    "path", ["/sign-in", "/runs", "/nothing", "/api/runs", "/static/pages.js", "/static/../app.py"]
)
def test_every_answer_forbids_frames_and_foreign_scripts(service: Any, path: str) -> None:
    headers = service.client().get(path, headers={"Accept": "text/html"}).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


# Bodies


@pytest.mark.parametrize("size", [LARGEST + 1, 5 * LARGEST])
@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_too_much_is_told_so(service: Any, size: int, chunked: bool) -> None:
    piece = b"x" * 100_000
    body = (piece for _ in range(size // len(piece) + 1)) if chunked else b"x" * size
    answer = service.client(service.operator).post("/api/runs", content=body, headers=JSON)
    assert code(answer) == (413, "too_large")


def test_who_asks_before_sending_too_much_sends_nothing(service: Any) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        plain.sendall(
            b"POST /api/runs HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + service.operator.encode() + b"\r\n"
            b"Expect: 100-continue\r\nContent-Length: 900000000\r\n\r\n"
        )
        assert plain.recv(1000).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "body",
    [
        b'{"workflow": "refund", "workflow": "refund"}',
        b'{"workflow": "refund", "input": {"tier": "gold", "tier": "basic"}}',
        b'{"workflow":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"workflow": NaN}',
        b'{"workflow": -Infinity}',
        b'{"workflow": ' + b"9" * 9_000 + b"}",
        b'{"workflow": "\xff"}',
        json.dumps(REFUND).encode("utf-16"),
        b"\x1f\x8b" + b"0" * 100,
        b"[]",
        b"",
    ],
    ids=[
        "twice",
        "within",
        "deep",
        "nan",
        "inf",
        "digits",
        "latin",
        "utf16",
        "gzip",
        "list",
        "none",
    ],
)
def test_what_is_no_json_starts_nothing(service: Any, body: bytes) -> None:
    operator = service.client(service.operator)
    assert code(operator.post("/api/runs", content=body, headers=JSON)) == (400, "bad_json")
    assert operator.get("/api/runs").json()["runs"] == []


@pytest.mark.parametrize(
    "limit", ["0", "-1", "1001", "0000000019999", "1" + "0" * 5_000, "٣", "1e2"]
)
def test_a_limit_that_is_none_is_refused(service: Any, limit: str) -> None:
    answer = service.client(service.operator).get("/api/runs", params={"limit": limit})
    assert code(answer) == (422, "bad_limit")


# Answers


@pytest.mark.parametrize(
    "value",
    [
        b'{"amount": 1e999, "ticket_id": "7"}',
        b'{"amount": "Infinity", "ticket_id": "7"}',
        b'{"amount": "1e999999999", "ticket_id": "7"}',
        b'{"amount": "9999", "ticket_id": "7"}',
        b'{"amount": "5", "ticket_id": "\\ud800"}',
        b'{"amount": "5", "ticket_id": "7", "__class__": "x"}',
        b'{"amount": ' + b"[" * 900 + b"]" * 900 + b"}",
        b"9" * 4_000,
    ],
    ids=["inf", "text inf", "exponent", "denied", "surrogate", "extra", "deep", "digits"],
)
def test_an_edit_to_something_hostile_changes_nothing(service: Any, value: bytes) -> None:
    run, id = question(service)
    lead = service.client(service.token("lead"))
    body = b'{"answer": "edit", "value": ' + value + b"}"
    answer = lead.post(f"/api/approvals/{id}", content=body, headers=JSON)
    assert code(answer) == (422, "unfit")
    assert run.status == "waiting"
    assert service.paid() == []


def test_an_answer_given_twice_in_one_body_counts_for_neither(service: Any) -> None:
    run, id = question(service)
    lead = service.client(service.token("lead"))
    body = b'{"answer": "reject", "answer": "approve"}'
    assert code(lead.post(f"/api/approvals/{id}", content=body, headers=JSON)) == (400, "bad_json")
    assert run.status == "waiting"


def test_of_twenty_answers_at_once_one_counts(service: Any) -> None:
    run, id = question(service)
    token, gate = service.token("lead"), threading.Barrier(20)
    clients = [service.client(token) for _ in range(20)]

    def answer(number: int) -> tuple[int, str]:
        verb = "approve" if number % 2 else "reject"
        gate.wait(10)
        return clients[number].post(f"/api/approvals/{id}", json={"answer": verb}).status_code, verb

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(answer, range(20)))
    assert sorted(status for status, _ in answers) == [200] + [409] * 19
    service.until(lambda: run.status in ("done", "failed"))
    counted = next(verb for status, verb in answers if status == 200)
    assert len(service.paid()) == (1 if counted == "approve" else 0)


def test_who_handed_a_question_on_has_no_say_any_more(service: Any) -> None:
    run, id = question(service)
    lead = service.client(service.token("lead"))
    assert lead.post(f"/api/approvals/{id}", json={"answer": "escalate"}).status_code == 200
    answer = lead.post(f"/api/approvals/{id}", json={"answer": "approve"})
    assert code(answer) == (403, "forbidden")
    assert run.status == "waiting"
    assert service.paid() == []


def test_of_twenty_starts_with_one_key_there_is_one_run(service: Any) -> None:
    gate = threading.Barrier(20)
    clients = [service.client(service.operator) for _ in range(20)]

    def start(client: httpx.Client) -> tuple[int, str]:
        gate.wait(10)
        answer = client.post("/api/runs", json=REFUND, headers={"Idempotency-Key": "one"})
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(start, clients))) == 1
    assert len(clients[0].get("/api/runs").json()["runs"]) == 1
    other = {**REFUND, "input": {**REFUND["input"], "ticket_id": "8"}}  # type: ignore[dict-item]
    again = clients[0].post("/api/runs", json=other, headers={"Idempotency-Key": "one"})
    assert code(again) == (409, "key_reused")
