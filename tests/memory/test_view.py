"""What an agent sees of the shared memory, and what it may write."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.errors import MemoryScopeError
from leafmesh_nb.language.spec import AgentSpec, Grants, MemoryField
from leafmesh_nb.language.types import ANY, MONEY, STRING, Type
from leafmesh_nb.memory.merge import Write, initial, write_type
from leafmesh_nb.memory.view import Accesses, MemoryView, granted

TEXTS = Type("list", items=STRING)
FIELDS = {
    f.name: f
    for f in (
        MemoryField("ticket", STRING),
        MemoryField("amount", MONEY),
        MemoryField("card", STRING.or_null(), sensitivity="secret"),
        MemoryField("notes", TEXTS, merge="append"),
        MemoryField("bits", TEXTS, merge="extend"),
        MemoryField("order", TEXTS),
        MemoryField("blob", ANY),
    )
}


class Fixture:
    def __init__(self, read: tuple[str, ...], write: tuple[str, ...], values: dict[str, Any]):
        self.denied: list[tuple[str, str]] = []
        self.accesses = Accesses(lambda field, access: self.denied.append((field, access)))
        agent = AgentSpec("ann", "Clerk", kind="python", memory=Grants(read, write))
        self.view = MemoryView(agent, FIELDS, values, self.accesses)


def view(*read: str, write: tuple[str, ...] = (), **values: Any) -> Fixture:
    return Fixture(read, write, values)


class TestReads:
    def test_granted_fields_come_as_python_values(self) -> None:
        memory = view("ticket", "amount", ticket="hi", amount="49.90").view
        assert memory["ticket"] == memory.ticket == "hi"
        assert memory["amount"] == Decimal("49.90")
        assert dict(memory) == {"ticket": "hi", "amount": Decimal("49.90")}

    @pytest.mark.parametrize(
        "read",
        [
            lambda m: m["card"],
            lambda m: m.card,
            lambda m: m.get("card"),
        ],
    )
    def test_what_is_not_granted_is_refused_noted_and_not_there(
        self, read: Callable[[MemoryView], Any]
    ) -> None:
        found = view("ticket", ticket="hi", card="4111 1111 1111 1111")
        with pytest.raises(MemoryScopeError) as caught:
            read(found.view)
        assert str(caught.value) == (
            "agent ann may not read memory.card; it may read: ticket. "
            "Grant it with agents.ann.memory.read: [card]"
        )
        assert found.denied == [("card", "read")]
        assert found.accesses.reads == {}
        assert "4111" not in repr(vars(found.view))

    def test_a_field_that_the_mesh_does_not_have_says_so(self) -> None:
        with pytest.raises(MemoryScopeError, match="the mesh has no such field"):
            view().view["crad"]

    def test_looking_whether_a_field_is_granted_is_no_read(self) -> None:
        found = view("ticket", ticket="hi", card="x")
        assert "ticket" in found.view
        assert "card" not in found.view
        assert list(found.view) == ["ticket"]
        assert len(found.view) == 1
        assert repr(found.view) == "<memory of ann: ticket>"
        assert found.denied == []
        assert found.accesses.reads == {}

    def test_reads_are_noted_once_in_order(self) -> None:
        found = view("ticket", "amount", ticket="hi", amount="1")
        for name in ("amount", "ticket", "amount"):
            found.view[name]
        assert list(found.accesses.reads) == ["amount", "ticket"]

    def test_a_field_that_was_never_written_is_null(self) -> None:
        assert view("card").view.card is None
        assert granted(AgentSpec("a", "", memory=Grants(("card",))), {"ticket": "x"}) == {
            "card": None
        }

    @pytest.mark.parametrize(("name", "value"), [("notes", ["a"]), ("blob", {"a": [1]})])
    def test_changing_what_was_read_changes_nothing(self, name: str, value: Any) -> None:
        snapshot = {name: value}
        found = Fixture((name,), (), snapshot)
        got = found.view[name]
        (got if isinstance(got, list) else got["a"]).append("mine")
        assert found.view[name] == value
        assert "mine" not in repr(snapshot)

    def test_a_write_is_not_read_back_in_the_same_step(self) -> None:
        found = view("ticket", write=("ticket",), ticket="before")
        found.view.ticket = "after"
        assert found.view.ticket == "before"


class TestWrites:
    def test_they_are_kept_in_json_form_until_the_step_ends(self) -> None:
        found = view(write=("ticket", "amount", "notes", "bits"))
        found.view["ticket"] = "hi"
        found.view.amount = Decimal("49.90")
        found.view.append("notes", "one")
        found.view.extend("bits", ["two", "three"])
        assert found.accesses.writes == [
            Write("ticket", "hi", "replace"),
            Write("amount", "49.90", "replace"),
            Write("notes", "one", "append"),
            Write("bits", ["two", "three"], "extend"),
        ]
        assert [Write.from_json(w.to_json()) for w in found.accesses.writes] == (
            found.accesses.writes
        )

    @pytest.mark.parametrize(
        "write",
        [
            lambda m: m.__setitem__("card", "x"),
            lambda m: setattr(m, "card", "x"),
            lambda m: m.append("notes", "x"),
            lambda m: m.extend("bits", ["x"]),
        ],
    )
    def test_without_a_grant_they_are_refused_and_noted(
        self, write: Callable[[MemoryView], Any]
    ) -> None:
        found = view("card", "notes", "bits", write=("ticket",))
        with pytest.raises(MemoryScopeError, match=r"may not write .* it may write: ticket"):
            write(found.view)
        assert [access for _, access in found.denied] == ["write"]
        assert found.accesses.writes == []

    def test_a_grant_to_read_is_none_to_write_and_none_to_read_the_other_way(self) -> None:
        found = view(write=("ticket",), ticket="hi")
        with pytest.raises(MemoryScopeError, match="may not read"):
            found.view["ticket"]

    @pytest.mark.parametrize(
        ("write", "message"),
        [
            (lambda m: m.__setitem__("amount", "a lot"), "memory.amount takes money"),
            (lambda m: m.__setitem__("amount", float("nan")), "memory.amount takes money"),
            (lambda m: m.__setitem__("ticket", None), "memory.ticket takes string"),
            (lambda m: m.append("notes", 7), "memory.notes takes string"),
            (lambda m: m.extend("bits", "text"), "memory.bits takes {list: string}"),
            (lambda m: m.__setitem__("notes", ["x"]), "takes ctx.memory.append('notes', …)"),
            (lambda m: m.__setitem__("bits", ["x"]), "takes ctx.memory.extend('bits', …)"),
            (lambda m: m.append("ticket", "x"), "memory.ticket is not a list"),
            (lambda m: m.__setitem__("blob", object()), "memory.blob takes any"),
        ],
    )
    def test_what_does_not_fit_is_refused_at_once(
        self, write: Callable[[MemoryView], Any], message: str
    ) -> None:
        found = view(write=tuple(FIELDS))
        with pytest.raises(MemoryScopeError) as caught:
            write(found.view)
        assert message in str(caught.value)
        assert found.accesses.writes == []
        assert found.denied == []

    def test_changing_a_value_after_it_was_written_changes_nothing(self) -> None:
        found = view(write=("blob", "bits"))
        mine: dict[str, Any] = {"a": [1]}
        texts = ["one"]
        found.view.blob = mine
        found.view.extend("bits", texts)
        mine["a"].append(2)
        texts.append("two")
        assert [w.value for w in found.accesses.writes] == [{"a": [1]}, ["one"]]

    def test_the_notes_are_out_of_an_agents_reach(self) -> None:
        found = view("ticket", write=("ticket",), ticket="hi")
        for name in ("writes", "reads"):
            with pytest.raises(MemoryScopeError):
                getattr(found.view, name)
            with pytest.raises(MemoryScopeError):
                setattr(found.view, name, [Write("card", "x", "replace")])
        assert found.accesses.writes == []


class TestMerging:
    def test_fields_that_are_added_to_begin_as_empty_lists(self) -> None:
        assert [initial(FIELDS[name]) for name in ("notes", "bits", "order", "ticket")] == [
            [],
            [],
            None,
            None,
        ]

    def test_a_list_that_is_replaced_may_also_be_added_to(self) -> None:
        assert write_type(FIELDS["order"], "append") == STRING
        assert write_type(FIELDS["order"], "extend") == TEXTS
        assert write_type(FIELDS["order"], "replace") == TEXTS
