"""Who takes a task: hard filters with their reasons, then factors that sum to the score."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.language import load
from leafmesh_nb.language.spec import Spec, Step
from leafmesh_nb.routing.suitability import FACTORS, Candidate, Observed, Ranking, rank

HEAD = """
mesh: desk
memory:
  ticket: string
  notes: {type: {list: string}, merge: append}
models:
  quick:   {provider: offline, tier: small}
  deep:    {provider: offline, tier: large}
  counsel: {provider: offline, tier: specialist, domains: [legal]}
"""
IO = "input: {text: string}, output: {answer: string}"


def agent(
    id: str,
    *,
    capability: str = "text.answer",
    proficiency: float = 0.5,
    examples: str = "",
    extra: str = "model: {tier: small}",
    role: str = "Somebody",
) -> str:
    example = f"\n        examples: [{examples}]" if examples else ""
    return f"""
  {id}:
    role: {role}
    {extra}
    capabilities:
      {capability}:
        input: {{text: string}}
        output: {{answer: string}}
        proficiency: {proficiency}{example}
"""


def desk(*agents: str, routing: str = "", step: str = "", head: str = HEAD) -> Spec:
    return load(
        f"""{head}
agents:{"".join(agents)}
{routing}
workflows:
  answer:
    input: {{text: string, ticket: string}}
    steps:
      reply:
        capability: text.answer
        with: {{text: input.text}}
        {step}
"""
    )


def reply(spec: Spec) -> Step:
    return spec.workflows["answer"].steps["reply"]


def ranked(
    spec: Spec, request: str = "hello", *, step: Step | None = None, **observed: Any
) -> Ranking:
    return rank(spec, step or reply(spec), request, Observed(**observed))


def winner(ranking: Ranking) -> Candidate:
    assert ranking.best is not None
    return ranking.best


class TestFilters:
    def test_an_agent_without_the_capability_is_no_candidate(self) -> None:
        spec = desk(agent("ann"), agent("cook", capability="meal.cook"))
        ranking = ranked(spec)
        assert [c.agent for c in ranking.candidates] == ["ann"]
        assert ranking.excluded == ()

    @pytest.mark.parametrize(
        "read", ["input.text + memory.ticket", "join(memory.notes, input.text)"]
    )
    def test_a_missing_read_grant_excludes(self, read: str) -> None:
        name = "ticket" if "ticket" in read else "notes"
        extra = f"model: {{tier: small}}\n    memory: {{read: [{name}]}}"
        text = desk(agent("ann"), agent("bob", extra=extra)).text
        spec = load(text.replace("text: input.text", f"text: '{read}'"))
        ranking = ranked(spec)
        assert [c.agent for c in ranking.candidates] == ["bob"]
        (out,) = ranking.excluded
        assert out.agent == "ann"
        assert out.reason == (
            f"the step gives it memory.{name}, which it may not read; grant it with "
            f"agents.ann.memory.read: [{name}]"
        )

    def test_a_missing_write_grant_excludes(self) -> None:
        extra = "model: {tier: small}\n    memory: {write: [notes]}"
        spec = desk(agent("ann"), agent("bob", extra=extra), step="save: {notes: output.answer}")
        ranking = ranked(spec)
        assert [c.agent for c in ranking.candidates] == ["bob"]
        (out,) = ranking.excluded
        assert "the step saves memory.notes, which it may not write" in out.reason
        assert "agents.ann.memory.write: [notes]" in out.reason

    def test_an_unbound_function_excludes(self) -> None:
        spec = desk(agent("ann", extra="kind: python"), agent("bob"))
        ranking = ranked(spec, unbound=frozenset({"ann"}))
        assert [c.agent for c in ranking.candidates] == ["bob"]
        (out,) = ranking.excluded
        assert out.reason == "no function is bound to it; bind one with @mesh.agent('ann')"
        assert len(ranked(spec).candidates) == 2

    @pytest.mark.parametrize(
        ("step", "wanted"),
        [
            ("complexity: complex", "tier large for complex work"),
            ("complexity: standard", "tier small for standard work"),
            ("", "tier small for standard work"),
        ],
    )
    def test_without_a_model_of_the_tier_an_agent_is_excluded(self, step: str, wanted: str) -> None:
        tier = "large" if "large" in wanted else "small"
        head = "\n".join(line for line in HEAD.splitlines() if f"tier: {tier}" not in line)
        spec = desk(
            agent("ann", extra=""), agent("bob", extra="kind: python"), head=head, step=step
        )
        ranking = ranked(spec)
        assert [c.agent for c in ranking.candidates] == ["bob"]
        assert ranking.excluded[0].reason == f"the mesh declares no model of {wanted}"

    def test_a_step_that_names_an_agent_looks_at_no_other(self) -> None:
        spec = desk(agent("ann", proficiency=0.9), agent("bob", proficiency=0.1), step="agent: bob")
        ranking = ranked(spec)
        assert [c.agent for c in ranking.candidates] == ["bob"]
        assert ranking.excluded == ()

    def test_with_everybody_excluded_there_is_no_best_and_every_reason(self) -> None:
        spec = desk(
            agent("ann", extra="kind: python"),
            agent("bob", extra="kind: python"),
            agent("cook", capability="meal.cook"),
        )
        ranking = ranked(spec, unbound=frozenset({"ann", "bob"}))
        assert ranking.best is None
        assert ranking.candidates == ()
        assert "ann: no function" in ranking.hindrances
        assert "bob: no function" in ranking.hindrances
        assert "cook" not in ranking.hindrances


class TestModels:
    def models(self, spec: Spec) -> list[str | None]:
        return [c.model for c in ranked(spec).candidates]

    @pytest.mark.parametrize(
        ("step", "model"),
        [
            ("", "quick"),
            ("complexity: routine", "quick"),
            ("complexity: standard", "quick"),
            ("complexity: complex", "deep"),
            ("domain: legal", "counsel"),
            ("{complexity: routine, domain: legal}", "counsel"),
        ],
    )
    def test_complexity_and_domain_choose(self, step: str, model: str) -> None:
        written = step.strip("{}").replace(", ", "\n        ")
        assert self.models(desk(agent("ann", extra=""), step=written)) == [model]

    def test_the_mesh_maps_complexities_to_tiers(self) -> None:
        routing = "routing:\n  tiers: {routine: large, standard: specialist}"
        for step, model in (("complexity: routine", "deep"), ("", "counsel")):
            assert self.models(desk(agent("ann", extra=""), step=step, routing=routing)) == [model]

    @pytest.mark.parametrize(
        ("choice", "model"),
        [
            ("model: deep", "deep"),
            ("model: {tier: large}", "deep"),
            ("model: {domain: legal}", "counsel"),
            ("model: {tier: specialist}", "counsel"),
        ],
    )
    def test_an_agents_own_model_wins_over_the_step(self, choice: str, model: str) -> None:
        for step in ("complexity: routine", "complexity: complex", "domain: legal"):
            assert self.models(desk(agent("ann", extra=choice), step=step)) == [model]

    def test_each_model_of_a_tier_is_a_candidate(self) -> None:
        head = HEAD + "  swift: {provider: offline, tier: small}\n"
        ranking = ranked(
            desk(agent("ann"), head=head), price={"quick": Decimal(2), "swift": Decimal(1)}
        )
        assert [(c.agent, c.model) for c in ranking.candidates] == [
            ("ann", "swift"),
            ("ann", "quick"),
        ]

    def test_a_python_agent_has_no_model(self) -> None:
        assert self.models(desk(agent("ann", extra="kind: python"))) == [None]


class TestFactors:
    """Each changes alone, everything else equal, and the winner flips with it."""

    def flips(
        self, spec: Spec, before: Mapping[str, Any], after: Mapping[str, Any], factor: str
    ) -> None:
        for observed, expected, other in ((before, "ann", "bob"), (after, "bob", "ann")):
            request = observed.get("request", "hello")
            ranking = ranked(spec, request, **{k: v for k, v in observed.items() if k != "request"})
            best = winner(ranking)
            assert best.agent == expected
            loser = next(c for c in ranking.candidates if c.agent == other)
            differing = [f for f in FACTORS if best.factors[f] != loser.factors[f]]
            assert differing == [factor]
            assert best.factors[factor]["points"] > (loser.factors[factor]["points"] or 0)

    def test_skill(self) -> None:
        for order in itertools.permutations((0.6, 0.7)):
            spec = desk(agent("ann", proficiency=order[0]), agent("bob", proficiency=order[1]))
            best = winner(ranked(spec))
            assert best.agent == ("ann" if order[0] > order[1] else "bob")
            others = [f for f in FACTORS if f != "skill"]
            first, second = ranked(spec).candidates
            assert all(first.factors[f] == second.factors[f] for f in others)

    def test_text(self) -> None:
        spec = desk(
            agent("ann", examples='{text: "the invoice is wrong"}'),
            agent("bob", examples='{text: "the printer is broken"}'),
        )
        invoice, printer = "a wrong invoice came", "our printer broke down"
        self.flips(spec, {"request": invoice}, {"request": printer}, "text")

    def test_cost(self) -> None:
        spec = desk(agent("ann", extra="model: quick"), agent("bob", extra="model: deep"))
        cheap, dear = Decimal("0.01"), Decimal("0.03")
        self.flips(
            spec,
            {"price": {"quick": cheap, "deep": dear}},
            {"price": {"quick": dear, "deep": cheap}},
            "cost",
        )

    def test_latency(self) -> None:
        spec = desk(agent("ann"), agent("bob"))
        self.flips(
            spec,
            {"latency": {"ann": 0.2, "bob": 0.9}},
            {"latency": {"ann": 0.9, "bob": 0.2}},
            "latency",
        )

    def test_load(self) -> None:
        spec = desk(agent("ann"), agent("bob"))
        self.flips(spec, {"load": {"bob": 1}}, {"load": {"ann": 2, "bob": 1}}, "load")

    @pytest.mark.parametrize("factor", FACTORS)
    def test_a_weight_of_nothing_switches_a_factor_off(self, factor: str) -> None:
        weights = ", ".join(f"{f}: {0 if f == factor else 1}" for f in FACTORS)
        spec = desk(
            agent("ann", proficiency=0.1, extra="model: deep"),
            agent("bob", proficiency=0.9, examples='{text: "hello there"}'),
            routing=f"routing:\n  weights: {{{weights}}}",
        )
        for candidate in ranked(spec, price={"quick": Decimal(1), "deep": Decimal(2)}).candidates:
            assert candidate.factors[factor]["points"] == 0.0
            assert candidate.factors[factor]["weight"] == 0.0

    def test_a_weight_that_the_mesh_leaves_out_is_nothing(self) -> None:
        spec = desk(
            agent("ann", proficiency=0.4),
            agent("bob", proficiency=0.5),
            routing="routing:\n  weights: {load: 1}",
        )
        assert winner(ranked(spec)).agent == "ann"
        assert winner(ranked(spec, load={"ann": 1})).agent == "bob"

    def test_no_opinion_earns_nothing_and_says_so(self) -> None:
        spec = desk(agent("ann", examples='{text: "invoice"}'))
        factors = winner(ranked(spec, "zzz qqq")).factors
        for factor in ("text", "cost"):
            assert factors[factor]["value"] is None
            assert factors[factor]["points"] == 0.0
        assert factors["latency"]["value"] == 0.5

    def test_what_is_free_costs_least(self) -> None:
        spec = desk(agent("ann"), agent("bob", extra="kind: python"))
        ranking = ranked(spec, price={"quick": Decimal("0.01")})
        values = {c.agent: c.factors["cost"]["value"] for c in ranking.candidates}
        assert values == {"ann": 0.0, "bob": 1.0}


probability = st.floats(0, 1).map(lambda x: round(x, 3))
weight = st.integers(0, 20)


@given(
    skills=st.lists(probability, min_size=1, max_size=5),
    weights=st.fixed_dictionaries(dict.fromkeys(FACTORS, weight)),
    latencies=st.lists(st.floats(0.001, 50), min_size=5, max_size=5),
    loads=st.lists(st.integers(0, 9), min_size=5, max_size=5),
    prices=st.lists(st.decimals("0.000001", "5", places=6), min_size=2, max_size=2),
)
def test_points_sum_to_the_score_and_follow_from_the_values(
    skills: list[float],
    weights: dict[str, int],
    latencies: list[float],
    loads: list[int],
    prices: list[Decimal],
) -> None:
    if not any(weights.values()):
        weights["skill"] = 1
    names = [f"a{i}" for i in range(len(skills))]
    listed = ", ".join(f"{f}: {w}" for f, w in weights.items())
    agents = [
        agent(name, proficiency=skill, extra=f"model: {'quick' if i % 2 else 'deep'}")
        for i, (name, skill) in enumerate(zip(names, skills, strict=True))
    ]
    spec = desk(*agents, routing=f"routing:\n  weights: {{{listed}}}")
    ranking = ranked(
        spec,
        "somebody says hello",
        latency=dict(zip(names, latencies, strict=False)),
        load=dict(zip(names, loads, strict=False)),
        price={"quick": prices[0], "deep": prices[1]},
    )
    total = sum(weights.values())
    assert len(ranking.candidates) == len(skills)
    for candidate in ranking.candidates:
        parts = candidate.factors.values()
        assert abs(sum(p["points"] or 0 for p in parts) - candidate.score) < 1e-6
        assert 0 <= candidate.score <= 1 + 1e-5
        for name, part in candidate.factors.items():
            assert part["weight"] == weights[name]
            value = part["value"]
            assert value is None or 0 <= value <= 1
            assert abs((part["points"] or 0) - weights[name] / total * (value or 0)) < 1e-6
    scores = [c.score for c in ranking.candidates]
    assert scores == sorted(scores, reverse=True)


class TestTies:
    def test_the_agent_declared_first_wins_every_time(self) -> None:
        for names in (("ann", "bob", "cid"), ("cid", "ann", "bob")):
            spec = desk(*(agent(name) for name in names))
            rankings = [ranked(spec) for _ in range(5)]
            assert all(r == rankings[0] for r in rankings)
            assert [c.agent for c in rankings[0].candidates] == list(names)
            first, second, third = names
            assert rankings[0].tie == (
                f"{first}, {second} and {third} are level: declared first wins"
            )

    def test_the_model_declared_first_wins(self) -> None:
        head = HEAD + "  swift: {provider: offline, tier: small}\n"
        ranking = ranked(desk(agent("ann"), head=head))
        assert [c.model for c in ranking.candidates] == ["quick", "swift"]
        assert ranking.tie == "ann with quick and ann with swift are level: declared first wins"

    def test_without_a_tie_nothing_is_said(self) -> None:
        spec = desk(agent("ann", proficiency=0.9), agent("bob"), agent("cid"))
        assert ranked(spec).tie == ""
