"""``{schema: …}`` where a mesh has types: what is known of it, and what is said, and where."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.language import Diagnostic, parse

MESH = """\
mesh: desk
memory:
  last:
    schema:
      type: object
      properties: {number: {type: string, pattern: "^A"}, total: {type: number, minimum: 0}}
      required: [number]
agents:
  reader:
    role: Reader
    kind: python
    memory: {write: [last]}
    capabilities:
      order.read:
        input: {text: string}
        output:
          order:
            schema:
              $ref: "#/$defs/order"
              $defs:
                line:
                  type: object
                  properties: {sku: {type: string}, price: {type: number}}
                  required: [sku, price]
                order:
                  type: object
                  properties:
                    number: {type: string, pattern: "^A"}
                    note: {type: string}
                    due: {type: string, format: date}
                    lines: {type: array, items: {$ref: "#/$defs/line"}, minItems: 1}
                  required: [number, lines, due]
        examples:
          - {text: "A1, a pen", output: {order: {number: A1, lines: [{sku: pen, price: 2.5}]}}}
  payer:
    role: Payer
    kind: python
    capabilities:
      order.pay:
        input:
          number: {schema: {type: string, pattern: "^A"}}
          total: number
        output: {ok: boolean}
workflows:
  go:
    input:
      text: {type: {schema: {type: string, minLength: 2}}, default: "A1"}
    steps:
      read:
        capability: order.read
        with: {text: input.text}
        save: {last: "{'number': output.order.number}"}
      pay:
        capability: order.pay
        when: timestamp(steps.read.output.order.due) < timestamp("2030-01-01T00:00:00Z")
        with:
          number: steps.read.output.order.number
          total: steps.read.output.order.lines[0].price
    output: {ok: "default(steps.pay.output.ok, false)"}
"""


def told(old: str = "", new: str = "") -> tuple[Diagnostic, ...]:
    assert old in MESH, old
    return parse(MESH.replace(old, new, 1), source="cell").diagnostics


def marked(diagnostic: Diagnostic, text: str) -> str:
    span = diagnostic.span
    return text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]


def test_a_mesh_with_schemas_is_green() -> None:
    assert told() == ()


@pytest.mark.parametrize(
    ("old", "new", "code", "severity", "at", "says"),
    [
        # What is known of an object is known field by field.
        ("lines[0].price", "lines[0].prise", "LM311", "warning", "prise", "Did you mean `price`?"),
        ("total: steps.read.output.order.lines[0].price", "total: steps.read.output.order.number",
         "LM403", "error", "steps.read.output.order.number", "number is needed"),
        ("number: steps.read.output.order.number", "number: steps.read.output.order.note",
         "LM403", "error", "steps.read.output.order.note", "it may be null"),
        ("lines[0].price", "lines.price", "LM417", "error", "price", "A list has no fields"),
        # What is not proved is a warning.
        ('number: {schema: {type: string, pattern: "^A"}}',
         'number: {schema: {type: string, pattern: "^A[0-9]"}}',
         "LM404", "warning", "steps.read.output.order.number", "the pattern ^A[0-9]"),
        ("{'number': output.order.number}", "{'number': output.order.number, 'total': 1 + 1}",
         "LM404", "warning", "\"{'number': output.order.number, 'total': 1 + 1}\"", "`total`: "),
        # A constant is checked at once.
        ("number: steps.read.output.order.number", "number: '\"B1\"'",
         "LM402", "error", "'\"B1\"'", "does not match the pattern ^A"),
        ("price: 2.5}", "price: cheap}", "LM402", "error", "cheap", "a number is needed"),
        ('default: "A1"', 'default: "A"', "LM402", "error", '"A"', "fewer than 2 characters"),
        # The schema itself.
        ("required: [sku, price]", "requird: [sku]", "LM407", "error", "requird", "no keyword"),
        ("minItems: 1", "minItems: few", "LM407", "error", "few", "0 or more"),
        ('$ref: "#/$defs/line"', '$ref: "#/$defs/lin"', "LM408", "error", '"#/$defs/lin"',
         "Did you mean `#/$defs/line`?"),
        ('$ref: "#/$defs/line"', "$ref: https://example.com/line.json", "LM408", "error",
         "https://example.com/line.json", "nothing is fetched"),
        ('{type: string, pattern: "^A"}, total', '{type: string, pattern: "(?=A)"}, total',
         "LM416", "error", '"(?=A)"', "RE2"),
    ],
)  # fmt: skip
def test_what_is_said_and_where(
    old: str, new: str, code: str, severity: str, at: str, says: str
) -> None:
    found = told(old, new)
    first = next((d for d in found if d.code == code), None)
    assert first is not None, [str(d) for d in found]
    assert first.severity == severity
    assert marked(first, MESH.replace(old, new, 1)) == at
    assert says in f"{first.message} {first.hint}"


def test_a_write_that_adds_to_a_schema_is_refused() -> None:
    """Whether the whole still fits shows only once it is there."""
    listed = "{type: {schema: {type: array, maxItems: 2}}, merge: append}"
    (found,) = parse(f"mesh: desk\nmemory:\n  log: {listed}\n").diagnostics
    assert (found.code, "{list: {schema: …}}" in found.hint) == ("LM209", True)
    items = "{type: {list: {schema: {type: string, maxLength: 2}}}, merge: append}"
    assert parse(f"mesh: desk\nmemory:\n  log: {items}\n").diagnostics == ()


def test_both_places_are_shown() -> None:
    old, new = (
        "total: steps.read.output.order.lines[0].price",
        "total: steps.read.output.order.note",
    )
    (found,) = told(old, new)
    (related,) = found.related
    assert related.line_text.strip() == "total: number"
    assert found.line_text.strip() == new


def test_what_is_not_proved_is_not_proven_by_the_check() -> None:
    pattern = 'number: {schema: {type: string, pattern: "^A"}}'
    mesh = lm.Mesh.from_yaml(MESH.replace(pattern, pattern.replace("^A", "^A[0-9]"), 1))
    layer = mesh.check().layer("types")
    assert [d.code for d in layer.diagnostics] == ["LM404"]
    assert any("LM404" in text for text in layer.unproven)


def test_a_run_with_schemas(tmp_path: Path) -> None:
    mesh = lm.Mesh.from_yaml(MESH)
    got: list[Any] = []
    answer: dict[str, Any] = {
        "number": "A12", "due": "2026-01-31", "extra": {"n": 1},
        "lines": [{"sku": "pen", "price": Decimal("2.5"), "colour": None}],
    }  # fmt: skip

    @mesh.agent("reader")
    def read(text: str) -> dict[str, Any]:
        return {"order": answer}

    @mesh.agent("payer")
    def pay(number: str, total: float) -> dict[str, Any]:
        got.append((number, total))
        return {"ok": True}

    journal = str(tmp_path / "journal.db")
    assert mesh.start("go", text="A12", journal=journal).result() == {"ok": True}
    assert got == [("A12", 2.5)]
    answer["number"] = "B12"
    with pytest.raises(lm.RunError, match=r"order\.number.*does not match the pattern \^A"):
        mesh.start("go", text="A12", journal=journal).result()
    del answer["lines"]
    with pytest.raises(lm.RunError, match="its field `lines` is missing"):
        mesh.start("go", text="A12", journal=journal).result()
