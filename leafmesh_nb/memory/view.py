"""What one agent sees of the shared memory, and what it wants to write.

A view is made for one execution of a step. It holds a snapshot of the granted fields only, so a
field that was not granted is not merely refused: it is not there. What an agent does with its view
is noted in ``Accesses``, which the engine keeps and the agent is never handed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from leafmesh_nb.errors import MemoryScopeError
from leafmesh_nb.language.spec import AgentSpec, MemoryField
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.types import describe
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.merge import Op, Write, write_type

__all__ = ["Accesses", "MemoryView", "granted"]


@dataclass(slots=True)
class Accesses:
    """What an agent did with its view.

    ``denied`` is called with the field and ``read`` or ``write`` when an access is refused;
    ``reads`` are the fields read, in order, each once; ``writes`` apply when the step ends.
    """

    denied: Callable[[str, str], None]
    reads: dict[str, None] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)


def granted(agent: AgentSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of ``values`` that the agent may read; a field never written is null."""
    return {name: values.get(name) for name in agent.memory.read}


class MemoryView(Mapping[str, Any]):
    """Granted fields by name: ``view["tier"]`` or ``view.tier``; values are Python values.

    A read gives the value as it was when the step started, whatever is written meanwhile; a write
    is typed at once, and applied when the step ends. Raises MemoryScopeError for a field that was
    not granted, a value that does not fit, and a write that the field's ``merge`` does not take.
    """

    def __init__(
        self,
        agent: AgentSpec,
        fields: Mapping[str, MemoryField],
        values: Mapping[str, Any],
        accesses: Accesses,
    ) -> None:
        self._agent = agent
        self._fields = fields
        self._values = granted(agent, values)
        self._accesses = accesses

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            self._refuse(name, "read")
        self._accesses.reads.setdefault(name)
        value = self._values[name]
        return None if value is None else accept(self._fields[name].type, value)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        self._write(name, value, "replace")

    def append(self, name: str, value: Any) -> None:
        """Add one element to a list field when the step ends."""
        self._write(name, value, "append")

    def extend(self, name: str, values: list[Any]) -> None:
        """Add several elements to a list field when the step ends."""
        self._write(name, values, "extend")

    def __repr__(self) -> str:
        return f"<memory of {self._agent.id}: {', '.join(self._values) or 'nothing granted'}>"

    def _write(self, name: str, value: Any, op: Op) -> None:
        if name not in self._agent.memory.write:
            self._refuse(name, "write")
        kind = write_type(self._fields[name], op)
        try:
            accepted = accept(kind, value)
        except TypeMismatch as error:
            raise MemoryScopeError(f"memory.{name} takes {describe(kind)}: {error}") from None
        self._accesses.writes.append(Write(name, dump(kind, accepted), op))

    def _refuse(self, name: str, access: str) -> None:
        self._accesses.denied(name, access)
        grants = self._agent.memory.read if access == "read" else self._agent.memory.write
        known = "" if name in self._fields else " (the mesh has no such field)"
        raise MemoryScopeError(
            f"agent {self._agent.id} may not {access} memory.{name}{known}; it may {access}: "
            f"{', '.join(grants) or 'nothing'}. Grant it with "
            f"agents.{self._agent.id}.memory.{access}: [{name}]"
        )
