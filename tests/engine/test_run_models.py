"""Model calls in a run: how they fail, what they cost, and that a request keeps its key."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.ports import ModelReply, ModelRequest
from leafmesh_nb.testing import ScriptedModel

READING = """
mesh: reading
models:
  quick: {provider: offline, tier: small, timeout: 60s, priced_as: "openai:gpt-5-mini"}
memory:
  topic: {type: string}
budgets: {run: 1.00}
agents:
  reader:
    role: Reads
    instructions: "It is ${now} and the run is ${run.id}."
    capabilities: {read: {input: {text: string}, output: {mood: {enum: [good, bad]}}}}
    memory: {read: [topic]}
    limits: {calls: 1, timeout: 30s}
workflows:
  w:
    input: {text: string}
    steps: {read: {capability: read, with: {text: input.text}, timeout: 20s}}
    output: {mood: steps.read.output.mood}
"""


class Model:
    """A model that does what a test says."""

    def __init__(self, ask: Any) -> None:
        self._ask = ask

    async def ask(self, request: ModelRequest) -> ModelReply:
        return await self._ask(request)  # type: ignore[no-any-return]

    def count(self, request: ModelRequest) -> int:
        return 10


def start(world: Any, model: Any, text: str = READING) -> Any:
    return world.start(world.mesh(text, models={"quick": model}), text="a fine day")


def failure(run: Any) -> str:
    with pytest.raises(lm.RunError) as info:
        run.result(20)
    assert run.status == "failed"
    assert all(not call.open for call in run._current().calls.values())
    assert run._current().reserved == 0, "nothing stays reserved when the run is over"
    return str(info.value)


def test_a_model_answers(world: Any) -> None:
    model = ScriptedModel([{"mood": "good"}], cost="0.25", tokens=(1000, 100))
    run = start(world, model)
    assert run.result(20) == {"mood": "good"}
    (finished,) = world.bodies(run, ev.CallFinished)
    assert (finished.cost, finished.tokens_in, finished.tokens_out) == ("0.25", 1000, 100)
    assert Decimal(finished.list_cost) > 0
    assert finished.note == "scripted model"
    (request,) = model.requests
    assert request.schema["properties"]["mood"]["enum"] == ["good", "bad"]
    assert request.instructions.endswith(f"and the run is {run.id}.")
    assert request.today == run._current().started_at.date()
    assert run._current().settled == Decimal("0.25")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"mood": "so-so"}, "is `so-so`, and one of good, bad is needed"),
        ({}, "its field `mood` is missing"),
        ("good", "is text, and a map of its fields is needed"),
        (None, "is null"),
    ],
)
def test_an_answer_of_the_wrong_shape_fails_and_is_paid_for(
    world: Any, output: Any, message: str
) -> None:
    run = start(world, ScriptedModel([output], cost="0.25"))
    said = failure(run)
    assert "model quick answered with the wrong shape: " in said
    assert message in said
    (failed,) = world.bodies(run, ev.CallFailed)
    assert (failed.cost, failed.tokens_in) == ("0.25", 100)
    assert run._current().spent == run._current().settled == Decimal("0.25")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (lm.AgentError("the model is asleep"), "the model is asleep"),
        (ValueError("bad gateway"), "model quick raised ValueError: bad gateway"),
        (asyncio.CancelledError(), "model quick cancelled itself"),
        (OSError(), "model quick raised OSError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_model_that_raises_fails_the_step(world: Any, error: Exception, message: str) -> None:
    asked: list[ModelRequest] = []

    async def broken(request: ModelRequest) -> ModelReply:
        asked.append(request)
        raise error

    assert message in failure(start(world, Model(broken)))
    assert len(asked) == 1, "a failed call is not repeated"


def test_a_model_that_hangs_is_given_up(world: Any) -> None:
    async def hang(request: ModelRequest) -> ModelReply:
        await asyncio.sleep(60)
        raise AssertionError

    text = READING.replace("timeout: 20s", "timeout: 50ms")
    said = failure(start(world, Model(hang), text))
    assert "model quick gave no answer within 0.05 s; raise the timeout of step read" in said
    text = READING.replace("timeout: 60s", "timeout: 50ms")
    assert "raise models.quick.timeout" in failure(start(world, Model(hang), text))
    text = READING.replace("timeout: 30s", "timeout: 50ms")
    assert "raise agents.reader.limits.timeout" in failure(start(world, Model(hang), text))


def test_a_model_that_cannot_count_fails_the_step(world: Any) -> None:
    class Uncountable(Model):
        def count(self, request: ModelRequest) -> int:
            raise ZeroDivisionError

    async def ask(request: ModelRequest) -> ModelReply:
        raise AssertionError("never asked")

    assert "agent reader raised ZeroDivisionError" in failure(start(world, Uncountable(ask)))


def test_cancel_closes_a_call_in_flight(world: Any) -> None:
    import threading

    begun = threading.Event()

    async def hang(request: ModelRequest) -> ModelReply:
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError

    run = start(world, Model(hang))
    assert begun.wait(20)
    run.cancel()
    assert world.kinds(run, "read")[-2:] == ["call.failed", "step.ended"]
    (failed,) = world.bodies(run, ev.CallFailed)
    assert failed.error["kind"] == "Cancelled"


def test_the_offline_model_says_which_field_it_could_not_fill(world: Any) -> None:
    mesh = world.mesh(READING.replace("{mood: {enum: [good, bad]}}", "{mood: money}"))
    said = failure(world.start(mesh, text="no number here"))
    assert "could not answer read: field 'mood' is not in the text" in said


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"tokens_in": -5}, "tokens_in of -5"),
        ({"tokens_out": 1.5}, "tokens_out of 1.5"),
        ({"cost": Decimal(-1)}, "a cost of Decimal('-1')"),
        ({"cost": Decimal("NaN")}, "a cost of Decimal('NaN')"),
        ({"cost": Decimal("Infinity")}, "a cost of Decimal('Infinity')"),
    ],
)
def test_a_reply_whose_size_is_nonsense(world: Any, sizes: dict[str, Any], said: str) -> None:
    async def ask(request: ModelRequest) -> ModelReply:
        return ModelReply({"mood": "good"}, **{"tokens_in": 1, "tokens_out": 1, **sizes})

    assert f"model quick answered with {said}" in failure(start(world, Model(ask)))


def test_a_list_price_that_is_not_known_passes_no_limit(world: Any) -> None:
    asked: list[ModelRequest] = []

    async def ask(request: ModelRequest) -> ModelReply:
        asked.append(request)
        return ModelReply({"mood": "good"}, 1, 1)

    unknown = READING.replace("openai:gpt-5-mini", "openai:no-such-model")
    limited = unknown.replace("{run: 1.00}", "{run: 1.00, count: list_price}")
    run = start(world, Model(ask), limited)
    assert "model quick is unpriced" in failure(run)
    assert run.error["kind"] == "BudgetError"
    assert asked == []
    free = unknown.replace("{run: 1.00}", "{count: list_price}")
    assert start(world, Model(ask), free).result(20) == {"mood": "good"}
