"""What a mesh has that a form can offer: capabilities with their types, people, fields."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import MappingNode, Node
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.language.types import Type, describe
from leafmesh_nb.notebook.forms.controls import Option
from leafmesh_nb.notebook.forms.writing import flow

__all__ = ["NUMBERS", "Catalogue", "Offer", "free_name"]

NUMBERS = ("integer", "number", "money")


@dataclass(frozen=True, slots=True)
class Offer:
    """A capability of the mesh: its types, and their texts as its agents declare them."""

    name: str
    input: Type
    output: Type
    input_text: str
    output_text: str
    fields: dict[str, str]
    """The type of each input as it is written."""


class Catalogue:
    """A Spec, as a form asks for it."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.offers = {offer.name: offer for offer in _offers(spec)}

    @property
    def capabilities(self) -> list[Option]:
        return [(name, f"{name}({', '.join(o.fields)})") for name, o in self.offers.items()]

    @property
    def tools(self) -> list[Option]:
        return [
            (tool.name, f"{tool.name}{' — side effect' if tool.side_effect else ''}")
            for tool in self.spec.tools.values()
        ]

    @property
    def roster(self) -> list[Option]:
        """People, then roles; a role stands for everybody who has it."""
        people = self.spec.people.values()
        named = [(p.name, " · ".join((p.name, *p.roles))) for p in people]
        roles = dict.fromkeys(role for p in people for role in p.roles)
        return [*named, *((r, f"any {r}") for r in roles if r not in self.spec.people)]

    @property
    def fields(self) -> list[Option]:
        """Memory by field, with what a field holds."""
        return [
            (f.name, f"{describe(f.type)}{', of the mesh' if f.scope == 'mesh' else ''}")
            for f in self.spec.memory.values()
        ]

    @property
    def models(self) -> list[Option]:
        tiers = dict.fromkeys(m.tier for m in self.spec.models.values() if m.tier)
        return [
            ("", "routed, by each step's complexity"),
            *((f"tier:{tier}", f"tier {tier}") for tier in tiers),
            *((f"name:{name}", name) for name in self.spec.models),
        ]

    def shared(self, kinds: Sequence[str], types: Sequence[Type]) -> list[tuple[str, Type]]:
        """The fields of such kinds that all of these objects have."""
        if not types:
            return []
        first, *rest = types
        return [
            (name, inner)
            for name, inner in first.fields
            if inner.kind in kinds and all((t.field(name) or t).kind in kinds for t in rest)
        ]


def free_name(name: str, taken: Container[str]) -> str:
    """``name``, or ``name_2`` and so on where it is taken."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _offers(spec: Spec) -> Iterator[Offer]:
    source = Source(spec.text)
    root = read(source, Collector(source))
    seen: set[str] = set()
    for agent in spec.agents.values():
        for name, capability in agent.capabilities.items():
            node = _at(root, "agents", agent.id, "capabilities", name)
            if name in seen or node is None:
                continue
            seen.add(name)
            given = _at(node, "input")
            yield Offer(
                name,
                capability.input,
                capability.output,
                flow(given) if given else "{}",
                _text(_at(node, "output")),
                {e.key.text: flow(e.value) for e in given}
                if isinstance(given, MappingNode)
                else {},
            )


def _text(node: Node | None) -> str:
    return flow(node) if node is not None else "{}"


def _at(node: Node | None, *path: str) -> Node | None:
    for name in path:
        node = node.get(name) if isinstance(node, MappingNode) else None
    return node
