"""``race`` and ``consult``: which agents there must be for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import parse

Parsing = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("enforced")


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ("capability: work, race: 2", None, ""),
        ("capability: work, race: 3", "LM324", "needs 3 agents, and 2 of this mesh have `work`"),
        ("capability: rest, race: 2", "LM324", "1 of this mesh has `rest`: `other`"),
        ("capability: work, race: 1", "LM208", ""),
        ("capability: work, race: 0", "LM208", ""),
        ("capability: work, race: two", "LM204", ""),
        ("capability: work, race: [worker, other]", "LM204", ""),
        # A missing grant excludes an agent before any call.
        ("capability: work, race: 2, with: {n: memory.size}", None, ""),
        ("capability: work, race: 2, with: {text: memory.last}", "LM324",
         "1 of this mesh has `work` and the grants that the step needs: `worker`"),
        ("capability: work, race: 2, save: {log: output.text}", None, ""),
        ("capability: work, race: 2, save: {last: output.text}", "LM324", "`worker`"),
    ],
)  # fmt: skip
def test_a_race_needs_agents(with_steps: Parsing, body: str, code: str | None, says: str) -> None:
    told = with_steps({"a": body})
    if code is None:
        assert told.diagnostics == ()
        assert told.spec.workflows["w"].steps["a"].race == 2
        return
    error = told.only(code)
    assert says in error.message
    assert told.marked(error) == body.split("race: ")[1].split(", with")[0].split(", save")[0]


def test_racers_without_the_capability_are_not_counted_twice(with_steps: Parsing) -> None:
    assert with_steps({"a": "capability: wrk, race: 2"}).codes == ["LM302"]


def test_a_race_with_side_effects_names_the_tool(with_steps: Parsing) -> None:
    told = with_steps({"a": "capability: payment, with: {n: 1}, race: 2"})
    error = told.only("LM607")
    assert told.marked(error) == "2"
    assert "`payer` could race, and its tool `pay` has side effects" in error.message
    assert error.related[0].line_text.strip() == "payer:"
    assert with_steps({"a": "capability: payment, with: {n: 1}"}).diagnostics == ()


def test_tools_without_side_effects_may_race(with_steps: Parsing) -> None:
    """`worker` has the tool `look`, which changes nothing."""
    assert with_steps({"a": "capability: work, race: 2"}).diagnostics == ()


@pytest.mark.parametrize(
    ("body", "code", "marked"),
    [
        ("capability: work, consult: [rest, payment]", None, ""),
        ("capability: work, consult: rest", None, ""),
        ("capability: work, consult: [work]", None, ""),
        # Either may be routed to, and then the other one asks it.
        ("capability: work, consult: [rest]", None, ""),
        ("capability: work, consult: [rset]", "LM302", "rset"),
        ("capability: work, consult: [rest, rest]", "LM213", "rest"),
        ("capability: work, consult: [3]", "LM204", "3"),
        ("capability: work, consult: {rest: 1}", "LM204", "{rest: 1}"),
        ("capability: rest, consult: [rest]", "LM325", "rest"),
        ("capability: rest, consult: [work]", None, ""),
        ("agent: worker, consult: [work]", None, ""),
        ("agent: other, capability: work, consult: [payment, rest]", "LM325", "rest"),
    ],
)
def test_consult(with_steps: Parsing, body: str, code: str | None, marked: str) -> None:
    told = with_steps({"a": body})
    assert told.codes == ([code] if code else []), [str(d) for d in told.diagnostics]
    if code:
        span = told.diagnostics[0].span
        assert told.marked(told.diagnostics[0]) == marked
        assert span.column > told.text.split("\n")[span.line - 1].index("consult")
    else:
        asked = body.split("consult: ")[1].strip("[]").split(", ")
        assert told.spec.workflows["w"].steps["a"].consult == tuple(asked)


def test_who_could_not_be_asked_is_said(with_steps: Parsing) -> None:
    error = with_steps({"a": "capability: rest, consult: [rest]"}).only("LM325")
    assert error.message == "Nobody but `other`, which takes this step, has `rest`."
    assert error.related[0].line_text.strip() == "other:"


def test_read_and_write_are_granted_to_one_agent(with_steps: Parsing) -> None:
    body = "capability: work, with: {n: memory.size}, save: {last: output.text}"
    told = with_steps({"a": body})
    assert told.diagnostics == ()
    # Now either has one of the two grants, and nobody has both.
    text = told.text.replace("read: [last, size]", "read: [last]")
    (error,) = parse(text).diagnostics
    assert error.code == "LM604"
    assert "may both read memory.size and write memory.last: not `worker`, `other`" in error.message
    assert "{read: [size], write: [last]}" in error.hint
