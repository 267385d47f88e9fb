"""A question that no rule asked: whom it goes to, for how long, and how it ends."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.answers import due_questions, time_out
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold import apply, fold
from leafmesh_nb.engine.gate import Passage, passage, tool_action
from leafmesh_nb.engine.plan import plan_of
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.language import load

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
TOOL = tool_action(1)

MESH = """
mesh: gated
memory: {limit: {type: money or null}}
people:
  lead: {roles: [approver]}
  boss: {}
  cfo: {}
tools:
  pay: {side_effect: true, input: {amount: money}, output: {receipt: string}}
agents:
  teller:
    role: Pays
    kind: python
    capabilities: {pay: {input: {amount: money}, output: {amount: money}}}
    tools: [pay]
policies:
  payouts:
    at: tool
    rules:
      - {id: small, when: WHEN, then: approve}
      - {id: huge, when: tool.arguments.amount > 5000, then: ask, to: lead, escalate: [cfo]}
    HOW
workflows:
  w:
    input: {amount: money}
    steps: {pay: {capability: pay, with: {amount: input.amount}}}
    output: {amount: steps.pay.output.amount}
"""


@pytest.mark.parametrize(
    ("when", "how", "why"),
    [
        ("tool.arguments.amount < 100", "default: ask", "no rule of payouts matched"),
        ("tool.arguments.amount < memory.limit", "on_error: ask", "could not be decided"),
    ],
)
def test_it_is_asked_as_the_rule_that_asks_and_ends(
    hand: Any, when: str, how: str, why: str
) -> None:
    """It waits for nobody in general and not for ever: a day, the ladder, a day, a denial."""
    plan = plan_of(load(textwrap.dedent(MESH).replace("WHEN", when).replace("HOW", how)), "w")
    state = fold(
        hand.events(
            hand.started(input={"amount": "620"}),
            ("pay", ev.StepResolved(True, {"amount": "620"}, {})),
            ("pay", ev.TaskRouted("pay", (), (), "teller", None)),
            ("pay", ev.CallStarted("f", "function", "teller", "teller", 0, "x")),
        )
    )

    def call(now: datetime) -> Passage:
        step, value = state.steps["pay"], {"amount": "620"}
        passed = passage(
            plan, state, SharedState(), step, TOOL, tool="pay", requested=value, now=now
        )
        carry(now, *passed.bodies)
        return passed

    def carry(now: datetime, *bodies: ev.Body) -> None:
        for body in bodies:
            apply(state, Event("run:r1", state.seq + 1, now, 1, "pay", body))

    assert call(NOW).verdict == "wait"
    (question,) = state.open_approvals()
    assert (question.to, question.roster) == ("lead", ("lead",))
    assert why in question.asked.reason
    for asked, after in (("lead", timedelta(days=1)), ("cfo", timedelta(days=2))):
        (question,) = state.open_approvals()
        assert (question.to, question.due) == (asked, NOW + after)
        assert due_questions(state, NOW + after - timedelta(seconds=1)) == ()
        assert due_questions(state, NOW + after) == (question,)
        carry(NOW + after, time_out(question, NOW + after))
    denied = call(NOW + timedelta(days=2))
    assert denied.verdict == "deny"
    assert "nobody answered in time" in denied.reason
