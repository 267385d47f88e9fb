"""Money, durations and times as the card writes them."""

from __future__ import annotations

import pytest

from leafmesh_nb.observe.wording import clock_time, day_and_time, duration, step_name, usd


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("0.000", "$0.00"),
        ("0.0000431", "$0.000043"),
        ("0.00099", "$0.00099"),
        ("0.001", "$0.001"),
        ("0.1649", "$0.165"),
        ("0.5", "$0.50"),
        ("0.120", "$0.12"),
        ("1", "$1.00"),
        ("12.5", "$12.50"),
        ("1234567.891", "$1,234,567.89"),
    ],
)
def test_money(amount: str, text: str) -> None:
    assert usd(amount) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, ""),
        (0, "0 ms"),
        (999, "999 ms"),
        (1000, "1.0 s"),
        (59_900, "59.9 s"),
        (60_000, "1:00"),
        (247_000, "4:07"),
        (3_847_000, "1:04:07"),
    ],
)
def test_durations(ms: int | None, text: str) -> None:
    assert duration(ms) == text


def test_times_are_in_utc_wherever_they_are_read() -> None:
    assert clock_time(1_772_544_020_640) == "13:20:20 UTC"
    assert day_and_time(1_772_544_020_640) == "3 March, 13:20 UTC"
    assert clock_time(None) == ""


def test_step_names() -> None:
    assert step_name("look_up_account") == "Look up account"
    assert step_name("x") == "X"
