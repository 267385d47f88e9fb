"""Whatever a notebook saves of a run: a declared secret and a card number are in none of it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.memory.marks import MASK
from leafmesh_nb.mesh import waiting
from leafmesh_nb.notebook import overview
from leafmesh_nb.quickstart.report import _decisions

SECRET = "hunter2-of-Söhne"
PARTS = ["hunter2", "of Söhne"]
CARD = "4111 1111 1111 1111"
HALVES = ["4111 1111", "1111 1111"]

MESH = """
    mesh: vault
    memory:
      pin: {type: string or null, sensitivity: secret}
      notes: {type: {list: string}, merge: append}
    people: {ada: {roles: [approver]}}
    tools:
      send:
        side_effect: true
        input: {parts: {list: string}, at: string}
        output: {said: {list: string}}
    agents:
      talker:
        role: Talker
        kind: python
        capabilities:
          it.tell:
            input: {text: string, parts: {list: string}}
            output: {said: string, parts: {list: string}}
        memory: {read: [pin], write: [notes]}
        tools: [send]
    policies:
      sending:
        at: tool
        for: {tools: [send]}
        rules:
          - id: any
            when: size(tool.arguments.parts) > 0 && tool.arguments.at != ""
            then: ask
            to: ada
            reason: "It goes to ${tool.arguments.at}"
    workflows:
      go:
        input: {pin: string, text: string, parts: {list: string}}
        save: {pin: input.pin}
        steps:
          tell: {capability: it.tell, with: {text: input.text, parts: input.parts}}
        output: {said: steps.tell.output.said, parts: steps.tell.output.parts}
    """

FIELDS = MESH.replace("{parts: {list: string}, at:", "{first: string, second: string, at:").replace(
    "size(tool.arguments.parts) > 0", "tool.arguments.first != tool.arguments.second"
)

# How the secrets are told, by what a step does with them.
TOLD = [
    (SECRET, PARTS),
    (CARD, HALVES),
    (SECRET.upper(), ["it is " + PARTS[0], PARTS[1] + " I think"]),
    (CARD.replace(" ", "-") + "9", ["my card: " + HALVES[0], HALVES[1] + " till 12/27"]),
]


def sends(text: str, parts: list[str], *, ctx: Any) -> dict[str, Any]:
    ctx.memory.append("notes", text)
    ctx.memory.append("notes", json.dumps({"pin": ctx.memory.pin, "text": text}))
    sent = ctx.tool("send", parts=parts, at=text)
    return {"said": f"{text} {ctx.memory.pin}", "parts": sent["said"]}


def fails(text: str, parts: list[str], *, ctx: Any) -> dict[str, Any]:
    raise ValueError(f"{text} {ctx.memory.pin!r}")


def fails_at_length(text: str, parts: list[str], *, ctx: Any) -> dict[str, Any]:
    filler = "x" * (20_000 - 13)
    raise ValueError(f"{filler} {text}")


def reaches(text: str, parts: list[str], *, ctx: Any) -> dict[str, Any]:
    return {"said": ctx.memory[text], "parts": parts}


def misshapen(text: str, parts: list[str], *, ctx: Any) -> dict[str, Any]:
    return {"said": "x", text: "x", "parts": parts}


def sends_fields(text: str, parts: list[str], *, ctx: Any) -> dict[str, Any]:
    sent = ctx.tool("send", first=parts[0], second=parts[1], at=text)
    return {"said": f"{text} {ctx.memory.pin}", "parts": sent["said"]}


def start(desk: Any, function: Any, told: tuple[str, list[str]], text: str = MESH) -> Any:
    mesh = desk.mesh(text)
    mesh.agent("talker")(function)
    mesh.tool("send")(lambda at, **parts: {"said": parts.get("parts", list(parts.values()))})
    run = desk.start(mesh, "go", pin=SECRET, text=told[0], parts=told[1])
    return desk.settled(run)


def shown(run: Any) -> Iterator[tuple[str, str]]:
    """What views make of a run, by where it is shown."""
    yield from (("repr", repr(run)), *run._repr_mimebundle_().items())
    yield "card", json.dumps(run.card(), ensure_ascii=False)
    for name in ("routing", "decisions", "memory", "costs", "calls", "handoffs", "audit", "events"):
        frame = getattr(run, name)()
        yield name, frame.to_html() + frame.to_string() + repr(frame.to_dict("records"))
    for name in ("routing", "costs", "timeline"):
        yield f"chart {name}", run.chart(name).to_json()
    yield "status", overview.status_text(None, [run]) + overview.status_html(None, [run])
    yield "questions", overview.questions_text([run]) + repr(run.approvals())
    for question in run.approvals():
        yield "input line", "\n".join(waiting._lines(run, question, ""))
        asked = (question.value, question.reason, question.values)
        yield "question", repr(asked) + repr([*question.value.values()])
    yield "error", repr(run.error)
    yield "output", repr(run.output)
    for name, value in (run.output or {}).items():
        yield f"output {name}", repr(value)
    if run.status in ("failed", "waiting"):
        with pytest.raises(lm.RunError) as caught:
            run.result(0.1)
        yield "raised", "\n".join(caught.value._render_traceback_())
    yield "report", repr(_decisions([run]))


def assert_masked(run: Any) -> None:
    for where, text in shown(run):
        text = html.unescape(text).casefold()
        letters = re.sub(r"[\W_]", "", text)
        for told in (SECRET, *PARTS, "sohne", "söhne", "hunter"):
            assert told.casefold() not in text, where
        assert "hunter2" not in letters, where
        assert not re.search(r"4111\W{0,3}1111", text), where


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("answer", ["approve", "reject", "edit"])
def test_of_a_question_and_its_answer(desk: Any, told: tuple[str, list[str]], answer: str) -> None:
    run = start(desk, sends, told)
    assert run.status == "waiting", run.error
    assert_masked(run)
    (question,) = run.approvals()
    note = f"he said {told[0]}"
    if answer == "edit":
        question.edit({"parts": told[1], "at": f"{told[0]}!"}, note=note)
    else:
        getattr(question, answer)(note=note)
    desk.settled(run)
    assert run.status == ("failed" if answer == "reject" else "done")
    assert_masked(run)
    if answer == "approve":
        assert run.output["said"] == f"{told[0]} {SECRET}"


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("answer", ["approve", "edit"])
def test_of_fields_beside_each_other(desk: Any, told: tuple[str, list[str]], answer: str) -> None:
    run = start(desk, sends_fields, told, FIELDS)
    assert run.status == "waiting", run.error
    assert_masked(run)
    (question,) = run.approvals()
    assert question.value == {"first": told[1][0], "second": told[1][1], "at": told[0]}
    if answer == "edit":
        question.edit({"first": f"{told[1][0]} ", "second": f" {told[1][1]}", "at": "x"})
    else:
        question.approve()
    desk.settled(run)
    assert run.status == "done"
    assert_masked(run)


def test_of_a_refusal(desk: Any) -> None:
    with pytest.raises(lm.RunError, match="unknown field `•••• 1111`"):
        desk.mesh(MESH).start("go", input={CARD: 1})


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("function", [fails, fails_at_length, reaches, misshapen])
def test_of_a_failure(desk: Any, told: tuple[str, list[str]], function: Any) -> None:
    run = start(desk, function, told)
    assert run.status == "failed"
    assert_masked(run)


def test_of_half_a_secret_at_the_end_of_a_long_text(desk: Any) -> None:
    run = start(desk, fails_at_length, TOLD[0])
    (ended,) = desk.bodies(run, "run.ended")
    assert f" {SECRET[:12]}…" in ended.error["message"]
    assert f" {MASK}…" in run.error["message"]


class Broken:
    """A script that says what it must not, at such length that it is cut in the middle of it."""

    def answer(self, question: Any) -> None:
        said = "x" * (1_000 - len("the script that answers failed: RuntimeError('") - 12)
        raise RuntimeError(f"{said} {SECRET} {CARD}")


def test_of_a_script_that_fails(desk: Any) -> None:
    mesh = desk.mesh(MESH, approver=Broken())
    mesh.agent("talker")(sends)
    mesh.tool("send")(lambda parts, at: {"said": parts})
    run = desk.start(mesh, "go", pin=SECRET, text=TOLD[0][0], parts=PARTS)
    desk.until(lambda: desk.bodies(run, "approval.refused"))
    (refused,) = desk.bodies(run, "approval.refused")
    assert refused.reason.endswith(f" {SECRET[:11]}…")
    assert_masked(run)
