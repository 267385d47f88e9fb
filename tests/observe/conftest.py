"""Runs of the refunds mesh as the engine records them, built by hand and legal under ``fold``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Body, Event
from leafmesh_nb.engine.fold import fold
from leafmesh_nb.language.expressions import Expression, parse_expression_text
from leafmesh_nb.language.spec import (
    AgentSpec,
    Capability,
    MemoryField,
    ModelSpec,
    Person,
    Spec,
    Step,
    ToolSpec,
    Workflow,
)
from leafmesh_nb.language.types import MONEY, STRING, Type, object_of

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CARD = "4111 1111 1111 1111"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> $1 or $2"
TICKET = f"You charged my card {CARD} twice. I want the $620.00 back! {HOSTILE}"
WEIGHTS = {"skill": 4, "text": 2, "cost": 2, "latency": 1, "load": 1}


def expression(text: str) -> Expression:
    parsed = parse_expression_text(text)
    assert isinstance(parsed, Expression), parsed
    return parsed


def refunds() -> Spec:
    """The reference mesh, as far as views read it."""
    classified = object_of({"category": STRING, "amount": MONEY.or_null(), "confidence": STRING})
    proposed = object_of({"amount": MONEY, "reason": STRING})
    paid = object_of({"receipt": STRING, "amount": MONEY})
    agents = {
        "triage": Capability("ticket.classify", object_of({"ticket": STRING}), classified),
        "veteran": Capability("ticket.classify", object_of({"ticket": STRING}), classified),
        "clerk": Capability("refund.propose", object_of({"ticket": STRING}), proposed),
        "teller": Capability("refund.pay", object_of({"amount": MONEY}), paid),
    }
    fields = [
        MemoryField("ticket", STRING),
        MemoryField("card", STRING.or_null(), sensitivity="secret"),
        MemoryField("email", STRING, sensitivity="pii"),
        MemoryField("precedents", Type("list", items=STRING), scope="mesh", merge="append"),
    ]
    steps = {
        "classify": Step(
            "classify",
            capability="ticket.classify",
            inputs={"ticket": expression("input.ticket")},
            complexity="routine",
        ),
        "propose": Step(
            "propose",
            capability="refund.propose",
            when=expression('steps.classify.output.category == "refund"'),
            inputs={
                "ticket": expression("input.ticket"),
                "amount": expression("default(steps.classify.output.amount, 0)"),
            },
        ),
        "pay": Step(
            "pay",
            capability="refund.pay",
            when=expression("steps.propose.output.amount > 0"),
            inputs={
                "ticket_id": expression("input.ticket_id"),
                "amount": expression("steps.propose.output.amount"),
            },
        ),
    }
    workflow = Workflow(
        "refund",
        object_of(dict.fromkeys(("ticket_id", "ticket", "email", "card"), STRING)),
        steps,
        save={name: expression(f"input.{name}") for name in ("ticket", "email", "card")},
    )
    return Spec(
        "refunds",
        "mesh: refunds",
        "hash",
        "cell",
        models={
            "quick": ModelSpec("quick", "offline", priced_as="openai:gpt-5-mini"),
            "deep": ModelSpec("deep", "offline", priced_as="anthropic:claude-sonnet-4-5"),
        },
        memory={field.name: field for field in fields},
        people={name: Person(name) for name in ("lead", "finance")},
        tools={"pay_out": ToolSpec("pay_out", proposed, paid, side_effect=True)},
        agents={
            id: AgentSpec(id, id, "llm" if "ticket" in c.name else "python", None, {c.name: c})
            for id, c in agents.items()
        },
        workflows={"refund": workflow},
    )


class Story:
    """Appends events to one stream while its clock goes on; ``after`` is in seconds."""

    def __init__(self, stream: str = "run:r1", start: datetime = START) -> None:
        self.stream = stream
        self.now = start
        self.events: list[Event] = []

    def add(self, body: Body, path: str = "", after: float = 0.002) -> None:
        self.now += timedelta(seconds=after)
        seq = len(self.events) + 1
        self.events.append(Event(self.stream, seq, self.now, 1, path, body, f"{seq:064x}"))

    def start(self, **given: Any) -> None:
        given = {
            "ticket_id": "T1002",
            "ticket": TICKET,
            "email": "ada@example.com",
            "card": CARD,
        } | given
        self.add(ev.RunStarted("refunds", "refund", "hash", given, "mara", 7), after=0)
        for name in ("ticket", "email", "card"):
            self.add(ev.MemoryWritten(name, 1, "refund", given[name]))

    def route(
        self, path: str, capability: str, *pairs: tuple[str, str | None], excluded: Any = ()
    ) -> None:
        candidates = []
        for place, (agent, model) in enumerate(pairs):
            values = {
                "skill": 0.8 - 0.2 * place,
                "text": 0.5 + 0.1 * place if model else None,
                "cost": 1 - 0.6 * place,
                "latency": 0.5,
                "load": 1.0,
            }
            factors = {
                name: {
                    "value": value,
                    "weight": WEIGHTS[name],
                    "points": round((value or 0) * WEIGHTS[name] / 10, 6),
                }
                for name, value in values.items()
            }
            score = round(sum(f["points"] for f in factors.values()), 6)
            candidates.append({"agent": agent, "model": model, "score": score, "factors": factors})
        agent, model = pairs[0]
        self.add(ev.TaskRouted(capability, tuple(candidates), tuple(excluded), agent, model), path)

    def classify(self, category: str = "refund", amount: str | None = "620.00") -> None:
        path, given = "classify", {"ticket": TICKET}
        output = {"category": category, "amount": amount, "confidence": "0.42"}
        self.add(ev.StepResolved(True, given, {"ticket": 1}), path)
        self.route(
            path,
            "ticket.classify",
            ("triage", "quick"),
            ("veteran", "deep"),
            excluded=[{"agent": "intern", "reason": f"no function is bound to it {HOSTILE}"}],
        )
        request = {"inputs": given, "memory": {"email": "ada@example.com"}}
        self.add(ev.CallStarted("k1", "model", "quick", "triage", 1, "d1", request), path)
        self.add(ev.BudgetReserved("k1", "0.0021"), path)
        done = ev.CallFinished("k1", output, 0.84, 310, 42, "0", "0.0001615", note="offline reader")
        self.add(done, path, after=0.84)
        self.add(ev.BudgetSettled("k1", "0"), path)
        self.add(self.decision("output", "output", "approve", "triage", output), path)
        self.add(ev.StepEnded("done", output), path)

    def propose(self, amount: str = "620.00") -> None:
        path, output = "propose", {"amount": amount, "reason": f"charged twice, {CARD}"}
        compared = [
            ["steps.classify.output.category", "refund"],
            ['steps.classify.output.category == "refund"', True],
        ]
        given = {"ticket": TICKET, "amount": amount}
        self.add(ev.StepResolved(True, given, {"ticket": 1}, tuple(compared)), path)
        self.route(path, "refund.propose", ("clerk", None))
        self.add(ev.CallStarted("k2", "function", "clerk", "clerk", 1, "d2", given), path)
        self.add(ev.MemoryDenied("card", "clerk", "read"), path)
        writes = ({"field": "precedents", "value": "charged twice", "op": "append"},)
        self.add(ev.CallFinished("k2", output, 0.021, writes=writes), path, after=0.021)
        self.add(self.decision("output", "output", "approve", "clerk", output), path)
        self.add(ev.MemoryWritten("precedents", 4, "clerk", None, "mesh"), path)
        self.add(ev.StepEnded("done", output), path)

    def decision(
        self,
        point: str,
        subject: str,
        outcome: str,
        agent: str,
        value: Any,
        *,
        action: str = "",
        edited_by: str = "",
    ) -> ev.PolicyDecided:
        governed = point == "tool"
        amount = value.get("amount") if isinstance(value, dict) else None
        facts = [
            ["tool.arguments.amount", amount],
            ["tool.arguments.amount > 100", outcome == "ask"],
        ]
        policy = {
            "policy": "payouts",
            "hash": "p1",
            "outcome": outcome,
            "rules": [
                {"rule": "small", "verdict": "no match", "values": facts[:1]},
                {"rule": "large", "verdict": "matched", "values": facts},
            ],
        }
        return ev.PolicyDecided(
            point,
            action or point,
            subject,
            outcome,
            f"{subject}:{amount}",
            governed,
            agent,
            value,
            (policy,) if governed else (),
            reason=f"{amount} is over the teller's limit" if governed else "no policy applies",
            edited_by=edited_by,
        )

    def until_asked(self, amount: str = "620.00") -> None:
        """Up to the question about the payout."""
        path, given = "pay", {"ticket_id": "T1002", "amount": amount}
        self.add(ev.StepResolved(True, given, {}), path)
        self.route(path, "refund.pay", ("teller", None))
        self.add(ev.CallStarted("k3", "function", "teller", "teller", 1, "d3", given), path)
        decided = self.decision("tool", "pay_out", "ask", "teller", given, action="tool:1")
        self.add(decided, path, after=0.03)
        self.add(
            ev.ApprovalAsked(
                "q1",
                "tool",
                "tool:1",
                "pay_out",
                decided.digest,
                "lead",
                ("lead",),
                "teller",
                "payouts",
                "large",
                decided.reason,
                given,
                tuple(decided.policies[0]["rules"][1]["values"]),
                1800.0,
                (self.now + timedelta(minutes=30)).isoformat(),
                (["finance", ["finance"]],),
            ),
            path,
        )

    def answer(self, answer: str, person: str, after: float = 90, **more: Any) -> None:
        channel, identity = more.pop("channel", "notebook"), more.pop("identity", "asserted")
        body = ev.ApprovalAnswered("q1", answer, person, channel, identity, **more)
        self.add(body, "pay", after=after)

    def again(self, attempt: int, amount: str = "620.00") -> None:
        """The teller's function, which was unwound when the question was put, runs again."""
        given = {"ticket_id": "T1002", "amount": amount}
        call = ev.CallStarted("k3", "function", "teller", "teller", 1, "d3", given, False, attempt)
        self.add(call, "pay")

    def pay(self, amount: str = "620.00", key: str = "k4") -> None:
        """The payout after a yes, and the end of the run."""
        path, given = "pay", {"ticket_id": "T1002", "amount": amount}
        output = {"receipt": "R-88", "amount": amount}
        self.again(2)
        call = ev.CallStarted(
            key, "tool", "pay_out", "teller", 1, "d4", given, True, approvals=("q1",)
        )
        self.add(call, path)
        self.add(ev.CallFinished(key, {"receipt": "R-88"}, 0.4), path, after=0.4)
        self.add(ev.CallFinished("k3", output, 0.45), path)
        self.add(self.decision("output", "output", "approve", "teller", output), path)
        self.add(ev.StepEnded("done", output), path)
        self.add(ev.RunEnded("done", {"category": "refund", "paid": amount}))


def approved() -> list[Event]:
    """Lead does not answer, finance does after twelve minutes more."""
    story = Story("run:r1")
    story.start()
    story.classify()
    story.propose()
    story.until_asked()
    story.add(ev.ApprovalEscalated("q1", "time", "finance", ("finance",), None), "pay", after=1800)
    story.answer("approve", "finance", after=720, note=f"ok for {CARD} {HOSTILE}")
    story.pay()
    return story.events


def edited() -> list[Event]:
    """Lead makes it 500; the process dies during the payout, and a person says run it again."""
    story = Story("run:r2", START + timedelta(hours=2))
    story.start()
    story.classify()
    story.propose()
    story.until_asked()
    diff = ({"path": "amount", "old": "620.00", "new": "500.00"},)
    given = {"ticket_id": "T1002", "amount": "500.00"}
    story.answer("edit", "lead", value=given, diff=diff, channel="script", identity="script")
    body = story.decision(
        "tool", "pay_out", "ask", "teller", given, action="tool:1", edited_by="lead"
    )
    story.add(body, "pay")
    story.again(2)
    call = ev.CallStarted("k4", "tool", "pay_out", "teller", 1, "d4", given, True, 1, ("q1",))
    story.add(call, "pay")
    story.add(ev.RunResumed("mara", None, True), after=3600)
    question = ev.ApprovalAsked(
        "q2",
        "in_doubt",
        "tool:1",
        "pay_out",
        "k4",
        "lead",
        ("lead",),
        "teller",
        reason="pay_out was started and its result never arrived",
        value=given,
        options=("approve", "edit", "reject"),
    )
    story.add(question, "pay")
    story.add(
        ev.ApprovalRefused("q2", "approve", "mallory", "notebook", "mallory is not asked"), "pay", 5
    )
    answer = ev.ApprovalAnswered("q2", "approve", "lead", "notebook", "asserted")
    story.add(answer, "pay", after=25)
    story.again(3)
    story.add(replace(call, attempt=2), "pay")
    story.add(ev.CallFinished("k4", {"receipt": "R-89"}, 0.4), "pay", after=0.4)
    output = {"receipt": "R-89", "amount": "500.00"}
    story.add(ev.CallFinished("k3", output, 0.5), "pay")
    story.add(story.decision("output", "output", "approve", "teller", output), "pay")
    story.add(ev.StepEnded("done", output), "pay")
    story.add(ev.RunEnded("done", {"category": "refund", "paid": "500.00"}))
    return story.events


def waiting() -> list[Event]:
    """The question to lead is open."""
    story = Story("run:r3", START + timedelta(hours=4))
    story.start()
    story.classify()
    story.propose()
    story.until_asked()
    return story.events


def rejected() -> list[Event]:
    """Lead says no, which fails the step and the run."""
    story = Story("run:r4", START + timedelta(hours=5))
    story.start()
    story.classify()
    story.propose()
    story.until_asked()
    story.answer("reject", "lead", note="call them first")
    error = {"kind": "PolicyDenied", "message": "lead rejected it: call them first", "step": "pay"}
    story.again(2)
    story.add(ev.CallFailed("k3", error, 0.01), "pay", after=0.01)
    story.add(ev.StepEnded("failed", None, error), "pay")
    story.add(ev.RunEnded("failed", None, error))
    return story.events


def skipped() -> list[Event]:
    """No refund: the other steps are skipped, and a budget refuses a second look."""
    story = Story("run:r5", START + timedelta(hours=6))
    story.start()
    story.classify("bug", None)
    for path in ("propose", "pay"):
        error = {"kind": "Skipped", "message": "when is false", "step": path}
        story.add(ev.StepResolved(False, reason="when is false"), path)
        story.add(ev.StepEnded("skipped", error=error), path)
    story.add(ev.RunEnded("done", {"category": "bug", "paid": "0"}))
    return story.events


def elsewhere() -> list[Event]:
    """What stands in the streams of the mesh and of the journal."""
    mesh = Story("mesh:refunds")
    for number in range(1, 5):
        item = f"precedent {number - 1}"
        mesh.add(ev.MemoryWritten("precedents", number, "clerk", item, "mesh", "r1", "append"))
    journal = Story("journal")
    journal.add(ev.RunHead("r1", 40, "ab" * 32, "done"))
    journal.add(ev.MemoryRevealed("r1", "card", "lead", "notebook"))
    journal.add(ev.CheckpointSigned("run:r1", 40, "ab" * 32, "cd" * 32, "ef" * 32, "01" * 64))
    journal.add(ev.ReleaseRecorded("refunds", "r7", "23" * 32, {"refunds.yaml": "45" * 32}, "mara"))
    journal.add(ev.PersonSignedIn("lead", "service", False))
    return [*mesh.events, *journal.events]


@pytest.fixture(scope="session")
def spec() -> Spec:
    return refunds()


@pytest.fixture(scope="session")
def runs() -> dict[str, list[Event]]:
    """Runs by name: approved, edited, waiting, rejected, skipped."""
    made = {
        "approved": approved(),
        "edited": edited(),
        "waiting": waiting(),
        "rejected": rejected(),
        "skipped": skipped(),
    }
    for events in made.values():
        fold(events)
    return made


@pytest.fixture(scope="session")
def everything(runs: dict[str, list[Event]]) -> list[Event]:
    """All of them, with the events that stand outside runs."""
    return [*(event for events in runs.values() for event in events), *elsewhere()]


@pytest.fixture
def story() -> Story:
    """An empty story, for tests that need their own."""
    return Story()
