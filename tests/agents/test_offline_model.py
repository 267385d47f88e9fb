"""The offline model behind the port of a model: labelled, counted, free, deterministic."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from leafmesh_nb.agents.bound import BoundAgents
from leafmesh_nb.agents.offline_model import LONG, OfflineModel
from leafmesh_nb.engine.ports import ModelReply, ModelRequest
from leafmesh_nb.errors import AgentError
from leafmesh_nb.language import load
from leafmesh_nb.language.schema import json_schema
from leafmesh_nb.language.types import MONEY, NUMBER, STRING, Type, object_of
from leafmesh_nb.testing import ScriptedModel

OUTPUT = object_of(
    {
        "category": Type("enum", values=("refund", "bug", "question")),
        "amount": MONEY.or_null(),
        "confidence": NUMBER,
    }
)

REQUEST = ModelRequest(
    model="quick",
    agent="triage",
    role="Support analyst",
    instructions="Read the ticket.",
    capability="ticket.classify",
    description="",
    inputs={"ticket": "I was charged twice for $49.99, please give me my money back"},
    memory={},
    schema=json_schema(OUTPUT),
    examples=(
        {"text": "I was charged twice", "output": {"category": "refund"}},
        {"text": "The app crashes", "output": {"category": "bug"}},
    ),
    key="k",
)


def ask(request: ModelRequest) -> ModelReply:
    return asyncio.run(OfflineModel().ask(request))


def test_it_reads_and_says_what_it_is() -> None:
    reply = ask(REQUEST)
    assert reply.output["category"] == "refund"
    assert str(reply.output["amount"]) == "49.99"
    assert "not a language model" in reply.note
    assert reply.evidence


def test_tokens_are_counted_and_nothing_is_spent() -> None:
    reply = ask(REQUEST)
    assert reply.tokens_in == OfflineModel().count(REQUEST) > 20
    assert 0 < reply.tokens_out < reply.tokens_in
    assert reply.cost is None, "the price list says what it costs: nothing"


def test_the_count_is_of_everything_that_a_model_would_be_sent() -> None:
    count = OfflineModel().count
    for more in (
        replace(REQUEST, inputs={"ticket": "word " * 100}),
        replace(REQUEST, memory={"note": "word " * 100}),
        replace(REQUEST, instructions="word " * 100),
        replace(REQUEST, role="word " * 100),
        replace(REQUEST, description="word " * 100),
        replace(REQUEST, examples=(*REQUEST.examples, {"text": "word " * 100, "output": {}})),
    ):
        assert count(more) > count(REQUEST) + 50


def test_the_same_request_gives_the_same_reply() -> None:
    assert ask(REQUEST) == ask(REQUEST)


def test_memory_is_not_quoted_for_the_text() -> None:
    told = ask(replace(REQUEST, memory={"note": "the app crashes, a bug, a bug of $9.00"}))
    assert told.output == ask(REQUEST).output


def test_what_is_not_in_the_text_names_the_field() -> None:
    schema = json_schema(object_of({"amount": MONEY}))
    request = replace(REQUEST, schema=schema, inputs={"ticket": "hello there"})
    with pytest.raises(AgentError, match=r"could not answer ticket\.classify: field 'amount'"):
        ask(request)


def test_a_long_text_is_read_beside_the_loop() -> None:
    """Other runs go on while a long text is read."""
    used: list[threading.Thread] = []

    class Watched(OfflineModel):
        def _read(self, request: ModelRequest) -> ModelReply:
            used.append(threading.current_thread())
            return super()._read(request)

    for text in ("short", "word " * (LONG // 4)):
        asyncio.run(Watched().ask(replace(REQUEST, inputs={"ticket": f"a bug: {text}"})))
    assert used[0] is threading.main_thread()
    assert used[1] is not threading.main_thread()


@pytest.mark.parametrize("text", ["", "\ud800", "\x00", "🙂" * 50, "<script>alert(1)</script>"])
def test_odd_texts_are_read_or_refused_but_nothing_else(text: str) -> None:
    try:
        reply = ask(replace(REQUEST, inputs={"ticket": text, "n": 5, "list": [1], "none": None}))
    except AgentError:
        return
    assert reply.output["category"] in ("refund", "bug", "question")


MESH = """
mesh: modelled
models:
  quick: {provider: offline, tier: small}
agents:
  a: {role: A, capabilities: {do: {input: {text: string}, output: {text: string}}}, model: quick}
workflows:
  w: {input: {text: string}, steps: {s: {capability: do, with: {text: input.text}}}, output: {}}
"""


def test_an_offline_model_is_made_when_it_is_first_asked_for() -> None:
    agents = BoundAgents(load(MESH), {})
    model = agents.model("quick")
    assert isinstance(model, OfflineModel)
    assert agents.model("quick") is model


def test_another_model_takes_the_place_of_one_by_name() -> None:
    fake: Any = ScriptedModel([])
    agents = BoundAgents(load(MESH), {}, {"quick": fake})
    assert agents.model("quick") is fake


def test_a_text_field_is_quoted_from_the_text() -> None:
    request = replace(REQUEST, schema=json_schema(object_of({"summary": STRING})))
    summary = ask(request).output["summary"]
    assert summary
    assert summary in REQUEST.inputs["ticket"]
