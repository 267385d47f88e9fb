"""``workflow: NAME``: another workflow of the mesh as a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import describe, parse

Parsing = Callable[..., Any]
WORK = "capability: work"

pytestmark = pytest.mark.usefixtures("enforced")


@pytest.mark.parametrize(
    ("given", "codes", "marked"),
    [
        # `sub` takes {n: integer, text: a string with a default, note: string or null}
        (", with: {n: input.n}", [], ""),
        (", with: {n: 1, text: '\"x\"', note: '\"y\"'}", [], ""),
        ("", ["LM406"], "a"),
        (", with: {text: '\"x\"'}", ["LM406"], "with"),
        (", with: {n: 1, m: 2}", ["LM406"], "m"),
        (", with: {n: 1, txt: '\"x\"'}", ["LM406"], "txt"),
        (", with: {n: '\"x\"'}", ["LM402"], "'\"x\"'"),
        (", with: {n: input.flag}", ["LM403"], "input.flag"),
        (", with: {n: input.some}", ["LM404"], "input.some"),
        (", with: {n: 1, text: input.n}", ["LM403"], "input.n"),
    ],
)
def test_with_is_checked_against_its_input(
    with_steps: Parsing, given: str, codes: list[str], marked: str
) -> None:
    told = with_steps({"a": f"workflow: sub{given}"})
    assert told.codes == codes, [str(d) for d in told.diagnostics]
    if codes:
        (found,) = told.diagnostics
        assert told.marked(found) == marked
        related = found.related[0]
        assert related.message in (
            "the input is declared here",
            "the workflow is declared here",
        )
        assert related.line_text.strip().startswith(("input:", "sub:"))


def test_its_output_is_the_steps(with_steps: Parsing) -> None:
    steps = {
        "a": "workflow: sub, with: {n: 1}",
        "b": f"{WORK}, with: {{n: steps.a.output.n, text: steps.a.output.text}}",
    }
    told = with_steps(steps)
    assert told.diagnostics == ()
    flows = told.spec.workflows
    assert flows["w"].steps["a"].output_type == flows["sub"].output_type
    told = with_steps({**steps, "b": f"{WORK}, with: {{n: steps.a.output.text}}"})
    assert told.marked(told.only("LM403")) == "steps.a.output.text"
    told = with_steps({**steps, "b": f"{WORK}, with: {{n: steps.a.output.m}}"})
    assert told.marked(told.only("LM311")) == "m"
    assert with_steps({"a": f"{steps['a']}, save: {{last: output.text}}"}).diagnostics == ()


def test_the_order_of_workflows_does_not_matter(with_steps: Parsing) -> None:
    deep = """  first:
    steps:
      x: {workflow: second, with: {n: 1}}
    output: {all: steps.x.output}
  second:
    input: {n: integer}
    steps:
      x: {workflow: sub, with: {n: input.n}, when: input.n > 1}
    output: {text: 'default(steps.x.output.text, "")'}
"""
    told = with_steps({"a": "workflow: first"}, workflows=deep)
    assert told.diagnostics == ()
    assert list(told.spec.workflows) == ["sub", "first", "second", "w"]
    step = told.spec.workflows["w"].steps["a"]
    assert describe(step.output_type) == "{object: {all: {object: {text: string}}}}"


def test_a_workflow_that_is_not_there(with_steps: Parsing) -> None:
    told = with_steps({"a": "workflow: sbu, with: {n: 1}"})
    error = told.only("LM323")
    assert told.marked(error) == "sbu"
    assert error.hint == "Did you mean `sub`?"
    assert with_steps({"a": "workflow: [sub]"}).codes == ["LM204"]
    assert with_steps({"a": "workflow: 3"}).codes == ["LM204"]


def test_what_is_wrong_in_a_workflow_is_told_once(with_steps: Parsing) -> None:
    """Not again by those who run it: neither its input nor its output."""
    broken = """  broken:
    input: {n: intger, m: {default: 3}}
    steps:
      x: {capability: work, with: {n: input.n}}
    output: {n: steps.x.output.nn}
"""
    steps = {
        "a": "workflow: broken, with: {n: 1, m: 2, k: 3}",
        "b": f"{WORK}, with: {{n: steps.a.output.n}}",
    }
    assert with_steps(steps, workflows=broken).codes == ["LM401", "LM202", "LM311"]
    loop = "  broken:\n    steps:\n      x: {capability: work, after: x}\n    output: {n: 1}\n"
    steps["a"] = "workflow: broken"
    assert with_steps(steps, workflows=loop).codes == ["LM320"]


def test_a_workflow_of_a_wrong_name_is_checked_too(with_steps: Parsing) -> None:
    named = "  Deep-One:\n    steps:\n      x: {capability: work, with: {n: input.m}}\n"
    assert with_steps({"a": WORK}, workflows=named).codes == ["LM205", "LM311"]


# -- workflows that run each other


def of(**runs: str) -> str:
    lines = "".join(
        f"  {name}:\n    steps:\n"
        + "".join(f"      s{i}: {{workflow: {other}}}\n" for i, other in enumerate(others.split()))
        for name, others in runs.items()
    )
    return f"mesh: m\nworkflows:\n{lines}"


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (of(refund="review", review="refund"), ["refund → review → refund"]),
        (of(a="b", b="c", c="d", d="b"), ["b → c → d → b"]),
        (of(a="b", b="a", c="d", d="c"), ["a → b → a", "c → d → c"]),
        (of(a="b c", b="", c="b"), []),
    ],
)
def test_a_circle_is_told_as_its_path(text: str, paths: list[str]) -> None:
    errors = [d for d in parse(text).diagnostics if d.code == "LM322"]
    assert len(errors) == len(paths)
    for error, path in zip(errors, paths, strict=True):
        assert path in error.message
        assert error.line_text.strip().endswith(f"workflow: {path.split(' → ')[1]}}}")
        assert len(error.related) == path.count("→") - 1


def test_a_workflow_that_runs_itself() -> None:
    (error,) = parse(of(a="a")).diagnostics
    assert (error.code, error.message) == ("LM322", "The workflow `a` runs itself.")
    assert "repeat" in error.hint


# -- what it writes


def test_what_a_workflow_replaces_its_step_replaces(with_steps: Parsing) -> None:
    """`sub` saves `size`."""
    steps = {"a": "workflow: sub, with: {n: 1}", "b": "workflow: sub, with: {n: 2}"}
    told = with_steps(steps)
    error = told.only("LM605")
    assert "`a` and `b` may run at the same time, and both replace `size`" in error.message
    assert told.marked(error) == "workflow"
    assert with_steps({**steps, "b": f"{steps['b']}, after: a"}).diagnostics == ()
    steps["b"] = f"{WORK}, save: {{size: output.n}}"
    assert with_steps(steps).codes == ["LM605"]
    deep = "  deep:\n    steps:\n      x: {workflow: sub, with: {n: 1}}\n"
    assert with_steps({**steps, "a": "workflow: deep"}, workflows=deep).codes == ["LM605"]
    each = "workflow: sub, with: {n: item}, for_each: {in: [1, 2], max: 2, parallel: 2}"
    told = with_steps({"a": each})
    assert told.marked(told.only("LM605")) == "workflow"
    assert with_steps({"a": each.replace(", parallel: 2", "")}).diagnostics == ()


def test_no_grant_is_needed_where_no_agent_writes(with_steps: Parsing) -> None:
    """Of the agents, `other` may neither read nor write `last`."""
    steps = {
        "a": "workflow: sub, with: {n: default(memory.size, 0)}, save: {last: output.text}",
        "b": "let: memory.last + '!', save: {last: output}, after: a",
    }
    steps["a"] = steps["a"].replace("default(memory.size, 0)", "'default(memory.size, 0)'")
    steps["b"] = steps["b"].replace("memory.last + '!'", "\"memory.last + '!'\"")
    assert with_steps(steps).diagnostics == ()
