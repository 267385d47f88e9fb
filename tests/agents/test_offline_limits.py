"""Long and hostile texts take no more than about a second; tokens are estimated as documented."""

from __future__ import annotations

import json
from datetime import date
from time import process_time
from typing import Any

import pytest

from leafmesh_nb.agents.offline import Example, UnreadableFieldError, count_tokens, read

MONEY = {"type": "string", "format": "money"}
LINES = {"type": "object", "properties": {"name": {"type": "string"}, "price": MONEY}}


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


SCHEMA = {
    "type": "object",
    "properties": {
        "topic": {"type": "string", "enum": ["refund", "fault", "question"]},
        "urgent": _optional({"type": "boolean"}),
        "amount": _optional(MONEY),
        "count": _optional({"type": "integer"}),
        "due_date": _optional({"type": "string", "format": "date"}),
        "order_id": _optional({"type": "string"}),
        "email": _optional({"type": "string"}),
        "name": _optional({"type": "string"}),
        "summary": _optional({"type": "string"}),
        "lines": {"type": "array", "items": LINES},
        "pairs": {"type": "object", "additionalProperties": MONEY},
        "confidence": {"type": "number"},
    },
    "required": ["topic", "lines", "pairs", "confidence"],
}
EXAMPLES = (Example("I was charged twice", {"topic": "refund"}),)
#: On two busy cores; alone it is less than half of this.
SECONDS = 2.5


@pytest.mark.parametrize(
    "piece",
    [
        "Please refund the $49.99 for order 4471, it broke on 3 March 2026. ",
        "refund please ",
        "1",
        "1 ",
        "123 ",
        "1.1,",
        "2026-03-03 ",
        "one hundred and ",
        "\n",
        "x",
        "x\t",
        "a@",
        "a.",
        "Regards, Anna ",
        "A B ",
        "a: b\n",
        "- x $5\n",
        "(",
        "+1 (2",
        "'",
        "a'",
        "not ",
        "http://",
        "é€ ",
    ],
)
def test_a_megabyte(piece: str) -> None:
    text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]

    start = process_time()
    reading = read(SCHEMA, {"text": text}, EXAMPLES, today=date(2026, 3, 2))
    assert process_time() - start < SECONDS
    assert reading.output["topic"] in ("refund", "fault", "question")


def test_the_beginning_and_the_end_of_a_long_text_are_read() -> None:
    schema = {"type": "object", "properties": {"deposit": MONEY, "rent": MONEY}}
    filler = "Nothing of note here. " * 50_000
    text = f"The deposit was $40. {filler} The rent is $900."

    assert read(schema, {"text": text}).output == {"deposit": "40", "rent": "900"}


def test_many_inputs_examples_and_fields() -> None:
    schema = {
        "type": "object",
        "properties": {f"field_{n}": _optional({"type": "integer"}) for n in range(150)},
    }
    inputs = {f"text_{n}": f"Line {n} costs ${n}, it has {n} parts" for n in range(2_000)}
    examples = [Example(f"text {n} about things", {"topic": "refund"}) for n in range(2_000)]

    start = process_time()
    assert set(read(schema, inputs, examples).output) == set(schema["properties"])
    read(SCHEMA, inputs, examples)
    assert process_time() - start < 2 * SECONDS


def test_arguments_are_left_as_they_were() -> None:
    inputs = {"text": "Please refund $5", "more": {"a": ["b"]}}
    before = json.dumps([SCHEMA, inputs])

    read(SCHEMA, inputs, EXAMPLES)
    assert json.dumps([SCHEMA, inputs]) == before


def test_the_error_pickles_and_is_a_lookup_error() -> None:
    import copy
    import pickle

    error = UnreadableFieldError("due", "a date")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert isinstance(twin, LookupError)
        assert (twin.field, str(twin)) == ("due", str(error))


class TestTokens:
    def test_nothing_is_none_and_anything_is_one(self) -> None:
        assert count_tokens("") == 0
        assert count_tokens("a") == 1

    def test_prose_is_four_bytes_a_token(self) -> None:
        prose = "The quick brown fox jumps over the lazy dog and sleeps under a tree"
        assert count_tokens(prose) == -(-len(prose) // 4)

    def test_json_is_two_bytes_a_token(self) -> None:
        dense = json.dumps({"amount": "12.50", "items": [1, 2, 3], "ok": True})
        assert count_tokens(dense) == -(-len(dense) // 2)

    def test_other_scripts_count_their_bytes(self) -> None:
        assert count_tokens("退款" * 10) == 15
