"""Reading the maps of a mesh by a table of their keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeVar, cast

from leafmesh_nb.language.context import Context
from leafmesh_nb.language.key_habits import SAME_FORM, habit, meant_key
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, Span
from leafmesh_nb.language.suggest import distance, suggest
from leafmesh_nb.language.value_habits import boolean_meant, number_meant

__all__ = ["Block", "Keys", "mapping", "read_block", "reference", "texts"]

C = TypeVar("C", bound=str)

_DURATION = re.compile(r"(-?)(?:\d{1,30}(?:\.\d{1,6})?(?:ms|s|m|h|d)){1,9}\Z", re.ASCII)
_PART = re.compile(r"([\d.]+)(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_DURATION = 3660 * 86400.0
_LARGEST = 1_000_000_000
_MERGED = re.compile(r"<<\s*:")
_NOT_YET = "This version cannot enforce it, and a mesh never has keys that are ignored."


@dataclass(frozen=True, slots=True)
class Block:
    """The keys of one kind of map.

    ``later`` are keys of the language that this version cannot enforce: they are read and checked
    like the others, and each is reported as not available. To enforce one, move its name to
    ``optional``. ``nullable`` are keys whose value may be null. ``below`` are the blocks that
    stand in it, by the key that leads to them: a key of theirs may be written one level too high.
    """

    what: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)
    below: Mapping[str, Block] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """All of its keys."""
        return (*self.required, *self.optional, *self.later)


def mapping(ctx: Context, node: Node, what: str, example: str = "") -> MappingNode | None:
    """The node as a map, or None, which is reported."""
    if isinstance(node, MappingNode):
        return node
    hint = f"For example {example}." if example else ""
    if isinstance(node, ScalarNode) and node.value is None:
        ctx.collector.error("LM211", f"{what} is empty.", node.span, hint)
        return None
    ctx.collector.error(
        "LM204", f"{what} must be a map, and this is {kind_of(node)}.", node.span, hint
    )
    return None


def kind_of(node: Node) -> str:
    """What a node is, in a word."""
    if isinstance(node, MappingNode):
        return "a map"
    if isinstance(node, SequenceNode):
        return "a list"
    match node.value:
        case None:
            return "nothing"
        case bool():
            return "a boolean"
        case str():
            return "text"
    return "a number"


def read_block(
    ctx: Context, node: Node, block: Block, at: Span, example: str = "", above: Block | None = None
) -> Keys | None:
    """The known keys of a map; all that is wrong with its keys is reported. ``above`` is the block
    that it stands in, where its keys are easily written one level too low."""
    found = mapping(ctx, node, block.what.capitalize(), example)
    if found is None:
        return None
    known = block.keys
    entries: dict[str, Entry] = {}
    meant: set[str] = set()
    misspelt: dict[str, Entry] = {}
    for entry in found:
        name = entry.key.text
        if name in block.later:
            message = f"`{name}` is not available yet in {block.what}."
            hint = block.hints.get(name, _NOT_YET)
            ctx.collector.error("LM203", message, entry.key.span, hint)
        if name in known:
            if is_nothing(entry.value) and name not in block.nullable:
                ctx.collector.error(
                    "LM211", f"`{name}` is empty.", entry.key.span, "Give it a value, or remove it."
                )
                meant.add(name)
            else:
                entries[name] = entry
        else:
            close = _unknown(ctx, entry, block, above)
            meant.add(close)
            same = _is_slip(name, close) or close in SAME_FORM
            if same and not is_nothing(entry.value):
                misspelt.setdefault(close, entry)
    for name, entry in misspelt.items():
        # What a misspelt key holds is checked as what was meant: else every reference to it would
        # be a second error.
        entries.setdefault(name, entry)
    missing = [n for n in block.required if n not in entries and n not in meant]
    if missing and _MERGED.search(ctx.source.slice(found.span)):
        # What a merge key would bring is missing because there are none, which was reported.
        missing = []
    for name in missing:
        hint = block.hints.get(name, f"Add `{name}: …`.")
        ctx.collector.error("LM202", f"`{name}` is missing in {block.what}.", at, hint)
    return Keys(ctx, block, found, entries)


def is_nothing(node: Node) -> bool:
    """Whether nothing stands where a value should."""
    return isinstance(node, ScalarNode) and node.value is None


def _is_slip(written: str, meant: str) -> bool:
    """Whether a key is so near to a known one that it can be read as that."""
    return len(meant) >= 3 and distance(written.lower(), meant, 2) <= min(2, len(meant) // 3)


def _unknown(ctx: Context, entry: Entry, block: Block, above: Block | None) -> str:
    """Report a key that a block does not have; the key that was meant, or an empty text."""
    written, known = entry.key.text, block.keys
    usual = meant_key(block.what, written)
    close = usual or suggest(written, known) or ""
    moved = None
    if usual is None and not _is_slip(written, close):
        moved = habit(block.what, written) or _other_level(written, block, above)
    hint = block.hints.get(written) or moved
    if hint is None:
        hint = f"Did you mean `{close}`?" if close else f"Its keys are {', '.join(known)}."
    name = written if len(written) <= 80 else written[:79] + "…"
    ctx.collector.error(
        "LM201", f"{block.what.capitalize()} has no key `{name}`.", entry.key.span, hint
    )
    return "" if moved else close


def _other_level(written: str, block: Block, above: Block | None) -> str | None:
    """Where a key of the block above or of one below belongs."""
    for name, inner in block.below.items():
        if written in inner.keys:
            return f"`{written}` belongs to {inner.what}, one level down, in `{name}`."
    if above is not None and written in above.keys:
        return f"`{written}` belongs to the {above.what.split(' ', 1)[1]}, one level up."
    return None


@dataclass(slots=True)
class Keys:
    """The keys of one map that are known and not empty. Readers report what does not hold and
    give the default instead."""

    ctx: Context
    block: Block
    node: MappingNode
    entries: dict[str, Entry]

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def get(self, name: str) -> Node | None:
        """The value of a key, or None."""
        entry = self.entries.get(name)
        return entry.value if entry else None

    def span(self, name: str) -> Span:
        """Where a key is written; the whole map's place if it is not."""
        entry = self.entries.get(name)
        return entry.key.span if entry else self.node.span

    def scalar(self, name: str, wanted: str) -> ScalarNode | None:
        node = self.get(name)
        if node is None or isinstance(node, ScalarNode):
            return node
        self.wrong(name, wanted, node)
        return None

    def wrong(self, name: str, wanted: str, node: Node, hint: str = "") -> None:
        """Report that a key's value is of the wrong kind."""
        self.ctx.collector.error(
            "LM204", f"`{name}` must be {wanted}, and this is {kind_of(node)}.", node.span, hint
        )

    def text(self, name: str, default: str = "") -> str:
        node = self.scalar(name, "text")
        if node is None:
            return default
        if not isinstance(node.value, str):
            self.wrong(name, "text", node, f'Quote it: "{node.text}".')
        elif node.value.strip():
            return node.value
        else:
            self.empty(name)
        return default

    def empty(self, name: str) -> None:
        """Report that a key has nothing to say."""
        hint = "Give it a value, or remove it."
        self.ctx.collector.error("LM211", f"`{name}` is empty.", self.span(name), hint)

    def boolean(self, name: str) -> bool:
        node = self.scalar(name, "true or false")
        if node is None:
            return False
        if isinstance(node.value, bool):
            return node.value
        hint = boolean_meant(node)
        if hint:
            self.ctx.collector.withdraw(node.span, ("LM122",))
        self.wrong(name, "true or false", node, hint)
        return False

    def choice(self, name: str, allowed: Sequence[C], later: Sequence[C] = ()) -> C | None:
        """One of ``allowed`` or ``later``, or None where it is absent or wrong."""
        node = self.scalar(name, f"one of {', '.join(allowed)}")
        return choice(self.ctx, node, f"`{name}`", allowed, later) if node else None

    def number(self, name: str, low: int | None = None, high: int | None = None) -> Decimal | None:
        node = self.scalar(name, "a number")
        if node is None:
            return None
        if isinstance(node.value, bool) or not isinstance(node.value, int | Decimal):
            self.wrong(name, "a number", node, number_meant(node))
            return None
        value = Decimal(node.value)
        if (low is not None and value < low) or (high is not None and value > high):
            wanted = f"from {low} to {high}" if high is not None else f"at least {low}"
            self.ctx.collector.error("LM208", f"`{name}` must be {wanted}.", node.span)
            return None
        return value

    def integer(self, name: str, low: int) -> int | None:
        value = self.number(name, low, _LARGEST)
        if value is not None and value != value.to_integral_value():
            node = cast(Node, self.get(name))
            self.ctx.collector.error("LM208", f"`{name}` must be a whole number.", node.span)
            return None
        return None if value is None else int(value)

    def duration(self, name: str) -> float | None:
        """Seconds, from ``30m`` or ``1h30m``."""
        node = self.scalar(name, "a duration such as 30s")
        if node is None:
            return None
        hint = "Write a number and a unit, such as 500ms, 20s, 30m, 1h30m or 2d."
        text = node.text.strip()
        found = _DURATION.match(text)
        if found is None:
            if not isinstance(node.value, bool) and isinstance(node.value, int | Decimal):
                hint = f"A unit is missing: {text}s, {text}m or {text}h."
            self.ctx.collector.error("LM207", f"`{name}` is not a duration.", node.span, hint)
            return None
        seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(text))
        if found[1] or not 0 < seconds <= _LONGEST_DURATION:
            self.ctx.collector.error(
                "LM208", f"`{name}` must be more than nothing and at most ten years.", node.span
            )
            return None
        return seconds

    def texts(self, name: str, wanted: str, repeated: bool = False) -> tuple[ScalarNode, ...]:
        """The texts of a list; one text alone counts as a list of one."""
        node = self.get(name)
        if node is None:
            return ()
        return texts(self.ctx, node, f"`{name}`", wanted, repeated)

    def together(self, first: str, second: str, why: str) -> None:
        """Report two keys that exclude each other."""
        if first in self.entries and second in self.entries:
            self.ctx.collector.error(
                "LM209", f"`{first}` and `{second}` do not go together: {why}.", self.span(second)
            )


def choice(
    ctx: Context, node: ScalarNode, what: str, allowed: Sequence[C], later: Sequence[C] = ()
) -> C | None:
    """The scalar as one of ``allowed``, or of ``later``, which is reported as not available; None
    where it is neither, which is reported too."""
    text = node.text.strip()
    if text in allowed:
        return cast(C, text)
    if text in later:
        ctx.collector.error("LM203", f"{what}: `{text}` is not available yet.", node.span, _NOT_YET)
        return cast(C, text)
    close = suggest(text, (*allowed, *later))
    among = f"one of {', '.join(allowed)}" if len(allowed) > 1 else f"`{allowed[0]}` or not there"
    hint = f"Did you mean `{close}`?" if close else f"It is {among}."
    shown = f"`{text}`" if len(text) <= 60 else "This text"
    ctx.collector.error("LM206", f"{shown} is not a value for {what}.", node.span, hint)
    return None


def texts(
    ctx: Context, node: Node, what: str, wanted: str, repeated: bool = False
) -> tuple[ScalarNode, ...]:
    """A list of texts, each once, unless they may be ``repeated``."""
    items: Iterable[Node]
    if isinstance(node, ScalarNode):
        items = (node,)
    elif isinstance(node, SequenceNode):
        items = node.items
    else:
        ctx.collector.error("LM204", f"{what} must be a list of {wanted}.", node.span)
        return ()
    found: list[ScalarNode] = []
    seen: set[str] = set()
    for item in items:
        if not isinstance(item, ScalarNode) or not isinstance(item.value, str):
            ctx.collector.error(
                "LM204",
                f"{what} must be a list of {wanted}, and this is {kind_of(item)}.",
                item.span,
            )
        elif not item.text.strip():
            ctx.collector.error("LM211", f"A text of {what} is empty.", item.span)
        elif item.text in seen and not repeated:
            ctx.collector.error("LM213", f"`{item.text}` is here twice.", item.span)
        else:
            found.append(item)
            seen.add(item.text)
    return tuple(found)


_References: Mapping[str, tuple[str, str]] = {
    "models": ("LM301", "model"),
    "capabilities": ("LM302", "capability"),
    "agents": ("LM303", "agent"),
    "tools": ("LM304", "tool"),
    "memory": ("LM305", "memory field"),
    "roster": ("LM306", "person or role"),
    "steps": ("LM307", "step"),
    "workflows": ("LM323", "workflow"),
}

Declared = Literal[
    "models", "capabilities", "agents", "tools", "memory", "roster", "steps", "workflows"
]


def reference(
    ctx: Context, node: ScalarNode, kind: Declared, known: Mapping[str, Any] | None = None
) -> str | None:
    """The name if there is such a thing, else None, which is reported with the nearest name."""
    names = ctx.declared[kind] if known is None else known
    if node.text in names:
        return node.text
    if known is None and kind in ctx.broken:
        return None
    code, what = _References[kind]
    close = suggest(node.text, names)
    hint = (
        f"Did you mean `{close}`?"
        if close
        else f"Known: {', '.join(list(names)[:12])}."
        if names
        else f"This mesh declares no {what}."
    )
    article = "nobody of that name or role" if kind == "roster" else f"no {what} of that name"
    name = node.text if len(node.text) <= 80 else node.text[:79] + "…"
    ctx.collector.error(code, f"`{name}`: there is {article}.", node.span, hint)
    return None
