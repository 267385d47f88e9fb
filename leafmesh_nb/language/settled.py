"""What is settled where a step runs: what its ``when``, which was true, and those of the steps
that are done by then say of the values that they read.

A condition that was true was evaluated without an error, so whatever an error would have come
from is settled as well: ``x > 3`` is never true of null.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from leafmesh_nb.language.expressions.ast import (
    Binary,
    Call,
    Constant,
    Has,
    Index,
    ListOf,
    Logic,
    Name,
    Node,
    Select,
    Unary,
    static_path,
)
from leafmesh_nb.language.types import Type

__all__ = ["NOTHING", "Facts", "Settling", "all_of", "settled"]

Path = tuple[str, ...]
_ON_TEXTS = frozenset({"contains", "startsWith", "endsWith", "matches"})
_ORDERED = frozenset({"<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Facts:
    """``present`` are the paths that are not null, ``done`` the steps that are done; ``values`` has
    the texts that a path may be."""

    present: frozenset[Path] = frozenset()
    values: Mapping[Path, frozenset[str]] = field(default_factory=dict)
    done: frozenset[str] = frozenset()

    def only(self, *roots: str) -> Facts:
        """What is settled of these names."""
        return Facts(
            frozenset(path for path in self.present if path[0] in roots),
            {path: texts for path, texts in self.values.items() if path[0] in roots},
            self.done,
        )

    def narrow(self, names: Mapping[str, Type]) -> dict[str, Type]:
        """The names of a place, where what is settled is not null."""
        found = dict(names)
        for root, *rest in self.present:
            if root in found:
                found[root] = _present(found[root], rest)
        return found

    def sharpen(self, node: Node, type: Type) -> Type:
        """The type of a value of which it is settled which texts it may be."""
        path = static_path(node)
        texts = self.values.get(path) if path is not None else None
        if texts is None or type.kind not in ("string", "enum"):
            return type
        values = tuple(v for v in type.values if v in texts) if type.values else sorted(texts)
        return Type("enum", values=tuple(values)) if values else type


NOTHING = Facts()
LASTING = ("input", "steps", "run")
"""Names whose values stay as they are to the end of a run."""


class Settling:
    """What the steps of a workflow settle, each once it is done. They come in the order in which
    they wait for each other."""

    def __init__(self) -> None:
        self._about: dict[str, list[tuple[str, Facts]]] = {}
        self._done: dict[str, frozenset[str]] = {}

    def add(self, step: str, facts: Facts, done: frozenset[str]) -> None:
        """A step whose condition settles ``facts``, which last; ``done`` are done with it."""
        self._done[step] = done | {step}
        lasting = facts.only(*LASTING)
        for subject in {_subject(path) for path in (*lasting.present, *lasting.values)}:
            part = Facts(
                frozenset(path for path in lasting.present if _subject(path) == subject),
                {path: v for path, v in lasting.values.items() if _subject(path) == subject},
            )
            self._about.setdefault(subject, []).append((step, part))

    def known(self, facts: Facts, outputs: Mapping[str, Type]) -> Facts:
        """``facts`` with what the steps say that are done by then: of the steps in ``outputs``,
        which have what they give, and of the other lasting names."""
        done, left = facts.done, facts.done
        for step in reversed(self._done):  # the last ones first: they know of those before them
            if step in left:
                done |= self._done[step]
                left -= self._done[step]
        parts = [replace(facts, done=done)]
        for subject in ("", *outputs):
            said = self._about.get(subject, ())
            parts += [part for step, part in said if step in done]
        there = (step for step in outputs if step in done and not outputs[step].nullable)
        parts.append(Facts(frozenset(("steps", step, "output") for step in there)))
        return all_of(parts)


def _subject(path: Path) -> str:
    """The step that a path is of; an empty text for none."""
    return path[1] if path[0] == "steps" and len(path) > 1 else ""


def settled(node: Node, outcome: bool = True) -> Facts:
    """What is settled once a condition gave ``outcome``."""
    match node:
        case Unary(operator="!"):
            return settled(node.operand, not outcome)
        case Logic():
            parts = [settled(term, outcome) for term in node.terms]
            return all_of(parts) if (node.operator == "&&") == outcome else _any_of(parts)
        case Binary(operator="==" | "!="):
            return _compared(node, (node.operator == "==") == outcome)
        case Binary(operator="in"):
            return _among(node, outcome)
        case Binary() if node.operator in _ORDERED:
            return _facts(_used(node.left) | _used(node.right))
        case Call(receiver=Node() as receiver) if node.name in _ON_TEXTS:
            return _facts(_used(receiver))
        case Has():
            return _facts(_used(node.target)) if outcome else NOTHING
        case Name() | Select() | Index():
            return _facts(_used(node))
        case _:
            return NOTHING


def all_of(parts: Iterable[Facts]) -> Facts:
    """What is settled where all of these are."""
    present: set[Path] = set()
    done: set[str] = set()
    values: dict[Path, frozenset[str]] = {}
    for part in parts:
        present |= part.present
        done |= part.done
        for path, texts in part.values.items():
            values[path] = values[path] & texts if path in values else texts
    return Facts(frozenset(present), values, frozenset(done))


def _any_of(parts: Collection[Facts]) -> Facts:
    """What is settled where one of these is, and it is not known which."""
    first, *others = parts
    values = {
        path: texts.union(*(other.values[path] for other in others))
        for path, texts in first.values.items()
        if all(path in other.values for other in others)
    }
    return Facts(
        first.present.intersection(*(other.present for other in others)),
        values,
        first.done.intersection(*(other.done for other in others)),
    )


def _compared(node: Binary, equal: bool) -> Facts:
    found = _facts(_read(node.left) | _read(node.right))
    for one, other in ((node.left, node.right), (node.right, node.left)):
        path = static_path(one)
        if path is None or not isinstance(other, Constant):
            continue
        if equal != (other.value is None):
            found = _facts(found.present | _used(one))
        if equal and isinstance(other.value, str):
            found = replace(found, values={path: frozenset({other.value})})
            if path[0] == "steps" and path[2:] == ("status",) and other.value == "done":
                found = replace(found, done=found.done | {path[1]})
    return found


def _among(node: Binary, outcome: bool) -> Facts:
    path, items = static_path(node.left), node.right
    if path is None or not outcome or not isinstance(items, ListOf):
        return _facts(_read(node.left))
    texts = [i.value for i in items.items if isinstance(i, Constant) and isinstance(i.value, str)]
    if len(texts) != len(items.items):
        return _facts(_read(node.left))
    return replace(_facts(_used(node.left)), values={path: frozenset(texts)})


def _facts(present: frozenset[Path]) -> Facts:
    """Of a step that is not done, there is no output."""
    done = (path[1] for path in present if path[0] == "steps" and path[2:] == ("output",))
    return Facts(present, done=frozenset(done))


def _used(node: Node) -> frozenset[Path]:
    """What is not null where a value is used: it, and all that leads to it."""
    path = static_path(node)
    return _read(node) | {path} if path is not None else frozenset()


def _read(node: Node) -> frozenset[Path]:
    """What is not null where a value could be read: all that leads to it."""
    path = static_path(node)
    return frozenset(path[:n] for n in range(1, len(path))) if path is not None else frozenset()


def _present(type: Type, path: list[str]) -> Type:
    """A type without null at a path; itself, where there is none."""
    if not path:
        return replace(type, nullable=False) if type.nullable else type
    if type.kind != "object" or type.schema is not None:
        return type
    name, *rest = path
    inner = type.field(name)
    narrower = _present(inner, rest) if inner is not None else None
    if narrower is inner or narrower is None:
        return type
    fields = tuple((n, narrower if n == name else other) for n, other in type.fields)
    return replace(type, fields=fields)
