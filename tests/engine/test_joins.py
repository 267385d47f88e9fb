"""Where a join stands, for every form of ``after``, with skips and failures."""

from __future__ import annotations

import itertools

import pytest

from leafmesh_nb.engine.plan import plan_of, standing
from leafmesh_nb.language import load
from leafmesh_nb.language.spec import Join

ALL = Join("all", ("a", "b"))
ANY = Join("any", ("a", "b"))
TWO = Join("count", ("a", "b", "c"), 2)
NESTED = Join("all", ("a", Join("any", ("b", "c"))))

LETTERS = {"d": "done", "s": "skipped", "f": "failed", "c": "cancelled"}


def where(join: Join | None, letters: str) -> str:
    """``d`` done, ``s`` skipped, ``f`` failed, ``c`` cancelled, ``-`` not ended; for a, b, c."""
    statuses = {
        step: LETTERS[letter] for step, letter in zip("abc", letters, strict=False) if letter != "-"
    }
    return standing(join, statuses).state


@pytest.mark.parametrize(
    ("join", "table"),
    [
        (None, {"": "ready"}),
        (Join("all", ("a",)), {"-": "wait", "d": "ready", "s": "skip", "f": "fail", "c": "fail"}),
        (
            ALL,
            {
                "--": "wait", "d-": "wait", "s-": "wait", "dd": "ready", "ds": "ready",
                "sd": "ready", "ss": "skip", "f-": "fail", "df": "fail", "sf": "fail",
            },
        ),
        (
            ANY,
            {
                "--": "wait", "d-": "ready", "-d": "ready", "s-": "wait", "f-": "wait",
                "ss": "skip", "sd": "ready", "fd": "ready", "ff": "fail", "fs": "fail",
            },
        ),
        (
            TWO,
            {
                "---": "wait", "d--": "wait", "dd-": "ready", "d-d": "ready", "ds-": "wait",
                "dss": "skip", "ss-": "skip", "sss": "skip", "df-": "wait", "dfd": "ready",
                "dff": "fail", "dfs": "fail", "-sf": "wait", "fss": "skip", "ff-": "fail",
            },
        ),
        (
            NESTED,
            {
                "---": "wait", "d--": "wait", "dd-": "ready", "d-d": "ready", "dss": "ready",
                "sss": "skip", "s-d": "ready", "dff": "fail", "dfd": "ready", "f--": "fail",
            },
        ),
    ],
    ids=["none", "one", "all", "any", "count", "nested"],
)  # fmt: skip
def test_standing(join: Join | None, table: dict[str, str]) -> None:
    assert {letters: where(join, letters) for letters in table} == table


@pytest.mark.parametrize("join", [ALL, ANY, TWO, NESTED], ids=["all", "any", "count", "nested"])
def test_what_has_been_decided_stays_decided(join: Join) -> None:
    """Later ends of other steps change neither ready nor skip nor fail, and when all have ended
    nothing waits."""
    steps = "abc"
    for letters in itertools.product("-dsf", repeat=len(steps)):
        now = where(join, "".join(letters))
        if "-" not in letters:
            assert now != "wait"
        for later in itertools.product("dsf", repeat=letters.count("-")):
            rest = iter(later)
            ended = "".join(next(rest) if letter == "-" else letter for letter in letters)
            if now != "wait":
                assert where(join, ended) == now, (letters, ended)


def test_a_skip_and_a_failure_say_why() -> None:
    assert standing(ALL, {"a": "skipped", "b": "skipped"}).reason == "a was skipped; b was skipped"
    assert standing(ALL, {"a": "done", "b": "failed"}).reason == "b failed"
    assert standing(TWO, {"a": "skipped", "b": "skipped"}).reason == (
        "0 of the 2 needed steps are done"
    )


MESH = """
mesh: joins
agents:
  a: {role: A, kind: python, capabilities: {do: {input: {n: integer}, output: {n: integer}}}}
workflows:
  w:
    input: {n: integer}
    steps:
      last: {capability: do, with: {n: steps.middle.output.n}, after: {any: [middle, first]}}
      middle: {capability: do, with: {n: steps.first.output.n}}
      first: {capability: do, with: {n: input.n}}
      alone: {capability: do, with: {n: 1}}
    output: {n: steps.last.output.n}
"""


def test_a_plan_orders_steps_after_what_they_wait_for() -> None:
    plan = plan_of(load(MESH), "w")
    assert plan.order == ("first", "middle", "last", "alone")
    assert plan.capability("last").name == "do"
    assert plan.memory_read == ()
