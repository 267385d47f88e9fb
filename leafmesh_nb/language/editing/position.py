"""Where a cursor stands in a mesh: what is being written there, and within what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from leafmesh_nb.language.editing.flow import depth_after
from leafmesh_nb.language.editing.outline import LINE, Branch

__all__ = ["Position", "locate"]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a mesh.

    ``mode`` says what may be written: a ``key`` of the map that ``holder`` has for a value, the
    ``value`` of ``holder``, or at the ``start`` of a line either. ``begin`` is the offset where it
    begins, ``fragment`` what is there up to the cursor.
    """

    mode: Literal["key", "value", "start"]
    holder: Branch
    begin: int
    fragment: str


def locate(root: Branch, offset: int, body: int = 0) -> Position | None:
    """The position of an offset into the outlined text, or None in a comment.

    ``body`` is where the mesh begins in it.
    """
    text = root.whole
    line = max(text.rfind("\n", 0, offset) + 1, body)
    before = text[line:offset]
    match = LINE.match(before)
    assert match is not None  # every part of the pattern may be empty
    column = match.end("indent")
    dashed = bool(match["dashes"])
    holder = _container(root, line, column, dashed)
    if holder.stop > holder.value and holder.start < line and holder.parent is not None:
        if holder.bracketed:
            return _within(holder, holder.value, offset)
        return Position("value", holder, holder.value, text[holder.value : offset])
    for at in range(column, match.end("dashes")):
        if before[at] == "-":
            start = line + at
            holder = _child(holder, "", start, start + 1, at)
    begin = line + match.end()
    mode: Literal["value", "start"] = "start"
    key = match["key"]
    if key is not None:
        start = line + match.start("key")
        at = match.end("dashes")
        holder = _child(holder, key.strip("'\""), start, start + len(key), at)
        mode = "value"
    fragment = text[begin:offset]
    if fragment.startswith("#") or (" #" in fragment and fragment[0] not in "\"'"):
        return None
    if fragment[:1] in ("{", "[") and not fragment.startswith("{{"):
        if mode == "start" and not dashed:
            return None
        return _within(holder, begin, offset)
    return Position(mode, holder, begin, fragment)


def _container(root: Branch, line: int, column: int, dashed: bool) -> Branch:
    """What a line at ``column`` belongs to, of all that began above it."""
    node = root
    while True:
        above = [child for child in node.children if child.start < line]
        if not above or node.bracketed:
            return node
        last = above[-1]
        if not (column > last.column or (dashed and column == last.column and not last.is_item)):
            return node
        node = last


def _child(parent: Branch, name: str, start: int, end: int, column: int) -> Branch:
    """The branch that begins at ``start``; one of its own where the outline has none."""
    for child in parent.children:
        if child.start == start and (child.name == name or not name):
            return child
    return Branch(parent.whole, parent, name, start, end, column)


def _within(branch: Branch, begin: int, offset: int) -> Position | None:
    """The position in the flow collection that begins at ``begin``, by what stands between it and
    the cursor: ``part`` is read from that alone, ``full`` is the same in the whole text."""
    text = branch.whole
    part = Branch(text, branch.parent, branch.name, branch.start, branch.end, branch.column,
                  value=begin, stop=offset)  # fmt: skip
    full = branch
    while True:
        if not part.bracketed or not depth_after(part.text):
            return None
        curly = text[part.value] == "{"
        last = part.children[-1] if part.children else None
        if last is None or "," in text[max(last.stop, last.end) : offset]:
            holder = full if curly else _new_item(full, offset)
            return Position("key" if curly else "value", holder, offset, "")
        twin = _child(full, last.name, last.start, last.end, full.column)
        colon = ":" in text[last.end : last.value] or (
            last.value == offset and text[offset - 1] == ":"
        )
        if curly and not colon:
            return Position("key", full, last.start, text[last.start : offset])
        if last.bracketed and depth_after(last.text):
            part, full = last, twin
            part.stop = offset
            continue
        return Position("value", twin, last.value, text[last.value : offset])


def _new_item(parent: Branch, offset: int) -> Branch:
    return Branch(parent.whole, parent, "", offset, offset, parent.column)
