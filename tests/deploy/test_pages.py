"""What the pages show, to whom, and that nothing of it can be more than text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

import pytest

import leafmesh_nb as lm
from leafmesh_nb.deploy.pages.rendering import environment
from leafmesh_nb.quickstart import shop

HOSTILE = (
    "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'`{{7*7}}"
    "</textarea><svg onload=alert(1)>\u202egnorw javascript:alert(1) money back"
)
REFUNDS = (Path(__file__).parent.parent / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")
PAGES = ("/runs", "/runs/new", "/approvals", "/costs", "/routing", "/policies", "/audit?verify=1")
TABS = ("", "/routing", "/memory", "/costs", "/events")


class Read(HTMLParser):
    """A page as a browser reads it: its elements, its text, its addresses."""

    VOID = ("meta", "link", "input", "br", "hr", "img")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.addresses: list[str] = []
        self.text = ""
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        self.addresses += [found[name] for name in ("href", "src", "action") if name in found]
        if tag not in self.VOID:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def with_class(self, name: str) -> int:
        return sum(name in attributes.get("class", "").split() for _, attributes in self.elements)


def signed_in(service: Any, token: str) -> Any:
    client = service.client()
    assert client.post("/sign-in", data={"token": token}).status_code == 303
    return client


def page(client: Any, path: str, status: int = 200) -> Read:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Read(answer.text)


def all_pages(service: Any, client: Any, *runs: Any) -> dict[str, Read]:
    paths = [*PAGES, *(f"/runs/{run.id}{tab}" for run in runs for tab in TABS)]
    for run in runs:
        paths += [f"/approvals/{run.id}/{question.id}" for question in run.approvals()]
    return {path: page(client, path) for path in paths}


def test_nobody_sees_a_page_without_signing_in(service: Any) -> None:
    run = service.refund()
    for path in ("/", *PAGES, f"/runs/{run.id}"):
        answer = service.client().get(path)
        place = "/sign-in" if path == "/" else f"/sign-in?next={quote(path, safe='')}"
        assert (answer.status_code, answer.headers["location"]) == (303, place)
    assert service.client().get("/live").status_code == 401
    said = page(service.client(), "/sign-in")
    assert said.of("input")[-1]["type"] == "password"


def test_a_sign_in_goes_on_to_the_page_that_was_asked_for(service: Any) -> None:
    client = service.client()
    asked = client.get("/runs?status=waiting&page=2").headers["location"]
    (wanted,) = [field for field in page(client, asked).of("input") if field["name"] == "next"]
    form = {"token": "lm_wrong", "next": wanted["value"]}
    again = Read(client.post("/sign-in", data=form).text)
    assert wanted in again.of("input")
    done = client.post("/sign-in", data={**form, "token": service.operator})
    assert done.headers["location"] == "/runs?status=waiting&page=2"
    assert page(client, done.headers["location"])


def test_a_token_that_does_not_hold_is_told_so(service: Any) -> None:
    answer = service.client().post("/sign-in", data={"token": "lm_wrong"})
    assert answer.status_code == 403
    assert "this token does not hold" in Read(answer.text).text


def test_the_operator_sees_every_page(service: Any) -> None:
    run = service.refund()
    client = signed_in(service, service.operator)
    assert client.get("/").headers["location"] == "/runs"
    pages = all_pages(service, client, run)
    assert run.id in pages["/runs"].text
    assert "asks lead: 620 is over the teller's limit" in pages["/runs"].text
    overview = pages[f"/runs/{run.id}"].text
    for told in ("Waiting for lead", "Let teller call pay_out?", "Timeline", "money back", "Clerk"):
        assert told.casefold() in overview.casefold(), told
    routing = pages[f"/runs/{run.id}/routing"].text
    assert "triage on quick" in routing
    assert re.search(r"triage: \d\.\d\d points ahead of veteran, most of it for \w+", routing)
    memory = pages[f"/runs/{run.id}/memory"].text
    assert "precedents" in memory
    assert "stands in the shared memory of the mesh" in memory
    assert "pay_out" in pages["/approvals"].text
    assert "tool.arguments.amount 620 > 100" in pages["/approvals"].text
    assert "triage" in pages["/costs"].text
    assert "ticket.classify" in pages["/routing"].text
    assert "3 of 3 tests of its own hold" in pages["/policies"].text
    assert "Every chain holds" in pages["/audit?verify=1"].text
    assert "lead is asked about pay_out" in pages["/audit?verify=1"].text


def test_a_reviewer_sees_their_questions_and_nothing_else(service: Any) -> None:
    run = service.refund()
    (question,) = run.approvals()
    lead = signed_in(service, service.token("lead"))
    assert lead.get("/").headers["location"] == "/approvals"
    for path in (*PAGES, *(f"/runs/{run.id}{tab}" for tab in TABS)):
        if path != "/approvals":
            said = page(lead, path, 403)
            assert run.id not in said.text
    inbox = page(lead, "/approvals")
    assert "Let teller call pay_out?" in inbox.text
    assert [a for a in inbox.addresses if a.startswith(("/runs", "/costs", "/audit"))] == []

    finance = signed_in(service, service.token("finance"))
    assert "Nothing waits for you" in page(finance, "/approvals").text
    said = page(finance, f"/approvals/{run.id}/{question.id}", 404)
    assert "620" not in said.text
    assert "Nothing waits" in page(finance, f"/approvals?answered={run.id}/{question.id}").text


def test_whoever_asked_for_it_does_not_see_the_question_where_a_rule_says_so(
    serve: Callable[..., Any],
) -> None:
    service = serve(REFUNDS.replace("        within: 30m", "        not: [requester]"))
    reply = {"category": "refund", "amount": "620", "confidence": 1}
    model = lm.testing.ScriptedModel(lambda _: reply)
    service.mesh.use(models={"quick": model, "deep": model})
    run = service.mesh.begin(
        service.mesh.spec.workflows["refund"],
        {"ticket_id": "1", "ticket": "x", "tier": "gold"},
        service.journal,
        requester="lead",
    )
    service.until(lambda: run.status != "running")
    lead = signed_in(service, service.token("lead"))
    assert "Nothing waits for you" in page(lead, "/approvals").text
    policies = page(signed_in(service, service.operator), "/policies").text
    assert "lead but not the requester" in policies
    if run.status == "waiting":
        run.cancel()


def test_who_was_asked_before_still_sees_what_became_of_it(service: Any) -> None:
    run = service.refund()
    (question,) = run.approvals()
    question.escalate(by="lead")
    lead = signed_in(service, service.token("lead"))
    assert "Nothing waits for you" in page(lead, "/approvals").text
    finance = signed_in(service, service.token("finance"))
    assert "Let teller call pay_out?" in page(finance, "/approvals").text
    question.approve(by="finance", note="fine by me")
    service.until(lambda: run.status == "done")
    said = page(lead, f"/approvals/{run.id}/{question.id}").text
    assert re.search(r"Already decided:\s+finance\s+approved\s+pay_out", said)
    assert "fine by me" in said


@pytest.mark.parametrize("amount", ["620", "50"])
def test_hostile_text_is_text_on_every_page(service: Any, amount: str) -> None:
    run = service.refund(amount, ticket=HOSTILE)
    if amount == "620":
        (question,) = run.approvals()
        question.escalate(by="lead", note=HOSTILE)
    client = signed_in(service, service.operator)
    shown = 0
    for path, read in all_pages(service, client, run).items():
        scripts = [attributes.get("src", "") for attributes in read.of("script")]
        assert all(src.startswith("/static/") for src in scripts), path
        assert read.of("img") == [], path
        for tag, attributes in read.elements:
            assert not [name for name in attributes if name.startswith("on")], (path, tag)
            assert "style" not in attributes, (path, tag)
        assert not [a for a in read.addresses if a.startswith("javascript:")], path
        assert "\u202e" not in read.text, path
        shown += "<script>window.hacked=1</script>" in read.text
        assert "49" not in read.text or "{{7*7}}" in read.text or "gnorw" not in read.text, path
    assert shown >= 3


def test_a_hostile_name_is_text_too(serve: Callable[..., Any]) -> None:
    service = serve(REFUNDS)
    run = service.mesh.begin(
        service.mesh.spec.workflows["refund"],
        {"ticket_id": "1", "ticket": "How do I reset it?", "tier": "gold"},
        service.journal,
        requester="<b onclick=x>eve</b>",
    )
    service.until(lambda: run.status != "running")
    client = signed_in(service, service.operator)
    read = page(client, "/runs?q=%3Cb+onclick%3Dx%3E")
    assert "<b onclick=x>eve</b>" in read.text
    assert not [a for _, a in read.elements if "onclick" in a]
    assert page(client, '/runs?status=%22%3E%3Cscript%3E&q="><script>').of("script")[-1]["src"]


def test_what_is_secret_is_masked_on_every_page(serve: Callable[..., Any]) -> None:
    text = REFUNDS.replace(
        "input: {ticket_id: string, ticket: string, tier: {enum: [basic, gold]}}",
        "input: {ticket_id: string, ticket: string, tier: {enum: [basic, gold]}, card: string}",
    ).replace(
        "save: {ticket: input.ticket, tier: input.tier}",
        "save: {ticket: input.ticket, tier: input.tier, card: input.card}",
    )
    service = serve(text)
    secret = "4000 1234 5678 9010"
    reply = {"category": "refund", "amount": "620", "confidence": 1}
    model = lm.testing.ScriptedModel(lambda _: reply)
    service.mesh.use(models={"quick": model, "deep": model})
    run = service.mesh.start(
        "refund",
        journal=service.journal.location,
        ticket_id="7",
        ticket=f"refund my card {secret}",
        tier="gold",
        card=secret,
    )
    service.until(lambda: run.status == "waiting")
    client = signed_in(service, service.operator)
    masked = 0
    for path, read in all_pages(service, client, run).items():
        assert secret not in read.text, path
        assert secret.replace(" ", "") not in read.text, path
        masked += "•••" in read.text
    assert masked >= 3
    run.cancel()


def test_every_address_on_a_page_answers(service: Any) -> None:
    run = service.refund()
    service.refund("50")
    client = signed_in(service, service.operator)
    addresses = {
        address
        for read in all_pages(service, client, run).values()
        for address in read.addresses
        if address.startswith("/") and address != "/sign-out"
    }
    assert len(addresses) > 30
    for address in addresses:
        answer = client.get(address, follow_redirects=True)
        assert answer.status_code == 200, address
        kept = answer.headers["cache-control"]
        assert ("immutable" in kept) == urlsplit(address).path.startswith("/static/"), address


def test_assets_are_typed_and_nothing_else_is_there(service: Any) -> None:
    client = service.client()
    assert client.get("/static/pages.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/static/pages.css").headers["cache-control"] == "no-cache"
    for path in ("/static/", "/static/../app.py", "/static/%2e%2e/app.py", "/static/nothing.js"):
        assert client.get(path).status_code == 404


def test_what_is_not_there_is_said_in_a_page(service: Any) -> None:
    client = signed_in(service, service.operator)
    assert "there is no run nothing" in page(client, "/runs/nothing", 404).text
    service.refund("50")
    assert "No question" in page(client, "/approvals/x/y", 404).text.replace("no q", "No q")
    assert page(client, "/nowhere", 404).of("a")


def test_a_run_of_another_mesh_in_the_journal_is_not_shown(service: Any) -> None:
    other = lm.Mesh.from_yaml(REFUNDS.replace("mesh: refunds", "mesh: elsewhere"))
    other.agent("clerk")(shop.clerk)
    other.agent("teller")(shop.teller)
    other.tool("pay_out")(shop.pay_out)
    model = lm.testing.ScriptedModel(
        lambda _: {"category": "refund", "amount": "620", "confidence": 1}
    )
    other.use(models={"quick": model, "deep": model})
    run = other.start(
        "refund", journal=service.journal.location, ticket_id="1", ticket="x", tier="gold"
    )
    service.until(lambda: run.status == "waiting")
    client = signed_in(service, service.operator)
    assert "Nothing has run yet" in page(client, "/runs").text
    assert "Nothing waits" in page(client, "/approvals").text
    page(client, f"/runs/{run.id}", 404)
    (question,) = run.approvals()
    page(client, f"/approvals/{run.id}/{question.id}", 404)
    assert run.id not in page(client, "/audit").text.replace(f"run {run.id}", "")
    run.cancel()


def test_what_utf_8_cannot_say_reaches_a_page_as_a_mark() -> None:
    shown = environment().from_string("{{ text }}").render(text="a\ud800b\u202ec")
    assert shown.encode() == "a\ufffdb\ufffdc".encode()


class TestEmpty:
    def test_a_service_without_runs_says_what_to_do(self, service: Any) -> None:
        client = signed_in(service, service.operator)
        for path, told in (
            ("/runs", "Start the first run"),
            ("/approvals", "Nothing waits for a person"),
            ("/costs", "Start a run"),
            ("/routing", "Start a run"),
        ):
            read = page(client, path)
            assert told in read.text, path
            assert read.with_class("empty") == 1, path

    def test_a_filter_that_fits_nothing_says_so(self, service: Any) -> None:
        service.refund("50")
        client = signed_in(service, service.operator)
        read = page(client, "/runs?q=nobody")
        assert "No id or requester holds “nobody”" in read.text
        assert "/runs" in read.addresses


class TestLists:
    def test_runs_are_filtered(self, service: Any) -> None:
        paid, waits = service.refund("50"), service.refund("620")
        client = signed_in(service, service.operator)

        def shown(path: str) -> list[str]:
            read = page(client, path)
            runs = [a.removeprefix("/runs/") for a in read.addresses if a.startswith("/runs/")]
            return [id for id in runs if id != "new"]

        assert shown("/runs") == [waits.id, paid.id]
        assert shown("/runs?status=done") == [paid.id]
        assert shown("/runs?status=waiting") == [waits.id]
        assert shown("/runs?status=nonsense") == []
        assert shown(f"/runs?q={paid.id[:6]}") == [paid.id]
        assert shown("/runs?workflow=refund&status=done") == [paid.id]
        assert shown("/runs?workflow=nonsense") == []

    @pytest.mark.parametrize("number", ["0", "-1", "999", "x", "٣", "9" * 400, "1e3", ""])
    def test_a_page_that_is_none_shows_the_nearest(self, service: Any, number: str) -> None:
        run = service.refund("50")
        client = signed_in(service, service.operator)
        assert run.id in page(client, f"/runs?page={number}").text
        assert page(client, f"/audit?before={number}")
        assert page(client, f"/costs?days={number}")

    def test_many_questions_come_a_page_at_a_time(self, service: Any) -> None:
        reply = {"category": "refund", "amount": "620", "confidence": 1}
        model = lm.testing.ScriptedModel(lambda _: reply)
        service.mesh.use(models={"quick": model, "deep": model})
        runs = [
            service.mesh.start(
                "refund",
                journal=service.journal.location,
                ticket_id=str(n),
                ticket="x",
                tier="gold",
            )
            for n in range(43)
        ]
        service.until(lambda: all(run.status == "waiting" for run in runs))
        lead = signed_in(service, service.token("lead"))
        first, second = page(lead, "/approvals"), page(lead, "/approvals?page=2")

        def asked(read: Read) -> set[str]:
            return {a for a in read.addresses if a.startswith("/approvals/")}

        assert "43 questions wait for you" in first.text
        assert "1–40 of 43 open" in first.text
        assert "41–43 of 43 open" in second.text
        assert (len(asked(first)), len(asked(second))) == (40, 3)
        assert asked(first) | asked(second) == {
            f"/approvals/{run.id}/{question.id}" for run in runs for question in run.approvals()
        }
        # A question's own address shows the part of the list that it stands in.
        one = sorted(asked(second))[0]
        assert asked(page(lead, one)) == asked(second)
        for run in runs:
            run.cancel(wait=False)
        service.until(lambda: all(run.status == "cancelled" for run in runs))


class TestStarting:
    FIELDS: ClassVar = {
        "field.ticket_id": "9",
        "field.ticket": "How do I\r\nreset it?",
        "field.tier": "gold",
    }

    def form(self, client: Any) -> dict[str, str]:
        read = page(client, "/runs/new")
        fields = {field.get("name"): field.get("value", "") for field in read.of("input")}
        return {"csrf": fields["csrf"], "workflow": fields["workflow"]}

    def test_a_run_is_started_from_a_form(self, service: Any) -> None:
        client = signed_in(service, service.operator)
        answer = client.post("/runs", data={**self.form(client), **self.FIELDS})
        assert answer.status_code == 303
        id = answer.headers["location"].removeprefix("/runs/")
        read = page(client, f"/runs/{id}")
        assert "How do I\nreset it?" in read.text
        assert "ada" in read.text
        service.until(lambda: service.context.shelf.run(id).state.ended == "done")
        assert service.context.shelf.run(id).state.started.requester == "ada"

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"field.tier": "platinum"}, "tier"),
            ({"field.ticket": ""}, "ticket: a value is needed"),
            ({}, "ticket_id"),
        ],
    )
    def test_what_does_not_fit_is_said_beside_what_was_typed(
        self, service: Any, fields: dict[str, str], told: str
    ) -> None:
        client = signed_in(service, service.operator)
        given = {**self.FIELDS, **fields} if fields else {"field.ticket": "kept <b>"}
        answer = client.post("/runs", data={**self.form(client), **given})
        assert answer.status_code == 422
        read = Read(answer.text)
        assert told in read.text
        assert given["field.ticket"].replace("\r\n", "\n") in read.text
        assert service.context.shelf.rows() == ()

    def test_only_the_operators_own_form_starts_a_run(self, service: Any) -> None:
        operator, lead = (
            signed_in(service, service.operator),
            signed_in(service, service.token("lead")),
        )
        form = self.form(operator)
        for client, csrf in ((operator, ""), (operator, "0" * 64), (lead, form["csrf"])):
            answer = client.post("/runs", data={**form, **self.FIELDS, "csrf": csrf})
            assert answer.status_code == 403
        assert service.context.shelf.rows() == ()
