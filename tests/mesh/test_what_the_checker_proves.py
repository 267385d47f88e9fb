"""What checks green runs, and what fails has been told: values on their way through a mesh."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.errors import RunError
from leafmesh_nb.language import parse

PASSING = """\
mesh: passing
agents:
  giver:
    role: Gives a value
    kind: python
    capabilities: {give: {input: {n: integer}, output: {v: GIVEN}}}
  taker:
    role: Takes a value
    kind: python
    capabilities: {take: {input: {x: TAKEN}, output: {ok: boolean}}}
workflows:
  pass:
    input: {n: integer, bill: money, where: number}
    steps:
      give: {capability: give, with: {n: input.n}}
      take:
        capability: take
        with:
          x: EXPRESSION
    output: {ok: steps.take.output.ok}
"""


def codes(text: str) -> list[str]:
    return [d.code for d in parse(text).diagnostics]


def taken(desk: Any, given: str, kind: str, expression: str, value: Any) -> Any:
    """What the second agent was handed; the mesh checks green."""
    text = (
        PASSING.replace("GIVEN", given)
        .replace("TAKEN", kind)
        .replace("EXPRESSION", json.dumps(expression))
    )
    assert codes(text) == []
    mesh = desk.mesh(text)
    seen: list[Any] = []

    @mesh.agent("giver")
    def give(n: int) -> dict[str, Any]:
        return {"v": value}

    @mesh.agent("taker")
    def take(x: Any) -> dict[str, Any]:
        seen.append(x)
        return {"ok": True}

    desk.start(mesh, "pass", n=1, bill="100.00", where=1.5).result(timeout=30)
    (found,) = seen
    return found


HERE = "steps.give.output.v"
LARGE = Decimal("123456789012345678.12")
LINES = "{list: {object: {p: string or null}}}"


@pytest.mark.parametrize(
    ("given", "kind", "expression", "value", "found"),
    [
        ("integer", "integer", HERE, 2**63 - 1, 2**63 - 1),
        ("number", "number", HERE, 1e30, 1e30),
        ("number", "number", HERE, Decimal("9007199254740993"), 9007199254740993),
        ("number", "number", f"{HERE} / 3", 0.1, 0.1 / 3),
        ("number", "number", f"{HERE} * 0.7", 0.8734561234567891, 0.8734561234567891 * 0.7),
        ("money", "money", HERE, LARGE, LARGE),
        ("any", "any", HERE, 1.5, 1.5),
        ("any", "any", HERE, {"a": [10**30]}, {"a": [1e30]}),
        ("any", "any", "{'a': 0.7}", None, {"a": 0.7}),
        ("any", "money", "round(input.bill / 3, 2)", None, Decimal("33.33")),
        ("any", "number", "input.bill / 3", None, 100 / 3),
        ("{object: {p: number or null}}", "boolean", f"has({HERE}.p) && {HERE}.p > 3", {}, False),
        ("{object: {p: string or null}}", "string", f"has({HERE}.p) ? {HERE}.p : 'n'", {}, "n"),
        (LINES, "{list: string}", f"{HERE}.filter(i, i.p != null).map(i, i.p)",
         [{"p": "a"}, {}], ["a"]),
        ('"{list: string} or null"', '"{list: string} or null"', HERE, None, None),
        ('"{list: string} or null"', "{list: string}", f"default({HERE}, [])", None, []),
        ("any", "{object: {f: integer, g: {object: {h: integer or null}}}}",
         "{'f': input.n, 'g': {'h': null}}", None, {"f": 1, "g": {"h": None}}),
        ("any", "integer", " + ".join(["input.n"] * 200), None, 200),
    ],
)  # fmt: skip
def test_a_green_mesh_hands_over(
    desk: Any, given: str, kind: str, expression: str, value: Any, found: Any
) -> None:
    assert taken(desk, given, kind, expression, value) == found


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", 2**63),
        ("integer", 10**30),
        ("{list: integer}", [10**30]),
        ("number", 10**30 + 1),
        ("any", 10**30 + 1),
        ("number", Decimal("123456789012345678901234567890.123456789")),
        ("number", Decimal("12345678901234567.25")),
    ],
)
def test_digits_that_would_be_lost_are_refused_at_who_gives_them(
    desk: Any, kind: str, value: Any
) -> None:
    with pytest.raises(RunError, match=r"at step give: agent giver returned the wrong shape"):
        taken(desk, kind, kind, HERE, value)


def test_an_input_beyond_64_bits_is_refused_at_once(desk: Any) -> None:
    text = PASSING.replace("GIVEN", "any").replace("TAKEN", "any")
    mesh = desk.mesh(text.replace("EXPRESSION", "1"))
    with pytest.raises(RunError, match="`n`: is an integer of more than 64 bits"):
        mesh.start("pass", n=10**200, bill=1, where=1)


MEMORY = """\
mesh: notes
memory:
  note: string
  visits: {type: integer, scope: mesh}
  seen: {type: {list: string}, merge: append}
agents:
  clerk:
    role: Takes notes
    kind: python
    capabilities: {note.take: {input: {x: any}, output: {text: string}}}
    memory: {read: [note, visits, seen], write: [note, visits, seen]}
policies:
  notes: {at: output, rules: [{id: known, when: WHEN, then: deny}], default: approve}
workflows:
  go:
    input: {q: string}
    SAVE
    steps:
      one:
        capability: note.take
        with: {x: EXPRESSION}
        save: {visits: "default(memory.visits, 0) + 1"}
    output: {note: memory.note, visits: memory.visits, text: steps.one.output.text}
"""


def notes(expression: str, *, when: str = "false", save: str = "") -> str:
    text = MEMORY.replace("EXPRESSION", json.dumps(expression)).replace("WHEN", json.dumps(when))
    return text.replace("    SAVE\n", f"    save: {save}\n" if save else "")


def run(desk: Any, text: str) -> Any:
    mesh: lm.Mesh = desk.mesh(text)

    @mesh.agent("clerk")
    def clerk(x: Any) -> dict[str, Any]:
        return {"text": f"{x}"}

    return desk.start(mesh, "go", q="a").result(timeout=30)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("memory.note", "None"),
        ("default(memory.note, 'none')", "none"),
        ("memory.note == null ? 'new' : memory.note", "new"),
        ("has(memory.note) && memory.note.size() > 1", "False"),
        ("size(memory.seen)", "0"),
        ("memory", None),
    ],
)
def test_what_nobody_has_written_is_null(desk: Any, expression: str, found: str | None) -> None:
    text = notes(expression)
    if found is None:
        assert "LM305" in codes(text)
        return
    assert codes(text) == []
    output = run(desk, text)
    assert output == {"note": None, "visits": 1, "text": found}
    assert run(desk, text)["visits"] == 2


@pytest.mark.parametrize("expression", ["memory.note + '!'", "memory.visits + 1"])
def test_what_fails_for_want_of_a_value_was_told(desk: Any, expression: str) -> None:
    text = notes(expression)
    assert codes(text) == ["LM419"]
    with pytest.raises(RunError, match=r"does not take null"):
        run(desk, text)
    saved = notes(expression, save="{note: input.q, visits: '1'}")
    assert codes(saved) == []
    assert run(desk, saved)["note"] == "a"


def test_a_policy_on_what_nobody_has_written_was_told(desk: Any) -> None:
    assert codes(notes("1", when="memory.note == 'a'")) == ["LM419"]
    assert run(desk, notes("1", when="memory.note == 'a'"))["text"] == "1"
    denied = notes("1", when="memory.note == 'a'", save="{note: input.q}")
    assert codes(denied) == []
    with pytest.raises(RunError, match="denied"):
        run(desk, denied)
