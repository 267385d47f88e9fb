"""What a step's condition, once it was true, settles of the values that go into the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leafmesh_nb.language.expressions import Expression, parse_expression_text
from leafmesh_nb.language.settled import Facts, settled

Tell = Callable[[str], Any]

MESH = """mesh: m
memory: {note: string or null}
agents:
  s:
    role: Says
    kind: python
    capabilities:
      say:
        input: {q: string}
        output:
          v: string or null
          n: integer or null
          e: {enum: [x, y, z]}
          o: {object: {p: string or null}}
          flag: boolean or null
  k:
    role: Keeps
    kind: python
    capabilities:
      keep: {input: {x: KIND}, output: {ok: boolean}}
      take: {input: {q: string}, output: {v: string}}
    memory: {read: [note], write: [note]}
workflows:
  w:
    input: {q: string, opt: string or null, list: {list: {object: {p: string or null}}}}
    steps:
      a: {capability: say, with: {q: input.q}}
STEPS
"""


@pytest.fixture
def steps(told: Tell) -> Callable[..., Any]:
    """What a mesh with these steps beside `a` is told; `keep` takes a `kind`."""

    def told_of(kind: str = "string", **bodies: str) -> Any:
        lines = "\n".join(f"      {name}: {{{body}}}" for name, body in bodies.items())
        return told(MESH.replace("KIND", kind).replace("STEPS", lines))

    return told_of


V = "steps.a.output.v"


@pytest.mark.parametrize(
    "when",
    [
        f"{V} != null",
        f"null != {V}",
        f"!({V} == null)",
        f'{V} == "x"',
        f'{V} in ["x", "y"]',
        f'{V} > "a"',
        f'{V}.startsWith("a")',
        f'{V} != null && input.q == "x"',
        f'({V} == "x" || {V} == "y")',
        f'!({V} == null || input.q == "x")',
    ],
)
def test_what_a_condition_used_is_there(steps: Callable[..., Any], when: str) -> None:
    found = steps(k=f"capability: keep, when: '{when}', with: {{x: {V}}}")
    assert "LM403" not in found.codes, [str(d) for d in found.diagnostics]


@pytest.mark.parametrize(
    "when",
    [
        "true",
        'input.q == "x"',
        f"{V} == null",
        f'{V} != "x"',
        f'{V} != null || input.q == "x"',
        f'default({V}, "x") == "x"',
        "steps.a.output.n != null",
    ],
)
def test_what_it_did_not_use_may_be_null(steps: Callable[..., Any], when: str) -> None:
    found = steps(k=f"capability: keep, when: '{when}', with: {{x: {V}}}")
    assert found.only("LM403").severity == "error"


@pytest.mark.parametrize(
    ("kind", "when", "given"),
    [
        ("{enum: [x]}", 'steps.a.output.e == "x"', "steps.a.output.e"),
        ("{enum: [x, y]}", 'steps.a.output.e in ["x", "y"]', "steps.a.output.e"),
        ("{enum: [x, y]}", 'steps.a.output.e == "x" || steps.a.output.e == "y"',
         "steps.a.output.e"),
        ("{enum: [x]}", 'input.q == "x"', "input.q"),
        ("integer", "steps.a.output.n != null", "steps.a.output.n + 1"),
        ("string", "steps.a.output.o.p != null", "steps.a.output.o.p"),
        ("string", "memory.note != null", "memory.note"),
        ("string", "input.opt != null", '"Dear " + input.opt'),
    ],
)  # fmt: skip
def test_values_and_parts(steps: Callable[..., Any], kind: str, when: str, given: str) -> None:
    body = f"capability: keep, when: '{when}', with: {{x: '{given}'}}"
    assert steps(kind, k=body).codes == []


def test_a_text_that_it_did_not_name_does_not_fit(steps: Callable[..., Any]) -> None:
    found = steps(
        "{enum: [y]}",
        k="capability: keep, when: 'steps.a.output.e == \"x\"', with: {x: steps.a.output.e}",
    )
    assert found.only("LM403").severity == "error"


def test_a_comparison_within_is_not_told_that_it_is_settled(steps: Callable[..., Any]) -> None:
    """To be sure of more is no reason for an error."""
    inner = 'steps.a.output.e == "y" ? "no" : "yes"'
    body = f"""capability: keep, when: 'steps.a.output.e == "x"', with: {{x: '{inner}'}}"""
    assert steps(k=body).codes == []


MAYBE = "capability: take, when: 'input.q == \"x\"', with: {q: input.q}"


def test_a_step_that_is_done_has_its_output(steps: Callable[..., Any]) -> None:
    by_status = "capability: keep, when: 'steps.b.status == \"done\"', with: {x: steps.b.output.v}"
    assert steps(b=MAYBE, k=by_status).codes == []
    unguarded = "capability: keep, after: {all: [a, b]}, with: {x: steps.b.output.v}"
    assert steps(b=MAYBE, k=unguarded).codes != []


def test_what_settled_a_step_settles_those_that_wait_for_it(steps: Callable[..., Any]) -> None:
    first = "capability: take, when: 'input.opt != null', with: {q: input.opt}"
    second = "capability: keep, after: b, with: {x: input.opt}"
    assert steps(b=first, k=second).codes == []
    third = "capability: keep, after: c, with: {x: input.opt}"
    between = "capability: take, after: b, with: {q: input.q}"
    assert steps(b=first, c=between, k=third).codes == []
    # Where both have only ended, the first may have been skipped.
    either = "capability: keep, after: [a, b], with: {x: input.opt}"
    assert steps(b=first, k=either).codes == ["LM403"]


def test_the_status_of_one_step_tells_of_what_it_waited_for(steps: Callable[..., Any]) -> None:
    first = "capability: take, when: 'input.opt != null', with: {q: input.opt}"
    second = "capability: take, after: b, with: {q: input.q}"
    last = (
        "capability: keep, after: [b, c], when: 'steps.c.status == \"done\"', "
        "with: {x: input.opt + steps.b.output.v}"
    )
    assert steps(b=first, c=second, k=last).codes == []


def test_memory_may_have_changed_once_the_step_is_done(steps: Callable[..., Any]) -> None:
    first = "capability: take, when: 'memory.note != null', with: {q: memory.note}"
    second = "capability: keep, after: b, with: {x: memory.note}"
    assert steps(b=first, k=second).codes == ["LM403"]


def test_items_with_a_condition_of_their_own(steps: Callable[..., Any], enforced: None) -> None:
    loop = "capability: take, for_each: {in: input.list, max: 9}, when: item.p != null"
    assert steps(b=f"{loop}, with: {{q: item.p}}").codes == []
    whole = "capability: take, for_each: {in: input.list, max: 9}, when: input.opt != null"
    assert steps(b=f"{whole}, with: {{q: input.opt}}").codes == []
    # Each item decides for itself: the step may be done without one that was.
    each = "capability: take, for_each: {in: input.list, max: 9}, with: {q: input.q}"
    each += ", when: 'item.p != null && input.opt != null'"
    last = "capability: keep, after: b, with: {x: input.opt}"
    assert steps(b=each, k=last).codes == ["LM403"]


def test_a_step_that_never_runs_is_told_of(steps: Callable[..., Any]) -> None:
    found = steps(k="capability: keep, when: false, with: {x: input.q}")
    told = found.only("LM326")
    assert told.severity == "warning"
    assert found.marked(told) == "false"
    assert steps(k="capability: keep, when: 1 > 2, with: {x: input.q}").codes == ["LM326"]
    assert steps(k="capability: keep, when: true, with: {x: input.q}").codes == []


def facts(text: str) -> Facts:
    found = parse_expression_text(text)
    assert isinstance(found, Expression)
    return settled(found.node)


def test_facts_of_either_side_are_those_of_both() -> None:
    both = facts('(a.x == "p" && b != null) || (a.x == "q" && b > 3 && c > 1)')
    assert both.values == {("a", "x"): frozenset({"p", "q"})}
    assert both.present == {("a",), ("a", "x"), ("b",)}


def test_facts_of_the_opposite() -> None:
    assert facts('!(a != "p")').values == {("a",): frozenset({"p"})}
    assert facts('!(a == "p")') == Facts()
    assert facts("!(a == null || b == null)").present == {("a",), ("b",)}
    assert facts("!(a == null && b == null)").present == frozenset()


def test_what_is_read_of_a_step_is_done() -> None:
    assert facts("steps.a.output.v == null").done == {"a"}
    assert facts('steps.a.status == "done" && steps.b.status == "skipped"').done == {"a"}
    assert facts('steps.a.status == "done" || steps.b.status == "done"').done == frozenset()


# What is settled holds wherever the condition was true, whatever the values are.

_PATHS = ("a", "b", "o.p", "o.q.r", "steps.s.output.v", "steps.s.status")
_LEAVES = st.sampled_from(_PATHS).flatmap(
    lambda path: st.sampled_from(
        [
            f"{path} == null",
            f"{path} != null",
            f'{path} == "x"',
            f'"done" == {path}',
            f'{path} != "x"',
            f'{path} in ["x", "y"]',
            f'{path} > "m"',
            f'{path}.startsWith("x")',
            f'default({path}, "x") == "x"',
            path,
            "true",
        ]
    )
)
_CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map("!({})".format),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
    ),
    max_leaves=6,
)
_TEXTS = st.sampled_from([None, "x", "y", "done", True])
_NAMES = st.fixed_dictionaries(
    {
        "a": _TEXTS,
        "b": _TEXTS,
        "o": st.none() | st.fixed_dictionaries({"p": _TEXTS, "q": st.none() | st.just({"r": "x"})}),
        "steps": st.sampled_from(
            [
                {"s": {"status": "done", "output": {"v": "x"}}},
                {"s": {"status": "done", "output": {"v": None}}},
                {"s": {"status": "skipped", "output": None}},
                {"s": {"status": "failed", "output": None}},
            ]
        ),
    }
)


@given(text=_CONDITIONS, names=_NAMES, outcome=st.booleans())
@settings(max_examples=600, deadline=None)
def test_what_is_settled_holds(text: str, names: dict[str, Any], outcome: bool) -> None:
    condition = parse_expression_text(text)
    assert isinstance(condition, Expression)
    if condition.evaluate(names) is not outcome:
        return
    known = settled(condition.node, outcome)
    for path in known.present:
        assert value_at(names, path) is not None, path
    for path, texts in known.values.items():
        assert value_at(names, path) in texts, path
    for step in known.done:
        assert names["steps"][step]["status"] == "done"


def value_at(names: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = names
    for part in path:
        value = value[part]
    return value
