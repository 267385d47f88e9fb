"""Answers from a page: plain forms, as a browser without scripts sends them."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from typing import Any

import pytest

HTML = {"Accept": "text/html"}
FIELD = re.compile(r'<input[^>]* name="(field\.[^"]+)"[^>]* value="([^"]*)"')


class Person:
    """Somebody at the pages of a service."""

    def __init__(self, service: Any, token: str) -> None:
        self.client = service.client()
        assert self.client.post("/sign-in", data={"token": token}).status_code == 303

    def read(self, path: str, status: int = 200) -> str:
        """A page's source."""
        answer = self.client.get(path, headers=HTML)
        assert answer.status_code == status
        return str(answer.text)

    def csrf(self, path: str) -> str:
        found = re.search(r'name="csrf" value="(\w+)"', self.read(path))
        assert found is not None
        return found[1]

    def answer(self, path: str, answer: str, **fields: str) -> Any:
        """Send the form of a question, with every field as the page has it but for these."""
        source = self.read(path)
        form = source[source.index("data-answers") :]
        given = {html.unescape(name): html.unescape(value) for name, value in FIELD.findall(form)}
        for name, value in fields.items():
            given[f"field.{name}" if f"field.{name}" in given else name] = value
        return self.client.post(
            path, data={"csrf": self.csrf(path), "answer": answer, **given}, headers=HTML
        )


def text_of(source: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", source)).split())


@pytest.fixture
def lead(service: Any) -> Person:
    return Person(service, service.token("lead"))


@pytest.fixture
def run(service: Any) -> Any:
    return service.refund("620")


@pytest.fixture
def path(run: Any) -> str:
    (question,) = run.approvals()
    return f"/approvals/{run.id}/{question.id}"


def test_an_approval_is_recorded_as_signed_in_and_confirmed(
    service: Any, lead: Person, run: Any, path: str
) -> None:
    answer = lead.answer(path, "approve", note="I checked <the ledger>")
    assert answer.status_code == 303
    service.until(lambda: run.status == "done")
    assert service.paid() == [Decimal(620)]
    said = text_of(lead.read(answer.headers["location"]))
    assert "You approved pay_out ticket_id 7, amount 620" in said or (
        "You approved pay_out amount 620, ticket_id 7" in said
    )
    assert f"Refund {run.id} is done: category refund, paid 620" in said
    assert "“I checked <the ledger>”" in said
    assert "Nothing waits for you" in said
    (decision,) = (d for d in run.decisions().to_dict("records") if d["answer"] == "approve")
    assert (decision["person"], decision["channel"], decision["identity"]) == (
        "lead",
        "service",
        "signed_in",
    )


def test_a_rejection_pays_nothing(service: Any, lead: Person, run: Any, path: str) -> None:
    answer = lead.answer(path, "reject")
    service.until(lambda: run.status == "failed")
    assert service.paid() == []
    said = text_of(lead.read(answer.headers["location"]))
    assert "You rejected pay_out" in said
    assert f"{run.id} failed: pay_out was denied: lead rejected it" in said


def test_an_edit_takes_its_place_and_is_shown_as_a_difference(
    service: Any, lead: Person, run: Any, path: str
) -> None:
    answer = lead.answer(path, "edit", amount="250.00")
    assert answer.status_code == 303
    service.until(lambda: run.status == "done")
    assert service.paid() == [Decimal(250)]
    said = text_of(lead.read(answer.headers["location"]))
    assert "You approved pay_out with edits" in said
    assert "amount 620 (old) amount 250.00 (new)" in said


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"amount": "a lot"}, "amount:"),
        ({"amount": ""}, "amount"),
        ({"amount": "6000"}, "the edited value is denied"),
        ({}, "nothing was changed"),
    ],
)
def test_an_edit_that_does_not_hold_is_refused_beside_what_was_typed(
    service: Any, lead: Person, run: Any, path: str, fields: dict[str, str], told: str
) -> None:
    answer = lead.answer(path, "edit", note="half & half", **fields)
    assert answer.status_code == 422
    said = html.unescape(answer.text)
    assert told in text_of(answer.text)
    assert 'value="half & half"' in said
    for value in fields.values():
        assert f'value="{value}"' in said
    assert "<details" in said
    assert re.search(r"<details[^>]* open", said)
    assert run.status == "waiting"
    assert service.paid() == []


def test_an_approval_beside_an_edit_is_not_taken_for_either(
    service: Any, lead: Person, run: Any, path: str
) -> None:
    answer = lead.answer(path, "approve", amount="250.00")
    assert answer.status_code == 422
    assert "you changed amount: send that, or undo it" in text_of(answer.text)
    assert 'value="250.00"' in answer.text
    assert run.status == "waiting"
    assert service.paid() == []


def test_escalating_hands_the_question_on(service: Any, lead: Person, run: Any, path: str) -> None:
    answer = lead.answer(path, "escalate")
    said = text_of(lead.read(answer.headers["location"]))
    assert "You escalated pay_out" in said
    assert "finance is asked now" in said
    assert "Nothing waits for you" in said
    finance = Person(service, service.token("finance"))
    assert finance.answer(path, "approve").status_code == 303
    service.until(lambda: run.status == "done")
    # Whoever was asked before sees how it went on.
    assert "finance approved pay_out" in text_of(lead.read(path))


def test_the_second_answer_hears_of_the_first(
    service: Any, lead: Person, run: Any, path: str
) -> None:
    csrf = lead.csrf(path)
    (question,) = run.approvals()
    question.approve(by="lead", note="from the notebook")
    answer = lead.client.post(path, data={"csrf": csrf, "answer": "reject"}, headers=HTML)
    assert answer.status_code == 409
    said = text_of(answer.text)
    assert "Already decided: lead approved pay_out (python) just now" in said
    assert "from the notebook" in said
    assert re.search(r'<time class="ago"[^>]* title="\d+ \w+ \d{4}, [\d:]+ UTC"', answer.text)
    assert 'name="answer"' not in answer.text
    service.until(lambda: run.status == "done")
    assert len(service.paid()) == 1


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "é"])
def test_a_form_that_is_not_of_this_session_counts_for_nothing(
    service: Any, lead: Person, run: Any, path: str, csrf: str | None
) -> None:
    fields = {"answer": "approve"} if csrf is None else {"answer": "approve", "csrf": csrf}
    assert lead.client.post(path, data=fields, headers=HTML).status_code == 403
    assert run.status == "waiting"


def test_another_sessions_token_counts_for_nothing(
    service: Any, lead: Person, run: Any, path: str
) -> None:
    other = Person(service, service.token("lead"))
    fields = {"answer": "approve", "csrf": other.csrf(path)}
    assert lead.client.post(path, data=fields, headers=HTML).status_code == 403
    assert run.status == "waiting"


def test_a_form_of_another_site_counts_for_nothing(
    service: Any, lead: Person, run: Any, path: str
) -> None:
    fields = {"answer": "approve", "csrf": lead.csrf(path)}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert lead.client.post(path, data=fields, headers=headers).status_code == 403
    assert run.status == "waiting"


def test_nobody_answers_what_others_are_asked(service: Any, run: Any, path: str) -> None:
    finance = Person(service, service.token("finance"))
    fields = {"answer": "approve", "csrf": finance.csrf("/approvals")}
    answer = finance.client.post(path, data=fields, headers=HTML)
    assert answer.status_code == 404
    assert "620" not in answer.text
    assert run.status == "waiting"
    signed_out = service.client().post(path, data={"answer": "approve"})
    assert signed_out.status_code == 401


@pytest.mark.parametrize(
    "fields", [{"answer": "pay"}, {"answer": ""}, {}, {"answer": "approve", "note": "x" * 2001}]
)
def test_what_is_no_answer_is_refused(
    lead: Person, run: Any, path: str, fields: dict[str, str]
) -> None:
    answer = lead.client.post(path, data={"csrf": lead.csrf(path), **fields}, headers=HTML)
    assert answer.status_code == 422
    assert "an answer is approve, reject, edit, escalate" in text_of(answer.text)
    assert run.status == "waiting"


def test_the_operator_answers_for_those_who_are_asked(service: Any, run: Any, path: str) -> None:
    operator = Person(service, service.operator)
    assert "You answer for lead , as the operator" in text_of(operator.read(path))
    answer = operator.answer(path, "approve")
    service.until(lambda: run.status == "done")
    assert "Recorded: lead approved pay_out" in text_of(operator.read(answer.headers["location"]))
    (decision,) = (d for d in run.decisions().to_dict("records") if d["answer"] == "approve")
    assert decision["identity"] == "asserted"


def test_enter_in_a_field_presses_no_answer(lead: Person, path: str) -> None:
    source = lead.read(path)
    form = source[source.index("data-answers") :]
    first = re.search(r"<button[^>]*>", form)
    assert first is not None
    assert first[0] == "<button disabled hidden>"
