"""A write to a field: how it joins what is there, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from leafmesh_nb.errors import MemoryScopeError
from leafmesh_nb.language.spec import MemoryField
from leafmesh_nb.language.types import Type

__all__ = ["Op", "Write", "initial", "write_type"]

Op = Literal["replace", "append", "extend"]


@dataclass(frozen=True, slots=True)
class Write:
    """One write that an agent, or a step's ``save``, asks for. ``value`` is in JSON form."""

    field: str
    value: Any
    op: Op

    def to_json(self) -> dict[str, Any]:
        """As it stands in an event."""
        return {"field": self.field, "value": self.value, "op": self.op}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Write:
        """The reverse of ``to_json``."""
        return cls(data["field"], data["value"], data["op"])


def write_type(field: MemoryField, op: Op) -> Type:
    """What a write with ``op`` takes: the whole field, one element, or a list of elements.

    Raises MemoryScopeError where the field's ``merge`` does not allow ``op``: a field that several
    may write at once must not be replaced under the others.
    """
    if op == "replace":
        if field.merge != "replace":
            raise MemoryScopeError(
                f"memory.{field.name} has merge: {field.merge}, so it takes "
                f"ctx.memory.{field.merge}({field.name!r}, …), not an assignment"
            )
        return field.type
    if field.type.kind != "list" or field.type.items is None:
        raise MemoryScopeError(f"memory.{field.name} is not a list, so nothing can be added to it")
    return field.type.items if op == "append" else Type("list", items=field.type.items)


def initial(field: MemoryField) -> Any:
    """A field's value before its first write: an empty list where writes add to it, else null."""
    return [] if field.merge in ("append", "extend") else None
