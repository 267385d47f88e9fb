"""An outline of a mesh that is being written: who contains what, whatever state the text is in.

The reader refuses a text with an error; an editor asks while there is one on nearly every line.
So this goes by indentation and brackets alone, misses nothing it can make out, and never fails.
What is within a key is read when somebody looks there: a question about one line of a large mesh
touches little else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from leafmesh_nb.language.editing.flow import DEEPEST, depth_after, read_flow

__all__ = ["LINE", "Branch", "read_outline"]

LINE = re.compile(
    r"""(?P<indent>\ *)(?P<dashes>(?:-(?:\ +|$))*)
    (?:(?P<key>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s\#&*!|>'"%@`{}\[\],:-][^\s\#:{}\[\],]*
        (?::[^\s\#:{}\[\],]+)*)\ *:(?=\s|$)[\ \t]*)?
    """,
    re.VERBOSE,
)
"""The beginning of a line: its indentation, dashes of lists, and a key with its colon."""


class Branch:
    """A key with its value, or an item of a list (whose ``name`` is empty).

    ``start`` and ``end`` bound the key (or the dash), ``value`` and ``stop`` what stands there as
    its value: one line, or all lines of a flow collection or of a longer text. All are offsets
    into ``whole``, the outlined text; ``below`` and ``last`` bound what is within by indentation.
    """

    __slots__ = (
        "_children", "below", "column", "end", "last", "level", "name", "parent", "start",
        "stop", "value", "whole",
    )  # fmt: skip

    def __init__(
        self,
        whole: str,
        parent: Branch | None,
        name: str = "",
        start: int = 0,
        end: int = 0,
        column: int = -1,
        *,
        value: int = 0,
        stop: int = 0,
    ) -> None:
        self.whole = whole
        self.parent = parent
        self.name = name
        self.start = start
        self.end = end
        self.column = column
        self.value = value or end
        self.stop = max(stop, self.value)
        self.level: int = parent.level + 1 if parent is not None else 0
        self.below = self.last = 0
        self._children: list[Branch] | None = None

    @property
    def is_item(self) -> bool:
        """Whether this is an item of a list."""
        return not self.name

    @property
    def text(self) -> str:
        """The value as it is written, without what stands below a key on lines of its own."""
        return self.whole[self.value : self.stop]

    @property
    def bracketed(self) -> bool:
        """Whether the value is a flow collection."""
        return self.stop > self.value and _opens(self.whole, self.value)

    @property
    def children(self) -> list[Branch]:
        """Keys and items within the value, in order."""
        if self._children is None:
            self._children = read_flow(self) if self.bracketed else _read_block(self)
        return self._children

    def hold(self, children: list[Branch]) -> None:
        """Say what is within, so that nothing is read."""
        self._children = children

    def get(self, name: str) -> Branch | None:
        """The child of a name, or None; the last one, as whoever wrote it twice means that."""
        return next((child for child in reversed(self.children) if child.name == name), None)

    def at(self, *names: str) -> Branch | None:
        """The branch at a path of names below this one, or None."""
        found: Branch | None = self
        for name in names:
            found = found.get(name) if found is not None else None
        return found

    @property
    def scalar(self) -> str:
        """The value as a text without its quotes; empty for collections."""
        if self.bracketed:
            return ""
        text = self.text.strip()
        if text[:1] in ("'", '"') and text[-1:] == text[:1] and len(text) > 1:
            return text[1:-1]
        return text.partition(" #")[0].rstrip()

    @property
    def texts(self) -> list[str]:
        """The scalars of a list; one alone is a list of one."""
        items = [child.scalar for child in self.children if child.is_item]
        return [text for text in items or [self.scalar] if text]

    @property
    def path(self) -> tuple[Branch, ...]:
        """From the outermost branch to this one, without the root."""
        found: list[Branch] = []
        branch: Branch | None = self
        while branch is not None and branch.parent is not None:
            found.append(branch)
            branch = branch.parent
        return tuple(reversed(found))

    def walk(self) -> Iterator[Branch]:
        """Every branch below this one."""
        for child in self.children:
            yield child
            yield from child.walk()


def read_outline(text: str, begin: int = 0, within: tuple[str, ...] = ()) -> Branch:
    """The outline of ``text[begin:]``, as the value of a path of names where one is given."""
    root = inner = Branch(text, None)
    for name in within:
        outer, inner = inner, Branch(text, inner, name)
        outer.hold([inner])
    inner.below, inner.last = begin, len(text)
    return root


def _opens(text: str, at: int) -> bool:
    """Whether a flow collection begins there; ``{{name}}`` is the notebook's."""
    return text.startswith(("{", "["), at) and not text.startswith("{{", at)


@lru_cache(maxsize=256)
def _beginnings(least: int, most: int) -> re.Pattern[str]:
    return re.compile(rf"^ {{{least},{most}}}(?=[^ \n\r\t#])", re.MULTILINE)


_FIRST = re.compile(r"^( *)(?=[^ \n\r\t#])", re.MULTILINE)


def _read_block(owner: Branch) -> list[Branch]:
    """What stands within a branch by indentation: each line that is not deeper than the first."""
    text, begin, last = owner.whole, owner.below, owner.last
    if begin >= last or owner.level > DEEPEST:
        return []
    found: list[Branch] = []
    line = text.rfind("\n", 0, begin) + 1
    places = []
    if begin > line:  # behind a dash
        places.append((begin, begin - line))
    first = _FIRST.search(text, begin, last)
    column = places[0][1] if places else len(first[1]) if first else 0
    least = min(owner.column + 1, column) if owner.is_item else max(owner.column, 0)
    for beginning in _beginnings(least, max(column, least)).finditer(text, begin, last):
        indent = beginning.end() - beginning.start()
        dash = _is_dash(text, beginning.end())
        if indent <= owner.column and not dash:
            continue
        places.append((beginning.end(), indent))
    starts: list[tuple[int, Branch]] = []
    for offset, indent in places:
        child = _child(owner, offset, indent)
        if child is None or (child.is_item and starts and not starts[-1][1].is_item):
            continue  # a word without a colon; items right below their key are the key's
        starts.append((offset, child))
    for number, (offset, child) in enumerate(starts):
        following = starts[number + 1][0] if number + 1 < len(starts) else last
        end = text.rfind("\n", 0, following) + 1 if number + 1 < len(starts) else last
        _bound(child, max(end, offset))
        found.append(child)
    return found


def _is_dash(text: str, at: int) -> bool:
    """Whether an item of a list begins there."""
    return text.startswith("-", at) and text[at + 1 : at + 2] in (" ", "\n", "")


def _child(owner: Branch, offset: int, column: int) -> Branch | None:
    """The key or the item that begins at ``offset``, or None if it is neither."""
    text = owner.whole
    if _is_dash(text, offset):
        value = offset + 1
        while text.startswith(" ", value):
            value += 1
        return Branch(text, owner, "", offset, offset + 1, column, value=value)
    match = LINE.match(text, offset)
    if match is None or match["key"] is None:
        return None
    key = match["key"]
    name = key[1:-1] if key[0] in "\"'" else key
    end = match.end("key")
    return Branch(text, owner, name or '""', match.start("key"), end, column, value=match.end())


def _bound(child: Branch, last: int) -> None:
    """Find where the value of a branch ends, and what is within it; nothing of it is at ``last``
    or after."""
    text = child.whole
    line_end = text.find("\n", child.value, last)
    line_end = last if line_end < 0 else line_end
    child.value = min(child.value, line_end)
    written = text[child.value : line_end].rstrip()
    child.stop = child.value
    if not written or written.startswith("#"):
        child.below, child.last = min(line_end + 1, last), last
    elif child.is_item and LINE.match(written)[0]:  # type: ignore[index]  # LINE matches any line
        child.below, child.last = child.value, last
    elif _opens(text, child.value) and not depth_after(written):
        child.stop = child.value + len(written)
    else:
        child.stop = child.value + len(text[child.value : last].rstrip())
