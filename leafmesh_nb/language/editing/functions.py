"""What the functions of the expression language do, in a line each, with an example."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FUNCTIONS", "MACROS", "METHODS", "NAMES", "WORDS", "Described"]


@dataclass(frozen=True, slots=True)
class Described:
    """A function: how it is called, what it gives, an example. ``of`` are the kinds of value that
    a method has for a receiver."""

    call: str
    doc: str
    example: str
    of: tuple[str, ...] = ()


FUNCTIONS = {
    "has": Described(
        "has(a.b)", "Whether the field is there and not null.", "has(input.tier) && input.vip"
    ),
    "default": Described(
        "default(x, y)",
        "`y` where `x` is null, missing or of a skipped step; `y` is evaluated only then.",
        "default(steps.pay.output.amount, 0)",
    ),
    "size": Described("size(x)", "The length of a text, a list or a map.", "size(input.lines) > 3"),
    "min": Described(
        "min(a, b, …)", "The least of numbers, or of a list.", "min(input.amount, 100)"
    ),
    "max": Described("max(a, b, …)", "The greatest of numbers, or of a list.", "max(input.scores)"),
    "round": Described(
        "round(x, places)", "Rounded half up, to a whole number without `places`.", "round(x, 2)"
    ),
    "money": Described("money(x)", "An amount, from a number or a text.", 'money("12.50")'),
    "string": Described(
        "string(x)", "A number, an amount, a moment or a boolean as text.", "string(input.amount)"
    ),
    "timestamp": Described(
        "timestamp(x)", "A moment, from text or a date.", 'timestamp("2026-03-01T12:00:00Z")'
    ),
    "duration": Described("duration(x)", "A length of time.", 'now - run.started > duration("1h")'),
    "join": Described("join(list, separator)", "The texts of a list as one.", 'join(tags, ", ")'),
}

METHODS = {
    "contains": Described(
        "text.contains(part)", "Whether a text has another in it.", 'x.contains("refund")',
        ("string", "enum"),
    ),
    "startsWith": Described(
        "text.startsWith(part)", "Whether a text begins with another.", 'x.startsWith("RE-")',
        ("string", "enum"),
    ),
    "endsWith": Described(
        "text.endsWith(part)", "Whether a text ends with another.", 'x.endsWith(".pdf")',
        ("string", "enum"),
    ),
    "matches": Described(
        "text.matches(pattern)",
        "Whether a regular expression (RE2, linear in time) is found in a text.",
        'x.matches("^[A-Z]{2}-[0-9]+$")', ("string", "enum"),
    ),
    "lower": Described(
        "text.lower()", "A text in lower case.", 'x.lower() == "yes"', ("string", "enum")
    ),
    "size": Described(
        "x.size()", "The length of a text, a list or a map.", "x.size() > 3",
        ("string", "enum", "list", "map"),
    ),
    "join": Described(
        "list.join(separator)", "The texts of a list as one.", 'x.join(", ")', ("list",)
    ),
}  # fmt: skip

MACROS = {
    "all": Described(
        "list.all(x, condition)", "Whether it holds for every item.",
        "input.lines.all(x, x.amount > 0)", ("list", "map"),
    ),
    "exists": Described(
        "list.exists(x, condition)", "Whether it holds for at least one item.",
        'input.lines.exists(x, x.kind == "gift")', ("list", "map"),
    ),
    "exists_one": Described(
        "list.exists_one(x, condition)", "Whether it holds for exactly one item.",
        "input.lines.exists_one(x, x.main)", ("list", "map"),
    ),
    "filter": Described(
        "list.filter(x, condition)", "The items for which it holds.",
        "input.lines.filter(x, x.amount > 10)", ("list", "map"),
    ),
    "map": Described(
        "list.map(x, expression)", "A list of what the expression gives for each item.",
        "input.lines.map(x, x.amount)", ("list", "map"),
    ),
}  # fmt: skip

WORDS = {
    "true": "True.",
    "false": "False.",
    "null": "No value.",
    "in": "Whether a value is in a list, or a key in a map: `input.tier in ['gold', 'silver']`.",
}

NAMES = {
    "input": "What the run was started with; in an agent's instructions, the capability's inputs.",
    "memory": "Shared memory, by field, as it was when the step started.",
    "steps": "The steps of this workflow: `steps.X.output` and `steps.X.status`. Reading one "
    "waits for it.",
    "run": "The run: `id`, `workflow`, `requester`, `started`.",
    "now": "The time of the event that caused the evaluation, recorded.",
    "item": "The item of `for_each` at hand.",
    "index": "The place of the item, from 0.",
    "previous": "What this step gave the time before, or null the first time.",
    "output": "What this step gave; at a policy's points `output` and `end`, what is to pass.",
    "cost": "What the run has spent so far in USD: `spent`, and at list prices `list_price`.",
    "task": "The step at the gate: `step`, `capability`, `complexity`, `domain`, `input`.",
    "agent": "The agent at the gate: `id`, `role`, `kind`.",
    "tool": "The call at the gate: `tool.name` and `tool.arguments`.",
    "model": "The model at the gate.",
    "request": "The request to the model.",
    "write": "The write at the gate: `write.field`, `write.old`, `write.new`.",
}
