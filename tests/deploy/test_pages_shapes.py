"""What the pages draw: the timeline, the graph of steps, sums of money, candidates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import leafmesh_nb as lm
from leafmesh_nb.deploy.digest import Digest, Spend
from leafmesh_nb.deploy.pages.candidates import tasks_of
from leafmesh_nb.deploy.pages.fields import typed_changes, with_texts
from leafmesh_nb.deploy.pages.graph import graph_of
from leafmesh_nb.deploy.pages.sums import by, days_of, total_of
from leafmesh_nb.deploy.pages.timeline_figure import timeline_figure
from leafmesh_nb.deploy.shelf import KeptRun, Shelf


def kept(service: Any, run: Any) -> KeptRun:
    found = service.context.shelf.run(run.id)
    assert isinstance(found, KeptRun)
    return found


def test_the_timeline_of_a_waiting_run(service: Any) -> None:
    figure = timeline_figure(kept(service, service.refund()))
    assert [row.path for row in figure.rows] == ["classify", "propose", "pay"]
    assert [row.tone for row in figure.rows] == ["ok", "ok", "wait"]
    assert figure.going
    for row in figure.rows:
        for bar in row.bars:
            assert bar.width > 0
            assert 0 <= bar.start <= bar.start + bar.width <= 1 + 1e-9, bar
    (wait,) = (bar for bar in figure.rows[2].bars if bar.kind == "wait")
    assert wait.about == "pay_out: lead asked, not answered yet"
    assert wait.start + wait.width > 0.999
    assert {"step", "model", "function", "wait"} <= set(figure.kinds)
    places = [tick.at for tick in figure.ticks]
    assert places == sorted(places)
    assert figure.ticks[0].text == "0"


def test_the_timeline_of_an_ended_run_says_who_answered(service: Any) -> None:
    run = service.refund()
    (question,) = run.approvals()
    question.approve(by="lead")
    service.until(lambda: run.status == "done")
    figure = timeline_figure(kept(service, run))
    (wait,) = (bar for bar in figure.rows[2].bars if bar.kind == "wait")
    assert wait.about.startswith("pay_out: lead asked, approve by lead after")
    assert not figure.going
    assert all(row.took for row in figure.rows)


def test_labels_that_a_phone_shows_keep_their_distance(service: Any) -> None:
    figure = timeline_figure(kept(service, service.refund()))
    shown = [tick.at for tick in figure.ticks if tick.narrow]
    assert shown[0] == 0
    assert all(b - a >= 0.3 for a, b in pairwise(shown))


def card(**after: list[str]) -> dict[str, Any]:
    steps = {name: {"id": name, "after": before, "status": "ok"} for name, before in after.items()}
    return {"steps": steps, "order": list(steps)}


def test_the_graph_puts_steps_in_columns_and_draws_no_line_twice() -> None:
    graph = graph_of(card(a=[], b=["a"], c=["a"], d=["a", "b", "c"]))
    places = {node.step["id"]: (node.x, node.y) for node in graph.nodes}
    assert places["b"][0] == places["c"][0] < places["d"][0]
    assert places["b"][1] < places["a"][1] == places["d"][1] < places["c"][1]
    # d waits for a through b and c: that line would say nothing.
    assert len(graph.lines) == 4
    assert graph.width >= places["d"][0] + graph.node_width
    assert graph.height >= places["c"][1] + graph.node_height
    assert len({*places.values()}) == 4


def test_a_graph_of_one_step() -> None:
    graph = graph_of(card(only=[]))
    assert (graph.width, graph.height) == (graph.node_width, graph.node_height)
    assert graph.lines == ()


def test_candidates_add_up_and_say_why(service: Any) -> None:
    tasks = tasks_of(kept(service, service.refund()))
    assert [task.capability for task in tasks] == [
        "ticket.classify",
        "refund.propose",
        "refund.pay",
    ]
    for task in tasks:
        assert [c.chosen for c in task.candidates] == [True] + [False] * (len(task.candidates) - 1)
        for candidate in task.candidates:
            assert abs(sum(part.points for part in candidate.parts) - candidate.score) < 1e-9
            last = candidate.parts[-1]
            assert abs(last.start + last.width - candidate.score) < 1e-9
            assert candidate.score <= 1
    first, second = tasks[0].candidates[:2]
    assert tasks[0].why.startswith(f"{first.score - second.score:.2f} points ahead of veteran")
    assert tasks[1].why == "the only one who can"


def spend(
    agent: str, spent: str | None, listed: str | None, day: int = 2, call: str = "model"
) -> Spend:
    money = [None if value is None else Decimal(value) for value in (spent, listed)]
    return Spend(date(2026, 3, day), agent, "quick", call, money[0], money[1], 100, 20)


def digest(*calls: Spend) -> Digest:
    zero = Decimal(0)
    return Digest("refund", "", zero, zero, False, 0, calls, (), {}, {}, {})


def test_sums_keep_what_is_unpriced_apart_from_what_is_unknown() -> None:
    digests = [
        digest(spend("a", "0.10", "0.20"), spend("a", "0", None), spend("b", None, None)),
        digest(spend("b", "0.50", "0.50")),
    ]
    total = total_of(digests)
    assert (total.spent, total.list_price) == (Decimal("0.60"), Decimal("0.70"))
    assert (total.calls, total.unpriced, total.unknown, total.runs) == (4, 1, 1, 2)
    b, a = by(digests, "agent")
    assert (b.name, b.spent, b.runs) == ("b", Decimal("0.50"), 2)
    assert (a.name, a.list_price, a.calls, a.runs) == ("a", Decimal("0.20"), 2, 1)


def test_days_without_runs_are_there_and_older_ones_are_not() -> None:
    digests = [digest(spend("a", "1", "4", 1), spend("a", "2", "2", 3), spend("a", "9", "9", 20))]
    days = days_of(digests, datetime(2026, 3, 4, 12, tzinfo=UTC), 3)
    assert [day.day.day for day in days] == [2, 3, 4]
    assert [(day.spent, day.list_price) for day in days] == [(0, 0), (1, 1), (0, 0)]


def test_the_sums_of_a_run_are_its_own(service: Any) -> None:
    reply = {"category": "refund", "amount": "50", "confidence": 1}
    model = lm.testing.ScriptedModel(lambda _: reply, cost="0.25")
    service.mesh.use(models={"quick": model, "deep": model})
    run = service.mesh.start(
        "refund", journal=service.journal.location, ticket_id="1", ticket="x", tier="gold"
    )
    service.until(lambda: run.status == "done")
    found = service.context.shelf.digest(run.id)
    assert found.spent == total_of([found]).spent == Decimal("0.25")
    assert found.about == "category refund, paid 50"
    assert found.outcomes == {("payouts", "approve"): 1}
    assert found.matched == {("payouts", "small"): 1}


class TestShelf:
    def test_it_sees_what_another_handle_of_the_journal_wrote(self, service: Any) -> None:
        shelf = Shelf(service.journal, "refunds")
        run = service.refund()
        (question,) = shelf.questions("lead")
        assert question.asked.id == run.approvals()[0].id
        assert shelf.questions("finance") == []
        before = shelf.run(run.id)
        assert shelf.run(run.id) is before
        run.cancel()
        assert shelf.questions() == []
        after = shelf.run(run.id)
        assert after is not None
        assert (before.state.ended, after.state.ended) == (None, "cancelled")

    def test_questions_that_are_due_come_first(self, service: Any) -> None:
        first, second = service.refund(), service.refund()
        asked = [question.run.id for question in Shelf(service.journal, "refunds").questions()]
        assert asked == [first.id, second.id]

    def test_a_journal_that_begins_anew_is_read_anew(self, service: Any) -> None:
        run = service.refund("50")
        shelf = Shelf(service.journal, "refunds")
        assert shelf.run(run.id) is not None
        shelf._cursor += 1_000  # as after a file was compacted
        assert shelf.refresh() == shelf.news.cursor()
        assert [row.id for row in shelf.rows()] == [run.id]


class TestFields:
    FIELD = (
        {"name": "memo", "text": "a\nb", "nullable": True},
        {"name": "amount", "text": "620", "nullable": False},
        {"name": "card", "text": "", "nullable": True},
    )

    def test_a_form_sent_as_it_was_changes_nothing(self) -> None:
        given = {"field.memo": "a\r\nb", "field.amount": "620", "field.card": ""}
        assert typed_changes(self.FIELD, given) == {}
        assert typed_changes(self.FIELD, {}) == {}

    def test_what_was_emptied_is_null_where_that_is_a_value(self) -> None:
        given = {"field.memo": "", "field.amount": "", "field.card": "4111", "field.other": "x"}
        assert typed_changes(self.FIELD, given) == {"memo": None, "amount": "", "card": "4111"}

    def test_what_was_typed_is_kept(self) -> None:
        texts = [field["typed"] for field in with_texts(self.FIELD, {"field.amount": "7"})]
        assert texts == ["a\nb", "7", ""]
