"""The keys of workflows and their inputs."""

from __future__ import annotations

from leafmesh_nb.language.build_workflows import INPUT, WORKFLOW
from leafmesh_nb.language.editing.reference import (
    Data,
    Expressions,
    Fields,
    Key,
    Maps,
    Number,
    Section,
    SectionOf,
    TypeOf,
)

__all__ = ["SECTIONS"]

_WORKFLOW = Section(
    WORKFLOW,
    "Steps that start in parallel, but for what they read of each other and what `after` says.",
    {
        "input": Key(
            "What a run is started with: names to types, with a default where one may be left out.",
            Fields(defaults=True),
            example="input: {ticket: string, tier: {enum: [basic, gold]}}",
        ),
        "save": Key(
            "What goes to memory before the first step, written as the workflow.",
            Expressions("workflow save", "memory"),
            example="save: {ticket: input.ticket}",
        ),
        "steps": Key(
            "The steps, by id.",
            Maps("a step", SectionOf("step")),
            example="steps:\n  classify:\n    capability: ticket.classify\n"
            "    with: {ticket: input.ticket}",
        ),
        "output": Key(
            "What a run gives: names to expressions.",
            Expressions("output", "free"),
            example="output: {category: steps.classify.output.category}",
        ),
    },
)

_INPUT = Section(
    INPUT,
    "An input of a workflow with a default.",
    {
        "type": Key("Its type.", TypeOf(), example="type: string"),
        "default": Key(
            "What it is where a run is started without it.", Data("default"), example="default: en"
        ),
        "min": Key("The least value, of a number or of money.", Number()),
        "max": Key("The greatest value, of a number or of money.", Number()),
    },
)

SECTIONS = {"workflow": _WORKFLOW, "input": _INPUT}
