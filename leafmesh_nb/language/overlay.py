"""One entry of a mesh's text added or replaced; every other character keeps its meaning and place.

    changed = overlay(text, "policies", "payouts", body)
    changed.text                                   the whole mesh, to be loaded
    changed.in_cell(diagnostics, "cell", header)   what it is told, where the body was typed

The text is edited, not written anew: comments, order and style of all else stay. A flow map that
gets an entry (``agents: {a: {…}}``) is opened to block style first, its entries word for word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from leafmesh_nb.errors import MeshError
from leafmesh_nb.language.diagnostics import Collector, Diagnostic, Related
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, Span
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source

__all__ = ["Overlaid", "OverlayBlock", "Tree", "entry_text", "overlay", "tree_of"]

OverlayBlock = Literal["agents", "policies", "workflows"]
"""The blocks whose entries can be overlaid."""

Tree = tuple[str, object]
"""What a value says, without its style and its place; equal trees mean the same."""

_ORDER = (
    *("mesh", "description", "currency", "models", "memory", "people", "tools", "agents"),
    *("policies", "budgets", "routing", "workflows"),
)
_BREAK = re.compile(r"\r\n|\r|\n")
_INDENT = 2


@dataclass(frozen=True, slots=True)
class Overlaid:
    """A text with an entry in it: line ``key`` holds the id, the next ``count`` lines its body,
    moved to the right by ``indent`` columns."""

    text: str
    replaced: bool
    key: int
    count: int
    indent: int

    def in_cell(
        self, diagnostics: Iterable[Diagnostic], cell: str, header: str
    ) -> tuple[Diagnostic, ...]:
        """Diagnostics of ``text``; those of the entry as they stand in the cell it came from.

        ``cell`` names that cell, ``header`` is its first line, which holds the id at its end; the
        body starts on the second.
        """
        return tuple(self._moved(diagnostic, cell, header) for diagnostic in diagnostics)

    def _moved(self, diagnostic: Diagnostic, cell: str, header: str) -> Diagnostic:
        inside = self._holds(diagnostic.span)
        related = tuple(self._beside(r, inside, cell, diagnostic) for r in diagnostic.related)
        if not inside:
            return replace(diagnostic, related=related)
        if diagnostic.span.line == self.key:
            column = len(header) - len(header.split()[-1]) + 1
            span = Span(1, column, 1, len(header) + 1)
            return replace(diagnostic, source=cell, span=span, lines=(header,), related=related)
        lines = tuple(line[self.indent :] for line in diagnostic.lines)
        span = self._place(diagnostic.span)
        return replace(diagnostic, source=cell, span=span, lines=lines, related=related)

    def _beside(self, related: Related, inside: bool, cell: str, told: Diagnostic) -> Related:
        """Another place, which says in which of the two texts it is where that is not plain."""
        if self._holds(related.span):
            moved = replace(
                related, span=self._place(related.span), line_text=related.line_text[self.indent :]
            )
            return moved if inside else replace(moved, message=f"in {cell}: {related.message}")
        if inside:
            return replace(related, message=f"in {told.source}: {related.message}")
        return related

    def _holds(self, span: Span) -> bool:
        return self.key <= span.line <= self.key + self.count

    def _place(self, span: Span) -> Span:
        def column(line: int, column: int) -> int:
            return max(1, column - self.indent) if line > self.key else 1

        up = self.key - 1
        last = min(span.end_line, self.key + self.count)
        return Span(
            span.line - up,
            column(span.line, span.column),
            last - up,
            column(last, span.end_column),
        )


def overlay(text: str, block: OverlayBlock, id: str, body: str) -> Overlaid:
    """``text``, a mesh, with ``body`` as the entry ``id`` of a block, added or in place of the old.

    A last line without an end gets one. The result is not checked: what is wrong with the body
    shows when it is loaded. Raises MeshError where the text is written in a way that cannot be
    edited in place.
    """
    if not _BREAK.search(text[-1:]):
        text += _Lines(text).newline  # else a block scalar at the end would get one by the way
    opened = _open(text, ())
    if _entry(_root(opened), block) is not None:
        opened = _open(opened, (block,))
    changed = _placed(opened, block, id, body)
    _verify(text, changed.text, block, id)
    return changed


def entry_text(text: str, block: OverlayBlock, id: str) -> str | None:
    """The YAML of one entry, without its id and moved to the left; None where there is none."""
    lines = _Lines(text)
    found = _under(_root(text), block, id)
    if found is None:
        return None
    if found.value.span.line == found.key.span.line:
        return lines.source.slice(found.value.span)
    first, last = found.key.span.line + 1, _last_line(lines, found, found.key.span.column - 1)
    body = lines.source.lines[first - 1 : last]
    margin = min((_margin(line) for line in body if line.strip()), default=0)
    return "\n".join(line[margin:] for line in body)


def tree_of(node: Node | None) -> Tree:
    """What a node says."""
    if isinstance(node, MappingNode):
        return ("map", tuple((entry.key.text, tree_of(entry.value)) for entry in node))
    if isinstance(node, SequenceNode):
        return ("list", tuple(tree_of(item) for item in node.items))
    if isinstance(node, ScalarNode):
        return (type(node.value).__name__, node.text)
    return ("nothing", "")


# -- the text


class _Lines:
    """A text by its lines, whatever ends them, and by the places that the reader gives."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.source = Source(text)
        # What a byte order mark shifts is the first line only.
        self._starts = [int(self.source.marked), *(m.end() for m in _BREAK.finditer(text))]
        found = _BREAK.search(text)
        self.newline = found.group() if found else "\n"

    def offset(self, line: int, column: int = 1) -> int:
        """The index into the text of a place; past the last line, its end."""
        if line > len(self._starts):
            return len(self.text)
        return min(len(self.text), self._starts[line - 1] + column - 1)

    def count(self) -> int:
        return len(self.source.lines)


def _root(text: str) -> MappingNode:
    source = Source(text)
    node = read(source, Collector(source))
    if not isinstance(node, MappingNode):
        raise MeshError("the text of this mesh cannot be read, so nothing can be added to it")
    return node


def _entry(node: Node, name: str) -> Entry | None:
    if not isinstance(node, MappingNode):
        return None
    return next((entry for entry in node if entry.key.text == name), None)


def _under(root: MappingNode, block: str, id: str) -> Entry | None:
    found = _entry(root, block)
    return _entry(found.value, id) if found else None


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


# -- adding to a block map


def _placed(text: str, block: OverlayBlock, id: str, body: str) -> Overlaid:
    lines = _Lines(text)
    root = _root(text)
    home = _entry(root, block)
    if home is None:
        above = _above(root, block)
        last = _last_line(lines, above, 0)
        airy = any(not line.strip() for line in lines.source.lines[: root.span.end_line])
        gap = [""] if airy and not _keeps_blanks(lines, above) else []
        return _spliced(lines, last + 1, last + 1, [*gap, f"{block}:"], _INDENT, id, body)
    if not isinstance(home.value, MappingNode) or not home.value.entries:
        raise _no_place(f"the block `{block}`")
    margin = home.value.entries[0].key.span.column - 1
    old = _entry(home.value, id)
    if old is None:
        at = _last_line(lines, home.value.entries[-1], margin) + 1
        return _spliced(lines, at, at, [], margin, id, body)
    first = old.key.span.line
    key_line = lines.source.line(first)
    if key_line[:margin].strip(" ") or old.key.span.column != margin + 1:
        raise _no_place(f"`{id}`")
    past = _last_line(lines, old, margin) + 1
    head = lines.source.slice(old.key.span)
    remark = _comment_after_key(lines, old)
    return _spliced(lines, first, past, [], margin, head, body, remark, replaced=True)


def _above(root: MappingNode, block: str) -> Entry:
    """The entry under which a new block goes: the nearest that stands before it by custom."""
    rank = {name: at for at, name in enumerate(_ORDER)}
    before = [entry for entry in root if rank.get(entry.key.text, 99) < rank[block]]
    return before[-1] if before else root.entries[-1]


def _comment_after_key(lines: _Lines, entry: Entry) -> str:
    """The comment on the line of an id whose value starts below it."""
    if entry.value.span.line == entry.key.span.line:
        return ""
    rest = lines.source.line(entry.key.span.line)[entry.key.span.end_column - 1 :]
    found = re.match(r"\s*:(\s+#.*)?\s*\Z", rest)
    return (found.group(1) or "").rstrip() if found else ""


def _last_line(lines: _Lines, entry: Entry, margin: int) -> int:
    """The last line that belongs to an entry of a block map with this margin.

    Comments below the value that are indented deeper than its key are the entry's own. Blank lines
    are not, but where a block scalar keeps them (``|+``).
    """
    scalar = _last_scalar(entry.value)
    end = (scalar or entry.value).span
    last = end.end_line - (end.end_column == 1)
    keeps = _keeps_blanks(lines, entry)
    while not keeps and last > entry.key.span.line and not lines.source.line(last).strip():
        last -= 1
    for number in range(last + 1, lines.count() + 1):
        line = lines.source.line(number)
        if line.lstrip(" ").startswith("#") and _margin(line) > margin:
            last = number
        elif line.strip():
            break
    return last


def _keeps_blanks(lines: _Lines, entry: Entry) -> bool:
    """Whether an entry ends with a block scalar (``|+``) to which blank lines below it belong."""
    scalar = _last_scalar(entry.value)
    if scalar is None or scalar.style not in ("literal", "folded"):
        return False
    return "+" in lines.source.line(scalar.span.line)[scalar.span.column - 1 :].split("#")[0]


def _last_scalar(node: Node) -> ScalarNode | None:
    while not isinstance(node, ScalarNode):
        if node.flow:
            return None
        parts = [e.value for e in node] if isinstance(node, MappingNode) else node.items
        if not parts:
            return None
        node = parts[-1]
    return node


def _spliced(
    lines: _Lines,
    first: int,
    past: int,
    above: list[str],
    margin: int,
    key: str,
    body: str,
    remark: str = "",
    *,
    replaced: bool = False,
) -> Overlaid:
    """The text with lines ``first`` to ``past`` (exclusive) given up for the entry."""
    typed = list(Source(body).lines)
    while typed and not typed[-1].strip():
        typed.pop()
    inner = margin + _INDENT
    moved = [" " * inner + line if line else line for line in typed]
    written = [*above, " " * margin + f"{key}:{remark}", *moved]
    start, end = lines.offset(first), lines.offset(past)
    before, after = lines.text[:start], lines.text[end:]
    text = before + lines.newline.join([*written, ""]) + after
    return Overlaid(text, replaced, first + len(above), len(moved), inner)


# -- opening a flow map


def _open(text: str, path: tuple[str, ...]) -> str:
    """``text`` with the map at ``path`` in block style, if it was written in braces."""
    lines = _Lines(text)
    root = _root(text)
    owner = _entry(root, path[0]) if path else None
    node = owner.value if owner else root
    if not isinstance(node, MappingNode) or not node.flow:
        return text
    margin = owner.key.span.column - 1 + _INDENT if owner else 0
    written, before = _entries(lines, node, margin)
    end = (node.span.end_line, node.span.end_column)
    rest = lines.source.line(end[0])[end[1] - 1 :]
    if owner:
        start = lines.offset(owner.key.span.end_line, owner.key.span.end_column)
        remark = rest.rstrip() if rest.lstrip().startswith("#") else ""
        head = ":" + "".join(f"  {comment.strip()}" for comment in (*before[:1], remark) if comment)
        written = [head, *(" " * margin + comment for comment in before[1:]), *written]
    else:
        start, remark = lines.offset(node.span.line, node.span.column), ""
        written = [*before, *written]
        if lines.text[lines.offset(node.span.line) : start].strip():
            raise _no_place("the mesh")  # it starts behind a `---`
    stop = lines.offset(*end) + len(remark)
    return lines.text[:start] + lines.newline.join(written) + lines.text[stop:]


def _entries(lines: _Lines, node: MappingNode, margin: int) -> tuple[list[str], list[str]]:
    """The entries of a flow map as lines of a block map, and the comments before the first."""
    written: list[str] = []
    pad = " " * margin
    at = lines.offset(node.span.line, node.span.column) + 1
    before: list[str] = []
    for entry in node:
        key, value = entry.key.span, entry.value.span
        starts = lines.offset(key.line, key.column)
        found = _comments(lines.text[at:starts])
        if written and found[0]:
            written[-1] += f"  {found[0]}"
        if written:
            written += [pad + comment for comment in found[1:]]
        else:
            before = [*found[:1], *found[1:]] if any(found) else []
        named = lines.text[starts : lines.offset(key.end_line, key.end_column)]
        held = lines.text[
            lines.offset(value.line, value.column) : lines.offset(value.end_line, value.end_column)
        ]
        written.append(f"{pad}{named}: {held}")
        at = lines.offset(value.end_line, value.end_column)
    found = _comments(lines.text[at : lines.offset(node.span.end_line, node.span.end_column) - 1])
    if written and found[0]:
        written[-1] += f"  {found[0]}"
    return [*written, *(pad + comment for comment in found[1:])], before


def _comments(gap: str) -> list[str]:
    """The comments in what stands between two entries; the first is that of the line before."""
    same_line, *below = (part.lstrip(" ,\t").rstrip() for part in _BREAK.split(gap))
    return [same_line, *(part for part in below if part)]


# -- trust


def _verify(old: str, new: str, block: str, id: str) -> None:
    """Whatever else the text says, it must still say: an edit must not change another rule."""
    source = Source(new)
    after = read(source, Collector(source))
    if after is None:
        return  # the body cannot be read where it stands now; loading says where and why
    if _others(_root(old), block, id) != _others(after, block, id):
        raise _no_place(f"`{block}`")


def _others(node: Node, block: str, id: str) -> Tree:
    if not isinstance(node, MappingNode):
        return tree_of(node)
    found: list[object] = []
    for entry in node:
        if entry.key.text == block and isinstance(entry.value, MappingNode):
            inner = [(e.key.text, tree_of(e.value)) for e in entry.value if e.key.text != id]
            if inner:
                found.append((block, tuple(inner)))
        else:
            found.append((entry.key.text, tree_of(entry.value)))
    return ("map", tuple(found))


def _no_place(what: str) -> MeshError:
    return MeshError(
        f"{what} is written in a way that cannot be edited in place: change it in the %%mesh cell "
        "or the file that it came from"
    )
