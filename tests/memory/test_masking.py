from __future__ import annotations

import html
import json
import time
from decimal import Decimal
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leafmesh_nb.memory.marks import CUT, cut
from leafmesh_nb.memory.masking import MASK, Masker


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
        "text",
        [
            "4711",
            "4,711",
            "4.711",
            "4 711",
            "4\u202f711",
            "4'711",
            "4 7 1 1",
            "4-7-1-1",
            "4,7,1,1",
            "47 11",
            "47-11",
        ],
    )
    def test_short_numbers_in_groups(self, text: str) -> None:
        assert Masker(["4711"]).text(f"my pin: {text}, ok? ({text})") == "my pin: •••, ok? (•••)"

    def test_five_digits_in_groups(self) -> None:
        masker = Masker(["90210"])
        assert masker.text("90,210 and 9 0 2 1 0 and 90210") == "••• and ••• and •••"
        assert (
            masker.text("190,210 and 90,210,000 and 90 21 0")
            == "190,210 and 90,210,000 and 90 21 0"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "14,711",
            "4,711,000",
            "4,711.50 in total",
            "4 711 000",
            "4,7 and 1,1",
            "2026-47-11",
            "4.7.1.1.2",
            "4,71 1",
            "x4,711 and 4,711x",
        ],
    )
    def test_parts_of_longer_numbers_stay(self, text: str) -> None:
        assert Masker(["4711"]).text(text) == text

    @pytest.mark.parametrize(
        "text", ["123", "cvc 123.", "(123)", "cvc:123;", "PIN=123", "12/27 123"]
    )
    def test_three_digits_as_a_word(self, text: str) -> None:
        assert Masker(["123"]).text(text) == text.replace("123", MASK)

    @pytest.mark.parametrize(
        "text",
        [
            "1234",
            "0123",
            "A123",
            "123rd",
            "$123",
            "123.50",
            "1,123",
            "123,000",
            "10:123",
            "123%",
            "2026-123",
        ],
    )
    def test_three_digits_of_something_else_stay(self, text: str) -> None:
        assert Masker(["123"]).text(text) == text

    def test_a_number_with_a_fraction_is_no_part_of_another(self) -> None:
        assert Masker(["10.50"]).text("10.50, 110.50, 10.505") == "•••, 110.50, 10.505"

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


class TestCutOff:
    @pytest.mark.parametrize("length", range(4, 15))
    def test_no_more_than_three_letters_stay(self, length: int) -> None:
        masker = Masker(["abc-card-secret", "4711"])
        assert masker.text(f"it is {cut('abc-card-secret', length)}") == f"it is {MASK}{CUT}"
        assert (
            masker.text(f"it is {'abc-card-secret'[:length]} … (9 more)")
            == f"it is {MASK} … (9 more)"
        )

    @pytest.mark.parametrize(
        "said", ["ABC-CARD-S…", "abc card s…", "abccards…", "xabc-card…", '"abc-c…"']
    )
    def test_in_other_spellings(self, said: str) -> None:
        shown = Masker(["abc-card-secret"]).text(said)
        assert MASK in shown
        assert "abc" not in shown.lower()

    def test_each_of_several(self) -> None:
        many = [f"other {n:04}" for n in range(200)]
        for masker in (Masker(["hunter2", "Jane Doe"]), Masker(["hunter2", "Jane Doe", *many])):
            assert masker.text("hunt… Jane D… hunter2…") == f"{MASK}… {MASK}… {MASK}…"

    @pytest.mark.parametrize(
        "text",
        ["hunt", "the hunt is on …", "hun…", "some time …", "Tim…", "hunting…", "…hunter"],
    )
    def test_other_texts_stay(self, text: str) -> None:
        assert Masker(["hunter2", "Tim East"]).text(text) == text

    def test_a_short_text_is_not_cut(self) -> None:
        assert cut("abc", 3) == "abc"
        assert cut("abcd", 3) == "abc…"


ALPHABET = "ab1•- 40\n5…"
CARDS = ["4111 1111 1111 1111", "4111-1111-1111-11119", "378282246310005", "30569309025904"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(ALPHABET, max_size=8), max_size=4),
    st.lists(st.sampled_from([*CARDS, " ", "a", "12", "••••", "-", "…"]), max_size=6),
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
        ([f"customer number {n}" for n in range(500)], "customer number… " * 3_000),
        (["a" * 50_000], ("a" * 49_000 + "b…") * 5),
        (["hunter2", "4711"], "hunt…" * 60_000),
        (["4711", "90210"], "4 " * 100_000),
        (["p@$$w!"], "p@$$" * 50_000),
    ],
)
def test_hostile_texts_take_no_longer_than_others(secrets: list[str], text: str) -> None:
    masker = Masker(secrets)
    start = time.process_time()
    masker.text(text)
    assert time.process_time() - start < 3
