"""An agent's limits: calls and time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine.ports import ModelReply, ModelRequest

MODEL = """
    mesh: asked
    models:
      quick: {provider: offline, tier: small%s}
    agents:
      reader:
        role: Reader
        capabilities: {text.read: {input: {text: string}, output: {kind: {enum: [a, b]}}}}
        limits: %s
    workflows:
      read:
        input: {text: string}
        steps:
          one: {capability: text.read, with: {text: input.text}%s}
    """


class Silent:
    """A model that never answers."""

    async def ask(self, request: ModelRequest) -> ModelReply:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    def count(self, request: ModelRequest) -> int:
        return 1


class TestLimits:
    CALLS = """
        mesh: caller
        tools:
          look: {input: {n: integer}, output: {n: integer}}
        agents:
          eager:
            role: Eager
            kind: python
            capabilities: {it.count: {input: {n: integer}, output: {n: integer}}}
            tools: [look]
            limits: {calls: 3}
        workflows:
          count:
            input: {n: integer}
            steps:
              go: {capability: it.count, with: {n: input.n}}
            output: {n: steps.go.output.n}
        """

    @pytest.mark.parametrize(("n", "ends"), [(3, "done"), (4, "failed")])
    def test_calls(self, desk: Any, n: int, ends: str) -> None:
        mesh = desk.mesh(self.CALLS)
        looked: list[int] = []

        @mesh.agent("eager")
        def eager(n: int, *, ctx: Any) -> dict[str, int]:
            for number in range(n):
                ctx.tool("look", n=number)
            return {"n": n}

        mesh.tool("look")(lambda n: looked.append(n) or {"n": n})
        run = desk.settled(desk.start(mesh, "count", n=n))
        assert run.status == ends
        assert looked == [0, 1, 2]
        if ends == "failed":
            assert run.error["kind"] == "BudgetError"
            assert (
                "the step has made 3 calls, and agents.eager.limits.calls allows 3"
                in (run.error["message"])
            )
            (refused,) = desk.bodies(run, "budget.refused")
            assert (refused.scope, refused.limit, refused.used) == ("calls", "3", "3")

    def test_an_agent_may_carry_on_without_the_call(self, desk: Any) -> None:
        mesh = desk.mesh(self.CALLS)

        @mesh.agent("eager")
        def eager(n: int, *, ctx: Any) -> dict[str, int]:
            made = 0
            for number in range(n):
                try:
                    ctx.tool("look", n=number)
                    made += 1
                except lm.BudgetError:
                    break
            return {"n": made}

        mesh.tool("look")(lambda n: {"n": n})
        assert desk.start(mesh, "count", n=9).result(20) == {"n": 3}

    def test_timeout_of_a_function(self, desk: Any) -> None:
        mesh = desk.mesh(self.CALLS.replace("{calls: 3}", "{timeout: 100ms}"))
        stop = threading.Event()

        @mesh.agent("eager")
        def eager(n: int) -> dict[str, int]:
            stop.wait(20)
            return {"n": n}

        mesh.tool("look")(lambda n: {"n": n})
        run = desk.start(mesh, "count", n=1)
        with pytest.raises(lm.RunError) as caught:
            run.result(20)
        stop.set()
        assert caught.value.cause == "AgentError"
        assert "agent eager did not return within 0.1 s" in str(caught.value)
        assert "Raise agents.eager.limits.timeout" in str(caught.value)

    @pytest.mark.parametrize(
        ("limits", "provider", "step", "place"),
        [
            ("{timeout: 100ms}", "", "", "agents.reader.limits.timeout"),
            ("{timeout: 10s}", ", timeout: 100ms", "", "models.quick.timeout"),
            ("{}", "", ", timeout: 100ms", "the timeout of step one"),
        ],
    )
    def test_timeout_of_a_model(
        self, desk: Any, limits: str, provider: str, step: str, place: str
    ) -> None:
        text = MODEL % (provider, limits, step)
        run = desk.start(desk.mesh(text, models={"quick": Silent()}), "read", text="x")
        with pytest.raises(lm.RunError) as caught:
            run.result(20)
        assert f"model quick gave no answer within 0.1 s; raise {place}" in str(caught.value)
