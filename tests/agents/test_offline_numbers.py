"""What the reader takes for an amount, a number or a date, and what it does not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.agents.offline import UnreadableFieldError, read

MONEY = {"type": "string", "format": "money"}
DATE = {"type": "string", "format": "date"}
DATETIME = {"type": "string", "format": "date-time"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
TODAY = date(2026, 3, 2)  # a Monday


def one(text: str, name: str, schema: dict[str, Any], today: date | None = None) -> Any:
    """The field `name`, null when it is not there."""
    shape = {"type": "object", "properties": {name: {"anyOf": [schema, {"type": "null"}]}}}
    return read(shape, {"text": text}, today=today).output[name]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("You took $49.99 from my card", "49.99"),
        ("49,99 € were debited", "49.99"),
        ("They charged USD 1,250.00", "1250.00"),
        ("Betrag: 1.250,00 EUR", "1250.00"),
        ("It was 620 dollars", "620"),
        ("€30 please", "30"),
        ("€1.250 is a lot", "1250"),
        ("1 250,50 € in all", "1250.50"),
        ("1'250.50 CHF", "1250.50"),
        ("1,25,000 rupees", "125000"),
        ("Rs. 500 only", "500"),
        ("$1k", "1000"),
        ("charged me 1.5k", "1500"),
        ("$2.5 million", "2500000"),
        ("twelve hundred dollars", "1200"),
        ("two thousand five hundred euros", "2500"),
        ("a hundred and twenty bucks", "120"),
        ("half a million dollars", "500000"),
        ("twenty-five pounds", "25"),
        ("50 cents", "0.50"),
        ("99p", "0.99"),
        ("charged me 620 for nothing", "620"),
        ("I paid 2000 for it", "2000"),
        ("the price is 12.50", "12.50"),
        ("£1,000,000.00", "1000000"),
        ("US$ 300", "300"),
        ("300$", "300"),
        ("-$20 on my statement", "20"),
        ("The bill was 12 pounds 50 for two teas", "12.50"),
        ("5 euros and 20 cents too much", "5.20"),
        ("\u00a312 and 50p please", "12.50"),
        ("20 pounds 15 guests", "20"),
        ("Parts 80 dollars, labour 45 dollars, 125 dollars altogether", "125"),
        ("\u20ac30 for the room and \u20ac12 for parking, \u20ac42 in all", "42"),
        ("I paid $300 in total, please refund the $40 for breakfast", "40"),
        ("The total was \u20ac90. Please give me the \u20ac20 back.", "20"),
    ],
)
def test_amounts(text: str, amount: str) -> None:
    found = one(text, "amount", MONEY)

    assert found is not None
    assert Decimal(found) == Decimal(amount)
    assert "E" not in found


@pytest.mark.parametrize(
    "text",
    [
        "My order 88213 is late",
        "order #88213",
        "Order no. 4471, invoice number 20260114",
        "invoice INV-2024-001",
        "call me at +49 170 1234567 or (555) 123-4567",
        "card 4111 1111 1111 1111, ending in 4242",
        "since version 4.2.1 and v2.3",
        "a customer since 2019",
        "at 12:30 or 5pm on 03/04/2026",
        "10% off, or ten percent",
        "3 boxes in 2 days",
        "my iPhone 14 and Windows 11",
        "the 3rd time",
        "zip 90210, room 305, page 12",
        "999999999999999999999999999999",
        "",
        "no numbers here",
    ],
)
def test_what_is_no_amount(text: str) -> None:
    assert one(text, "amount", MONEY) is None


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("I paid $120 for two shirts. One was torn, please refund $60.", "60"),
        ("The order was $200 and shipping $15. Please refund the shipping.", "15"),
        ("Total $310. I want $45.50 back for the lamp.", "45.50"),
        ("You charged $80 instead of $50.", "80"),
        ("Give me back the 30 euros, not $300.", "30"),
        ("I claim $90. Sorry, I meant $95.", "95"),
        ("Order 55123 from 2025-11-02: $18.20 was taken twice.", "18.20"),
    ],
)
def test_the_amount_that_is_asked_for(text: str, amount: str) -> None:
    assert one(text, "amount", MONEY) == amount


def test_amounts_go_to_the_fields_whose_names_they_stand_by() -> None:
    names = ("total", "shipping_cost", "deposit")
    shape = {"type": "object", "properties": dict.fromkeys(names, MONEY), "required": list(names)}
    text = "The total is $310.00, shipping comes to $12.50 and the deposit was 50 dollars."

    assert read(shape, {"mail": text}).output == {
        "total": "310.00",
        "shipping_cost": "12.50",
        "deposit": "50",
    }


def test_one_amount_is_not_given_to_two_fields() -> None:
    optional = {"anyOf": [MONEY, {"type": "null"}]}
    shape = {"type": "object", "properties": {"amount": optional, "late_fee": optional}}

    found = read(shape, {"mail": "Please send back the $40."})
    assert found.output == {"amount": "40", "late_fee": None}


def test_a_balance_keeps_its_sign() -> None:
    assert one("The balance is -$20.50", "balance", MONEY) == "-20.50"


@pytest.mark.parametrize(
    ("text", "name", "schema", "value"),
    [
        ("a table for four people", "guests", INTEGER, 4),
        ("we stay 3 nights with 2 children", "nights", INTEGER, 3),
        ("we stay 3 nights with 2 children", "children", INTEGER, 2),
        ("from one night to three nights", "nights", INTEGER, 3),
        ("a couple of nights", "nights", INTEGER, 2),
        ("my rating: 4/5", "rating", INTEGER, 4),
        ("pain 9 out of 10", "pain", {"type": "integer", "maximum": 10}, 9),
        ("in my 5th semester", "semester", INTEGER, 5),
        ("it weighs 2.5 kg", "weight", NUMBER, 2.5),
        ("a discount of 15%", "discount", NUMBER, 15),
        ("a discount of 15%", "discount", {"type": "number", "maximum": 1}, 0.15),
        ("order number 88213", "order_number", INTEGER, 88213),
        ("error 502 in 40 places", "guests", INTEGER, None),
        ("pain is 12", "pain", {"type": "integer", "maximum": 10}, None),
        ("one of them broke", "quantity", INTEGER, None),
        ("2.5 nights", "nights", INTEGER, None),
    ],
)
def test_numbers_by_the_name_of_the_field(
    text: str, name: str, schema: dict[str, Any], value: float | None
) -> None:
    found = one(text, name, schema)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("on 2026-03-03", "2026-03-03"),
        ("on 3 March 2026", "2026-03-03"),
        ("on March 3rd, 2026", "2026-03-03"),
        ("3rd of March 2026", "2026-03-03"),
        ("5-Mar-2026", "2026-03-05"),
        ("slashes, month first: 03/04/2026", "2026-03-04"),
        ("dots, day first: 03.04.2026", "2026-04-03"),
        ("only one reading: 31/05/2026", "2026-05-31"),
        ("two digits: 3/4/26", "2026-03-04"),
        ("2026-03-03T14:30:00Z", "2026-03-03"),
        ("30 February 2026", None),
        ("on March 3rd", None),
        ("tomorrow", None),
        ("version 1.2.2026.4", None),
    ],
)
def test_dates_without_knowing_today(text: str, day: str | None) -> None:
    assert one(text, "date", DATE) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-03-02"),
        ("tomorrow", "2026-03-03"),
        ("the day after tomorrow", "2026-03-04"),
        ("yesterday", "2026-03-01"),
        ("in 3 days", "2026-03-05"),
        ("two weeks ago", "2026-02-16"),
        ("on Friday", "2026-03-06"),
        ("on Monday", "2026-03-09"),
        ("next Friday", "2026-03-13"),
        ("last Tuesday", "2026-02-24"),
        ("Friday 13 March", "2026-03-13"),
        ("on the 14th.", "2026-03-14"),
        ("since the 27th", "2026-02-27"),
        ("on December 30", "2025-12-30"),
        ("on May 3", "2026-05-03"),
        ("it may 3 times fail", None),
    ],
)
def test_dates_from_today(text: str, day: str | None) -> None:
    assert one(text, "date", DATE, TODAY) == day


def test_today_at_the_ends_of_the_calendar() -> None:
    assert one("tomorrow", "date", DATE, date.max) is None
    assert one("yesterday", "date", DATE, date.min) is None
    assert one("on March 3rd, in 999 weeks, on the 31st.", "date", DATE, date.max) is not None


def test_dates_go_to_the_beginning_and_the_end() -> None:
    shape = {"type": "object", "properties": {"start": DATE, "end": DATE}}
    shape["required"] = ["start", "end"]

    for text in (
        "We stay from 5 July 2026 to 9 July 2026.",
        "We leave on 9 July 2026 and start on 5 July 2026.",
    ):
        assert read(shape, {"mail": text}).output == {"start": "2026-07-05", "end": "2026-07-09"}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-03T14:30:00+02:00", "2026-03-03T14:30:00+02:00"),
        ("on 3 March 2026 at 2:30 pm", "2026-03-03T14:30:00Z"),
        ("on 3 March 2026 at noon", "2026-03-03T12:00:00Z"),
        ("on 3 March 2026", "2026-03-03T00:00:00Z"),
        ("2026-03-03T14:30:00+99:99", "2026-03-03T14:30:00Z"),
        ("at 14:30", None),
    ],
)
def test_date_and_time(text: str, moment: str | None) -> None:
    assert one(text, "meeting", DATETIME) == moment


@pytest.mark.parametrize(
    ("name", "schema", "wanted"),
    [
        ("amount", MONEY, "an amount of money"),
        ("due_date", DATE, "a date near 'due date'"),
        ("guests", INTEGER, "a whole number near 'guests'"),
    ],
)
def test_a_required_value_that_is_not_there(name: str, schema: dict[str, Any], wanted: str) -> None:
    shape = {"type": "object", "properties": {name: schema}, "required": [name]}

    with pytest.raises(UnreadableFieldError) as caught:
        read(shape, {"text": "Hello, I need help."})

    assert caught.value.field == name
    assert str(caught.value) == f"field {name!r} is not in the text: looked for {wanted}"
