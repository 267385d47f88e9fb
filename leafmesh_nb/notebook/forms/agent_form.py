"""The form of an agent."""

from __future__ import annotations

from typing import Any

from leafmesh_nb.language.spec import Spec
from leafmesh_nb.notebook.forms.catalogue import Catalogue, free_name
from leafmesh_nb.notebook.forms.controls import (
    Form,
    Section,
    area,
    checks,
    choice,
    grants,
    rows,
    text,
    texts_in,
    typed,
    typed_rows,
)
from leafmesh_nb.notebook.forms.writing import fields_text, flow_list, indented, word

__all__ = ["agent_form"]

KINDS = (("llm", "a language model"), ("python", "a Python function"))
NEW = "my.capability"


def agent_form(spec: Spec, values: Any) -> Form:
    """An agent as it was typed; ``values`` None: one to start from."""
    has = Catalogue(spec)
    if values is None:
        values = {
            "id": free_name("new_agent", spec.agents),
            "role": "What this agent is",
            "kind": "llm" if spec.models else "python",
            "capabilities": [name for name, _ in has.capabilities[:1]],
            "new": [] if has.offers else [{"name": NEW, "input": "text: string", "output": ""}],
        }
    id, kind = typed(values, "id"), typed(values, "kind", "llm")
    picked = texts_in(values, "capabilities", has.offers)
    new = typed_rows(values, "new", _new_capability)
    read = texts_in(values, "read", spec.memory)
    write = texts_in(values, "write", spec.memory)
    tools = texts_in(values, "tools", spec.tools) if kind == "python" else []
    limits = {name: typed(values, name) for name in ("calls", "timeout", "cost")}
    kept = {
        "id": id, "role": typed(values, "role"), "kind": kind, "capabilities": picked, "new": new,
        "instructions": typed(values, "instructions"), "model": typed(values, "model"),
        "read": read, "write": write, "tools": tools, **limits,
    }  # fmt: skip
    return Form(id, kept, _sections(has, kept), _body(has, kept))


def _new_capability(row: Any) -> dict[str, Any]:
    return {name: typed(row, name) for name in ("name", "input", "output")}


def _sections(has: Catalogue, values: dict[str, Any]) -> tuple[Section, ...]:
    who = (
        text("id", "Id", values["id"], mono=True, short=True),
        text("role", "Role", values["role"], placeholder="First-line support analyst"),
        choice("kind", "Performed by", values["kind"], KINDS),
    )
    new = [
        [
            text(f"new.{n}.name", "Name", row["name"], mono=True, placeholder="ticket.classify"),
            text(f"new.{n}.input", "Takes", row["input"], mono=True, placeholder="ticket: string"),
            text(
                f"new.{n}.output", "Gives", row["output"], mono=True,
                placeholder="label: {enum: [a, b]}, sum: money or null",
            ),
        ]
        for n, row in enumerate(values["new"])
    ]  # fmt: skip
    can = [rows("new", "New capabilities", new, "Add a new capability")]
    if has.offers:
        can.insert(
            0, checks("capabilities", "From this mesh", values["capabilities"], has.capabilities)
        )
    how = []
    if values["kind"] == "llm":
        how = [
            area("instructions", "Instructions", values["instructions"], placeholder="What to do"),
            choice("model", "Model", values["model"], has.models),
        ]
    elif has.spec.tools:
        how = [checks("tools", "Tools it may call", values["tools"], has.tools)]
    sections = [Section("Who it is", who), Section("What it can do", tuple(can))]
    if how:
        sections.append(Section("How it works", tuple(how)))
    if has.spec.memory:
        memory = grants("Memory", has.fields, values["read"], values["write"])
        sections.append(Section("What it may know", (memory,)))
    limits = (
        text("calls", "Calls", values["calls"], short=True, placeholder="3"),
        text("timeout", "Time", values["timeout"], short=True, placeholder="20s"),
        text("cost", "Cost in USD", values["cost"], short=True, placeholder="0.05"),
    )
    return (*sections, Section("Limits of one step", limits, "Empty: none"))


def _body(has: Catalogue, values: dict[str, Any]) -> str:
    lines = [f"role: {word(values['role'])}"]
    if values["kind"] != "llm":
        lines.append(f"kind: {word(values['kind'])}")
    elif values["instructions"].strip():
        lines.append(f"instructions: {word(values['instructions'].rstrip())}")
    lines.append("capabilities:")
    for name in values["capabilities"]:
        offer = has.offers[name]
        lines += indented(_capability(name, offer.input_text, offer.output_text))
    for row in values["new"]:
        takes, gives = fields_text(row["input"]), fields_text(row["output"])
        lines += indented(_capability(row["name"], takes, gives))
    if lines[-1] == "capabilities:":
        lines[-1] = "capabilities: {}"
    name = values["model"] if values["kind"] == "llm" else ""
    if name.startswith("tier:"):
        lines.append(f"model: {{tier: {word(name[5:], braces=True)}}}")
    elif name:
        lines.append(f"model: {word(name.removeprefix('name:'))}")
    granted = {key: values[key] for key in ("read", "write") if values[key]}
    if granted:
        pairs = ", ".join(f"{key}: {flow_list(names)}" for key, names in granted.items())
        lines.append(f"memory: {{{pairs}}}")
    if values["tools"]:
        lines.append(f"tools: {flow_list(values['tools'])}")
    bounds = {name: values[name].strip() for name in ("calls", "timeout", "cost")}
    pairs = ", ".join(f"{name}: {_number(bound)}" for name, bound in bounds.items() if bound)
    if pairs:
        lines.append(f"limits: {{{pairs}}}")
    return "\n".join(lines) + "\n"


def _capability(name: str, takes: str, gives: str) -> list[str]:
    return [f"{word(name)}:", f"  input:  {takes}", f"  output: {gives}"]


def _number(typed: str) -> str:
    """A number as it was typed, or whatever else that is, which the language will tell."""
    plain = typed.isascii() and typed.replace(".", "", 1).isdigit()
    return typed if plain else word(typed, braces=True)
