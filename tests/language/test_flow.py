"""Order between steps, what is known to be done, and the types that flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import describe
from leafmesh_nb.language.joins import cycle_in, implied
from leafmesh_nb.language.spec import Join

Telling = Callable[[str], Any]

HEAD = """mesh: m
memory:
  log: {type: {list: string}, merge: append}
  bag: {type: {list: integer}, merge: extend}
  last: string
  size: integer or null
agents:
  worker:
    role: Does it
    kind: python
    capabilities:
      work:
        input: {n: integer or null, text: string or null}
        output: {n: integer, text: string, note: string or null}
    memory: {read: [last, size], write: [log, bag, last, size]}
  other:
    role: Does something else
    kind: python
    capabilities:
      work:
        input: {n: integer or null, text: string or null}
        output: {n: integer, text: string, note: string or null}
      rest:
        input: {}
        output: {}
workflows:
  w:
    input: {n: integer, flag: boolean}
    steps:
"""


def workflow(steps: dict[str, str], output: str = "{}") -> str:
    lines = "".join(f"      {name}: {{{body}}}\n" for name, body in steps.items())
    return f"{HEAD}{lines}    output: {output}\n"


WORK = "capability: work"


@pytest.mark.parametrize(
    ("after", "join"),
    [
        ("a", Join("all", ("a",))),
        ("[a, b]", Join("all", ("a", "b"))),
        ("{all: [a, b]}", Join("all", ("a", "b"))),
        ("{any: [a, b]}", Join("any", ("a", "b"))),
        ("{count: 2, of: [a, b, c]}", Join("count", ("a", "b", "c"), 2)),
        ("{all: [a, {any: [b, c]}]}", Join("all", ("a", Join("any", ("b", "c"))))),
        ("[a, {any: [b, c]}]", Join("all", ("a", Join("any", ("b", "c"))))),
        ("{any: [a, [b, c]]}", Join("any", ("a", Join("all", ("b", "c"))))),
        (
            "{count: 1, of: [{all: [a, b]}, c]}",
            Join("count", (Join("all", ("a", "b")), "c"), 1),
        ),
    ],
)
def test_after(told: Telling, after: str, join: Join) -> None:
    found = told(workflow({"a": WORK, "b": WORK, "c": WORK, "d": f"{WORK}, after: {after}"}))
    assert found.diagnostics == ()
    assert found.spec.workflows["w"].steps["d"].after == join


@pytest.mark.parametrize(
    ("after", "code", "marked"),
    [
        ("x", "LM307", "x"),
        ("[a, x]", "LM307", "x"),
        ("[]", "LM211", "[]"),
        ("{any: []}", "LM211", "[]"),
        ("{any: a}", "LM204", "a"),
        ("{some: [a]}", "LM204", "{some: [a]}"),
        ("{any: [a], all: [b]}", "LM204", "{any: [a], all: [b]}"),
        ("{count: 0, of: [a]}", "LM208", "0"),
        ("{count: 3, of: [a, b]}", "LM208", "3"),
        ("{count: 1, of: []}", "LM211", "[]"),
        ("{count: 2}", "LM204", "{count: 2}"),
        ("{count: 1, of: [{any: [x]}]}", "LM307", "x"),
        ("{all: a}", "LM204", "a"),
        ("{}", "LM204", "{}"),
        ("{count: x, of: [a, b]}", "LM204", "x"),
        ("{count: true, of: [a, b]}", "LM204", "true"),
        ("{count: 1, of: a}", "LM204", "a"),
        ("[a, a]", "LM213", "a"),
        ("3", "LM204", "3"),
        ("[3]", "LM204", "3"),
        ("d", "LM320", "after"),
    ],
)
def test_after_that_is_none(told: Telling, after: str, code: str, marked: str) -> None:
    found = told(workflow({"a": WORK, "b": WORK, "d": f"{WORK}, after: {after}"}))
    assert found.marked(found.only(code)) == marked


@pytest.mark.parametrize(
    ("explicit", "reads", "join"),
    [
        (None, [], None),
        (None, ["a", "b"], Join("all", ("a", "b"))),
        (Join("all", ("a",)), ["b"], Join("all", ("a", "b"))),
        (Join("all", ("a",)), ["a"], Join("all", ("a",))),
        (Join("any", ("a", "b")), ["a"], Join("any", ("a", "b"))),
        (Join("any", ("a", "b")), ["c"], Join("all", (Join("any", ("a", "b")), "c"))),
        (
            Join("all", (Join("any", ("a", "b")),)),
            ["b", "c"],
            Join("all", (Join("any", ("a", "b")), "c")),
        ),
        (
            Join("count", ("a", "b"), 1),
            ["c", "c"],
            Join("all", (Join("count", ("a", "b"), 1), "c")),
        ),
    ],
)
def test_reading_implies_after(explicit: Join | None, reads: list[str], join: Join | None) -> None:
    assert implied(explicit, reads) == join


def test_reads_come_from_when_with_and_save(told: Telling) -> None:
    found = told(
        workflow(
            {
                "a": WORK,
                "b": WORK,
                "c": WORK,
                "d": f"{WORK}, when: steps.a.output.n > 0, with: {{n: steps.b.output.n}}, "
                "save: {last: steps.c.output.text}",
            }
        )
    )
    assert found.diagnostics == ()
    assert found.spec.workflows["w"].steps["d"].after == Join("all", ("a", "b", "c"))


def test_a_cycle_is_told_as_its_path(told: Telling) -> None:
    found = told(
        workflow(
            {
                "a": f"{WORK}, after: c",
                "b": f"{WORK}, with: {{n: steps.a.output.n}}",
                "c": f"{WORK}, after: {{any: [b, d]}}",
                "d": WORK,
            }
        )
    )
    error = found.only("LM320")
    assert "a → c → b → a" in error.message


def test_a_long_chain_is_no_recursion() -> None:
    chain: dict[str, Join | None] = {"s0": None}
    chain |= {f"s{i}": Join("all", (f"s{i - 1}",)) for i in range(1, 5000)}
    assert cycle_in(chain) is None
    assert cycle_in(dict(reversed(chain.items()))) is None
    chain["s0"] = Join("any", ("s4999",))
    cycle = cycle_in(chain)
    assert cycle is not None
    assert len(cycle) == 5001
    assert cycle[0] == cycle[-1]


# -- what must be done


def test_the_output_of_what_must_be_done_is_never_null(told: Telling) -> None:
    found = told(
        workflow(
            {
                "a": f"{WORK}, when: input.flag",
                "b": f"{WORK}, with: {{n: steps.a.output.n + 1}}",
                "c": f"{WORK}, with: {{n: steps.b.output.n + steps.b.output.n}}",
            },
            "{n: 'default(steps.c.output.n, 0)'}",
        )
    )
    assert found.diagnostics == ()
    assert describe(found.spec.workflows["w"].output_type) == "{object: {n: integer}}"


@pytest.mark.parametrize(
    ("body", "fine"),
    [
        ("after: [a, b], with: {n: steps.a.output.n}", False),
        ("after: [a, b], with: {n: steps.b.output.n}", True),
        ("after: {any: [a, b]}, with: {n: steps.b.output.n}", False),
        ("after: {count: 2, of: [a, b]}, with: {n: steps.a.output.n}", True),
        ("after: b, with: {n: 'default(steps.a.output.n, 0)'}", True),
        ("after: b, with: {n: steps.a.output.n}", False),
        ("with: {n: steps.a.output.n}", True),
    ],
)
def test_what_may_have_been_skipped_may_be_null(told: Telling, body: str, fine: bool) -> None:
    steps = {"a": f"{WORK}, when: input.flag", "b": WORK, "d": f"{WORK}, {body}"}
    found = told(workflow(steps))
    assert (found.diagnostics == ()) == fine, [str(d) for d in found.diagnostics]


def test_a_workflow_output_may_read_what_was_skipped_with_a_default(told: Telling) -> None:
    steps = {"a": f"{WORK}, when: input.flag", "b": WORK}
    assert told(workflow(steps, "{n: steps.b.output.n}")).diagnostics == ()
    assert told(workflow(steps, "{n: steps.a.output.n}")).diagnostics != ()
    assert told(workflow(steps, "{s: steps.a.status}")).diagnostics == ()


def test_steps_are_read_by_name(told: Telling) -> None:
    found = told(workflow({"a": WORK, "b": f"{WORK}, with: {{n: size(steps)}}"}))
    assert "LM307" in found.codes


# -- save


@pytest.mark.parametrize(
    ("save", "code"),
    [
        ("{last: output.text}", None),
        ("{log: output.text}", None),
        ("{bag: '[output.n, 2]'}", None),
        ("{size: output.n}", None),
        ("{last: output.note}", "LM403"),
        ("{last: 'default(output.note, \"\")'}", None),
        ("{log: '[output.text]'}", "LM403"),
        ("{bag: output.n}", "LM403"),
        ("{lst: output.text}", "LM305"),
        ("{last: output.txt}", "LM311"),
        ("{last: 3}", "LM402"),
    ],
)
def test_save(told: Telling, save: str, code: str | None) -> None:
    found = told(workflow({"a": f"{WORK}, save: {save}"}))
    assert found.codes == ([code] if code else []), [str(d) for d in found.diagnostics]


def test_only_a_step_has_an_output_to_save(told: Telling) -> None:
    text = workflow({"a": WORK}).replace(
        "    steps:\n", "    save: {last: output.text}\n    steps:\n"
    )
    assert told(text).codes == ["LM310"]
    text = workflow({"a": WORK}).replace("    steps:\n", "    save: {size: input.n}\n    steps:\n")
    assert told(text).diagnostics == ()


def test_parallel_writers_need_append_or_extend(told: Telling) -> None:
    save = f"{WORK}, save: {{last: output.text}}"
    found = told(workflow({"a": save, "b": save}))
    error = found.only("LM605")
    assert "`a` and `b`" in error.message
    assert error.related[0].line_text.strip().startswith("a:")
    assert told(workflow({"a": save, "b": f"{save}, after: a"})).diagnostics == ()
    between = {"a": save, "m": f"{WORK}, after: a", "b": f"{save}, after: {{any: [m]}}"}
    assert told(workflow(between)).diagnostics == ()
    log = f"{WORK}, save: {{log: output.text}}"
    assert told(workflow({"a": log, "b": log})).diagnostics == ()


def test_grants_are_needed_by_somebody(told: Telling) -> None:
    text = workflow({"a": f"{WORK}, with: {{text: memory.last}}"})
    assert told(text).diagnostics == ()
    nobody = text.replace("read: [last, size]", "read: [size]")
    found = told(nobody)
    error = found.only("LM604")
    assert found.marked(error) == "memory.last"
    by_name = workflow({"a": f"{WORK}, agent: other, with: {{text: memory.last}}"})
    assert told(by_name).codes == ["LM604"]
    whole = told(workflow({"a": f"{WORK}, with: {{n: size(memory)}}"}))
    assert "LM305" in whole.codes


# -- agent, timeout


def test_agent_by_name(told: Telling) -> None:
    found = told(workflow({"a": "agent: worker, timeout: 1h30m"}))
    step = found.spec.workflows["w"].steps["a"]
    assert (step.agent, step.capability, step.timeout) == ("worker", "work", 5400.0)
    found = told(workflow({"a": "agent: other, capability: rest"}))
    step = found.spec.workflows["w"].steps["a"]
    assert (step.agent, step.capability) == ("other", "rest")
    assert told(workflow({"a": "agent: other"})).only("LM202").hint.endswith("work, rest.")
    assert told(workflow({"a": "agent: worker, capability: rest"})).codes == ["LM321"]
    assert told(workflow({"a": "agent: wrker"})).codes == ["LM303"]
    assert told(workflow({"a": "after: b", "b": WORK})).codes == ["LM202"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30m", 1800.0), ("20s", 20.0), ("1h", 3600.0), ("500ms", 0.5), ("2d", 172800.0),
     ("1h30m", 5400.0), ("1.5h", 5400.0), ("1m30s500ms", 90.5)],
)  # fmt: skip
def test_durations(told: Telling, written: str, seconds: float) -> None:
    found = told(workflow({"a": f"{WORK}, timeout: {written}"}))
    assert found.spec.workflows["w"].steps["a"].timeout == seconds


@pytest.mark.parametrize("written", ["5", "5 s", "s", "-5s", "1e3s", "5S", "five", "[5s]", "0s"])
def test_no_durations(told: Telling, written: str) -> None:
    found = told(workflow({"a": f"{WORK}, timeout: {written}"}))
    assert found.codes in (["LM207"], ["LM204"], ["LM208"])


# -- input


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("{type: string, default: en}", "en"),
        ("{type: integer, min: 1, max: 9, default: 5}", 5),
        ("{type: string or null, default: null}", None),
        ("{type: {list: string}, default: [a, b]}", ["a", "b"]),
        ("{type: {object: {a: string or null}}, default: {}}", {"a": None}),
    ],
)
def test_an_input_may_have_a_default(told: Telling, field: str, default: object) -> None:
    text = workflow({"a": WORK}).replace("flag: boolean", f"flag: boolean, extra: {field}")
    found = told(text)
    assert found.diagnostics == ()
    assert found.spec.workflows["w"].defaults == {"extra": default}
    assert "extra" in found.spec.workflows["w"].input.names()


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("{type: integer, default: x}", "LM402"),
        ("{type: integer, max: 9, default: 10}", "LM402"),
        ("{type: string, default: 5}", "LM402"),
        ("{type: string, defualt: x}", "LM201"),
        ("{default: x}", "LM202"),
        ("{type: {enum: [a]}, default: b}", "LM402"),
    ],
)
def test_a_default_is_of_its_type(told: Telling, field: str, code: str) -> None:
    text = workflow({"a": WORK}).replace("flag: boolean", f"flag: boolean, extra: {field}")
    assert told(text).codes == [code]
