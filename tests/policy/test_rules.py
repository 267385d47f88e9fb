"""A decision: the most severe verdict of every rule of every policy that applies."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language import load
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.policy.rules import Decision, Subject, decide

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

BASE = """
mesh: shop
people:
  lead:    {roles: [approver]}
  finance: {roles: [approver, money]}
memory:
  tier: {enum: [basic, gold]}
tools:
  pay:
    side_effect: true
    input: {amount: money, to: string or null}
    output: {receipt: string}
  look:
    input: {amount: money}
    output: {receipt: string}
agents:
  teller:
    role: Pays
    kind: python
    capabilities:
      money.pay: {input: {amount: money}, output: {receipt: string}}
    tools: [pay, look]
workflows:
  refund:
    input: {amount: money}
    steps:
      pay: {capability: money.pay, with: {amount: input.amount}}
"""


def spec_with(policies: str = "", base: str = BASE) -> Spec:
    block = f"policies:\n{textwrap.indent(textwrap.dedent(policies).strip(), '  ')}\n"
    return load(base + (block if policies else ""))


def decided(
    spec: Spec,
    amount: str = "500",
    *,
    tool: str = "pay",
    to: str | None = None,
    step: str = "pay",
    agent: str = "teller",
    capability: str = "money.pay",
    **names: Any,
) -> Decision:
    subject = Subject(
        point="tool",
        name=tool,
        value={"amount": amount, "to": to},
        step=step,
        agent=agent,
        capability=capability,
        side_effect=spec.tools[tool].side_effect,
    )
    known = {
        "tool": {"name": tool, "arguments": {"amount": Decimal(amount), "to": to}},
        "memory": {},
        **names,
    }
    return decide(spec, subject, known, NOW)


class TestWithinAPolicy:
    def test_the_most_severe_rule_that_matches_wins_in_any_order(self) -> None:
        rules = [
            "- {id: fine, when: tool.arguments.amount > 0, then: approve}",
            "- {id: large, when: tool.arguments.amount > 100, then: ask, to: lead}",
            "- {id: never, when: tool.arguments.amount > 1000, then: deny}",
        ]
        for order in (rules, rules[::-1]):
            listed = "\n    ".join(order)
            spec = spec_with(f"p:\n  at: tool\n  rules:\n    {listed}\n  default: deny")
            outcomes = [decided(spec, amount).outcome for amount in ("50", "500", "5000")]
            assert outcomes == ["approve", "ask", "deny"]

    @pytest.mark.parametrize("default", ["approve", "ask", "deny"])
    def test_the_default_counts_when_no_rule_matches(self, default: str) -> None:
        spec = spec_with(
            f"""
            p:
              at: tool
              for: {{tools: [look]}}
              rules:
                - {{id: small, when: tool.arguments.amount < 1, then: deny}}
                - {{id: huge, when: tool.arguments.amount > 1000000, then: ask, to: lead}}
              default: {default}
            """
        )
        decision = decided(spec, "5", tool="look")
        assert decision.outcome == default
        assert decision.reason == f"no rule of p matched; its default is {default}"

    def test_without_a_default_what_no_rule_matches_is_denied(self) -> None:
        spec = spec_with(
            """
            p:
              at: tool
              rules:
                - {id: small, when: tool.arguments.amount < 1, then: approve}
            """
        )
        assert decided(spec, "5").outcome == "deny"

    def test_the_record_has_every_rule_with_the_values_it_read(self) -> None:
        spec = spec_with(
            """
            p:
              at: tool
              rules:
                - {id: small, when: tool.arguments.amount <= 100, then: approve}
                - id: large
                  when: tool.arguments.amount > 100
                  then: ask
                  to: lead
                  reason: "${tool.arguments.amount} is a lot"
            """
        )
        decision = decided(spec, "620.00")
        (record,) = decision.policies
        assert record["policy"] == "p"
        assert record["outcome"] == "ask"
        assert record["hash"] == spec.policies["p"].digest
        assert [(r["rule"], r["verdict"]) for r in record["rules"]] == [
            ("small", "no match"),
            ("large", "matched"),
        ]
        assert ["tool.arguments.amount", "620.00"] in record["rules"][1]["values"]
        assert decision.reason == "620.00 is a lot"
        assert decision.asks[0].values[0] == ("tool.arguments.amount", "620.00")


class TestErrors:
    """A condition that cannot be evaluated is never false, and never an approval."""

    @pytest.mark.parametrize("on_error", ["ask", "deny"])
    @pytest.mark.parametrize("then", ["approve", "ask, to: lead", "deny"])
    def test_an_error_counts_as_on_error(self, on_error: str, then: str) -> None:
        spec = spec_with(
            f"""
            p:
              at: tool
              rules:
                - {{id: gold, when: memory.tier == "gold", then: {then}}}
                - {{id: huge, when: tool.arguments.amount > 1000000, then: ask, to: lead}}
              default: deny
              on_error: {on_error}
            """
        )
        decision = decided(spec)
        assert decision.outcome == on_error
        assert decision.policies[0]["rules"][0]["verdict"].startswith("error: ")
        assert "rule gold of p could not be decided" in decision.reason
        assert f"on_error is {on_error}" in decision.reason
        assert decided(spec, memory={"tier": "gold"}).outcome == then.split(",")[0]

    def test_without_on_error_an_error_denies(self) -> None:
        spec = spec_with(
            """
            p:
              at: tool
              rules:
                - {id: gold, when: memory.tier == "gold", then: approve}
              default: deny
            """
        )
        assert decided(spec).outcome == "deny"

    def test_an_error_is_no_reason_to_ignore_a_rule_that_denies(self) -> None:
        spec = spec_with(
            """
            p:
              at: tool
              rules:
                - {id: gold, when: memory.tier == "gold", then: approve}
                - {id: never, when: tool.arguments.amount > 1, then: deny}
                - {id: huge, when: tool.arguments.amount > 1000000, then: ask, to: lead}
              default: deny
              on_error: ask
            """
        )
        assert decided(spec).outcome == "deny"

    def test_an_error_beside_a_rule_that_approves_still_asks(self) -> None:
        spec = spec_with(
            """
            p:
              at: tool
              rules:
                - {id: small, when: tool.arguments.amount < 1000, then: approve}
                - {id: gold, when: memory.tier == "gold", then: deny}
                - {id: huge, when: tool.arguments.amount > 1000000, then: ask, to: approver}
              default: deny
              on_error: ask
            """
        )
        decision = decided(spec)
        assert decision.outcome == "ask"
        assert decision.asks[0].roster == ("lead", "finance")

    def test_asking_on_an_error_asks_as_the_first_asking_rule_does(self) -> None:
        spec = spec_with(
            """
            p:
              at: tool
              rules:
                - {id: gold, when: memory.tier == "gold", then: approve}
                - id: large
                  when: tool.arguments.amount > 1000
                  then: ask
                  to: finance
                  within: 2m
                  escalate: [lead]
              default: deny
              on_error: ask
            """
        )
        (ask,) = decided(spec).asks
        assert (ask.to, ask.roster, ask.within) == ("finance", ("finance",), 120.0)
        assert ask.ladder == (("lead", ("lead",)),)
        assert ask.rule == "gold"
        assert "could not be decided" in ask.reason

    def test_a_reason_that_cannot_be_rendered_names_the_rule(self) -> None:
        spec = spec_with(
            """
            p:
              at: tool
              rules:
                - {id: any, then: deny, reason: "because ${memory.tier}"}
            """
        )
        assert decided(spec).reason == "rule any of p"
        assert decided(spec, memory={"tier": "gold"}).reason == "because gold"


class TestAcrossPolicies:
    POLICIES = """
        generous:
          at: tool
          rules:
            - {id: all, then: approve, reason: "we like our customers"}
        careful:
          at: tool
          rules:
            - {id: large, when: tool.arguments.amount > 100, then: ask, to: lead, reason: large}
          default: approve
        strict:
          at: tool
          rules:
            - {id: huge, when: tool.arguments.amount > 1000, then: deny, reason: far too much}
          default: approve
        stern:
          at: tool
          rules:
            - {id: huge, when: tool.arguments.amount > 2000, then: deny, reason: unheard of}
          default: approve
        """

    @pytest.mark.parametrize(
        ("amount", "outcome", "reason"),
        [
            ("50", "approve", "we like our customers"),
            ("500", "ask", "large"),
            ("1500", "deny", "far too much"),
            ("5000", "deny", "far too much; unheard of"),
        ],
    )
    def test_the_most_severe_policy_wins_and_tells_why(
        self, amount: str, outcome: str, reason: str
    ) -> None:
        decision = decided(spec_with(self.POLICIES), amount)
        assert decision.outcome == outcome
        assert decision.reason.startswith(reason)
        assert [p["policy"] for p in decision.policies] == [
            "generous",
            "careful",
            "strict",
            "stern",
        ]
        assert bool(decision.asks) == (outcome == "ask")

    def test_several_rosters_must_all_approve_within_the_shortest_time(self) -> None:
        spec = spec_with(
            """
            first:
              at: tool
              rules:
                - {id: a, then: ask, to: lead, within: 30m, reason: first}
            second:
              at: tool
              rules:
                - {id: b, then: ask, to: finance, within: 5m, reason: second}
                - {id: c, then: ask, to: approver, within: 1h, escalate: [money], reason: third}
            """
        )
        asks = decided(spec).asks
        assert [a.roster for a in asks] == [("lead",), ("finance",), ("lead", "finance")]
        assert {a.within for a in asks} == {300.0}
        assert asks[2].ladder == (("money", ("finance",)),)

    def test_one_roster_is_asked_once_with_every_reason(self) -> None:
        spec = spec_with(
            """
            first:
              at: tool
              rules:
                - {id: a, when: tool.arguments.amount > 1, then: ask, to: finance, reason: one}
            second:
              at: tool
              rules:
                - {id: b, when: tool.arguments.to == null, then: ask, to: money, reason: two}
            """
        )
        (ask,) = decided(spec).asks
        assert ask.reason == "one; two"
        assert ask.within == 24 * 3600
        assert {text for text, _ in ask.values} >= {"tool.arguments.amount", "tool.arguments.to"}


class TestTargets:
    @pytest.mark.parametrize(
        ("target", "hit"),
        [
            ("{tools: [pay]}", True),
            ("{tools: [look]}", False),
            ("{agents: [teller]}", True),
            ("{capabilities: [money.pay]}", True),
            ("{steps: [pay]}", True),
            ("{tools: [pay], steps: [pay], agents: [teller]}", True),
            ("{tools: [look, pay]}", True),
        ],
    )
    def test_a_policy_whose_for_misses_is_absent(self, target: str, hit: bool) -> None:
        spec = spec_with(
            f"p:\n  at: tool\n  for: {target}\n  rules:\n    - {{id: all, then: approve}}"
        )
        decision = decided(spec)
        assert decision.governed is hit
        assert decision.outcome == ("approve" if hit else "deny")
        assert bool(decision.policies) is hit

    def test_every_narrowing_must_hold(self) -> None:
        spec = spec_with(
            """
            p:
              at: tool
              for: {tools: [pay], steps: [pay], agents: [teller], capabilities: [money.pay]}
              rules:
                - {id: all, then: approve}
            """
        )
        assert decided(spec).governed
        for other in ({"step": "x"}, {"agent": "x"}, {"capability": "x"}, {"tool": "look"}):
            assert not decided(spec, **other).governed

    def test_a_policy_at_another_point_is_absent(self) -> None:
        spec = spec_with("p:\n  at: output\n  rules:\n    - {id: all, then: deny}")
        assert not decided(spec, tool="look").governed


class TestUngoverned:
    def test_a_side_effect_without_a_policy_is_denied(self) -> None:
        decision = decided(spec_with())
        assert (decision.outcome, decision.governed) == ("deny", False)
        assert "pay has a side effect and no policy governs it" in decision.reason

    def test_anything_else_passes_as_ungoverned(self) -> None:
        decision = decided(spec_with(), tool="look")
        assert (decision.outcome, decision.governed) == ("approve", False)

    WITHOUT_PEOPLE = BASE.replace(BASE[BASE.index("people:") : BASE.index("memory:")], "")
    OTHER = """
        pay_gate:
          at: tool
          for: {tools: [look]}
          rules:
            - {id: all, then: approve}
        """

    @pytest.mark.parametrize("base", [BASE, WITHOUT_PEOPLE])
    @pytest.mark.parametrize("policies", ["", OTHER])
    def test_the_policy_to_paste_works_with_a_name_for_person(
        self, base: str, policies: str
    ) -> None:
        spec = spec_with(policies, base)
        reason = decided(spec).reason
        assert ("lead, finance" in reason) == bool(spec.people)
        lines = reason.replace("PERSON", "lead").splitlines()[1:]
        text = spec.text.rstrip("\n")
        if "and to the mesh:" in lines:
            at = lines.index("and to the mesh:")
            text += "\n" + "\n".join([*lines[:at], *lines[at + 1 :]])
        else:
            text += "\n" + "\n".join(lines)
        governed = load(text)
        decision = decided(governed)
        assert (decision.outcome, decision.governed) == ("ask", True)
        assert decision.asks[0].roster == ("lead",)
        assert len(governed.policies) == len(spec.policies) + 1


class TestDigests:
    POLICY = """
        p:
          at: tool
          rules:
            - {id: gold, when: memory.tier == "gold", then: ask, to: lead}
            - {id: late, when: now > timestamp("2020-01-01T00:00:00Z"), then: ask, to: lead}
        """

    def digest(self, policies: str = POLICY, **changes: Any) -> str:
        spec = spec_with(policies)
        return decided(spec, **{"memory": {"tier": "gold"}, "now": NOW, **changes}).digest

    def test_an_approval_is_bound_to_the_action_and_to_what_the_rules_read(self) -> None:
        same = self.digest()
        assert self.digest() == same
        assert self.digest(amount="501") != same
        assert self.digest(to="mallory") != same
        assert self.digest(step="again") != same
        assert self.digest(agent="other") != same
        assert self.digest(memory={"tier": "basic"}) != same

    def test_an_approval_is_bound_to_the_policies(self) -> None:
        assert self.digest(self.POLICY.replace("to: lead", "to: finance")) != self.digest()
        assert self.digest(self.POLICY.replace("gold, when", "golden, when")) != self.digest()

    def test_time_alone_changes_no_digest(self) -> None:
        later = datetime(2027, 1, 1, tzinfo=UTC)
        assert self.digest(now=later) == self.digest()

    def test_a_value_that_no_rule_reads_changes_no_digest(self) -> None:
        assert self.digest(cost={"spent": Decimal(9)}) == self.digest()
