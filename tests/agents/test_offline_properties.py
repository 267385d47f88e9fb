"""What holds for any text and any schema: one kind of error, valid output, the same every time."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from leafmesh_nb.agents.offline import Example, Reading, UnreadableFieldError, count_tokens, read

FORMATS = FormatChecker(formats=())


@FORMATS.checks("money", raises=(ValueError, ArithmeticError))
def _money(value: object) -> bool:
    if not isinstance(value, str):
        return True
    amount = Decimal(value)
    return amount.is_finite() and "e" not in value.lower() and -amount.as_tuple().exponent <= 12


@FORMATS.checks("date", raises=ValueError)
def _date(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


@FORMATS.checks("date-time", raises=ValueError)
def _datetime(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


WORDS = (
    "amount total deposit_fee due_date start end order_id reason is_urgent has_receipt guests "
    "percent confidence name email items category urgency n x_2 checkIn _ 数量"
)
NAMES = st.sampled_from(WORDS.split())
FRAGMENTS = st.sampled_from(
    [
        "Please refund $49.99",
        "49,99 €",
        "I want 1.250,00 EUR back",
        "not urgent",
        "on 3 March 2026",
        "tomorrow at 5pm",
        "order no. 4471",
        "two thousand five hundred",
        "a hundred and",
        "No, thanks.",
        "key: value",
        "- item $5",
        "call +1 555 123 4567",
        "4111 1111 1111 1111",
        "12:30",
        "1,2,3",
        "٣٤",
        "１２ dollars",
        "²",
        "İstanbul ß ŉ",
        "<script>alert(1)</script>",
        "{{7*7}} ${input} %s {0}",
        "9" * 60,
        "\x00\x1b[31m",
        "31/02/2026",
        "0000-00-00",
        "9999-12-31T23:59:59+99:99",
        "Regards,\nAnna Smith",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(FRAGMENTS, st.text(max_size=20)), max_size=12).map(" ".join),
    st.lists(FRAGMENTS, max_size=8).map("\n".join),
)
SCALARS = st.one_of(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "string", "maxLength": 10},
            {"type": "string", "minLength": 5},
            {"type": "integer"},
            {"type": "integer", "minimum": 1, "maximum": 10},
            {"type": "number"},
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "boolean"},
            {"type": "string", "format": "money"},
            {"type": "string", "format": "date"},
            {"type": "string", "format": "date-time"},
            {},
        ]
    ),
    st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5, unique=True).map(
        lambda values: {"type": "string", "enum": values}
    ),
    st.just({"type": "string", "enum": ["refund", "bug", "question"]}),
    st.just({"type": "string", "enum": ["low", "normal", "high"]}),
)


def _object(types: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def build(properties: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": properties,
            "required": [name for name, t in properties.items() if "anyOf" not in t],
            "additionalProperties": False,
        }

    return st.dictionaries(NAMES, types, max_size=5).map(build)


def _wider(types: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        types.map(lambda t: {"anyOf": [t, {"type": "null"}]}),
        types.map(lambda t: {"type": "array", "items": t}),
        types.map(lambda t: {"type": "array", "items": t, "minItems": 1, "maxItems": 2}),
        types.map(lambda t: {"type": "object", "additionalProperties": t}),
        _object(types),
    )


SCHEMAS = _object(st.recursive(SCALARS, _wider, max_leaves=6))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)
EXAMPLES = st.lists(st.builds(Example, TEXTS, st.dictionaries(NAMES, JSON, max_size=2)), max_size=3)
TODAYS = st.one_of(st.none(), st.dates())


def _read(*args: Any, **kwargs: Any) -> Reading | str:
    try:
        return read(*args, **kwargs)
    except UnreadableFieldError as error:
        return str(error)


@settings(max_examples=150, deadline=None)
@given(schema=SCHEMAS, text=TEXTS, examples=EXAMPLES, context=TEXTS, today=TODAYS)
def test_output_is_valid_and_repeatable(
    schema: dict[str, Any],
    text: str,
    examples: list[Example],
    context: str,
    today: date | None,
) -> None:
    first = _read(schema, {"ticket": text}, examples, context=[context], today=today)
    again = _read(schema, {"ticket": text}, examples, context=[context], today=today)

    assert first == again
    if isinstance(first, Reading):
        Draft202012Validator(schema, format_checker=FORMATS).validate(first.output)
        assert 0.0 <= first.confidence <= 1.0
        assert first.evidence.keys() == first.output.keys()


@settings(max_examples=100, deadline=None)
@given(inputs=st.dictionaries(NAMES, JSON, max_size=4), schema=SCHEMAS)
def test_any_inputs_are_read_or_refused(inputs: dict[str, Any], schema: dict[str, Any]) -> None:
    found = _read(schema, inputs)

    if isinstance(found, Reading):
        Draft202012Validator(schema, format_checker=FORMATS).validate(found.output)


SCHEMA_KEYS = (
    "type enum const format minimum maximum maxLength minLength items minItems maxItems properties "
    "required additionalProperties anyOf oneOf pattern $ref not description"
)
KEYWORDS = st.sampled_from(SCHEMA_KEYS.split())
SCHEMA_WORDS = st.sampled_from(["string", "null", "object", "array", "number", "money", "date"])
STRANGE = st.recursive(
    st.one_of(JSON, SCHEMA_WORDS),
    lambda inner: st.one_of(
        st.lists(st.one_of(inner, SCHEMA_WORDS), max_size=3),
        st.dictionaries(KEYWORDS, inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(inner=st.one_of(STRANGE, st.dictionaries(KEYWORDS, STRANGE, max_size=4)), text=TEXTS)
def test_a_strange_schema_is_read_or_refused(inner: Any, text: str) -> None:
    _read({"type": "object", "properties": {"a": inner}, "required": ["a"]}, {"text": text})
    if isinstance(inner, dict):
        _read(inner, {"text": text})


@given(text=st.text())
def test_every_text_has_tokens(text: str) -> None:
    assert (count_tokens(text) >= 1) == bool(text)
    assert count_tokens(text) <= len(text.encode("utf-8", "surrogatepass")) / 2 + 1
