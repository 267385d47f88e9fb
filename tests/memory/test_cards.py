"""Card numbers: which are found, what stays of them, and what is none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.memory.masking import Masker

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
    '4111 1111", "1111 1111',
    "4111', '1111', '1111', '1111",
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


GLUED = [
    "41111111111111119",
    "94111111111111111",
    "41111111111111111227",  # and its date
    "41111111111111111227123",  # and its date and security code
    "4111 1111 1111 11119",
    "4111-1111-1111-11111227",
    "94111 1111 1111 1111",
]


class TestWithDigitsGluedToIt:
    @pytest.mark.parametrize("text", GLUED)
    def test_what_is_glued_goes_behind_the_mask_too(self, text: str) -> None:
        assert Masker().text(f"card {text}.") == "card •••• 1111."

    def test_american_express_too(self) -> None:
        assert Masker().text("3782822463100051227") == "•••• 0005"

    @pytest.mark.parametrize(
        "text",
        [
            "9400110898825022579493",  # parcels
            "00340434161094042557",
            "1Z9999999999999999",
            "20261122143247123456",
            "1700000000000000000",
            "DE89370400440532013000",
            "4111111111111112 1",
        ],
    )
    def test_long_numbers_of_other_kinds_stay(self, text: str) -> None:
        assert Masker().text(text) == text


class TestBankAccounts:
    ACCOUNTS = (
        "DE12 5001 0517 0648 4898 90",
        "AT61 1904 3002 3457 3201",
        "BE68 5390 0754 7034",
        "NO93 8601 1117 947",
        "PL61 1090 1014 0000 0712 1981 2874",
    )

    @pytest.mark.parametrize("account", ACCOUNTS)
    def test_stay(self, account: str) -> None:
        for text in (account, account.replace(" ", ""), f"to {account}, today", f"{account} 2026"):
            assert Masker().text(text) == text

    def test_one_that_would_be_a_card(self) -> None:
        text = "DE77 4111 1111 1111 1111 22"
        assert Masker().text(text) == "DE77 •••• 1111 22"
        check = 98 - int("411111111111111122131400") % 97
        text = f"DE{check:02} 4111 1111 1111 1111 22"
        assert Masker().text(text) == text
        assert Masker().text(f"X{text}") == f"XDE{check:02} •••• 1111 22"

    def test_a_card_behind_one(self) -> None:
        text = "AT61 1904 3002 3457 3201 4111 1111 1111 1111"
        assert Masker().text(text) == "AT61 1904 3002 3457 3201 •••• 1111"


class TestInParts:
    @pytest.mark.parametrize(
        ("parts", "shown"),
        [
            (["4111 1111", "1111 1111"], ["••••", "•••• 1111"]),
            (["4111", "1111", "1111", "1111"], ["••••", "••••", "••••", "1111"]),
            (["41111111", "11111111"], ["••••", "•••• 1111"]),
            (["4111 1111 1111", "1111"], ["••••", "1111"]),
            (
                ["my card: 4111-1111", "1111-1111, till 12/27"],
                ["my card: ••••", "•••• 1111, till 12/27"],
            ),
            (["3782", "822463", "10005"], ["••••", "••••", "•••• 0005"]),
        ],
    )
    def test_of_the_groups_on_a_card(self, parts: list[str], shown: list[str]) -> None:
        masker = Masker()
        assert masker.value(parts) == shown
        assert list(masker.value(dict(enumerate(parts))).values()) == shown
        assert masker.value([{"a": [part]} for part in parts]) == [{"a": [part]} for part in shown]
        assert masker.fields([(f"f{n}", part) for n, part in enumerate(parts)]) == shown
        assert masker.value(shown) == shown

    @pytest.mark.parametrize(
        "value",
        [
            [4000, 4111, 1111, 1111, 1111, 4200],
            [4111, 1111, 1111, 1111],  # amounts of a table
            [4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
            ["4111.11", "1111.11", "11111.00"],
            {"pin code": "400001", "phone": "9876543210"},
            {"phone": "436641234567", "zip": "1010"},
            {"order": "411111", "customer": "1111111111"},
            ["4111", "1111", "1111", "1111", "1111", "1111"],
            {"4111": "1111", "1112": "1111"},
            ["4111 1111", "and", "1111 1111"],
        ],
    )
    def test_other_values_side_by_side_stay(self, value: object) -> None:
        assert Masker().value(value) == value


class TestCutOff:
    @pytest.mark.parametrize("digits", range(7, 16))
    def test_no_more_than_the_issuer_stays(self, digits: int) -> None:
        assert Masker().text(f"card {'4111111111111111'[:digits]}…") == "card ••••…"

    @pytest.mark.parametrize("text", ["4111 1111 1111 11…", "4111-1111-1111 …", "4111 1111…"])
    def test_in_groups(self, text: str) -> None:
        assert Masker().text(text).rstrip(" …") == "••••"

    def test_a_whole_one_before_the_mark(self) -> None:
        assert Masker().text("4111 1111 1111 1111…") == "•••• 1111…"

    @pytest.mark.parametrize(
        "text", ["order 411111…", "1234567890…", "4111 11, 4111…", "411111111 x…"]
    )
    def test_other_numbers_stay(self, text: str) -> None:
        assert Masker().text(text) == text


@given(
    st.sampled_from([*SCHEMES]),
    st.text("abc ,.\n", max_size=12),
    st.text("xyz ,.\n", max_size=12),
    st.sampled_from(["", " ", "-", "."]),
)
def test_wherever_it_stands(card: str, before: str, after: str, separator: str) -> None:
    written = separator.join(card[at : at + 4] for at in range(0, len(card), 4))
    shown = Masker().text(f"{before}{written}{after}")
    assert shown == f"{before}•••• {card[-4:]}{after}"


def test_lists_of_numbers_take_no_longer_than_other_values() -> None:
    start = time.process_time()
    Masker().value([f"{n % 10_000:04}" for n in range(50_000)])
    assert time.process_time() - start < 3
