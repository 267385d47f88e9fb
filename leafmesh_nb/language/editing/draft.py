"""A mesh that is being written, and what is known of a place in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leafmesh_nb.language.editing.environment import names_at
from leafmesh_nb.language.editing.known import Known, fields_at, type_at
from leafmesh_nb.language.editing.outline import Branch, read_outline
from leafmesh_nb.language.editing.reference import Data, Expressions, Place
from leafmesh_nb.language.editing.shape import forms_of
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.language.types import Type, describe, object_of

__all__ = ["Draft"]


class Draft:
    """``text`` from the offset ``begin`` on, as the value of what ``within`` names: a whole mesh
    where that is empty, an agent for ``("agents", "clerk")``.

    ``spec`` is the mesh in force; what it declares is known here too, unless the text is a whole
    mesh of another name.
    """

    def __init__(
        self, text: str, begin: int = 0, within: Sequence[str] = (), spec: Spec | None = None
    ) -> None:
        self.text = text
        self.begin = begin
        self.root = read_outline(text, begin, tuple(within))
        own = self.root.get("mesh")
        if spec is not None and own is not None and own.scalar != spec.mesh:
            spec = None
        self.known = Known(self.root, spec)

    def names(self, place: Place, holder: Branch, wanted: str | None = None) -> Mapping[str, Type]:
        """The names of an expression in the value of ``holder``, with their types; those of others
        than the ``wanted`` name may be ``any``."""
        return names_at(place, holder, self.known, wanted)

    def entries(self, holder: Branch, form: Expressions) -> Mapping[str, str]:
        """The keys that a map of expressions may have, each with a line about it."""
        if form.names == "memory":
            return {name: describe(field.type) for name, field in self.known.memory.items()}
        if form.names == "free" or holder.parent is None:
            return {}
        type = self.taken(holder.parent)
        return {n: describe(t) for n, t in type.fields} if type is not None else {}

    def taken(self, step: Branch) -> Type | None:
        """What a step takes, by its capability, its one agent or its workflow."""
        workflow = step.get("workflow")
        if workflow is not None:
            return self.known.input_type(workflow.scalar)
        path = step.path
        if len(path) < 2:
            return None
        capability = self.known.steps(path[1].name).get(step.name)
        return self.known.capability_type(capability, "input") if capability else None

    def data_type(self, holder: Branch) -> Type | None:
        """The type of plain values at ``holder``: of an example's output, a default, a test."""
        steps: list[str] = []
        branch = holder
        while branch.parent is not None:
            outer = [form for form in forms_of(branch.parent) if isinstance(form, Data)]
            if not outer:
                break
            steps.append(branch.name)
            branch = branch.parent
        forms = [form for form in forms_of(branch) if isinstance(form, Data)]
        type = self._data(branch, forms[0], holder) if forms else None
        for name in reversed(steps):
            if type is not None:
                type = type.field(name) if name and type.fields else type.items
        return type

    def _data(self, branch: Branch, form: Data, holder: Branch) -> Type | None:
        path = branch.path
        match form.of:
            case "output" if len(path) > 3:
                return fields_at(path[3].get("output"))
            case "default" if branch.parent is not None:
                beside = branch.parent.get("type")
                return type_at(beside) if beside is not None else None
            case "given":
                wanted = holder.path[len(path)].name if len(holder.path) > len(path) else None
                return object_of(self.names("policy", branch, wanted))
        return None
