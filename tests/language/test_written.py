"""Memory: what is surely written when an expression reads it, and what may be null still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Telling = Callable[..., Any]

HINT = (
    "Say what to take where it is null: default(memory.last, …). It is null until a step that is "
    "done before, or the workflow, saves it."
)
READS = "capability: work, with: {n: input.n, text: memory.last + '!'}"


def told_of(with_steps: Telling, steps: dict[str, str], **more: str) -> list[str]:
    return [d.code for d in with_steps(steps, **more).diagnostics]


def test_what_nobody_writes_may_be_null(with_steps: Telling) -> None:
    told = with_steps({"a": READS})
    warning = told.only("LM419")
    assert warning.message == (
        "`memory.last` may be null here (it is until something is written to it)."
    )
    assert warning.hint.startswith("`default(memory.last, …)` says what to take then.")
    told = with_steps({"a": "workflow: sub, with: {n: memory.size}"})
    assert told.only("LM403").message == (
        "The input `n` of `sub` does not take this: it may be null, and integer is needed."
    )


def test_the_hint_says_how_it_gets_written(with_steps: Telling) -> None:
    told = with_steps({"a": "workflow: sub, with: {n: input.n, text: memory.last}"})
    assert told.only("LM403").hint.startswith(HINT)
    told = with_steps(
        {"a": "workflow: sub, with: {n: input.n, text: \"default(memory.last, 'none')\"}"}
    )
    assert told.codes == []


@pytest.mark.parametrize(
    "steps",
    [
        {"w": "capability: work, save: {last: output.text}", "a": f"{READS}, after: w"},
        # it is skipped where that is skipped
        {"w": "capability: work, when: input.flag, save: {last: output.text}",
         "a": f"{READS}, after: w"},
        # through a step between them
        {"w": "capability: work, with: {n: 1}, save: {last: output.text}",
         "x": "capability: rest, after: w", "a": f"{READS}, after: x"},
        {"w": "capability: work, repeat: {until: output.n > 0, max: 2}, save: {last: output.text}",
         "a": f"{READS}, after: w"},
        {"w": "capability: work, when: input.flag, save: {last: output.text}",
         "a": f"{READS}, after: w, when: steps.w.status == 'done'"},
        # the workflow that it runs saves it, and a step of that
        {"w": "workflow: keeps, with: {t: 'input.texts[0]'}", "a": f"{READS}, after: w"},
        {"w": "workflow: works, with: {n: 1}", "a": f"{READS}, after: w"},
    ],
)  # fmt: skip
def test_what_is_done_before_has_written(with_steps: Telling, steps: dict[str, str]) -> None:
    workflows = (
        "  keeps: {input: {t: string}, save: {last: input.t}, steps: {r: {capability: rest}}}\n"
        "  works: {input: {n: integer}, steps: {r: {capability: work, with: {n: input.n},"
        " save: {last: output.text}}}}\n"
    )
    assert told_of(with_steps, steps, workflows=workflows) == []


@pytest.mark.parametrize(
    "steps",
    [
        # side by side
        {"w": "capability: work, with: {n: 1}, save: {last: output.text}", "a": READS},
        # skipped, failed, one of two, no items
        {"w": "capability: work, when: input.flag, save: {last: output.text}",
         "x": "capability: rest", "a": f"{READS}, after: [w, x]"},
        {"w": "capability: work, on_error: continue, save: {last: output.text}",
         "a": f"{READS}, after: w"},
        {"w": "capability: work, save: {last: output.text}", "x": "capability: rest",
         "a": f"{READS}, after: {{any: [w, x]}}"},
        {"w": "capability: work, for_each: {in: input.texts, max: 3}, save: {last: output.text}",
         "a": f"{READS}, after: w"},
        # what an agent writes of its own
        {"w": "capability: work, with: {n: 1}", "a": f"{READS}, after: w"},
        # what itself writes, and again
        {"a": f"{READS}, save: {{last: output.text}}"},
        {"a": f"{READS}, repeat: {{until: output.n > 0, max: 2}}, save: {{last: output.text}}"},
        # where the other workflow may not have come to it
        {"w": "workflow: works, with: {flag: input.flag}", "a": f"{READS}, after: w"},
    ],
)  # fmt: skip
def test_what_may_not_be_done_before_may_not_have_written(
    with_steps: Telling, steps: dict[str, str]
) -> None:
    workflows = (
        "  works: {input: {flag: boolean}, steps: {r: {capability: work, when: input.flag,"
        " save: {last: output.text}}}}\n"
    )
    assert told_of(with_steps, steps, workflows=workflows) == ["LM419"]


def test_a_workflows_own_save_is_done_first(with_steps: Telling) -> None:
    save = "{last: 'input.texts[0]'}"
    assert told_of(with_steps, {"a": READS}, save=save) == []
    assert told_of(with_steps, {"a": READS}, save="{size: input.n}") == ["LM419"]
    # It reads what was there before.
    assert told_of(with_steps, {"a": "capability: rest"}, save="{last: memory.last}") == ["LM403"]


def test_what_is_added_to_starts_empty(with_steps: Telling) -> None:
    body = "capability: work, with: {n: size(memory.bag) + size(memory.log)}"
    told = with_steps({"a": body})
    # No agent may read them: that is another matter.
    assert {d.code for d in told.diagnostics} <= {"LM604"}
    assert told_of(with_steps, {"a": "capability: rest"}, output="{log: memory.log}") == []


def test_an_output_reads_what_is_written_by_the_end(with_steps: Telling) -> None:
    writer = "capability: work, with: {n: 1}, save: {last: output.text}"
    output = "{last: memory.last + '!'}"
    assert told_of(with_steps, {"w": writer}, output=output) == []
    skipped = f"{writer}, when: input.flag"
    assert told_of(with_steps, {"w": skipped}, output=output) == ["LM419"]


def test_when_may_ask_for_it(with_steps: Telling) -> None:
    assert told_of(with_steps, {"a": f"{READS}, when: memory.last != null"}) == []
    assert told_of(with_steps, {"a": f"{READS}, when: has(memory.last)"}) == []


POLICY = """\
mesh: m
memory:
  tier: {enum: [basic, gold]}
  told: string or null
  seen: {type: {list: string}, merge: append}
agents:
  one:
    role: R
    kind: python
    capabilities: {a.a: {input: {q: string}, output: {v: string}}}
    memory: {write: [tier]}
  two: {role: R, kind: python, capabilities: {b.b: {input: {q: string}, output: {v: string}}}}
policies:
  p: {at: output, FOR rules: [{id: r, when: 'WHEN', then: deny}], default: approve}
workflows:
  w:
    input: {q: string}
    steps:
      a: {capability: a.a, with: {q: input.q}, SAVE}
      b: {capability: b.b, with: {q: input.q}, after: a}
"""


def governed(told: Telling, when: str, *, where: str = "", save: str = "") -> list[Any]:
    text = POLICY.replace("WHEN", when).replace("FOR", where).replace("SAVE", save)
    found = told(text.replace(", }", "}"))
    assert found.spec is not None, [str(d) for d in found.diagnostics]
    return [(d.code, found.marked(d)) for d in found.diagnostics]


@pytest.mark.parametrize(
    ("when", "marked"),
    [
        ('memory.tier == "gold"', "memory.tier"),
        ('memory.tier != "gold"', "memory.tier"),
        ('memory.tier in ["gold"]', "memory.tier"),
        ('input.q == "x" && !(memory.tier == "gold")', "memory.tier"),
        ("memory.told + input.q == input.q", "memory.told"),
    ],
)
def test_a_policy_is_told_of_what_may_not_be_written(told: Telling, when: str, marked: str) -> None:
    assert governed(told, when) == [("LM419", marked)]
    assert governed(told, when, where="for: {capabilities: [a.a]},") == [("LM419", marked)]


@pytest.mark.parametrize(
    "when",
    [
        'default(memory.tier, "basic") == "gold"',
        'memory.tier != null && memory.tier == "gold"',
        'memory.tier == null || memory.tier == "gold"',
        'has(memory.tier) && memory.tier == "gold"',
        # its type says that it may be null
        'memory.told == "x"',
        "size(memory.seen) > 3",
    ],
)
def test_a_policy_may_say_what_null_means(told: Telling, when: str) -> None:
    assert governed(told, when) == []


def test_a_policy_knows_what_is_written_where_it_stands(told: Telling) -> None:
    saved = "save: {tier: '\"gold\"'}"
    for where, fine in (
        ("", False),
        ("for: {capabilities: [a.a]},", False),
        ("for: {capabilities: [b.b]},", True),
        ("for: {steps: [b]},", True),
        ("for: {agents: [two]},", True),
    ):
        found = governed(told, 'memory.tier == "gold"', where=where, save=saved)
        assert (found == []) is fine, where
