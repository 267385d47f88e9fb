"""The reference of the language as data: every map of a mesh, its keys, and what each takes.

Completion, documentation and the JSON Schema read this one table. Which keys are required, and
which are not available yet, is said once, in the ``Block`` that the compiler reads the map by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from leafmesh_nb.language.blocks import Block

__all__ = [
    "Boolean",
    "Choice",
    "Data",
    "Dollars",
    "Duration",
    "Either",
    "Expression",
    "Expressions",
    "Fields",
    "Key",
    "ListOf",
    "Maps",
    "Name",
    "Number",
    "Place",
    "Section",
    "SectionOf",
    "Template",
    "Terms",
    "Text",
    "TypeOf",
    "Value",
    "sections",
]

Kind = Literal[
    "agents", "capabilities", "domains", "memory", "models", "roster", "steps", "tools", "workflows"
]
"""What a name may name; ``roster`` is people and roles."""

Place = Literal["step", "save", "until", "workflow save", "output", "instructions", "policy"]
"""Where an expression stands, which decides the names it has."""


@dataclass(frozen=True, slots=True)
class Text:
    """Free text; ``pattern`` is a regular expression (of JSON Schema) that it must match."""

    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number from ``least`` to ``most``."""

    whole: bool = False
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Dollars:
    """An amount in US dollars."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``."""


@dataclass(frozen=True, slots=True)
class Duration:
    """``500ms``, ``20s``, ``30m``, ``1h30m``, ``2d``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words, each with a line about it; ``later`` are not available yet."""

    values: Mapping[str, str]
    later: tuple[str, ...] = ()

    def available(self) -> tuple[str, ...]:
        """The words that this version takes."""
        return tuple(value for value in self.values if value not in self.later)


@dataclass(frozen=True, slots=True)
class Name:
    """The name of something that the mesh declares."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class TypeOf:
    """A type in the shorthand."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A map of names to types; of a workflow's input also to ``{type, default}``."""

    defaults: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression; ``condition`` says that it must be true or false."""

    place: Place
    condition: bool = False


@dataclass(frozen=True, slots=True)
class Expressions:
    """A map of names to expressions. The names are the ``inputs`` of the step's capability,
    ``memory`` fields, or ``free``."""

    place: Place
    names: Literal["inputs", "memory", "free"]


@dataclass(frozen=True, slots=True)
class Template:
    """Text with ``${EXPRESSION}`` in it."""

    place: Place


@dataclass(frozen=True, slots=True)
class Terms:
    """What a step waits for: ``a``, ``[a, b]``, ``{any: […]}``, ``{all: […]}``, ``{count, of}``."""


@dataclass(frozen=True, slots=True)
class Data:
    """Plain values: of a capability's ``output``, of the names of a policy (``given``), of the
    type beside it (``default``), or ``any``."""

    of: Literal["output", "given", "default", "any"]


@dataclass(frozen=True, slots=True)
class SectionOf:
    """A map whose keys are those of a section."""

    section: str


@dataclass(frozen=True, slots=True)
class Maps:
    """A map of names to ``value``; ``what`` is the thing that has the name."""

    what: str
    value: Value


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list; ``alone`` says that one item may stand without brackets."""

    item: Value
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """One of several forms."""

    forms: tuple[Value, ...]


Value = (
    Text
    | Number
    | Dollars
    | Boolean
    | Duration
    | Choice
    | Name
    | TypeOf
    | Fields
    | Expression
    | Expressions
    | Template
    | Terms
    | Data
    | SectionOf
    | Maps
    | ListOf
    | Either
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key: what it says in a sentence or two, what it takes, the default, an example."""

    doc: str
    value: Value
    default: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A map of the language. ``block`` is what the compiler reads it by."""

    block: Block
    doc: str
    keys: Mapping[str, Key]

    def required(self, name: str) -> bool:
        """Whether a mesh without this key is wrong."""
        return name in self.block.required

    def later(self, name: str) -> bool:
        """Whether this version cannot enforce the key yet."""
        return name in self.block.later

    def available(self) -> tuple[str, ...]:
        """The keys that this version takes, in the order of the reference."""
        return tuple(name for name in self.keys if not self.later(name))


@cache
def sections() -> Mapping[str, Section]:
    """Every section by name; ``mesh`` is the whole document."""
    from leafmesh_nb.language.editing import (
        agent_keys,
        mesh_keys,
        policy_keys,
        step_keys,
        type_keys,
        workflow_keys,
    )

    found: dict[str, Section] = {}
    for module in (mesh_keys, agent_keys, policy_keys, workflow_keys, step_keys, type_keys):
        found.update(module.SECTIONS)
    return found
