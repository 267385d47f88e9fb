"""``on_error``, and what is known of a step's output where it may have failed or been skipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language.spec import Join

Parsing = Callable[..., Any]
WORK = "capability: work"

pytestmark = pytest.mark.usefixtures("enforced")


def read(body: str) -> str:
    return f"{WORK}, with: {{n: {body}}}"


# -- on_error: fail, continue, or a step


def test_on_error(with_steps: Parsing) -> None:
    told = with_steps(
        {
            "a": f"{WORK}, on_error: fail",
            "b": f"{WORK}, on_error: continue",
            "c": f"{WORK}, on_error: rescue",
            "d": f"{WORK}, on_error: rescue, for_each: {{in: input.texts, max: 2}}",
            "e": f"{WORK}, on_error: continue, for_each: {{in: input.texts, max: 2}}",
            "rescue": WORK,
        }
    )
    assert told.diagnostics == ()
    steps = told.spec.workflows["w"].steps
    assert [s.on_error for s in steps.values()][:4] == ["fail", "continue", "rescue", "rescue"]
    assert steps["rescue"].handles == ("c", "d")
    assert steps["rescue"].after is None
    # Of a step with items, `continue` is about the items.
    assert [s.tolerated for s in steps.values()] == [False, True, True, True, False, False]


@pytest.mark.parametrize(
    ("steps", "code", "marked", "says"),
    [
        ({"a": f"{WORK}, on_error: cotinue"}, "LM307", "cotinue", "Did you mean `continue`?"),
        ({"a": f"{WORK}, on_error: nobody"}, "LM307", "nobody", "fail, continue, or a step: a"),
        ({"a": f"{WORK}, on_error: rescu", "rescue": WORK}, "LM307", "rescu", "`rescue`"),
        ({"a": f"{WORK}, on_error: [a]"}, "LM204", "[a]", ""),
        ({"a": f"{WORK}, on_error: a"}, "LM320", "on_error", "waits for the one that names it"),
        ({"a": f"{WORK}, on_error: b", "b": f"{WORK}, on_error: a"}, "LM320", "a", "`on_error`"),
        ({"a": f"{WORK}, on_error: b, after: b", "b": WORK}, "LM320", "after", "`on_error`"),
        ({"a": f"{WORK}, on_error: b, with: {{n: steps.b.output.n}}", "b": WORK}, "LM320", "a", ""),
        (
            {"a": f"{WORK}, on_error: continue", "continue": WORK},
            "LM205", "continue", "another name",
        ),
    ],
)  # fmt: skip
def test_no_on_error(
    with_steps: Parsing, steps: dict[str, str], code: str, marked: str, says: str
) -> None:
    told = with_steps(steps)
    found = told.only(code)
    assert told.marked(found) == marked
    assert says in found.hint


def test_a_circle_through_on_error_is_told_as_its_path(with_steps: Parsing) -> None:
    steps = {
        "a": f"{WORK}, on_error: rescue, after: c",
        "c": read("steps.d.output.n"),
        "d": f"{WORK}, after: rescue",
        "rescue": WORK,
    }
    assert "a → c → d → rescue → a" in with_steps(steps).only("LM320").message


def test_every_circle_is_told(with_steps: Parsing) -> None:
    steps = {
        "a": f"{WORK}, after: b",
        "b": f"{WORK}, after: a",
        "c": f"{WORK}, after: d",
        "d": f"{WORK}, after: c",
        "e": f"{WORK}, after: [a, c]",
    }
    told = with_steps(steps)
    assert told.codes == ["LM320", "LM320"]
    assert ["a → b → a" in d.message or "c → d → c" in d.message for d in told.diagnostics] == [
        True, True
    ]  # fmt: skip


def test_where_steps_wait_for_each_other_the_rest_is_checked(with_steps: Parsing) -> None:
    steps = {
        "a": f"{WORK}, after: b, with: {{n: input.flag}}",
        "b": f"{WORK}, with: {{n: steps.a.output.n, txt: 1}}",
        "c": f"{WORK}, with: {{n: steps.b.output.n + 1, text: steps.b.output.m}}",
        "d": "workflow: sub, with: {n: input.m}",
    }
    told = with_steps(steps, "{n: steps.a.output.n + 1, m: steps.c.output.m}")
    assert sorted(told.codes) == ["LM311", "LM311", "LM311", "LM320", "LM403", "LM406"]


# -- steps.X.output: T where X must be done, else T or null

FINE, NULL = True, False

READS = [
    # (steps beside `d`, what `d` is, whether it may take the output of `a` for granted)
    ({"a": WORK}, read("steps.a.output.n + 1"), FINE),
    ({"a": f"{WORK}, when: input.flag"}, read("steps.a.output.n + 1"), FINE),
    ({"a": f"{WORK}, when: input.flag", "b": WORK}, read("steps.a.output.n + 1") + ", after: b",
     NULL),
    # on_error
    ({"a": f"{WORK}, on_error: fail"}, read("steps.a.output.n + 1"), FINE),
    ({"a": f"{WORK}, on_error: continue"}, read("steps.a.output.n + 1"), NULL),
    ({"a": f"{WORK}, on_error: r", "r": WORK}, read("steps.a.output.n + 1"), NULL),
    ({"a": f"{WORK}, on_error: continue"}, read("steps.a.output.n + 1") + ", after: {any: [a]}",
     FINE),
    # Its status shows it, too.
    ({"a": f"{WORK}, on_error: continue"},
     read("'steps.a.status == \"done\" ? steps.a.output.n : 0'"), FINE),
    ({"a": f"{WORK}, on_error: continue"}, read("'default(steps.a.output.n, 0)'"), FINE),
    # the step that it names
    ({"x": f"{WORK}, on_error: d", "a": WORK}, read("steps.a.output.n + 1"), FINE),
    ({"a": f"{WORK}, on_error: d"}, read("steps.a.output.n + 1"), NULL),
    ({"a": f"{WORK}, when: input.flag", "x": f"{WORK}, on_error: d"},
     read("steps.a.output.n + 1"), FINE),
    ({"x": f"{WORK}, on_error: a", "a": WORK}, read("steps.a.output.n + 1"), FINE),
    ({"x": f"{WORK}, on_error: a", "a": WORK, "b": WORK},
     read("steps.a.output.n + 1") + ", after: b", NULL),
    # any, count
    ({"a": WORK, "b": WORK}, read("steps.a.output.n + 1") + ", after: {any: [a, b]}", NULL),
    ({"a": WORK, "b": WORK}, read("steps.a.output.n + 1") + ", after: {count: 1, of: [a, b]}",
     NULL),
    ({"a": WORK, "b": WORK}, read("steps.a.output.n + 1") + ", after: {count: 2, of: [a, b]}",
     FINE),
    ({"a": WORK, "b": WORK, "c": WORK},
     read("steps.a.output.n + 1") + ", after: {all: [a, {any: [b, c]}]}", FINE),
    # through other steps
    ({"a": WORK, "b": f"{WORK}, after: a, on_error: continue"},
     f"{WORK}, after: b, with: {{n: steps.a.output.n}}", FINE),
    ({"a": "workflow: sub, with: {n: 1}, on_error: continue"}, read("steps.a.output.n + 1"), NULL),
    ({"a": "let: '{\"n\": 1}', when: input.flag", "b": WORK},
     read("steps.a.output.n + 1") + ", after: b", NULL),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "body", "fine"), READS)
def test_what_may_be_null(
    with_steps: Parsing, steps: dict[str, str], body: str, fine: bool
) -> None:
    told = with_steps({**steps, "d": body})
    assert (told.diagnostics == ()) == fine, [str(d) for d in told.diagnostics]
    if not fine:
        assert set(told.codes) <= {"LM419", "LM403"}


@pytest.mark.parametrize(
    ("body", "fine"),
    [
        (WORK, True),
        (f"{WORK}, when: input.flag", False),
        (f"{WORK}, on_error: continue", False),
        (f"{WORK}, on_error: b", False),
        (f"{WORK}, on_error: continue, for_each: {{in: input.texts, max: 2}}", True),
        (f"{WORK}, after: {{any: [b]}}", True),
        (f"{WORK}, after: {{any: [skipped]}}", False),
        (f"{WORK}, after: [b, skipped]", True),
    ],
)
def test_what_a_workflow_gives_in_the_end(with_steps: Parsing, body: str, fine: bool) -> None:
    steps = {"b": WORK, "skipped": f"{WORK}, when: input.flag", "a": body}
    told = with_steps(steps, "{n: steps.a.output}")
    assert told.diagnostics == ()
    (_, type) = told.spec.workflows["w"].output_type.fields[0]
    assert type.nullable != fine


def test_the_status_is_one_of_three(with_steps: Parsing) -> None:
    steps = {"a": f"{WORK}, on_error: continue"}
    steps["d"] = f"{WORK}, when: 'steps.a.status == \"failed\"'"
    assert with_steps(steps).diagnostics == ()
    steps["d"] = f"{WORK}, when: 'steps.a.status == \"broken\"'"
    assert with_steps(steps).codes == ["LM413"]


# -- after


@pytest.mark.parametrize(
    ("after", "possible"),
    [
        ("{count: 2, of: [a, rescue]}", False),
        ("{count: 2, of: [a, rescue, b]}", True),
        ("{any: [a, rescue]}", True),
        ("[a, rescue]", True),
        ("[b, {count: 2, of: [a, rescue]}]", False),
    ],
)
def test_a_join_that_can_never_be(with_steps: Parsing, after: str, possible: bool) -> None:
    steps = {"a": f"{WORK}, on_error: rescue", "b": WORK, "rescue": WORK}
    told = with_steps({**steps, "d": f"{WORK}, after: {after}"})
    if possible:
        assert told.diagnostics == ()
        return
    error = told.only("LM326")
    assert told.marked(error) == after
    assert "`rescue` runs only where `a` has failed" in error.hint


@pytest.mark.parametrize(
    "body",
    [
        "let: steps.x.output.n",
        "wait: steps.x.output.at",
        f"{WORK}, for_each: {{in: '[steps.x.output.n]', max: 1}}",
        f"{WORK}, repeat: {{until: output.n > steps.x.output.n, max: 2}}",
        "workflow: sub, with: {n: steps.x.output.n}",
        f"{WORK}, save: {{bag: '[steps.x.output.n]'}}",
        f"{WORK}, when: steps.x.output.n > 1",
    ],
)
def test_every_expression_that_reads_a_step_waits_for_it(with_steps: Parsing, body: str) -> None:
    told = with_steps({"x": "let: {n: input.n, at: now}", "a": body})
    assert told.diagnostics == ()
    assert told.spec.workflows["w"].steps["a"].after == Join("all", ("x",))


def test_writers_under_any_may_run_at_once(with_steps: Parsing) -> None:
    """`d` starts when the first of the two is done: the other one may still be under way."""
    save = ", save: {last: output.text}"
    steps = {"a": f"{WORK}{save}", "b": WORK, "d": f"{WORK}{save}, after: {{any: [a, b]}}"}
    assert with_steps(steps).codes == ["LM605"]
    assert with_steps({**steps, "d": f"{WORK}{save}, after: [a, b]"}).diagnostics == ()
    handled = {"a": f"{WORK}{save}, on_error: d", "d": f"{WORK}{save}"}
    assert with_steps(handled).diagnostics == ()
