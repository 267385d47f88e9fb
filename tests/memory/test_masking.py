from __future__ import annotations

import html
import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

CARDS = [
    "4111 1111 1111 1111",
    "4111111111111111",
    "4111-1111-1111-1111",
    "4111 1111-11111111",
    "4111\u00a01111\u00a01111\u00a01111",
    "4111 1111\n1111 1111",
    "4111\u200b1111\u200b1111\u200b1111",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "4111/1111/1111/1111",
    "4111_1111_1111_1111",
    "4111, 1111, 1111, 1111",
    "4111    1111    1111    1111",
    "4111|1111|1111|1111",
    "4111:1111:1111:1111",
    "4111*1111*1111*1111",
    "4111.1111\u00b71111.1111",
    "4111&nbsp;1111&nbsp;1111&nbsp;1111",
    "4111)(1111)(1111)(1111",
    "99994111111111111111",
]
SCHEMES = {
    "378282246310005": "0005",  # American Express
    "5555555555554444": "4444",  # Mastercard
    "2223003122003222": "3222",  # Mastercard, the newer range
    "6011111111111117": "1117",  # Discover
    "30569309025904": "5904",  # Diners Club
    "3530111333300000": "0000",  # JCB
    "4222222222222": "2222",  # Visa, 13 digits
    "6759649826438453": "8453",  # Maestro
    "6200000000000000000": "0000",  # UnionPay, 19 digits
}


class TestCardNumbers:
    @pytest.mark.parametrize("card", CARDS)
    def test_keeps_the_last_four_digits(self, card: str) -> None:
        assert Masker().text(f"my card {card}, thanks") == "my card •••• 1111, thanks"

    @pytest.mark.parametrize(("card", "last"), SCHEMES.items())
    def test_of_every_scheme(self, card: str, last: str) -> None:
        assert Masker().text(card) == f"•••• {last}"

    def test_with_digits_beside_it(self) -> None:
        text = "Order 12 4111 1111 1111 1111 12/27 cvc 123"
        assert Masker().text(text) == "Order 12 •••• 1111 12/27 cvc 123"

    def test_two_in_a_row(self) -> None:
        text = "4111 1111 1111 1111 5555 5555 5555 4444"
        assert Masker().text(text) == "•••• 1111 •••• 4444"

    def test_glued_to_words(self) -> None:
        assert Masker().text("card4111111111111111visa") == "card•••• 1111visa"

    def test_behind_a_mask_that_somebody_typed(self) -> None:
        assert "4111" not in Masker().text("•••• 4111 1111 1111 1111")

    def test_in_full_width_digits(self) -> None:
        four, one = "\uff14", "\uff11"
        assert Masker().text(four + one * 15) == "•••• " + one * 4

    @pytest.mark.parametrize(
        "text",
        [
            "4111 1111 1111 1112",  # fails the check digit
            "9111 1111 1111 1116",  # passes it, no scheme has the prefix
            "0000 0000 0000 0000",
            "+49 170 1234567, call me",
            "2026-11-22T14:32:47.123456+00:00",
            "invoices 20418, 20419 and 20420",
            "1,234,567.89 in total",
            "4000, 4111, 1111, 1111, 1111, 4200",
            "between 2026-11-30 14:32:47.123456 and 2026/11/30",
            "4,5,3,4,5,1,2,4,4,5,3,4,5,1,2,4,5,5,4,3,4,5",
            "120.00, 4,111.11, 1,111.11, 11,111.00",
            "run 4111111111111111411111111111111141 of a hash",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ],
    )
    def test_leaves_other_numbers_alone(self, text: str) -> None:
        assert Masker().text(text) == text

    def test_as_a_json_number(self) -> None:
        assert Masker().value({"n": 4111111111111111}) == {"n": "•••• 1111"}


class TestSecrets:
    def test_wherever_they_occur(self) -> None:
        masker = Masker(["jane@example.com", "Jane Doe"])
        assert masker.text("Jane Doe <jane@example.com>; xJane Doey") == "••• <•••>; x•••y"

    def test_overlapping_ones_share_a_mask(self) -> None:
        assert Masker(["abcdef", "defgh"]).text("-abcdefgh-") == "-•••-"

    def test_one_that_overlaps_itself(self) -> None:
        assert Masker(["abab"]).text("ababab") == MASK

    def test_one_inside_another(self) -> None:
        assert Masker(["Jane", "Jane Doe"]).text("Jane Doe, Jane") == "•••, •••"

    def test_short_ones_stay_within_other_text(self) -> None:
        assert Masker(["abc", "7"]).text("abc 7") == "abc 7"

    def test_blank_ones_are_none(self) -> None:
        assert Masker(["", "     ", "••••"]).text("a      ••••• b") == "a      ••••• b"

    def test_in_json_text(self) -> None:
        secret = 'line "one"\nStraße'
        masker = Masker([secret])
        for ascii_only in (True, False):
            shown = masker.text(json.dumps({"k": secret}, ensure_ascii=ascii_only))
            assert json.loads(shown) == {"k": MASK}

    def test_short_numbers_only_as_whole_numbers(self) -> None:
        masker = Masker(["1984"])
        assert masker.text("born 1984, order 119842") == "born •••, order 119842"

    def test_long_numbers_anywhere(self) -> None:
        assert Masker(["55120998"]).text("acct 0055120998-1") == "acct 00•••-1"

    @pytest.mark.parametrize(
        "said",
        [
            "abc-card-secret",
            "ABC-CARD-SECRET",
            "Abc Card Secret",
            "abccardsecret",
            "abc_card/secret",
            "abc\ncard,\nsecret",
            "a-b-c-c-a-r-d-s-e-c-r-e-t",
        ],
    )
    def test_in_other_case_and_with_other_separators(self, said: str) -> None:
        assert Masker(["abc-card-secret"]).text(f"it is {said}!") == f"it is {MASK}!"
        many = Masker(["abc-card-secret", *(f"other {n:04}" for n in range(100))])
        assert many.text(f"it is {said}!") == f"it is {MASK}!"

    @pytest.mark.parametrize(
        "written",
        [html.escape, quote, quote_plus, repr, lambda s: quote(s).lower(), str.upper, json.dumps],
    )
    def test_escaped(self, written: Any) -> None:
        secret = "O'Brien & <Straße>"
        shown = Masker([secret]).text(f"-{written(secret)}-")
        assert MASK in shown
        assert "brien" not in shown.lower()
        assert "stra" not in shown.lower()

    def test_short_ones_as_written_only(self) -> None:
        assert Masker(["Jane"]).text("JANE j-a-n-e Jane") == f"JANE j-a-n-e {MASK}"

    @pytest.mark.parametrize(
        ("secret", "text"),
        [
            ("Tim East", "some time as to"),
            ("202611", "on 2026-11-22"),
            ("520000", "1,520,000 and 520,000,000"),
        ],
    )
    def test_what_has_its_letters_by_chance_stays(self, secret: str, text: str) -> None:
        assert Masker([secret]).text(text) == text

    def test_where_small_letters_are_more(self) -> None:
        assert Masker(["secret-word"]).text("\u0130\u0130 SECRET-WORD") == f"\u0130\u0130 {MASK}"

    def test_in_keys_and_numbers_of_a_value(self) -> None:
        masker = Masker(["Jane Doe", "52000", "10.50"])
        value = {"Jane Doe": [52000, 52001, 10.5, Decimal("10.50"), True, None, "ok"]}
        assert masker.value(value) == {MASK: [MASK, 52001, 10.5, MASK, True, None, "ok"]}

    def test_value_makes_new_objects(self) -> None:
        value = {"a": [{"b": 1}], "c": ("x",)}
        shown = Masker().value(value)
        assert shown == {"a": [{"b": 1}], "c": ["x"]}
        assert shown is not value
        assert shown["a"] is not value["a"]
        assert shown["a"][0] is not value["a"][0]

    def test_many_mask_as_few_do(self) -> None:
        secrets = ["abab", "abcdef", "defgh", "1984", "55120998", "Jane", "Jane Doe"]
        many = Masker([*secrets, *(f"other {n:04}" for n in range(100))])
        for text in ("ababab-abcdefgh", "1984 119842 0055120998", "Jane Doe, Jane, Jan", "", "abc"):
            assert many.text(text) == Masker(secrets).text(text)

    def test_deterministic_whatever_the_order(self) -> None:
        secrets = ["abcd", "cdef", "efgh", "12345678"]
        text = "abcdefgh 12345678 abcd"
        assert Masker(secrets).text(text) == Masker(reversed(secrets)).text(text)


ALPHABET = "ab1•- 40\n5"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(ALPHABET, max_size=8), max_size=4),
    st.lists(st.sampled_from([*CARDS, *SCHEMES, " ", "a", "12", "••••", "-"]), max_size=6),
    st.text(ALPHABET, max_size=30),
)
def test_masking_twice_changes_nothing(secrets: list[str], parts: list[str], rest: str) -> None:
    masker = Masker(secrets)
    once = masker.text("".join(parts) + rest)
    assert masker.text(once) == once
    for secret in secrets:
        plain = secret.strip()
        if len(plain) > 7 and plain.strip("• "):
            assert plain not in once


@pytest.mark.parametrize(
    ("secrets", "text"),
    [
        ([], "4" * 300_000),
        ([], "4 " * 30_000),
        ([], "4111 1111 1111 1112 " * 10_000),
        ([], "1" + " " * 300_000 + "1"),
        ([], "4111,1111,1111,1112," * 10_000),
        ([], "1" + "&nbsp;" * 50_000 + "1"),
        (["ab-" * 20], "a b " * 30_000),
        (["a" * 60], "a" * 100_000),
        (["a" * 50_000], "a" * 200_000),
        ([f"customer number {n}" for n in range(500)], "customer number x " * 3_000),
    ],
)
def test_hostile_texts_take_no_longer_than_others(secrets: list[str], text: str) -> None:
    masker = Masker(secrets)
    start = time.process_time()
    masker.text(text)
    assert time.process_time() - start < 3


# --- what a run tells ---------------------------------------------------------------------------


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
