"""``for_each`` and ``repeat``: their keys, the names they give, and what the step gives then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import describe
from leafmesh_nb.language.spec import Step

Parsing = Callable[..., Any]
WORK = "capability: work"

pytestmark = pytest.mark.usefixtures("enforced")


def output_of(told: Any, name: str = "a") -> str:
    assert told.diagnostics == (), [str(d) for d in told.diagnostics]
    return describe(told.spec.workflows["w"].steps[name].output_type)


def step_of(told: Any) -> Step:
    assert told.diagnostics == (), [str(d) for d in told.diagnostics]
    step: Step = told.spec.workflows["w"].steps["a"]
    return step


def each(rest: str = "", of: str = "input.texts, max: 3") -> str:
    return f"{WORK}, for_each: {{in: {of}}}{rest}"


# -- for_each: {in, max, parallel}


def test_for_each(with_steps: Parsing) -> None:
    loop = step_of(with_steps({"a": each(of="input.texts, max: 20, parallel: 4")})).for_each
    assert loop is not None
    assert (loop.items.text, loop.max, loop.parallel) == ("input.texts", 20, 4)
    assert describe(loop.item_type) == "string"
    loop = step_of(with_steps({"a": each()})).for_each
    assert loop is not None
    assert loop.parallel == 1, "one after the other, unless told otherwise"


@pytest.mark.parametrize(
    ("written", "code", "marked"),
    [
        ("{in: input.texts}", "LM202", "for_each"),
        ("{max: 3}", "LM202", "for_each"),
        ("{in: input.texts, max: 0}", "LM208", "0"),
        ("{in: input.texts, max: 2.5}", "LM208", "2.5"),
        ("{in: input.texts, max: lots}", "LM204", "lots"),
        ("{in: input.texts, max: 3, parallel: 0}", "LM208", "0"),
        ("{in: input.texts, max: 3, parallel: 4}", "LM208", "parallel"),
        ("{in: input.texts, max: 3, paralel: 2}", "LM201", "paralel"),
        ("{in: , max: 3}", "LM211", "in"),
        ("input.texts", "LM204", "input.texts"),
        ("[a, b]", "LM204", "[a, b]"),
        ("", "LM211", "for_each"),
        # `in` must be a list
        ("{in: input.n, max: 3}", "LM403", "input.n"),
        ("{in: input.names, max: 3}", "LM403", "input.names"),
        ("{in: '\"a, b\"', max: 3}", "LM403", "'\"a, b\"'"),
        ("{in: steps.b.output, max: 3}", "LM403", "steps.b.output"),
        ("{in: steps.maybe.output, max: 3}", "LM403", "steps.maybe.output"),
        ("{in: input.some, max: 3}", "LM404", "input.some"),
        ("{in: input.txts, max: 3}", "LM311", "txts"),
        ("{in: '[1, 2, 3]', max: 2}", "LM208", "'[1, 2, 3]'"),
        ("{in: [1, 2, 3], max: 2}", "LM208", "[1, 2, 3]"),
        # what it gives is not there before it is there
        ("{in: '[item]', max: 2}", "LM310", "item"),
        ("{in: '[index]', max: 2}", "LM310", "index"),
    ],
)
def test_no_for_each(with_steps: Parsing, written: str, code: str, marked: str) -> None:
    steps = {
        "b": WORK,
        "maybe": "let: input.texts, when: input.flag",
        "a": f"{WORK}, for_each: {written}, after: [b, maybe]",
    }
    told = with_steps(steps)
    found = told.only(code)
    assert told.marked(found) == marked
    assert found.severity == ("warning" if code == "LM404" else "error")


@pytest.mark.parametrize(
    "items",
    ["input.texts", "'[1, 2, 3]'", "[1, 2, 3]", "'input.names.map(k, k)'", "'[]'",
     "default(steps.maybe.output, [])", "'input.texts.filter(t, size(t) > 1)'"],
)  # fmt: skip
def test_what_for_each_goes_through(with_steps: Parsing, items: str) -> None:
    steps = {"maybe": "let: input.texts, when: input.flag", "a": each("", f"{items}, max: 3")}
    if items.startswith("default"):
        steps["a"] = each("", f'"{items}", max: 3')
    assert with_steps(steps).diagnostics == ()


def test_an_expression_that_yaml_cut_is_shown_quoted(with_steps: Parsing) -> None:
    error = with_steps({"a": each(of="input.texts.filter(t, size(t) > 1), max: 3")}).only("LM125")
    assert 'in: "input.texts.filter(t, size(t) > 1)", max: 3' in error.hint


@pytest.mark.parametrize(
    "rest",
    [
        ", with: {text: item, n: index}",
        ", with: {text: item}, when: size(item) > 1",
        ", when: index < 2",
        ", save: {log: 'item + output.text'}",
        ", save: {bag: '[index, output.n]'}",
        ", repeat: {until: size(item) > index, max: 2}",
    ],
)
def test_item_and_index_are_there(with_steps: Parsing, rest: str) -> None:
    assert with_steps({"a": each(rest)}).diagnostics == ()


def test_item_and_index_are_typed(with_steps: Parsing) -> None:
    told = with_steps({"a": each(", with: {n: item, text: index}")})
    assert [(d.code, told.marked(d)) for d in told.diagnostics] == [
        ("LM403", "item"), ("LM403", "index")
    ]  # fmt: skip
    told = with_steps({"a": each(", with: {n: item.size}")})
    assert told.marked(told.only("LM417")) == "size"
    told = with_steps({"a": each(", with: {text: item}", "steps.b.output, max: 2"), "b": each()})
    assert told.marked(told.only("LM403")) == "item"
    assert told.diagnostics[0].message.startswith("The input `text`")


def test_the_output_is_a_list_in_order(with_steps: Parsing) -> None:
    work = "{object: {n: integer, text: string, note: string or null}}"
    assert output_of(with_steps({"a": each()})) == f"{{list: {work}}}"
    step = step_of(with_steps({"a": each()}))
    assert describe(step.result_type) == work
    steps = {"a": each(), "b": f"{WORK}, with: {{n: 'steps.a.output[0].n'}}"}
    assert with_steps(steps).diagnostics == ()
    steps["b"] = f"{WORK}, with: {{n: steps.a.output.n}}"
    assert with_steps(steps).codes == ["LM417"]
    assert output_of(with_steps({"a": "let: 'item + item', for_each: {in: [1, 2], max: 2}"})) == (
        "{list: integer}"
    )


@pytest.mark.parametrize(
    "rest", [", on_error: continue", ", when: size(item) > 1", ", when: index > 0"]
)
def test_a_failed_or_passed_over_item_is_null(with_steps: Parsing, rest: str) -> None:
    told = with_steps({"a": each(rest)})
    assert output_of(told).endswith("note: string or null}} or null}")
    # The list itself is there.
    assert with_steps({"a": each(rest)}, "{n: size(steps.a.output)}").diagnostics == ()


def test_when_is_decided_once_unless_it_reads_the_item(with_steps: Parsing) -> None:
    assert step_of(with_steps({"a": each(", when: size(item) > 1")})).when_each
    whole = each(", when: input.flag")
    assert not step_of(with_steps({"a": whole})).when_each
    assert not output_of(with_steps({"a": whole})).endswith("or null}")
    # Then the step is skipped as a whole, and has no output.
    assert with_steps({"a": whole}, "{n: size(steps.a.output)}").codes == ["LM419"]


def test_save_is_done_for_each_item(with_steps: Parsing) -> None:
    """Its output is the item's, never null, also where failed items are."""
    rest = ", on_error: continue, save: {log: output.text}"
    assert with_steps({"a": each(rest)}).diagnostics == ()
    told = with_steps({"a": each(", save: {bag: 'output[0].n'}")})
    assert told.marked(told.only("LM410")) == "0"


def test_items_that_replace_a_field_are_done_one_by_one(with_steps: Parsing) -> None:
    save = ", save: {last: output.text}"
    assert with_steps({"a": each(save)}).diagnostics == ()
    told = with_steps({"a": each(save, "input.texts, max: 3, parallel: 2")})
    assert told.marked(told.only("LM605")) == "last"
    log = ", save: {log: output.text}"
    assert with_steps({"a": each(log, "input.texts, max: 3, parallel: 2")}).diagnostics == ()


# -- repeat: {until, max}


def again(rest: str = "", until: str = "output.n > 3") -> str:
    return f"{WORK}, repeat: {{until: {until}, max: 3}}{rest}"


def test_repeat(with_steps: Parsing) -> None:
    step = step_of(with_steps({"a": again()}))
    assert step.repeat is not None
    assert (step.repeat.until.text, step.repeat.max) == ("output.n > 3", 3)
    assert step.output_type == step.result_type, "the output is the last"


@pytest.mark.parametrize(
    ("written", "code", "marked"),
    [
        ("{until: output.n > 3}", "LM202", "repeat"),
        ("{max: 3}", "LM202", "repeat"),
        ("{until: output.n > 3, max: 0}", "LM208", "0"),
        ("{until: output.n > 3, max: 3, backoff: 1s}", "LM201", "backoff"),
        ("{while: output.n > 3, max: 3}", "LM201", "while"),
        ("3", "LM204", "3"),
        # `until` must be true or false
        ("{until: output.n, max: 3}", "LM403", "output.n"),
        ("{until: output.note, max: 3}", "LM403", "output.note"),
        ("{until: output.m > 3, max: 3}", "LM311", "m"),
        ("{until: previous == output, max: 3}", None, ""),
        ("{until: item == 1, max: 3}", "LM310", "item"),
    ],
)
def test_no_repeat(with_steps: Parsing, written: str, code: str | None, marked: str) -> None:
    told = with_steps({"a": f"{WORK}, repeat: {written}"})
    if code is None:
        assert told.diagnostics == ()
        return
    found = [d for d in told.diagnostics if d.code == code]
    assert [told.marked(d) for d in found] == [marked]
    assert {d.code for d in told.diagnostics} <= {code, "LM202"}


@pytest.mark.parametrize(
    ("rest", "codes"),
    [
        (", with: {n: 'default(previous.n, 0)'}", []),
        (", with: {n: 'previous == null ? 0 : previous.n'}", []),
        (", with: {text: previous.note}", ["LM419"]),
        (", with: {text: 'default(previous.n, 0)'}", ["LM403"]),
        (", when: previous == null", []),
        (", save: {bag: '[output.n, default(previous.n, 0)]'}", []),
    ],
)
def test_previous_is_the_output_or_null(with_steps: Parsing, rest: str, codes: list[str]) -> None:
    assert with_steps({"a": again(rest)}).codes == codes


@pytest.mark.parametrize(
    ("let", "gives"),
    [
        ("default(previous, 0) + 1", "integer"),
        ("default(previous, []) + [input.n]", "{list: integer}"),
        ("{n: 'default(previous.n, 0) + 1', at: now}", "{object: {n: any, at: datetime}}"),
        ("input.texts", "{list: string}"),
        ("[default(previous, 1)]", "{list: any}"),
    ],
)
def test_a_let_may_read_what_it_gave_before(with_steps: Parsing, let: str, gives: str) -> None:
    written = let if let.startswith("{") else f"'{let}'"
    told = with_steps({"a": f"let: {written}, repeat: {{until: output != null, max: 3}}"})
    assert output_of(told) == gives


def test_a_repeat_within_for_each_is_of_the_item(with_steps: Parsing) -> None:
    rest = ", repeat: {until: output.text == item, max: 2}, with: {n: 'default(previous.n, index)'}"
    told = with_steps({"a": each(rest)})
    assert output_of(told).startswith("{list: {object:")


def test_a_race_is_within_both(with_steps: Parsing) -> None:
    told = with_steps({"a": each(", repeat: {until: output.n > 3, max: 2}, race: 2")})
    step = step_of(told)
    assert (step.race, step.for_each is not None, step.repeat is not None) == (2, True, True)


# -- what stands elsewhere


@pytest.mark.parametrize(
    ("body", "name", "where"),
    [
        (f"{WORK}, with: {{text: item}}", "item", "`for_each`"),
        (f"{WORK}, when: index > 1", "index", "`for_each`"),
        (f"{WORK}, with: {{n: previous.n}}", "previous", "`repeat`"),
        (again(", save: {log: item}"), "item", "`for_each`"),
        (each(", with: {n: previous.n}"), "previous", "`repeat`"),
        ("let: item", "item", "`for_each`"),
        ("wait: item", "item", "`for_each`"),
        (f"{WORK}, with: {{n: output.n}}", "output", "`save` and `until`"),
        (f"{WORK}, when: output.n > 1", "output", "`save` and `until`"),
    ],
)
def test_names_outside_their_place(with_steps: Parsing, body: str, name: str, where: str) -> None:
    told = with_steps({"a": body})
    error = told.only("LM310")
    assert told.marked(error) == name
    assert error.message.startswith(f"There is no `{name}` here: it is in the `")
    assert where in error.message
    assert f'"{name}"' in error.hint, "and how the text is written"


@pytest.mark.parametrize("name", ["item", "index", "previous", "output"])
def test_names_of_a_step_are_not_there_in_a_workflow(with_steps: Parsing, name: str) -> None:
    told = with_steps({"a": each()}, f"{{x: {name}}}")
    assert told.marked(told.only("LM310")) == name
    told = with_steps({"a": each()}, save=f"{{last: {name}}}")
    assert told.marked(told.only("LM310")) == name


def test_no_step_is_done_when_a_workflow_saves(with_steps: Parsing) -> None:
    told = with_steps({"a": WORK}, save="{last: steps.a.output.text}")
    error = told.only("LM310")
    assert told.marked(error) == "steps"
    assert "before any step" in error.hint


def test_a_macro_may_have_a_variable_of_that_name(with_steps: Parsing) -> None:
    body = f"{WORK}, when: 'input.texts.exists(item, item == \"a\")'"
    assert with_steps({"a": body}).diagnostics == ()
    body = f"{WORK}, when: 'item.exists(item, item == \"a\")'"
    told = with_steps({"a": body})
    assert told.only("LM310").span.column < told.text.split("\n")[-3].index("exists") + 1
