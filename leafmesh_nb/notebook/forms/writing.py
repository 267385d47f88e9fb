"""What was typed into a form, as YAML: whatever it is, it is one value and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from leafmesh_nb.language.diagnostics import Collector, TooManyErrors
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode, SequenceNode
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.scalars import is_old_boolean, resolve
from leafmesh_nb.language.source import Source
from leafmesh_nb.notebook.written import quoted

__all__ = ["fields_text", "flow", "flow_list", "indented", "type_text", "word"]

_PLAIN = re.compile(r"[A-Za-z0-9_$(]")
_ENDS_IT = re.compile(r": |:\Z| #")
_IN_BRACES = re.compile(r"[\[\]{},]")


def word(text: str, *, braces: bool = False) -> str:
    """A text as a scalar, without quotes where it needs none. ``braces``: it stands in a flow."""
    plain = (
        text == text.strip()
        and text.isprintable()
        and _PLAIN.match(text)
        and not _ENDS_IT.search(text)
        and not (braces and _IN_BRACES.search(text))
        and "{{" not in text
        and isinstance(resolve(text), str)
        and not is_old_boolean(text)
    )
    return text if plain else quoted(text)


def flow(node: Node) -> str:
    """A value that was read, on one line, its numbers as they were written."""
    if isinstance(node, MappingNode):
        pairs = (f"{word(e.key.text, braces=True)}: {flow(e.value)}" for e in node)
        return f"{{{', '.join(pairs)}}}"
    if isinstance(node, SequenceNode):
        return f"[{', '.join(map(flow, node.items))}]"
    if node.style == "plain" and not isinstance(node.value, str):
        return node.text or "null"
    return word(node.text, braces=True)


def flow_list(names: Iterable[str]) -> str:
    """Names as a list on one line."""
    return f"[{', '.join(word(name, braces=True) for name in names)}]"


def type_text(typed: str) -> str:
    """A type as it was typed (``money or null``, ``{list: string}``)."""
    node = _read(typed)
    return word(typed, braces=True) if node is None else flow(node)


def fields_text(typed: str) -> str:
    """Fields as they were typed (``ticket: string, amount: money``), as a map on one line."""
    if not typed.strip():
        return "{}"
    bare = typed.strip()
    node = _read(bare if bare.startswith("{") else f"{{{bare}}}")
    return flow(node) if isinstance(node, MappingNode) else word(typed, braces=True)


def indented(lines: Iterable[str], by: int = 2) -> list[str]:
    """Lines moved to the right."""
    return [" " * by + line for line in lines]


def _read(text: str) -> Node | None:
    source = Source(text)
    collector = Collector(source)
    node = None
    with suppress(TooManyErrors):
        node = read(source, collector)
    if collector.failed or (isinstance(node, ScalarNode) and node.text != text):
        return None
    return node
