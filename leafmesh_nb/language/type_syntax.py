"""Types as they are written: ``money or null``, ``{enum: [a, b]}``, ``{list: T}`` …"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import get_args

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from leafmesh_nb.language.quoted_types import braced
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import ANY, Kind, Type, describe

__all__ = ["parse_fields", "parse_type"]

_NAMED: dict[str, Kind] = {
    kind: kind for kind in get_args(Kind) if kind not in ("enum", "list", "map", "object")
}
_BOUNDED = ("integer", "number", "money")
_FORMS = ("enum", "list", "map", "object", "type", "schema")
_OTHER_NAMES = {
    "str": "string",
    "text": "string",
    "char": "string",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "money",
    "currency": "money",
    "bool": "boolean",
    "timestamp": "datetime",
    "list": "{list: string}",
    "array": "{list: string}",
    "map": "{map: string}",
    "dict": "{map: string}",
    "object": "{object: {name: string}}",
    "enum": "{enum: [one, other]}",
}
_TYPE = re.compile(r"(\w+)(\s+or\s+null)?\Z")
_NULLABLE = re.compile(
    r"(?:null\s+or\s+(\w+)|(\w+)\s*\|\s*(?:null|None)|(\w+)\?|[Oo]ptional[\s\[]*(\w+)\]?)\Z"
)
_LISTED = re.compile(
    r"(?:[Ll]ist|[Aa]rray)\s*[\[<(]\s*(\w+)\s*[\]>)]\Z|(\w+)\[\]\Z|\[\s*(\w+)\s*\]\Z"
)
_NULL_ELSEWHERE = ("nullable", "optional", "required", "null")
_MOST_VALUES = 1000


def parse_type(node: Node, diagnostics: Collector) -> Type:
    """The type that a node describes; ``any`` where it describes none, which is reported."""
    if isinstance(node, ScalarNode):
        return _named(node, diagnostics)
    if isinstance(node, SequenceNode):
        diagnostics.error(
            "LM401",
            "A list is not a type.",
            node.span,
            "For a list of texts write {list: string}; for one of several texts {enum: [a, b]}.",
        )
        return ANY
    return _composed(node, diagnostics)


def parse_fields(node: Node, what: str, diagnostics: Collector) -> Type:
    """The closed object whose fields a map describes: ``{name: string, amount: money}``."""
    if isinstance(node, ScalarNode | SequenceNode):
        diagnostics.error(
            "LM204",
            f"{what} must be a map of names to types.",
            node.span,
            "For example {name: string, amount: money or null}; {} for none.",
        )
        return Type("object")
    fields = []
    for entry in node:
        inner = parse_type(entry.value, diagnostics)
        if check_id(entry.key, "a field", diagnostics):
            fields.append((entry.key.text, inner))
    return Type("object", fields=tuple(fields))


def _named(node: ScalarNode, diagnostics: Collector) -> Type:
    text = node.text.strip()
    match = _TYPE.match(text)
    if match and match.group(1) in _NAMED:
        kind = _NAMED[match.group(1)]
        return Type(kind, nullable=bool(match.group(2)) and kind != "any")
    if (quoted := braced(node)) is not None:
        form, nullable_form = quoted
        type = _composed(form, diagnostics)
        return type.or_null() if nullable_form else type
    known = ", ".join(_NAMED)
    hint = f"Types are {known}, and {{enum: [a, b]}}, {{list: T}}, {{map: T}}, {{object: …}}."
    name = match.group(1) if match else text
    if nullable := _NULLABLE.match(text):
        inner = next(group for group in nullable.groups() if group)
        inner = _OTHER_NAMES.get(inner.lower(), inner)
        hint = f"Write `{inner} or null`."
    elif listed := _LISTED.match(text):
        inner = next(group for group in listed.groups() if group)
        hint = f"Write `{{list: {_OTHER_NAMES.get(inner.lower(), inner)}}}`."
    elif other := _OTHER_NAMES.get(name.lower()):
        hint = f"Write `{other}`."
    elif close := suggest(name, _NAMED):
        hint = f"Did you mean `{close}`?"
    shown = f"`{text}` is not a type." if text else "A type is missing here."
    diagnostics.error("LM401", shown, node.span, hint)
    return ANY


def _composed(node: MappingNode, diagnostics: Collector) -> Type:
    forms = [entry for entry in node if entry.key.text in _FORMS]
    if len(forms) != 1:
        message = (
            "This type is of two forms at once."
            if forms
            else "This map is not a type: it has none of `enum`, `list`, `map`, `object`, `type`."
        )
        unknown = next((e.key for e in node if e.key.text not in _FORMS), None)
        close = suggest(unknown.text, _FORMS) if unknown else None
        hint = (
            f"Did you mean `{close}`?" if close else "An object with these fields is {object: {…}}."
        )
        diagnostics.error("LM401", message, node.span, hint)
        return ANY
    form = forms[0]
    name, inner = form.key.text, form.value
    allowed = ("type", "min", "max") if name == "type" else (name,)
    for entry in node:
        if entry.key.text not in allowed:
            close = suggest(entry.key.text, allowed)
            hint = f"Did you mean `{close}`?" if close else f"Its keys are {', '.join(allowed)}."
            if entry.key.text in ("min", "max"):
                hint = "Bounds are written as {type: number, min: 0, max: 1}."
            elif entry.key.text in _NULL_ELSEWHERE:
                hint = _nullable_hint(form, diagnostics)
            diagnostics.error(
                "LM201", f"A type has no key `{entry.key.text}` here.", entry.key.span, hint
            )
    if name == "schema":
        from leafmesh_nb.language.schemas.syntax import parse_schema

        return parse_schema(inner, diagnostics)
    if name == "enum":
        return _enum(inner, diagnostics)
    if name == "list":
        return Type("list", items=parse_type(inner, diagnostics))
    if name == "map":
        return Type("map", items=parse_type(inner, diagnostics))
    if name == "object":
        return parse_fields(inner, "`object`", diagnostics)
    return _bounded(node, inner, diagnostics)


def _nullable_hint(form: Entry, diagnostics: Collector) -> str:
    """How the type of a form is written where it may be null."""
    alone = MappingNode((form,), form.value.span, True)
    plain = form.value if form.key.text == "type" else alone
    type = describe(parse_type(plain, Collector(diagnostics.source)))
    written = f'"{type} or null"' if type.startswith("{") else f"{type} or null"
    return f"What may be null is written {written}."


def _enum(node: Node, diagnostics: Collector) -> Type:
    if not isinstance(node, SequenceNode) or not node.items:
        diagnostics.error(
            "LM401", "`enum` must be a list of texts.", node.span, "For example {enum: [a, b]}."
        )
        return ANY
    values: dict[str, None] = {}
    wrong: list[Node] = []
    nullable = False
    for item in node.items[:_MOST_VALUES]:
        if isinstance(item, ScalarNode) and item.value is None and item.text:
            nullable = True
        elif not isinstance(item, ScalarNode) or not isinstance(item.value, str):
            wrong.append(item)
        elif not item.value.strip():
            diagnostics.error("LM401", "A value of an enum is empty.", item.span)
        elif item.value in values:
            diagnostics.error("LM213", f"`{item.value}` is here twice.", item.span)
        else:
            values[item.value] = None
    if len(node.items) > _MOST_VALUES:
        diagnostics.error(
            "LM401", f"An enum has at most {_MOST_VALUES} values.", node.items[_MOST_VALUES].span
        )
    if wrong:
        texts = [f'"{item.text}"' for item in wrong if isinstance(item, ScalarNode) and item.text]
        hint = f"Quote {'it' if len(texts) == 1 else 'them'}: {', '.join(texts)}." if texts else ""
        diagnostics.error("LM401", "The values of an enum are texts.", wrong[0].span, hint)
    if wrong or not values:
        return ANY
    return Type("enum", values=tuple(values), nullable=nullable)


def _bounded(node: MappingNode, inner: Node, diagnostics: Collector) -> Type:
    type = parse_type(inner, diagnostics)
    bounds: dict[str, Decimal] = {}
    for key in ("min", "max"):
        bound = node.get(key)
        if bound is None:
            continue
        if type.kind not in _BOUNDED and type.kind != "any":
            diagnostics.error(
                "LM401",
                f"`{key}` bounds numbers and money, and this is {type.kind}.",
                bound.span,
            )
            continue
        value = bound.value if isinstance(bound, ScalarNode) else None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            diagnostics.error("LM204", f"`{key}` must be a number.", bound.span)
            continue
        if Decimal(repr(float(value))) != value:
            diagnostics.error(
                "LM208", f"`{key}` has more digits than a number of JSON keeps.", bound.span
            )
            continue
        bounds[key] = Decimal(value)
    low, high = bounds.get("min"), bounds.get("max")
    if low is not None and high is not None and low > high:
        diagnostics.error("LM208", "`min` is larger than `max`.", node.span)
        return type
    if type.kind == "any":
        return type
    if bounds and type.schema is not None:
        diagnostics.error("LM209", "The bounds of a schema stand in it: `minimum`.", node.span)
        return type
    return replace(type, minimum=low, maximum=high) if bounds else type
