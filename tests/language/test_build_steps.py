"""The keys of a step, one by one: who performs it, and what happens when something goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import describe
from leafmesh_nb.language.build_steps import LATER_COMPLEXITIES, STEP
from leafmesh_nb.language.spec import Repeat, Retry, Step

Parsing = Callable[..., Any]
WORK = "capability: work"


def only_step(told: Any, name: str = "a") -> Step:
    assert told.diagnostics == (), [str(d) for d in told.diagnostics]
    step: Step = told.spec.workflows["w"].steps[name]
    return step


# -- what a version cannot enforce

BODIES = {
    "workflow": "workflow: sub, with: {n: 1}",
    "let": "let: input.n + 1",
    "wait": "wait: 30m",
    "for_each": f"{WORK}, for_each: {{in: input.texts, max: 3}}",
    "repeat": f"{WORK}, repeat: {{until: output.n > 1, max: 3}}",
    "race": f"{WORK}, race: 2",
    "consult": f"{WORK}, consult: [rest]",
    "retry": f"{WORK}, retry: {{max: 3, backoff: 1s}}",
    "on_error": f"{WORK}, on_error: continue",
    "on_in_doubt": f"{WORK}, on_in_doubt: ask",
    "auto": f"{WORK}, complexity: auto",
}
REFUSED = (*STEP.later, *LATER_COMPLEXITIES)


@pytest.mark.parametrize("name", BODIES)
def test_a_key_is_enforced_or_refused_once(with_steps: Parsing, name: str) -> None:
    told = with_steps({"a": BODIES[name]})
    if name not in REFUSED:
        assert only_step(told).id == "a"
        return
    error = told.only("LM203")
    assert "not available yet" in error.message
    assert error.hint
    assert told.spec is None


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize("name", BODIES)
def test_moving_its_name_enforces_it(with_steps: Parsing, name: str) -> None:
    assert only_step(with_steps({"a": BODIES[name]})).id == "a"


def test_what_is_refused_is_still_checked_in_full(with_steps: Parsing) -> None:
    steps = {
        "a": "workflow: sbu",
        "b": f"{WORK}, for_each: {{in: input.txts, max: 0}}, retry: {{max: 1, bakoff: 1s}}",
        "c": f"{WORK}, consult: [rset], on_error: cotinue, on_in_doubt: aks, race: 1",
        "d": "let: inptu.n",
        "e": "wait: 3 weeks",
        "f": f"{WORK}, repeat: {{until: output.m, max: 3}}, complexity: autom",
    }
    told = with_steps(steps)
    wrong = [d for d in told.diagnostics if d.code != "LM203"]
    assert [(d.code, told.marked(d)) for d in wrong] == [
        ("LM323", "sbu"), ("LM311", "txts"), ("LM208", "0"), ("LM201", "bakoff"),
        ("LM302", "rset"), ("LM307", "cotinue"), ("LM206", "aks"), ("LM208", "1"),
        ("LM310", "inptu"), ("LM207", "3 weeks"), ("LM311", "m"), ("LM206", "autom"),
    ]  # fmt: skip
    assert told.codes.count("LM203") == len(STEP.later)
    assert all(d.hint for d in wrong if d.code != "LM208")


# -- who performs it


@pytest.mark.usefixtures("enforced")
def test_the_five_performers(with_steps: Parsing) -> None:
    told = with_steps(
        {
            "routed": WORK,
            "named": "agent: worker",
            "both": "agent: other, capability: rest",
            "sub": "workflow: sub, with: {n: 1}",
            "pure": "let: {double: input.n * 2, text: '\"x\"'}",
            "pause": "wait: 1h30m",
            "until": "wait: input.at",
        }
    )
    assert told.diagnostics == ()
    steps = told.spec.workflows["w"].steps
    assert [s.performer for s in steps.values()] == [
        "agent", "agent", "agent", "workflow", "let", "wait", "wait"
    ]  # fmt: skip
    assert (steps["routed"].capability, steps["routed"].agent) == ("work", None)
    assert (steps["named"].capability, steps["named"].agent) == ("work", "worker")
    assert (steps["both"].capability, steps["both"].agent) == ("rest", "other")
    assert steps["sub"].workflow == "sub"
    assert steps["pure"].let.evaluate({"input": {"n": 4}}) == {"double": 8, "text": "x"}
    assert steps["pause"].wait == 5400.0
    assert steps["until"].wait.text == "input.at"
    types = [describe(step.output_type) for step in steps.values()]
    work = "{object: {n: integer, text: string, note: string or null}}"
    assert types[:4] == [work, work, "{object: {}}", "{object: {n: integer, text: string}}"]
    assert types[4].startswith("{object: {double: integer, text: ")
    assert types[5:] == ["datetime", "datetime"]


@pytest.mark.parametrize(
    ("body", "marked"),
    [
        (f"{WORK}, workflow: sub", "workflow"),
        ("let: 1, agent: worker", "agent"),
        ("wait: 1h, let: 1", "let"),
        ("workflow: sub, wait: 1h, capability: work", "wait"),
    ],
)
def test_a_step_has_one_performer(with_steps: Parsing, body: str, marked: str) -> None:
    told = with_steps({"a": body})
    (error,) = [d for d in told.diagnostics if d.code == "LM209"]
    assert told.marked(error) == marked
    assert "one performer" in error.message
    assert {d.code for d in told.diagnostics} <= {"LM203", "LM209", "LM406"}


def test_a_step_says_who_performs_it(with_steps: Parsing) -> None:
    error = with_steps({"a": "after: b", "b": WORK}).only("LM202")
    assert all(f"`{key}: " in error.hint for key in ("capability", "agent", "workflow", "let"))
    assert with_steps({"a": "capabilty: work"}).only("LM201").hint == "Did you mean `capability`?"


MISPLACED = {
    "workflow: sub, with: {n: 1}": (
        "complexity: routine", "domain: legal", "race: 2", "consult: [rest]", "retry: {max: 1}",
        "on_in_doubt: ask",
    ),
    "let: 1": (
        "with: {n: 1}", "complexity: routine", "domain: legal", "race: 2", "consult: [rest]",
        "retry: {max: 1}", "on_in_doubt: ask", "timeout: 1s",
    ),
    "wait: 1h": (
        "with: {n: 1}", "complexity: routine", "domain: legal", "race: 2", "consult: [rest]",
        "retry: {max: 1}", "on_in_doubt: ask", "timeout: 1s",
        "for_each: {in: input.texts, max: 2}", "repeat: {until: 'true', max: 2}",
    ),
    "agent: worker": ("race: 2",),
}  # fmt: skip


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize(
    ("body", "key"), [(body, key) for body, keys in MISPLACED.items() for key in keys]
)
def test_keys_that_do_not_go_with_the_performer(with_steps: Parsing, body: str, key: str) -> None:
    told = with_steps({"a": f"{body}, {key}"})
    (error,) = [d for d in told.diagnostics if d.code == "LM209"]
    assert told.marked(error) == key.partition(":")[0]
    assert f"`{body.partition(':')[0]}` and `{key.partition(':')[0]}`" in error.message


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize(
    "body",
    [
        "workflow: sub, with: {n: 1}, timeout: 1h, on_error: continue, when: input.flag",
        "workflow: sub, with: {n: item}, for_each: {in: '[1, 2]', max: 2}",
        "workflow: sub, with: {n: 'default(previous.n, 1)'}, repeat: {until: output.n > 3, max: 2}",
        "let: size(item), for_each: {in: input.texts, max: 2}, on_error: continue",
        "let: 'default(previous, 0) + 1', repeat: {until: output > 3, max: 5}, when: input.flag",
        "wait: 1h, when: input.flag, on_error: continue, after: b",
        "let: input.n, save: {bag: '[output]'}, after: {any: [b]}",
    ],
)
def test_keys_that_go_together(with_steps: Parsing, body: str) -> None:
    assert only_step(with_steps({"a": body, "b": WORK})).id == "a"


# -- wait: a time


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30m", 1800.0), ("2d", 172800.0), ("1h30m", 5400.0), ("500ms", 0.5)],
)
def test_a_wait_of_a_duration_is_in_seconds(
    with_steps: Parsing, written: str, seconds: float
) -> None:
    assert only_step(with_steps({"a": f"wait: {written}"})).wait == seconds


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("input.at", None),
        ("input.at + duration('1h')", None),
        ("now + duration('24h')", None),
        ("duration('90m')", None),
        ("timestamp(input.day)", None),
        ("input.at - now", None),
        ("'input.flag ? input.at : now'", None),
        ("input.some", "LM404"),
        ("input.n", "LM403"),
        ("input.day", "LM403"),
        ("'\"30m\"'", "LM403"),
        ("input.flag", "LM403"),
        ("\"duration('-1h')\"", "LM208"),
        ("\"duration('0s')\"", "LM208"),
        ("5", "LM207"),
        ("5 s", "LM207"),
        ("0s", "LM208"),
        ("5S", "LM207"),
        ("12:30", "LM207"),
        ("2026-12-24", "LM210"),
        ("2026-12-24T08:00:00Z", "LM210"),
        ("'timestamp(\"2026-12-24T08:00:00Z\")'", None),
        ("nwo", "LM310"),
        ("[1h]", "LM117"),
    ],
)
def test_a_wait_is_a_time_or_a_duration(
    with_steps: Parsing, written: str, code: str | None
) -> None:
    told = with_steps({"a": f"wait: {written}"})
    assert told.codes == ([code] if code else []), [str(d) for d in told.diagnostics]
    if code == "LM403":
        assert "a time or a duration" in told.diagnostics[0].message
        assert told.diagnostics[0].hint


@pytest.mark.usefixtures("enforced")
def test_a_wait_gives_the_time_that_it_waited_for(with_steps: Parsing) -> None:
    steps = {"a": "wait: 1h", "b": f"{WORK}, when: steps.a.output < now"}
    assert with_steps(steps).diagnostics == ()


# -- retry, timeout, on_in_doubt, complexity


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize(
    ("written", "retry"),
    [
        ("{max: 3, backoff: 1s}", Retry(3, 1.0)),
        ("{max: 1}", Retry(1)),
        ("{max: 2, backoff: 1m30s}", Retry(2, 90.0)),
    ],
)
def test_retry(with_steps: Parsing, written: str, retry: Retry) -> None:
    assert only_step(with_steps({"a": f"{WORK}, retry: {written}"})).retry == retry


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize(
    ("written", "code", "marked"),
    [
        ("{max: 0}", "LM208", "0"),
        ("{max: 1.5}", "LM208", "1.5"),
        ("{max: many}", "LM204", "many"),
        ("{max: 3, backoff: 1}", "LM207", "1"),
        ("{max: 3, backoff: 0s}", "LM208", "0s"),
        ("{backoff: 1s}", "LM202", "retry"),
        ("{max: 3, jitter: 1s}", "LM201", "jitter"),
        ("3", "LM204", "3"),
    ],
)
def test_no_retry(with_steps: Parsing, written: str, code: str, marked: str) -> None:
    told = with_steps({"a": f"{WORK}, retry: {written}"})
    assert told.marked(told.only(code)) == marked


@pytest.mark.usefixtures("enforced")
def test_what_a_step_is_told_by_default(with_steps: Parsing) -> None:
    step = only_step(with_steps({"a": WORK}))
    assert (step.on_error, step.on_in_doubt, step.retry, step.timeout) == (
        "fail", "retry", None, None
    )  # fmt: skip
    assert (step.for_each, step.repeat, step.race, step.consult) == (None, None, None, ())
    assert (step.complexity, step.domain, step.after, step.handles) == (None, None, None, ())


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize("word", ["retry", "ask", "fail"])
def test_on_in_doubt(with_steps: Parsing, word: str) -> None:
    assert only_step(with_steps({"a": f"{WORK}, on_in_doubt: {word}"})).on_in_doubt == word


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize("word", ["routine", "standard", "complex", "auto"])
def test_complexity(with_steps: Parsing, word: str) -> None:
    assert only_step(with_steps({"a": f"{WORK}, complexity: {word}"})).complexity == word


@pytest.mark.usefixtures("enforced")
def test_a_step_lists_every_expression_that_it_has(with_steps: Parsing) -> None:
    body = (
        f"{WORK}, when: input.flag, for_each: {{in: input.texts, max: 2}}, with: {{text: item}}, "
        "repeat: {until: output.n > 0, max: 2}, save: {log: output.text}"
    )
    told = with_steps({"a": body, "b": "let: input.n", "c": "wait: input.at", "d": "wait: 1h"})
    step = only_step(told)
    assert [e.text for e in step.expressions()] == [
        "input.flag", "input.texts", "item", "output.n > 0", "output.text"
    ]  # fmt: skip
    assert step.repeat == Repeat(step.repeat.until, 2)
    steps = told.spec.workflows["w"].steps
    assert [[e.text for e in steps[n].expressions()] for n in "bcd"] == [
        ["input.n"], ["input.at"], []
    ]  # fmt: skip
