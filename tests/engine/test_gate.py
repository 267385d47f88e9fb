"""The gate: approve, ask, deny; edits; stale digests; approvals that are used once; doubts."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.answers import Answer, answer, due_questions, time_out
from leafmesh_nb.engine.events import Body, Event
from leafmesh_nb.engine.fold import apply, fold
from leafmesh_nb.engine.gate import OUTPUT, Passage, ask_in_doubt, passage, tool_action
from leafmesh_nb.engine.plan import plan_of
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import ApprovalState, RunState
from leafmesh_nb.language import load

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)

MESH = """
mesh: gated
memory:
  limit: money
people:
  lead: {roles: [approver]}
  deputy: {roles: [approver]}
  cfo: {roles: [finance]}
tools:
  pay: {side_effect: true, input: {to: string, amount: money}, output: {receipt: string}}
  look: {input: {to: string}, output: {found: boolean}}
agents:
  teller:
    role: Pays
    kind: python
    capabilities: {pay: {input: {amount: money}, output: {amount: money}}}
    tools: [pay, look]
policies:
  payouts:
    at: tool
    for: {tools: [pay]}
    rules:
      - {id: small, when: tool.arguments.amount <= memory.limit, then: approve}
      - id: large
        when: tool.arguments.amount > memory.limit && tool.arguments.amount <= 5000
        then: ask
        to: approver
        within: 30m
        escalate: [cfo]
        reason: "${tool.arguments.amount} is over ${memory.limit}"
      - id: second
        when: tool.arguments.amount > 1000 && tool.arguments.amount <= 5000
        then: ask
        to: cfo
    default: deny
    on_error: deny
  results:
    at: output
    rules:
      - {id: fine, when: output.amount < 10000, then: approve}
      - {id: much, when: output.amount >= 10000, then: ask, to: lead}
    default: deny
workflows:
  w:
    input: {amount: money}
    steps: {pay: {capability: pay, with: {amount: input.amount}}}
    output: {amount: steps.pay.output.amount}
"""

PLAN = plan_of(load(textwrap.dedent(MESH)), "w")
SHARED = SharedState()
TOOL = tool_action(1)


class Gated:
    """A run whose step ``pay`` is being performed, and the gate before it."""

    def __init__(self, hand: Any, limit: str = "100") -> None:
        self.now = NOW
        self.state: RunState = fold(
            hand.events(
                hand.started(input={"amount": "1"}),
                ev.MemoryWritten("limit", 1, "workflow:w", limit),
                ("pay", ev.StepResolved(True, {"amount": "1"}, {"limit": 1})),
                ("pay", ev.TaskRouted("pay", (), (), "teller", None)),
                ("pay", ev.CallStarted("f", "function", "teller", "teller", 0, "x")),
            )
        )

    def carry(self, *bodies: Body, path: str = "pay") -> None:
        for body in bodies:
            event = Event("run:r1", self.state.seq + 1, self.now, 1, path, body)
            apply(self.state, event)

    def limit(self, amount: str) -> None:
        """A person changes the memory that the rules read."""
        version = self.state.memory["limit"].version + 1
        self.carry(ev.MemoryPatched("limit", version, "ann", amount), path="")

    def tool(self, amount: str, **more: Any) -> Passage:
        """The tool call passes the gate, and what the gate says is recorded."""
        value = {"to": "bob", "amount": amount}
        step = self.state.steps["pay"]
        passed = passage(
            PLAN, self.state, SHARED, step, TOOL, tool="pay", requested=value, now=self.now, **more
        )
        self.carry(*passed.bodies)
        return passed

    def output(self, amount: str) -> Passage:
        step = self.state.steps["pay"]
        passed = passage(
            PLAN, self.state, SHARED, step, OUTPUT, requested={"amount": amount}, now=self.now
        )
        self.carry(*passed.bodies)
        return passed

    def questions(self) -> list[ApprovalState]:
        return list(self.state.open_approvals())

    def answer(self, id: str, verb: str, person: str = "lead", **more: Any) -> str:
        outcome = answer(
            PLAN, self.state, SHARED, Answer(id, verb, person=person, **more), self.now
        )
        self.carry(*outcome.bodies, path=outcome.path)
        return outcome.refusal

    def send(self, passed: Passage, key: str = "k1", attempt: int = 1) -> None:
        """The call goes out with the approvals of its passage."""
        started = ev.CallStarted(
            key, "tool", "pay", "teller", 1, "x", passed.value, True, attempt, passed.approvals
        )
        self.carry(started)


@pytest.fixture
def gated(hand: Any) -> Gated:
    return Gated(hand)


def test_what_the_rules_allow_passes_and_is_recorded(gated: Gated) -> None:
    passed = gated.tool("100")
    assert passed.verdict == "approve"
    assert passed.value == {"to": "bob", "amount": "100"}
    (decided,) = passed.bodies
    assert isinstance(decided, ev.PolicyDecided)
    assert (decided.outcome, decided.point, decided.governed) == ("approve", "tool", True)
    # A second look at the same action says the same and records nothing more.
    again = gated.tool("100")
    assert (again.verdict, again.bodies) == ("approve", ())


def test_what_no_rule_allows_is_denied_for_good(gated: Gated) -> None:
    gated.limit("9999")
    denied = gated.tool("9999.01")
    assert denied.verdict == "deny"
    # The rules would say otherwise now, but an agent that is run again is told the same.
    gated.limit("20000")
    again = gated.tool("9999.01")
    assert (again.verdict, again.reason, again.bodies) == ("deny", denied.reason, ())


def test_a_side_effect_that_nobody_governs_is_denied(hand: Any) -> None:
    text = textwrap.dedent(MESH)
    start, end = text.index("policies:"), text.index("workflows:")
    plan = plan_of(load(text[:start] + text[end:]), "w")
    state = Gated(hand).state
    step = state.steps["pay"]
    value = {"to": "bob", "amount": "1"}
    denied = passage(plan, state, SHARED, step, TOOL, tool="pay", requested=value, now=NOW)
    assert denied.verdict == "deny"
    assert "policies:" in denied.reason, "it says which rule to paste"
    look = passage(
        plan, state, SHARED, step, tool_action(2), tool="look", requested={"to": "b"}, now=NOW
    )
    assert look.verdict == "approve"
    (decided,) = look.bodies
    assert isinstance(decided, ev.PolicyDecided)
    assert not decided.governed


def test_a_question_says_who_what_and_why(gated: Gated) -> None:
    waiting = gated.tool("620")
    assert waiting.verdict == "wait"
    decided, asked = waiting.bodies
    assert isinstance(decided, ev.PolicyDecided)
    assert isinstance(asked, ev.ApprovalAsked)
    assert (decided.outcome, asked.digest) == ("ask", decided.digest)
    assert (asked.to, asked.roster) == ("approver", ("lead", "deputy"))
    assert (asked.policy, asked.rule, asked.reason) == ("payouts", "large", "620 is over 100")
    assert asked.value == {"to": "bob", "amount": "620"}
    assert ["tool.arguments.amount", "620"] in [list(pair) for pair in asked.values]
    assert asked.due == (NOW + timedelta(minutes=30)).isoformat()
    assert list(asked.ladder) == [["cfo", ["cfo"]]]
    assert asked.options == ("approve", "reject", "edit", "escalate")
    assert gated.state.status == "waiting"
    # To look again while it is open asks nobody again.
    again = gated.tool("620")
    assert (again.verdict, again.bodies) == ("wait", ())


def test_an_approval_lets_its_action_pass_once(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    assert gated.answer(question.id, "approve", "deputy") == ""
    passed = gated.tool("620")
    assert (passed.verdict, passed.approvals, passed.bodies) == ("approve", (question.id,), ())
    gated.send(passed)
    assert gated.state.approvals[question.id].consumed
    # The call that it let pass may be sent again, ...
    assert gated.tool("620").approvals == (question.id,)
    # ... but once that is over the approval is used up.
    gated.carry(ev.CallFailed("k1", {"kind": "AgentError", "message": "no"}))
    asked = gated.tool("620")
    assert asked.verdict == "wait"
    assert [q.id for q in gated.questions()] != [question.id]


def test_a_rejection_denies_and_says_who_and_why(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    gated.answer(question.id, "reject", note="not this month")
    denied = gated.tool("620")
    assert (denied.verdict, denied.reason) == ("deny", "lead rejected it: not this month")
    # A no stays a no, whatever the rules read meanwhile.
    gated.limit("1000")
    assert gated.tool("620").verdict == "deny"


def test_a_question_whose_facts_have_changed_is_asked_anew(gated: Gated) -> None:
    gated.tool("620")
    (first,) = gated.questions()
    gated.answer(first.id, "approve")
    gated.limit("200")
    waiting = gated.tool("620")
    assert waiting.verdict == "wait", "what was approved is not what is about to happen"
    (second,) = gated.questions()
    assert second.id != first.id
    assert second.asked.reason == "620 is over 200"
    gated.answer(second.id, "approve")
    assert gated.tool("620").approvals == (second.id,)


def test_an_open_question_whose_facts_have_changed_is_closed(gated: Gated) -> None:
    gated.tool("620")
    (first,) = gated.questions()
    gated.limit("620")
    assert gated.tool("620").verdict == "approve", "the rules allow it now"
    assert gated.state.approvals[first.id].status == "superseded"
    assert gated.answer(first.id, "approve").startswith("the question is no longer asked")


def test_every_roster_must_approve_and_the_shortest_time_counts(gated: Gated) -> None:
    gated.tool("2000")
    lead, cfo = gated.questions()
    assert (lead.to, cfo.to) == ("approver", "cfo")
    assert lead.due == cfo.due == NOW + timedelta(minutes=30)
    gated.answer(lead.id, "approve")
    assert gated.tool("2000").verdict == "wait"
    gated.answer(cfo.id, "approve", "cfo")
    passed = gated.tool("2000")
    assert (passed.verdict, passed.approvals) == ("approve", (lead.id, cfo.id))


def test_one_no_of_two_decides(gated: Gated) -> None:
    gated.tool("2000")
    lead, cfo = gated.questions()
    gated.answer(cfo.id, "reject", "cfo")
    assert gated.tool("2000").verdict == "deny"
    assert gated.questions() == []
    assert gated.answer(lead.id, "approve").startswith("the question is no longer asked")


def edit(amount: str) -> dict[str, Any]:
    return {"value": {"to": "bob", "amount": amount}}


def test_an_edit_is_governed_again_and_takes_the_place_of_the_request(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    assert gated.answer(question.id, "edit", **edit("90.00")) == ""
    answered = gated.state.approvals[question.id]
    assert (answered.status, answered.answer) == ("approved", "edit")
    passed = gated.tool("620")
    assert (passed.verdict, passed.value) == ("approve", {"to": "bob", "amount": "90.00"})
    action = gated.state.steps["pay"].actions[TOOL]
    assert action.requested == {"to": "bob", "amount": "620"}, "both versions are kept"
    assert action.decided.edited_by == "lead"
    assert action.decided.outcome == "approve"


def test_an_edit_within_what_the_editor_may_approve_needs_no_second_answer(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    gated.answer(question.id, "edit", **edit("600"))
    passed = gated.tool("620")
    assert (passed.verdict, passed.value["amount"]) == ("approve", "600")
    assert passed.approvals == (question.id,)


def test_an_edit_asks_a_roster_that_it_newly_concerns(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    gated.answer(question.id, "edit", **edit("2000"))
    (second,) = gated.questions()
    assert second.to == "cfo"
    assert gated.tool("620").verdict == "wait"
    gated.answer(second.id, "approve", "cfo")
    passed = gated.tool("620")
    assert (passed.verdict, passed.value["amount"]) == ("approve", "2000")
    assert passed.approvals == (question.id, second.id)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"to": "bob", "amount": "9000"}, "the edited value is denied"),
        ({"to": "bob"}, "the edited value does not fit: its field `amount` is missing"),
        ({"to": "bob", "amount": "lots"}, "the edited value does not fit: `amount`"),
        (None, "the edited value does not fit"),
    ],
)
def test_an_edit_that_does_not_hold_leaves_the_question_open(
    gated: Gated, value: Any, message: str
) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    assert gated.answer(question.id, "edit", value=value).startswith(message)
    assert [q.id for q in gated.questions()] == [question.id]
    assert gated.tool("620").value["amount"] == "620"


def test_an_edit_records_what_changed(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    given = Answer(question.id, "edit", person="lead", **edit("90"))
    outcome = answer(PLAN, gated.state, SHARED, given, NOW)
    answered = outcome.bodies[0]
    assert isinstance(answered, ev.ApprovalAnswered)
    assert answered.diff == ({"path": "amount", "old": "620", "new": "90"},)


REFUSED = {
    "nobody asked them": (Answer("", "approve", person="bob"), "bob is not among those asked"),
    "no answer": (Answer("", "maybe", person="lead"), "'maybe' is no answer"),
    "from inside a call": (
        Answer("", "approve", person="lead", inside_call=True),
        "an answer from inside an agent's call does not count",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_answer_that_does_not_count_is_recorded_and_refused(gated: Gated, name: str) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    given, message = REFUSED[name]
    given = Answer(question.id, given.answer, given.person, inside_call=given.inside_call)
    outcome = answer(PLAN, gated.state, SHARED, given, NOW)
    assert message in outcome.refusal
    (refused,) = outcome.bodies
    assert isinstance(refused, ev.ApprovalRefused)
    gated.carry(refused, path=outcome.path)
    assert [q.id for q in gated.questions()] == [question.id]


def test_a_question_that_is_not_there(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    given = Answer("q0", "approve", "mallory")
    outcome = answer(PLAN, gated.state, SHARED, given, NOW)
    assert (outcome.path, outcome.refusal) == ("", "this run has no question q0")
    (refused,) = outcome.bodies
    assert refused == ev.ApprovalRefused("q0", "approve", "mallory", "python", outcome.refusal)
    gated.carry(refused, path=outcome.path)
    assert [q.id for q in gated.questions()] == [question.id]


def test_what_somebody_takes_for_a_question_is_not_written_down_at_any_length(
    gated: Gated,
) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    for given in (Answer("q" * 10**6, "no" * 10**6), Answer(question.id, "no" * 10**6, "lead")):
        (refused,) = answer(PLAN, gated.state, SHARED, given, NOW).bodies
        assert len(ev.encode(refused)) < 1000


def test_the_first_valid_answer_wins(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    gated.answer(question.id, "approve", "deputy")
    refusal = gated.answer(question.id, "reject", "lead")
    assert refusal == "it is decided already: approved by deputy"
    assert gated.tool("620").verdict == "approve"


def test_silence_climbs_the_ladder_and_then_denies(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    assert due_questions(gated.state, NOW + timedelta(minutes=29)) == ()
    gated.now = NOW + timedelta(minutes=30)
    assert due_questions(gated.state, gated.now) == (question,)
    gated.carry(time_out(question, gated.now))
    (question,) = gated.questions()
    assert (question.to, question.roster) == ("cfo", ("cfo",))
    assert question.due == NOW + timedelta(minutes=60)
    assert gated.answer(question.id, "approve", "lead").startswith("lead is not among those asked")
    assert gated.answer(question.id, "escalate", "cfo") == (
        "there is nobody further up to escalate to"
    )
    gated.now = NOW + timedelta(minutes=60)
    gated.carry(time_out(question, gated.now))
    denied = gated.tool("620")
    assert denied.verdict == "deny"
    assert "nobody answered in time" in denied.reason


def test_a_person_may_escalate(gated: Gated) -> None:
    gated.tool("620")
    (question,) = gated.questions()
    assert gated.answer(question.id, "escalate") == ""
    (question,) = gated.questions()
    assert question.to == "cfo"
    gated.answer(question.id, "approve", "cfo")
    assert gated.tool("620").approvals == (question.id,)


# In doubt


def in_doubt(gated: Gated, amount: str = "620") -> tuple[Passage, ApprovalState]:
    """A payout was started, its owner was lost, and a new one asks what happened."""
    gated.tool(amount)
    for question in gated.questions():
        gated.answer(question.id, "approve")
    passed = gated.tool(amount)
    gated.send(passed)
    gated.carry(ev.RunResumed("ann", recovered=True), path="")
    step, call = gated.state.steps["pay"], gated.state.calls["k1"]
    gated.carry(ask_in_doubt(PLAN, gated.state, step, call, gated.now))
    (question,) = gated.questions()
    return passed, question


def test_a_doubt_goes_to_whoever_approved(gated: Gated) -> None:
    _, question = in_doubt(gated)
    asked = question.asked
    assert (asked.point, asked.to, asked.roster) == ("in_doubt", "approver", ("lead", "deputy"))
    assert (asked.digest, asked.options) == ("k1", ("approve", "edit", "reject"))
    assert asked.value == {"to": "bob", "amount": "620"}
    assert gated.answer(question.id, "approve", "cfo").startswith("cfo is not among those asked")


def test_a_doubt_about_what_a_rule_allowed_goes_to_everybody(gated: Gated) -> None:
    _, question = in_doubt(gated, "50")
    assert question.roster == ("lead", "deputy", "cfo")


def test_to_run_it_again_needs_no_second_approval(gated: Gated) -> None:
    first, question = in_doubt(gated)
    assert gated.answer(question.id, "approve") == ""
    again = gated.tool("620")
    assert (again.verdict, again.approvals) == ("approve", first.approvals)
    gated.send(again, attempt=2)
    assert not gated.state.calls["k1"].in_doubt


def test_to_run_it_again_is_asked_anew_when_its_facts_have_changed(gated: Gated) -> None:
    _, question = in_doubt(gated)
    gated.answer(question.id, "approve")
    gated.limit("300")
    assert gated.tool("620").verdict == "wait"


def test_what_happened_must_have_the_tools_output(gated: Gated) -> None:
    _, question = in_doubt(gated)
    refusal = gated.answer(question.id, "edit", value={"amount": "620"})
    assert "does not fit" in refusal
    assert gated.answer(question.id, "edit", value={"receipt": "R-1"}) == ""
    assert gated.state.approvals[question.id].value == {"receipt": "R-1"}


def test_a_result_that_arrives_after_all_settles_the_doubt(gated: Gated) -> None:
    _, question = in_doubt(gated)
    gated.carry(ev.CallFinished("k1", {"receipt": "R-1"}))
    assert gated.state.approvals[question.id].status == "superseded"
    assert gated.answer(question.id, "approve").startswith("the question is no longer asked")


# Outputs


def test_an_output_passes_the_same_gate(gated: Gated) -> None:
    assert gated.output("9999.99").verdict == "approve"


def test_an_output_may_be_asked_about_and_edited(gated: Gated) -> None:
    assert gated.output("10000").verdict == "wait"
    (question,) = gated.questions()
    assert (question.asked.point, question.asked.subject) == ("output", "output")
    assert gated.answer(question.id, "edit", value={"amount": "5"}) == ""
    passed = gated.output("10000")
    assert (passed.verdict, passed.value) == ("approve", {"amount": "5"})


def test_the_same_events_ask_the_same_question(hand: Any) -> None:
    first, second = Gated(hand), Gated(hand)
    assert first.tool("620") == second.tool("620")
    assert first.questions()[0].id == second.questions()[0].id
