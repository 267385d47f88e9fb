"""A hint that becomes a line of YAML is shown as that line, and the line can be written so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import parse

PAY = "        when: steps.propose.output.amount > 0\n"
CLASSIFY = "        with: {ticket: input.ticket}\n        complexity"

LINES = [
    # What is within braces is cut at a comma; what begins with `!`, a quote or a bracket, or has
    # `: ` in it, is no plain text of YAML.
    (
        "        with: {ticket_id: input.ticket_id, amount: steps.propose.output.amount}",
        "        with: {ticket_id: input.ticket_id, amount: steps.classify.output.amount}",
        'amount: "default(steps.classify.output.amount, …)"}',
    ),
    (PAY, "        when: not steps.propose.output.amount > 0\n", "when: "
     '"!(steps.propose.output.amount > 0)"'),
    (PAY, "        when: true if steps.propose.output.amount > 0 else false\n",
     'when: "steps.propose.output.amount > 0 ? true : false"'),
    (
        CLASSIFY,
        '        with:\n          ticket: f"Tier {input.tier}, {input.ticket}"\n        complexity',
        """ticket: '"Tier " + string(input.tier) + ", " + string(input.ticket)'""",
    ),
    (CLASSIFY, "        with: {ticket: input.ticket if input.tier != 'gold' else ''}\n"
     "        complexity", """with: {ticket: "input.tier != 'gold' ? input.ticket : ''"}"""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line"), LINES)
def test_the_line_is_shown_and_can_be_written(
    changed: Callable[..., Any], old: str, new: str, line: str
) -> None:
    told = changed(old, new)
    found = next(d for d in told.diagnostics if "In YAML, that is quoted:" in d.hint)
    shown = found.hint.split("\n")[-1].strip()
    assert shown.endswith(line)
    at = found.span.line - 1
    lines = told.text.split("\n")
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at] = indent + shown.replace("…", "0")
    assert [str(d) for d in parse("\n".join(lines)).errors] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Outside of braces, commas are nothing special; quotes are there already.
        (
            "amount: default(steps.classify.output.amount, 0)",
            "amount: steps.classify.output.amount",
        ),
        (PAY, "        when: 'not steps.propose.output.amount > 0'\n"),
        (PAY, "        when: >-\n          not steps.propose.output.amount > 0\n"),
    ],
)
def test_what_can_be_written_as_it_is_gets_no_line(
    changed: Callable[..., Any], old: str, new: str
) -> None:
    hints = [d.hint for d in changed(old, new).diagnostics]
    assert hints
    assert not any("In YAML" in hint for hint in hints)
