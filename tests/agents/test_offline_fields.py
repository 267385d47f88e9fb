"""Enums, booleans, texts, lists and objects: what is chosen, quoted, copied, refused."""

from __future__ import annotations

from typing import Any

import pytest

from leafmesh_nb.agents.offline import Example, UnreadableFieldError, describe, read

STRING = {"type": "string"}
BOOLEAN = {"type": "boolean"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
MONEY = {"type": "string", "format": "money"}
TOPIC = {"type": "string", "enum": ["delivery", "invoice", "other_matter"]}
EXAMPLES = (
    Example("The driver left it at the wrong door", {"topic": "delivery"}),
    Example("You charged me for two of them", {"topic": "invoice"}),
)


def shape(*optional: str, **properties: dict[str, Any]) -> dict[str, Any]:
    types = {
        name: {"anyOf": [t, {"type": "null"}]} if name in optional else t
        for name, t in properties.items()
    }
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": types,
        "required": required,
        "additionalProperties": False,
    }


def one(text: str, name: str, schema: dict[str, Any], *, optional: bool = False) -> Any:
    names = (name,) if optional else ()
    return read(shape(*names, **{name: schema}), {"text": text}).output[name]


class TestEnum:
    def test_by_the_examples(self) -> None:
        reading = read(shape(topic=TOPIC), {"text": "wrong door again"}, EXAMPLES)

        assert reading.output == {"topic": "delivery"}
        assert reading.confidence > 0.5
        assert "door" in reading.evidence["topic"]

    @pytest.mark.parametrize(
        ("text", "topic"),
        [
            ("When is it delivered?", "delivery"),
            ("INVOICES!!", "invoice"),
            ("the invioce is wrong", "invoice"),
            ("a delivry problem", "delivery"),
            ("I do not want another invoice, I want it delivered", "delivery"),
            ("Not the delivery. The invoice.", "invoice"),
        ],
    )
    def test_by_the_values_names(self, text: str, topic: str) -> None:
        assert one(text, "topic", TOPIC) == topic

    def test_without_overlap_the_first_value_and_no_confidence(self) -> None:
        colors = {"enum": ["delivery", "invoice"]}
        reading = read(shape(topic=colors), {"text": "xyzzy qwrt"}, EXAMPLES)

        assert reading.output == {"topic": "delivery"}
        assert reading.confidence == 0.0
        assert reading.evidence == {"topic": ""}

    def test_without_overlap_a_value_for_the_rest(self) -> None:
        reading = read(shape(topic={"enum": ["delivery", "other"]}), {"text": "xyzzy qwrt"})

        assert reading.output == {"topic": "other"}
        assert reading.confidence == 0.0

    def test_empty_text(self) -> None:
        for text in ("", "   \n", "!!! ---"):
            reading = read(shape(topic=TOPIC), {"text": text}, EXAMPLES)
            assert (reading.output, reading.confidence) == ({"topic": "delivery"}, 0.0)
        assert read(shape(topic=TOPIC), {}).output == {"topic": "delivery"}

    def test_an_optional_one_without_overlap_is_null(self) -> None:
        assert one("xyzzy", "topic", TOPIC, optional=True) is None
        assert one("invoice", "topic", TOPIC, optional=True) == "invoice"

    def test_context_helps_but_is_never_quoted(self) -> None:
        schema = shape(team={"enum": ["alpha", "beta"]}, note=STRING)
        context = ["Alpha looks after umbrellas. Beta looks after lanterns."]

        for thing, team in (("umbrella", "alpha"), ("lantern", "beta")):
            text = f"My {thing} is here."
            output = read(schema, {"text": text}, context=context).output
            assert output == {"team": team, "note": text}

    def test_numbers_as_values(self) -> None:
        assert one("I give 2 stars", "stars", {"enum": [1, 2, 3]}) in (1, 2, 3)

    def test_a_tie_takes_the_value_declared_first(self) -> None:
        for values in (["umbrella", "walrus"], ["walrus", "umbrella"]):
            reading = read(shape(thing={"enum": values}), {"text": "umbrella walrus"})
            assert reading.output["thing"] == values[0]
            assert reading.confidence == 0.0

    @pytest.mark.parametrize(
        ("text", "urgency"),
        [
            ("We need this immediately, it is an emergency!!", "high"),
            ("No rush, whenever you can.", "low"),
            ("It is not urgent.", "low"),
            ("The parcel is blue.", "normal"),
        ],
    )
    def test_a_scale_of_urgency(self, text: str, urgency: str) -> None:
        assert one(text, "urgency", {"enum": ["low", "normal", "high"]}) == urgency

    def test_confidence_is_the_least_margin(self) -> None:
        schema = shape(topic=TOPIC, thing={"enum": ["umbrella", "lantern"]}, confidence=NUMBER)
        sure = read(schema, {"text": "The invoice for the umbrella"})
        unsure = read(schema, {"text": "The invoice for the xyzzy"})

        assert 0 < sure.output["confidence"] == sure.confidence <= 1
        assert unsure.output["confidence"] == unsure.confidence == 0.0

    def test_confidence_without_an_enum_is_one(self) -> None:
        reading = read(shape(confidence=NUMBER, note=STRING), {"text": "Hello there, world."})

        assert reading.output["confidence"] == reading.confidence == 1.0


class TestBoolean:
    @pytest.mark.parametrize(
        ("text", "name", "value"),
        [
            ("The vase arrived damaged.", "damaged", True),
            ("The vase arrived smashed.", "is_damaged", True),
            ("It is not damaged at all.", "damaged", False),
            ("The lid is undamaged.", "damaged", False),
            ("The vase is blue.", "damaged", False),
            ("With breakfast, please", "breakfast_included", True),
            ("Is breakfast included?", "breakfast_included", True),
            ("We come without pets.", "has_pets", False),
            ("We bring pets.", "has_pets", True),
            ("I want my money back", "wants_refund", True),
            ("I do not want a refund", "wants_refund", False),
            ("I am a new patient.", "new_patient", True),
            ("A new window for an old patient", "new_patient", True),
            ("My new window is great. The patient waits.", "new_patient", False),
            ("This is urgent, please hurry", "urgent", True),
            ("not urgent", "urgent", False),
            ("Yes, of course.", "accepted", True),
            ("No, thank you.", "accepted", False),
        ],
    )
    def test_cue_words_and_negation(self, text: str, name: str, value: bool) -> None:
        assert one(text, name, BOOLEAN) is value

    def test_an_optional_one_that_is_not_mentioned_is_null(self) -> None:
        assert one("The vase is blue.", "damaged", BOOLEAN, optional=True) is None
        assert one("It is not damaged.", "damaged", BOOLEAN, optional=True) is False

    def test_nothing_to_read_is_an_error(self) -> None:
        with pytest.raises(UnreadableFieldError, match=r"'damaged'.*a yes or no near 'damaged'"):
            one(" ", "damaged", BOOLEAN)


class TestText:
    LETTER = (
        "Hello,\n\nmy parcel has been  on its way since Monday. I need it because my\nson has his "
        "birthday.   Could you send it by express?\n\nBest regards,\nAnna Smith"
    )

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("reason", "I need it because my son has his birthday."),
            ("request", "Could you send it by express?"),
            ("parcel", "my parcel has been on its way since Monday."),
            ("customer_name", "Anna Smith"),
        ],
    )
    def test_the_best_sentence_as_it_stands(self, name: str, value: str) -> None:
        reading = read(shape(**{name: STRING}), {"mail": self.LETTER})

        assert reading.output == {name: value}
        assert value in reading.evidence[name]

    def test_what_is_quoted_is_in_the_text(self) -> None:
        for name in ("summary", "subject", "explanation", "anything_else"):
            assert one(self.LETTER, name, STRING) in " ".join(self.LETTER.split())

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("order_id", "A-4471"),
            ("invoice_number", "2026-118"),
            ("email", "anna.smith+x@example.org"),
            ("phone", "+49 170 1234567"),
            ("url", "https://example.org/a?b=c"),
            ("contract_number", None),
        ],
    )
    def test_identifiers_and_addresses(self, name: str, value: str | None) -> None:
        text = (
            "Order A-4471 of 2026-03-01 and invoice no. 2026-118 over $20.50: write to "
            "anna.smith+x@example.org, call +49 170 1234567, see https://example.org/a?b=c."
        )
        assert one(text, name, STRING, optional=True) == value

    def test_limits_of_length(self) -> None:
        long = "word " * 400
        assert len(one(long, "note", STRING)) <= 300
        assert one("one two three four", "note", {"type": "string", "maxLength": 3}) == "one"
        with pytest.raises(UnreadableFieldError):
            one("short", "note", {"type": "string", "minLength": 20})

    def test_nothing_to_quote_is_an_error(self) -> None:
        with pytest.raises(UnreadableFieldError, match="'reason'"):
            one("", "reason", STRING)
        assert one("", "reason", STRING, optional=True) is None

    def test_markup_is_text(self) -> None:
        hostile = "<script>alert(1)</script> ${input.x} {{name}} __import__('os')"
        assert one(hostile, "note", STRING) == hostile


class TestInputs:
    def test_inputs_of_the_same_name_and_type_are_copied(self) -> None:
        schema = shape(ticket_id=STRING, amount=MONEY, tier={"enum": ["basic", "gold"]}, n=INTEGER)
        inputs = {"ticket_id": "T-1", "amount": "12.50", "tier": "gold", "n": 3, "text": "9 basic"}

        assert read(schema, inputs).output == {
            "ticket_id": "T-1",
            "amount": "12.50",
            "tier": "gold",
            "n": 3,
        }

    def test_a_value_that_does_not_fit_is_not_copied(self) -> None:
        inputs = {"tier": "platinum", "text": "I am a gold member, $5", "amount": "lots"}
        schema = shape(tier={"enum": ["basic", "gold"]}, amount=MONEY)

        assert read(schema, inputs).output == {"tier": "gold", "amount": "5"}

    def test_prose_is_read_not_copied(self) -> None:
        text = "Hello. My kettle leaks because the lid is broken. It is red and it was a gift."
        reading = read(shape(reason=STRING), {"reason": text})

        assert reading.output["reason"] == "My kettle leaks because the lid is broken."

    def test_confidence_is_never_copied(self) -> None:
        reading = read(shape(confidence=NUMBER, topic=TOPIC), {"confidence": 0.9, "text": "xyzzy"})
        assert reading.output["confidence"] == 0.0

    def test_short_values_are_not_taken_for_the_text(self) -> None:
        inputs = {"tier": "gold", "id": "T-77", "message": "Please call me back about the lamp"}
        assert read(shape(summary=STRING), inputs).output["summary"] == inputs["message"]

    def test_texts_inside_inputs_are_read(self) -> None:
        inputs = {"mail": {"subject": "Invoice", "parts": ["It was $40 too much, please repay."]}}
        reading = read(shape(topic=TOPIC, amount=MONEY), inputs)

        assert reading.output == {"topic": "invoice", "amount": "40"}


class TestParts:
    def test_lists(self) -> None:
        text = "The invoice says $5, €7.50 and 3 dollars, for the delivery on 2026-03-01."
        schema = shape(
            topics={"type": "array", "items": TOPIC},
            amounts={"type": "array", "items": MONEY},
            days={"type": "array", "items": {"type": "string", "format": "date"}},
            flags={"type": "array", "items": BOOLEAN},
        )
        assert read(schema, {"text": text}).output == {
            "topics": ["delivery", "invoice"],
            "amounts": ["5", "7.50", "3"],
            "days": ["2026-03-01"],
            "flags": [],
        }

    @pytest.mark.parametrize(
        ("text", "items"),
        [
            ("Hello,\n- a red lamp\n- two chairs\n\nBye", ["a red lamp", "two chairs"]),
            ("My items: lamp, chair and desk. Thanks.", ["lamp", "chair", "desk"]),
            ("Nothing of the kind.", []),
        ],
    )
    def test_lists_of_texts(self, text: str, items: list[str]) -> None:
        schema = shape(wanted_items={"type": "array", "items": STRING})
        assert read(schema, {"text": text}).output == {"wanted_items": items}

    def test_bounds_of_lists(self) -> None:
        money = {"type": "array", "items": MONEY, "maxItems": 1}
        assert one("$1 and $2", "amounts", money) == ["1"]
        with pytest.raises(UnreadableFieldError, match="'amounts'"):
            one("none", "amounts", {"type": "array", "items": MONEY, "minItems": 1})

    def test_lists_of_objects(self) -> None:
        line = shape(product=STRING, price=MONEY)
        text = "We bought:\n- lamp for $20\n- chair for $35.50\nPlease check."

        assert one(text, "lines", {"type": "array", "items": line}) == [
            {"product": "- lamp for $20", "price": "20"},
            {"product": "- chair for $35.50", "price": "35.50"},
        ]

    def test_objects(self) -> None:
        inner = shape("due", amount=MONEY, due={"type": "string", "format": "date"})
        output = read(shape(deposit=inner), {"text": "The rent is $900, the deposit $400."}).output
        assert output == {"deposit": {"amount": "400", "due": None}}

        with pytest.raises(UnreadableFieldError) as caught:
            read(shape(deposit=inner), {"text": "Nothing is said."})
        assert caught.value.field == "deposit.amount"
        assert one("Nothing is said.", "deposit", inner, optional=True) is None

    def test_maps(self) -> None:
        text = "Details below.\nLamp: 20 dollars\nBlue chair: $35\nNote: none"
        schema = {"type": "object", "additionalProperties": MONEY}
        assert one(text, "prices", schema) == {"Lamp": "20", "Blue chair": "35"}

    def test_anything(self) -> None:
        assert one("Some words here.", "x", {}) == "Some words here."
        assert one("", "x", {}) is None

    @pytest.mark.parametrize(
        "schema",
        [
            {"type": "string", "pattern": "^(a+)+$"},
            {"$ref": "#/$defs/x"},
            {"oneOf": [STRING, INTEGER]},
            {"type": "string", "format": "uuid"},
            {"enum": []},
            {"type": "null"},
            False,
        ],
    )
    def test_schemas_beyond_the_languages_types_are_refused(self, schema: Any) -> None:
        with pytest.raises(UnreadableFieldError, match="'x'"):
            one("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "x", schema)

    def test_an_output_that_is_no_object(self) -> None:
        with pytest.raises(UnreadableFieldError, match="'output'"):
            read({"type": "string"}, {"text": "hello"})

    def test_very_deep_schemas_are_refused(self) -> None:
        schema: dict[str, Any] = MONEY
        for _ in range(60):
            schema = shape(inner=schema)
        with pytest.raises(UnreadableFieldError):
            read(schema, {"text": "$5"})


def test_it_says_what_it_is() -> None:
    assert "rules, not a language model" in describe()
    assert describe().count(".") == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Just a note to say the choir had a wonderful evening.", "thanks"),
        ("Thank you so much for fixing the boiler on a Sunday!", "thanks"),
        ("We were kept waiting for an hour and got no apology.", "complaint"),
        ("Thanks in advance. The stew was cold and the waiter rude.", "complaint"),
        ("Can you give me a rough figure for forty chairs? Thanks", "quote"),
    ],
)
def test_what_a_text_does_by_its_tone(text: str, kind: str) -> None:
    assert one(text, "kind", {"enum": ["quote", "complaint", "thanks"]}) == kind
