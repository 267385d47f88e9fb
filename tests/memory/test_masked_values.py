"""Values in several texts: what they tell together is masked in each, and nothing else is."""

from __future__ import annotations

import csv
import html
import json
import re
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib.resources import files
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leafmesh_nb.memory.masking import MASK, Masker


class TestInParts:
    @pytest.mark.parametrize(
        "parts",
        [
            ["hun", "ter2"],
            ["HUN", "TER2"],
            ["hun-", "-ter2"],
            ["h", "unter", "2"],
            list("hunter2"),
            ["hunter", 2],
        ],
    )
    def test_each_part_is_masked(self, parts: list[Any]) -> None:
        masker, hidden = Masker(["hunter2"]), [MASK] * len(parts)
        assert masker.value(["yes", *parts, "no"]) == ["yes", *hidden, "no"]
        assert masker.value([[part] for part in parts]) == [[MASK] for _ in parts]
        fields = {f"part {n}": part for n, part in enumerate(parts)}
        assert list(masker.value(fields).values()) == hidden
        assert masker.fields(fields.items()) == hidden

    def test_what_stands_around_a_part_stays(self) -> None:
        value = {"a": "it is hun", "b": None, "c": "ter2, I think"}
        shown = Masker(["hunter2"]).value(value)
        assert shown == {"a": f"it is {MASK}", "b": None, "c": f"{MASK}, I think"}

    def test_with_few_letters_and_digits(self) -> None:
        masker = Masker(["p@$$w!"])
        assert masker.value(["", "x p@$", "", "$w!"]) == ["", f"x {MASK}", "", MASK]
        assert masker.value(["x p@$", "w!"]) == ["x p@$", "w!"]

    def test_a_long_one_also_within_other_letters(self) -> None:
        masker = Masker(["correct horse battery staple"])
        assert masker.value(["xcorrect horse", "batterystaplex"]) == [f"x{MASK}", f"{MASK}x"]

    def test_one_part_in_a_sensitive_field(self) -> None:
        masker = Masker(["hunter2"], names=["card"])
        assert masker.value({"card": "hun", "rest": "ter2"}) == {"card": MASK, "rest": MASK}
        assert masker.fields([("card", {"a": 1}), ("b", 2)]) == [MASK, 2]

    @pytest.mark.parametrize(
        ("secret", "value"),
        [
            ("4711", ["47", "11"]),
            ("4711", [4, 7, 1, 1]),
            ("Jane", ["Ja", "ne"]),
            ("Tim East", ["some time", "as to"]),
            ("hunter2", ["hun", "x", "ter2"]),
            ("hunter2", ["shun", "ter2"]),
            ("hunter2", {"hun": "ter2"}),
            ("520000", [1, 520, 1000]),
        ],
    )
    def test_what_is_not_promised_or_by_chance_stays(self, secret: str, value: Any) -> None:
        assert Masker([secret]).value(value) == value


class TestKeys:
    def test_keys_that_become_equal_are_numbered(self) -> None:
        value = {"Jane Doe": 1, "JANE DOE": 2, "jane-doe": 3, "••• 2": 4, "x": 5}
        shown = Masker(["Jane Doe"]).value(value)
        assert list(shown) == [MASK, f"{MASK} 2", f"{MASK} 3", "••• 2 2", "x"]
        assert list(shown.values()) == [1, 2, 3, 4, 5]

    def test_numbers_and_texts_may_be_keys(self) -> None:
        assert Masker(["52000"]).value({52000: 1, None: 2}) == {MASK: 1, "None": 2}

    def test_many_equal_ones_take_no_longer(self) -> None:
        value = {f"Jane Doe{' ' * n}": n for n in range(3_000)}
        start = time.process_time()
        assert len(Masker(["Jane Doe"]).value(value)) == 3_000
        assert time.process_time() - start < 3


def test_reserved_characters_from_outside_join_nothing() -> None:
    value = ["a\ufdd0\ufdd0b", "\ufdd1c", {"\ufdd0": "\ufdd1"}]
    shown = Masker(["secret-word"]).value(value)
    assert shown == ["a\ufffd\ufffdb", "\ufffdc", {"\ufffd": "\ufffd"}]
    assert Masker().text("\ufdd0x") == "\ufffdx"


@pytest.mark.parametrize("value", [None, True, 7, 0.5, Decimal("1.50"), "", [], {}, [[]], [""]])
def test_small_values(value: Any) -> None:
    assert Masker(["hunter2"]).value(value) == value
    assert Masker().fields([]) == []


# --- a secret anywhere ---------------------------------------------------------------------------

SECRETS = [
    "hunter2",
    "Jane Doe",
    "jane.doe@example.com",
    "O'Brien & <Söhne>",
    "Bergstraße 12, 8010 Graz",
    "AT61 1904 3002 3457 3201",
    "+49 170 1234567",
    "correct horse battery staple",
    'pass\nword "q"',
    "4111 1111 1111 1111",
]


def letters(text: str) -> str:
    return "".join(re.findall(r"[^\W_]", text.casefold()))


def joined_by(separator: str) -> Callable[[str], str]:
    return lambda secret: separator.join(re.findall(r"[^\W_]+", secret))


def letter_by_letter(secret: str) -> str:
    return "-".join(letters(secret))


SPELLINGS: list[Callable[[str], str]] = [
    str,
    str.upper,
    str.lower,
    str.title,
    json.dumps,
    repr,
    html.escape,
    quote,
    quote_plus,
    joined_by(""),
    joined_by("_"),
    joined_by(" / "),
    letter_by_letter,
]

PLAIN = st.one_of(st.none(), st.booleans(), st.integers(0, 99), st.text("aeiou ,.", max_size=8))
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("kv", max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield str(value)


@st.composite
def told(draw: st.DrawFn) -> tuple[str, str, Any]:
    """A secret, how it is written, and a nested value with it: in one text, or in up to three."""
    secret = draw(st.sampled_from(SECRETS))
    written = draw(st.sampled_from(SPELLINGS))(secret)
    parts = [written]
    if draw(st.booleans()) and not re.search(r"[%&\\]", written):
        cuts = sorted(draw(st.sets(st.integers(1, len(written) - 1), min_size=1, max_size=2)))
        parts = [written[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    parts[0] = draw(st.text("aeiou ", max_size=5)) + " " + parts[0]
    parts[-1] += " " + draw(st.text("aeiou ", max_size=5))
    value: Any = parts
    if draw(st.booleans()):
        value = {f"k{n}": part for n, part in enumerate(parts)}
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            value = [draw(NESTED), value, draw(NESTED)]
        else:
            value = {"before": draw(NESTED), "in": value, "after": draw(NESTED)}
    return secret, written, value


@settings(max_examples=400, deadline=None)
@given(told())
@example(("hunter2", "hunter2", ["x hunter", "2 y"]))
def test_a_secret_anywhere_never_shows(case: tuple[str, str, Any]) -> None:
    secret, written, value = case
    shown = Masker([secret]).value(value)
    assert shown != value
    text = json.dumps(shown, ensure_ascii=False)
    assert secret not in text
    assert written not in text
    for told in ("".join(leaves(shown)), text):
        assert letters(secret) not in letters(told)
        assert letters(written) not in letters(told)
    assert Masker([secret]).value(shown) == shown


@settings(max_examples=200, deadline=None)
@given(NESTED)
def test_what_has_no_secret_stays(value: Any) -> None:
    assert Masker(SECRETS).value(value) == value


# --- the tickets of the quickstart ---------------------------------------------------------------


def tickets() -> list[dict[str, str]]:
    text = files("leafmesh_nb.quickstart").joinpath("tickets.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(keepends=True)))


def test_of_the_tickets_only_card_numbers_change() -> None:
    rows = tickets()
    shown = Masker().value(rows)
    changed = []
    for row, masked in zip(rows, shown, strict=True):
        for name, text in row.items():
            if text == masked[name]:
                continue
            changed.append((row["ticket_id"], name))
            kept = re.split(r"•••• (?=\d{4})", masked[name])
            assert len(kept) == 2, (row["ticket_id"], name)
            number = text.removeprefix(kept[0]).removesuffix(kept[1][4:])
            assert len(re.sub(r"\D", "", number)) in range(13, 20)
            assert number[-4:] == kept[1][:4]
    written = [(row["ticket_id"], "card") for row in rows if row["card"]]
    assert sorted(changed) == sorted([*written, ("T1033", "ticket"), ("T1066", "ticket")])


def test_one_tickets_secrets_leave_the_others_as_they_are() -> None:
    rows = tickets()
    plain = Masker().value(rows)
    for secret in ("hunter2!", "4711", "123", "jane.doe@example.com", "+49 170 1234567", "90210"):
        assert Masker([secret]).value(rows) == plain, secret
