"""The form of a workflow: steps in order, each given what fits its capability by type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from leafmesh_nb.language.fit import compare
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.language.types import Type
from leafmesh_nb.notebook.forms.catalogue import NUMBERS, Catalogue, Offer, free_name
from leafmesh_nb.notebook.forms.controls import (
    Control,
    Form,
    Option,
    Section,
    checks,
    choice,
    pick,
    rows,
    text,
    texts_in,
    typed,
    typed_rows,
)
from leafmesh_nb.notebook.forms.writing import indented, word

__all__ = ["workflow_form"]

ALWAYS: Option = ("", "always")
MOST_CONDITIONS = 30
_EMPTY = {"string": '""', "boolean": "false", **dict.fromkeys(NUMBERS, "0")}


@dataclass(frozen=True, slots=True)
class _Source:
    """An expression that a step can be given, and its type."""

    text: str
    type: Type
    name: str


def workflow_form(spec: Spec, values: Any) -> Form:
    """A workflow as it was typed; ``values`` None: one to start from."""
    has = Catalogue(spec)
    if values is None:
        first = next(iter(has.offers), "")
        values = {
            "id": free_name("new_workflow", spec.workflows),
            "steps": [{"capability": first}] if first else [],
        }
    steps, inputs = _steps(has, typed_rows(values, "steps", _row))
    outputs = _outputs(has, steps)
    picked = texts_in(values, "output", outputs)
    if not isinstance(values.get("output"), list) and steps:
        # Until somebody picks: what the last step gives.
        picked = [name for name in outputs if name.startswith(f"{steps[-1]['id']}.")]
    kept: dict[str, Any] = {"id": typed(values, "id"), "steps": steps}
    if isinstance(values.get("output"), list):
        kept["output"] = picked
    sections = _sections(has, kept, outputs, picked, inputs)
    return Form(kept["id"], kept, sections, _body(kept, inputs, outputs, picked))


def _row(row: Any) -> dict[str, Any]:
    given = row.get("with") if isinstance(row, dict) else None
    texts = (
        {k: v[:1000] for k, v in given.items() if isinstance(v, str)}
        if isinstance(given, dict)
        else {}
    )
    return {name: typed(row, name) for name in ("id", "capability", "when")} | {"with": texts}


def _steps(
    has: Catalogue, typed_steps: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, tuple[str, Type]]]:
    """The steps with what they lack filled in, and the inputs that the workflow then needs."""
    steps: list[dict[str, Any]] = []
    inputs: dict[str, tuple[str, Type]] = {}
    ids: list[str] = []
    for row in typed_steps:
        offer = has.offers.get(row["capability"]) or next(iter(has.offers.values()), None)
        if offer is None:
            continue
        id = row["id"] or free_name(offer.name.rsplit(".", 1)[-1], ids)
        given = {}
        for name, wanted in offer.input.fields:
            written = row["with"].get(name)
            fitting = _fitting(has, steps, inputs, name, wanted)
            given[name] = written if written is not None else _best(fitting, name)
            own = f"input.{name}"
            if given[name] == own and name not in inputs:
                inputs[name] = (offer.fields.get(name, "any"), wanted)
        ids.append(id)
        step = {"id": id, "capability": offer.name, "when": row["when"], "with": given}
        steps.append(step | {"maybe": _may_be_skipped(step, steps)})
    return steps, inputs


def _may_be_skipped(step: dict[str, Any], before: list[dict[str, Any]]) -> bool:
    """Whether a step may have no output: it has a condition, or all that it reads may have none."""
    if step["when"].strip():
        return True
    texts = " ".join(step["with"].values())
    read = [other for other in before if f"steps.{other['id']}." in texts]
    return bool(read) and all(other["maybe"] for other in read)


def _fitting(
    has: Catalogue,
    before: list[dict[str, Any]],
    inputs: dict[str, tuple[str, Type]],
    name: str,
    wanted: Type,
) -> list[_Source]:
    """Everything that fits by its type, the newest step first."""
    found = []
    for step in reversed(before):
        for field, type in has.offers[step["capability"]].output.fields:
            path = f"steps.{step['id']}.output.{field}"
            found += _offered(path, type.or_null() if step["maybe"] else type, wanted, field)
    for field, (_, type) in inputs.items():
        found += _offered(f"input.{field}", type, wanted, field)
    if name not in inputs:
        found.append(_Source(f"input.{name}", wanted, name))
    for memory in has.spec.memory.values():
        found += _offered(f"memory.{memory.name}", memory.type, wanted, memory.name)
    return found


def _offered(path: str, type: Type, wanted: Type, name: str) -> list[_Source]:
    if compare(type, wanted) is None:
        return [_Source(path, type, name)]
    empty = _EMPTY.get(wanted.kind)
    if not type.nullable or empty is None or compare(_certain(type), wanted) is not None:
        return []
    return [_Source(f"default({path}, {empty})", _certain(type), name)]


def _certain(type: Type) -> Type:
    return replace(type, nullable=False)


def _best(fitting: list[_Source], name: str) -> str:
    """Of what fits, what is called the same; an input of the workflow otherwise."""
    same = [source for source in fitting if source.name == name]
    steps = [source for source in same if not source.text.startswith("memory.")]
    return (steps or same or fitting)[0].text if fitting else f"input.{name}"


def _outputs(has: Catalogue, steps: list[dict[str, Any]]) -> dict[str, str]:
    """What a workflow can give, ``step.field``, with its expression."""
    found = {}
    for step in steps:
        for field in has.offers[step["capability"]].output.names():
            path = f"steps.{step['id']}.output.{field}"
            found[f"{step['id']}.{field}"] = f"default({path}, null)" if step["maybe"] else path
    return found


# -- as it is drawn


def _sections(
    has: Catalogue,
    values: dict[str, Any],
    outputs: dict[str, str],
    picked: list[str],
    inputs: dict[str, tuple[str, Type]],
) -> tuple[Section, ...]:
    steps = [_step(has, values["steps"], n, inputs) for n in range(len(values["steps"]))]
    fresh = {"capability": next(iter(has.offers), "")}
    what = (text("id", "Id", values["id"], mono=True, short=True),)
    way = (rows("steps", "", steps, "Add a step", fresh=fresh, sortable=True),)
    gives = (checks("output", "", picked, [(name, name) for name in outputs], mono=True),)
    return (
        Section("Which workflow it is", what),
        Section("Its steps", way, "They start when what they read is there"),
        Section("What it gives", gives),
    )


def _step(
    has: Catalogue, steps: list[dict[str, Any]], n: int, inputs: dict[str, tuple[str, Type]]
) -> list[Control]:
    step = steps[n]
    offer = has.offers[step["capability"]]
    before = steps[:n]
    conditions = [ALWAYS, *_conditions(has, before)]
    controls: list[Control] = [
        choice(f"steps.{n}.capability", "Capability", step["capability"], has.capabilities,
               resets=[f"steps.{n}.id", f"steps.{n}.with"]),
        text(f"steps.{n}.id", "Id", step["id"], mono=True, short=True),
        pick(f"steps.{n}.when", "When", step["when"], conditions, mono=True),
    ]  # fmt: skip
    for name, wanted in offer.input.fields:
        known = {k: v for k, v in inputs.items() if k != name}
        options = [(s.text, s.text) for s in _fitting(has, before, known, name, wanted)]
        label = f"{name}: {offer.fields.get(name, wanted.kind)}"
        value = step["with"][name]
        controls.append(
            pick(f"steps.{n}.with.{name}", label, value, options, mono=True, given=True)
        )
    return controls


def _conditions(has: Catalogue, before: list[dict[str, Any]]) -> list[Option]:
    """Conditions that earlier outputs suggest."""
    found: list[str] = []
    for step in reversed(before):
        offer: Offer = has.offers[step["capability"]]
        for field, type in offer.output.fields:
            path = f"steps.{step['id']}.output.{field}"
            number = f"default({path}, 0)" if type.nullable or step["maybe"] else path
            if type.kind == "enum":
                found += [f'{path} == "{value}"' for value in type.values if value.isidentifier()]
            elif type.kind == "boolean":
                found.append(f"default({path}, false)" if type.nullable else path)
            elif type.kind in NUMBERS:
                found.append(f"{number} > 0")
    return [(text, text) for text in found[:MOST_CONDITIONS]]


# -- as it is written


def _body(
    values: dict[str, Any],
    inputs: dict[str, tuple[str, Type]],
    outputs: dict[str, str],
    picked: list[str],
) -> str:
    lines = []
    if inputs:
        pairs = ", ".join(f"{name}: {written}" for name, (written, _) in inputs.items())
        lines.append(f"input: {{{pairs}}}")
    lines.append("steps:" if values["steps"] else "steps: {}")
    for step in values["steps"]:
        lines += indented([f"{word(step['id'])}:", *indented(_step_lines(step))])
    given = [name for name in picked if name in outputs]
    fields = [name.partition(".")[2] for name in given]
    if given:
        lines.append("output:")
    for name, field in zip(given, fields, strict=True):
        key = field if fields.count(field) == 1 else name.replace(".", "_")
        lines.append(f"  {word(key)}: {word(outputs[name])}")
    return "\n".join(lines) + "\n"


def _step_lines(step: dict[str, Any]) -> list[str]:
    lines = [f"capability: {word(step['capability'])}"]
    if step["when"].strip():
        lines.append(f"when: {word(step['when'])}")
    if step["with"]:
        lines.append("with:")
        lines += [f"  {name}: {word(text)}" for name, text in step["with"].items()]
    return lines
