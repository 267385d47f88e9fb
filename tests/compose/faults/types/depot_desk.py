"""The functions of a scrap yard, for the meshes beside this file; each but the first two is wrong.

A check reads annotations and runs nothing, so this module may refuse to be imported.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, TypedDict


class Price(TypedDict):
    worth: Decimal


class Quote(TypedDict):
    price: Decimal


def weigh(plate: str, axles: int) -> dict[str, Any]:
    return {"kilos": 7500.0 * axles, "sealed": plate.startswith("S")}


def price(kilos: float, metal: Literal["copper", "steel"], per_kilo: Decimal) -> Price:
    return {"worth": Decimal(str(kilos)) * per_kilo}


def weigh_worded(plate: str, axles: str) -> dict[str, Any]:
    return {"kilos": 7500.0 * len(axles), "sealed": False}


def weigh_strictly(plate: str, axles: int, seal: str) -> dict[str, Any]:
    return {"kilos": 7500.0 * axles, "sealed": bool(seal)}


def weigh_blind(plate: str) -> dict[str, Any]:
    return {"kilos": 7500.0, "sealed": plate.startswith("S")}


def weigh_aloud(plate: str, axles: int) -> str:
    return f"{plate}: {7500 * axles} kilos"


def quote(kilos: float, metal: str, per_kilo: Decimal) -> Quote:
    return {"price": Decimal(str(kilos)) * per_kilo}


def price_in_floats(kilos: float, metal: str, per_kilo: float) -> dict[str, float]:
    return {"worth": kilos * per_kilo * 1.2}


raise RuntimeError("a check of a mesh imports none of its modules")
