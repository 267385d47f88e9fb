"""The keys of a step."""

from __future__ import annotations

from leafmesh_nb.language.blocks import Block
from leafmesh_nb.language.build_loops import FOR_EACH, REPEAT, RETRY
from leafmesh_nb.language.build_steps import COMPLEXITIES, STEP
from leafmesh_nb.language.editing.mesh_keys import IN_DOUBT
from leafmesh_nb.language.editing.reference import (
    Choice,
    Duration,
    Either,
    Expression,
    Expressions,
    Key,
    ListOf,
    Name,
    Number,
    Section,
    SectionOf,
    Terms,
)

__all__ = ["SECTIONS"]

_ABOUT_COMPLEXITY = {
    "routine": "What comes every day: by default a small model.",
    "standard": "The middle.",
    "complex": "What needs the most able model.",
    "auto": "Estimated for each request.",
}

_STEP = Section(
    STEP,
    "One step: who does it, when, with what.",
    {
        "capability": Key(
            "What is to be done; the most suitable agent that can do it is chosen.",
            Name("capabilities"),
            example="capability: ticket.classify",
        ),
        "agent": Key("One agent by name.", Name("agents"), example="agent: clerk"),
        "workflow": Key(
            "Another workflow of this mesh, in the same run.",
            Name("workflows"),
            example="workflow: refund",
        ),
        "let": Key(
            "A pure expression: its value is the step's output.",
            Expression("step"),
            example="let: input.amount * 2",
        ),
        "wait": Key(
            "A time to wait.", Either((Duration(), Expression("step"))), example="wait: 1h"
        ),
        "after": Key(
            "What it waits for, beside the steps it reads: `a`, `[a, b]` (all), `{any: [a, b]}`, "
            "`{all: [a, {any: [b, c]}]}`, `{count: 2, of: [a, b, c]}`.",
            Terms(),
            example="after: {any: [fast, thorough]}",
        ),
        "when": Key(
            "Run it, or skip it; decided once. An error fails the step.",
            Expression("step", condition=True),
            default="always",
            example='when: steps.classify.output.category == "refund"',
        ),
        "with": Key(
            "What goes in: the capability's inputs to expressions. Read as the routed agent: a "
            "missing grant excludes that agent before any call.",
            Expressions("step", "inputs"),
            example="with: {ticket: input.ticket}",
        ),
        "save": Key(
            "What goes to memory when the step ends, written as its agent.",
            Expressions("save", "memory"),
            example="save: {precedents: output.reason}",
        ),
        "for_each": Key(
            "Once for each item of a list, whose value is `item` and place `index`; the output is "
            "a list in order.",
            SectionOf("for_each"),
            example="for_each: {in: input.lines, max: 20, parallel: 4}",
        ),
        "repeat": Key(
            "Again until a condition holds; the output is the last, the one before is `previous`.",
            SectionOf("repeat"),
            example="repeat: {until: output.good, max: 3}",
        ),
        "race": Key(
            "This many agents start; the first valid answer that passes its policies wins.",
            Number(whole=True, least=2),
            example="race: 2",
        ),
        "consult": Key(
            "Capabilities that this step's agent may ask as a tool, answered to it alone.",
            ListOf(Name("capabilities"), alone=True),
            example="consult: [law.read]",
        ),
        "complexity": Key(
            "How hard it is, which decides the tier of the model.",
            Choice(
                _ABOUT_COMPLEXITY,
                tuple(name for name in _ABOUT_COMPLEXITY if name not in COMPLEXITIES),
            ),
            example="complexity: routine",
        ),
        "domain": Key(
            "A specialist's domain: a model that has it is used.",
            Name("domains"),
            example="domain: legal",
        ),
        "retry": Key(
            "How often a failed call is tried again. A denial is never retried.",
            SectionOf("retry"),
            example="retry: {max: 3, backoff: 1s}",
        ),
        "timeout": Key("How long it may take.", Duration(), example="timeout: 20s"),
        "on_error": Key(
            "What a failure leads to.",
            Either(
                (
                    Choice(
                        {
                            "fail": "The run fails.",
                            "continue": "The run goes on; a failed item is null.",
                        }
                    ),
                    Name("steps"),
                )
            ),
            default="fail",
            example="on_error: continue",
        ),
        "on_in_doubt": Key(
            "What happens to a call of a model or a function that was started and is not known to "
            "have ended. Tools declare their own.",
            IN_DOUBT,
            default="retry",
        ),
    },
)

_FOR_EACH = Section(
    FOR_EACH,
    "Once for each item of a list.",
    {
        "in": Key("The list.", Expression("step"), example="in: input.lines"),
        "max": Key("The most items; more fail the step.", Number(whole=True, least=1)),
        "parallel": Key("How many at once.", Number(whole=True, least=1), default="1"),
    },
)

_REPEAT = Section(
    REPEAT,
    "Again until a condition holds; exhausted is failed.",
    {
        "until": Key(
            "The condition, of this time's `output`.",
            Expression("until", condition=True),
            example="until: output.good",
        ),
        "max": Key("The most times.", Number(whole=True, least=1)),
    },
)

_RETRY = Section(
    RETRY,
    "How often a failed call is tried again.",
    {
        "max": Key("The most times.", Number(whole=True, least=1)),
        "backoff": Key("How long to wait between.", Duration(), example="backoff: 1s"),
    },
)

_JOIN = Section(
    Block("`after`", optional=("any", "all", "count", "of")),
    "What a step waits for.",
    {
        "any": Key("One of these is done.", ListOf(Terms()), example="{any: [a, b]}"),
        "all": Key("Each of these is done or skipped.", ListOf(Terms()), example="{all: [a, b]}"),
        "count": Key(
            "This many of `of` are done.",
            Number(whole=True, least=1),
            example="{count: 2, of: [a, b, c]}",
        ),
        "of": Key("The steps that are counted.", ListOf(Terms())),
    },
)

SECTIONS = {
    "step": _STEP,
    "for_each": _FOR_EACH,
    "repeat": _REPEAT,
    "retry": _RETRY,
    "join": _JOIN,
}
