"""What a run's events tell of sensitive fields, and that nothing else is taken for a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from leafmesh_nb.engine.events import (
    Body,
    CallFinished,
    CallStarted,
    Event,
    MemoryPatched,
    MemoryWritten,
    RunStarted,
    StepEnded,
)
from leafmesh_nb.language.spec import MemoryField, Spec, Step, Workflow
from leafmesh_nb.language.types import STRING, Type
from leafmesh_nb.memory.masking import MASK, Masker


def reads(*paths: str) -> Any:
    return SimpleNamespace(reads=frozenset(tuple(path.split(".")) for path in paths))


def spec() -> Spec:
    fields = [
        MemoryField("ticket", STRING),
        MemoryField("card", STRING.or_null(), sensitivity="secret"),
        MemoryField("person", Type("object", fields=(("name", STRING), ("born", STRING)))),
        MemoryField("customer", Type("map", items=STRING), sensitivity="pii"),
        MemoryField("note", STRING, sensitivity="pii"),
    ]
    workflow = Workflow(
        "refund",
        Type("object", fields=(("ticket", STRING), ("number", STRING), ("pin", STRING))),
        {
            "look": Step("look", capability="look.up", save={"note": reads("output.remark.text")}),
            "tell": Step("tell", capability="tell", save={"note": reads("steps.look.output.who")}),
        },
        save={
            "ticket": reads("input.ticket"),
            "card": reads("input.number"),
            "customer": reads("input.person.name", "input.pin"),
        },
    )
    return Spec(
        "refunds",
        "",
        "",
        "cell",
        memory={f.name: f for f in fields},
        workflows={"refund": workflow},
    )


def record(*bodies: tuple[str, Body]) -> list[Event]:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    return [Event("run:1", n, now, 1, path, body) for n, (path, body) in enumerate(bodies, 1)]


def started(**given: Any) -> RunStarted:
    return RunStarted("refunds", "refund", "", given, "me", 0)


class TestForRun:
    def test_fields_without_sensitivity_are_no_secrets(self) -> None:
        events = record(
            ("", started(ticket="charged twice")),
            ("", MemoryWritten("ticket", 1, "", "charged twice")),
            ("", MemoryWritten("person", 1, "", {"name": "Jane Doe"})),
        )
        masker = Masker.for_run(spec(), events)
        assert masker.text("Jane Doe was charged twice") == "Jane Doe was charged twice"
        assert masker.field("ticket", "charged twice") == "charged twice"

    def test_written_and_patched_values(self) -> None:
        events = record(
            ("look", MemoryWritten("card", 1, "clerk", "AB-99-XY")),
            ("", MemoryPatched("customer", 2, "me", {"Jane Doe": "jane@example.com", "x": "no"})),
        )
        masker = Masker.for_run(spec(), events)
        shown = masker.text("Jane Doe (jane@example.com) said no to AB-99-XY")
        assert shown == "••• (•••) said no to •••"

    def test_numbers_and_nested_values(self) -> None:
        value = [{"salary": 52000, "vip": True, "age": 41, "kids": ["Ada L.", None]}]
        events = record(("look", MemoryWritten("note", 1, "clerk", value)))
        masker = Masker.for_run(spec(), events)
        shown = masker.text("52000 True 41 Ada L. salary None")
        assert shown == "••• True 41 ••• salary None"

    def test_an_input_of_the_fields_name(self) -> None:
        masker = Masker.for_run(spec(), record(("", started(card="QX-12345"))))
        assert masker.text("card QX-12345") == "card •••"

    def test_inputs_that_a_save_puts_there(self) -> None:
        given = {"number": "QX-12345", "person": {"name": "Jane Doe", "city": "Graz"}, "pin": "12"}
        masker = Masker.for_run(spec(), record(("", started(**given))))
        assert masker.text("QX-12345 Jane Doe Graz 12") == "••• ••• Graz 12"
        shown = masker.value(given)
        assert shown == {"number": MASK, "person": {"name": MASK, "city": "Graz"}, "pin": MASK}

    def test_outputs_that_a_save_puts_there(self) -> None:
        output = {"remark": {"text": "lives in Graz"}, "who": "Jane Doe", "other": "public"}
        events = record(("", started()), ("look[0]#1", StepEnded("done", output)))
        shown = Masker.for_run(spec(), events).value(output)
        assert shown == {"remark": {"text": MASK}, "who": MASK, "other": "public"}

    def test_what_an_agent_was_handed_and_wants_to_write(self) -> None:
        request = {"memory": {"card": "QX-12345", "ticket": "plain words"}}
        writes = ({"field": "customer", "value": {"a": "Jane Doe"}, "op": "set"},)
        events = record(
            ("look", CallStarted("k", "model", "quick", "triage", 1, "", request)),
            ("look", CallFinished("k", None, writes=writes)),
        )
        masker = Masker.for_run(spec(), events)
        assert masker.text("QX-12345 plain words Jane Doe") == "••• plain words •••"

    def test_a_whole_field_is_masked_however_short(self) -> None:
        masker = Masker.for_run(spec(), record(("", MemoryWritten("card", 1, "", "42"))))
        assert masker.field("card", "42") == MASK
        assert masker.field("customer", {"a": 1}) == MASK
        assert masker.field("card", None) is None
        assert masker.value({"card": "42", "other": "42"}) == {"card": MASK, "other": "42"}
        assert masker.text("42 rows") == "42 rows"

    def test_runs_beside_each_other_keep_their_own_saves(self) -> None:
        other = RunStarted("refunds", "elsewhere", "", {}, "me", 0)
        now = datetime(2026, 11, 22, tzinfo=UTC)
        events = [
            Event("run:1", 1, now, 1, "", started()),
            Event("run:2", 1, now, 1, "", other),
            Event("run:2", 2, now, 1, "look", StepEnded("done", {"who": "somebody else"})),
            Event("run:1", 2, now, 1, "look", StepEnded("done", {"who": "Jane Doe"})),
        ]
        masker = Masker.for_run(spec(), events)
        assert masker.text("Jane Doe, somebody else") == "•••, somebody else"

    def test_events_of_the_wrong_shape_do_no_harm(self) -> None:
        events = record(
            ("", started(person="no object")),
            ("look", CallStarted("k", "model", "q", "t", 1, "", "text")),
            ("look", CallStarted("k", "model", "q", "t", 1, "", {"memory": 7})),
            ("look", CallFinished("k", None, writes=({},))),
            ("look", StepEnded("done", "text")),
        )
        assert Masker.for_run(spec(), events).text("no object") == "no object"
