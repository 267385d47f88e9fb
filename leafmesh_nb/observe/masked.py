"""An event's body as views may show it. Views read what stands here, never the body itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from leafmesh_nb.memory.masking import Masker

if TYPE_CHECKING:
    from leafmesh_nb.engine.events import Event
    from leafmesh_nb.language.spec import Spec

__all__ = ["masked_body", "masker_for"]

Json = Any
_Mask = Callable[[Masker, Any], Any]

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def masker_for(events: Iterable[Event], spec: Spec | None, masker: Masker | None) -> Masker:
    """The given masker, else the one that the mesh and these events call for.

    Without a mesh nobody knows which fields are sensitive: card numbers are masked all the same.
    """
    if masker is not None:
        return masker
    return Masker() if spec is None else Masker.for_run(spec, events)


def masked_body(event: Event, masker: Masker) -> dict[str, Json]:
    """The fields of an event's body, those that carry data masked.

    Names that the mesh declares, keys, digests, amounts and counts are as they were recorded.
    Names that people and agents gave are texts like any other.
    """
    body = event.body
    shown: dict[str, Json] = {}
    for name in (f.name for f in fields(body)):  # type: ignore[arg-type]  # every body is one
        value = getattr(body, name)
        if name == "value" and event.kind.startswith("memory."):
            shown[name] = masker.field(body.field, value)  # type: ignore[attr-defined]
        elif name == "field" and event.kind == "memory.denied":
            shown[name] = masker.text(value)
        else:
            mask = _DATA.get(name)
            shown[name] = value if mask is None else mask(masker, value)
    return shown


def _data(masker: Masker, value: Json) -> Json:
    return masker.value(value)


def _message(masker: Masker, error: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {**error, "message": masker.text(str(error.get("message", "")))}


def _pairs(masker: Masker, values: Iterable[Any]) -> list[list[Any]]:
    """Sub-expressions with their values, masked as a whole where one reads a sensitive field.

    A comparison's outcome stays: without it nobody could tell why a rule matched.
    """
    told = [(str(text), value) for text, value in values]
    masked = masker.fields(
        ("" if isinstance(value, bool) else _sensitive(masker, text), value) for text, value in told
    )
    return [[masker.text(text), shown] for (text, _), shown in zip(told, masked, strict=True)]


def _sensitive(masker: Masker, text: str) -> str:
    """A sensitive field that an expression or a path names, or an empty text."""
    return next((name for name in _IDENTIFIER.findall(text) if masker.hides(name)), "")


def _policies(masker: Masker, policies: Iterable[Any]) -> list[Any]:
    return [
        {
            **policy,
            "rules": [
                {
                    **rule,
                    "verdict": masker.text(str(rule.get("verdict", ""))),
                    "values": _pairs(masker, rule.get("values", ())),
                }
                for rule in policy.get("rules", ())
            ],
        }
        for policy in policies
    ]


def _reasons(masker: Masker, items: Iterable[Any]) -> list[Any]:
    return [{**item, "reason": masker.text(str(item.get("reason", "")))} for item in items]


def _diff(masker: Masker, changes: Iterable[Any]) -> list[Any]:
    changed = list(changes)
    paths = [str(change.get("path", "")) for change in changed]
    names = [_sensitive(masker, path) for path in paths]
    sides = {
        side: masker.fields(
            (name, change.get(side)) for name, change in zip(names, changed, strict=True)
        )
        for side in ("old", "new")
    }
    return [
        {"path": masker.text(path), "old": old, "new": new}
        for path, old, new in zip(paths, sides["old"], sides["new"], strict=True)
    ]


def _writes(masker: Masker, writes: Iterable[Any]) -> list[Any]:
    written = list(writes)
    values = masker.fields((str(write.get("field", "")), write.get("value")) for write in written)
    return [{**write, "value": value} for write, value in zip(written, values, strict=True)]


def _text(masker: Masker, text: str) -> str:
    return masker.text(text)


_DATA: dict[str, _Mask] = {
    "answer": _text,
    "asks": _reasons,
    "by": _text,
    "channel": _text,
    "diff": _diff,
    "edited_by": _text,
    "error": _message,
    "excluded": _reasons,
    "identity": _text,
    "input": _data,
    "inputs": _data,
    "note": _text,
    "output": _data,
    "person": _text,
    "policies": _policies,
    "reason": _text,
    "request": _data,
    "requester": _text,
    "result": _data,
    "value": _data,
    "values": _pairs,
    "what": _text,
    "writes": _writes,
}
"""How each field that carries data is masked, whatever the body: equal names mean equal things."""
