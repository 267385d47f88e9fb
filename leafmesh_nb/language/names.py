"""Ids: what things of a mesh may be called."""

from __future__ import annotations

import re

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import ScalarNode

__all__ = ["check_capability_name", "check_id", "plain_id"]

_ID = re.compile(r"[a-z][a-z0-9_]*\Z")
_LONGEST = 100
_RESERVED = frozenset({"true", "false", "null", "in"})


def check_id(node: ScalarNode, what: str, collector: Collector) -> bool:
    """Whether a key or value may be the id of ``what``; if not, it is reported."""
    return _check(node, what, (node.text,), collector)


def check_capability_name(node: ScalarNode, collector: Collector) -> bool:
    """The same for a capability, whose name may have dots."""
    return _check(node, "a capability", tuple(node.text.split(".")), collector)


def plain_id(text: str) -> str:
    """The nearest valid id, to suggest: ``Refund-Clerk`` becomes ``refund_clerk``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_").lstrip("0123456789_")


def _check(node: ScalarNode, what: str, parts: tuple[str, ...], collector: Collector) -> bool:
    right = _is_right(node, what, parts, collector)
    if not right:
        collector.misnamed.add(node.text)
    return right


def _is_right(node: ScalarNode, what: str, parts: tuple[str, ...], collector: Collector) -> bool:
    text = node.text
    if len(text) > _LONGEST:
        collector.error(
            "LM205", f"The name of {what} has more than {_LONGEST} characters.", node.span
        )
        return False
    if not text.strip():
        collector.error("LM211", f"The name of {what} is empty.", node.span)
        return False
    if reserved := next((part for part in parts if part in _RESERVED), None):
        collector.error(
            "LM205",
            f"`{reserved}` cannot be the name of {what}: it has a meaning in expressions.",
            node.span,
            f"Call it `{reserved}_` or something else.",
        )
        return False
    if all(_ID.match(part) for part in parts):
        return True
    better = ".".join(filter(None, map(plain_id, parts)))
    offer = f" Write `{better}`." if better else ""
    if "-" in text and _ID.match(text.replace("-", "_").replace(".", "_")):
        collector.error(
            "LM205",
            f"`{text}` cannot be the name of {what}: a hyphen is a minus in expressions.",
            node.span,
            offer.strip(),
        )
        return False
    allowed = "lower-case letters, digits and underscores, starting with a letter"
    if what == "a capability":
        allowed += ", in parts joined by dots"
    collector.error(
        "LM205",
        f"`{text}` cannot be the name of {what}.",
        node.span,
        f"Names are {allowed}.{offer}",
    )
    return False
