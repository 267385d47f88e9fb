"""The functions of a local paper, for the meshes beside this file, on good days and bad ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def digest(minutes: str) -> dict[str, Any]:
    return {
        "headline": "Council keeps the evening ferry",
        "points": ["The ferry sails until ten.", "The pier is painted in May."],
        "vote": "carried",
        "costs": [
            {"item": "paint", "amount": Decimal("310.50")},
            {"item": "a second crew", "amount": Decimal("18400")},
        ],
    }


def digest_without_vote(minutes: str) -> dict[str, Any]:
    answer = digest(minutes)
    del answer["vote"]
    return answer


def digest_in_other_words(minutes: str) -> dict[str, Any]:
    return {**digest(minutes), "vote": "adopted"}


def digest_with_round_sums(minutes: str) -> dict[str, Any]:
    answer = digest(minutes)
    answer["costs"][1]["amount"] = "about eighteen thousand"
    return answer


def digest_speechless(minutes: str) -> dict[str, Any]:
    return {**digest(minutes), "headline": ""}


def digest_of_blanks(minutes: str) -> dict[str, Any]:
    return {**digest(minutes), "headline": " \n\t"}


def digest_stuttering(minutes: str) -> dict[str, Any]:
    return {**digest(minutes), "headline": "The council met and it was decided that " * 20}


def layout(headline: str, points: list[str]) -> dict[str, Any]:
    return {"lines": 2 + len(points)}


def layout_on_a_bad_day(headline: str, points: list[str]) -> dict[str, Any]:
    raise ValueError("the press is out of ink")


def thank(mood: str, review: str) -> dict[str, Any]:
    return {"answer": "Thank you for your visit; we hope to see you again."}
