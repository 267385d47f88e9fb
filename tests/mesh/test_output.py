"""What an output shows of itself, and that it is a dict otherwise."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.mesh.output import Output

VALUES = {"said": "it is abc-secret", "n": Decimal("620.00"), "in": {"b": ["abc-secret", "<b>"]}}


@pytest.fixture
def output() -> Output:
    """An output with a secret in it."""
    return Output(VALUES, Masker(["abc-secret"]))


def test_it_shows_masked_values(output: Output) -> None:
    masked = "{'said': 'it is •••', 'n': Decimal('620.00'), 'in': {'b': ['•••', '<b>']}}"
    assert repr(output) == str(output) == f"{output}" == masked
    assert "abc-secret" not in output._repr_html_()
    assert "&lt;b&gt;" in output._repr_html_()


def test_a_notebook_shows_them_too(output: Output) -> None:
    from IPython.core.formatters import DisplayFormatter

    shown, _ = DisplayFormatter().format(output)
    assert set(shown) == {"text/plain", "text/html"}
    assert "abc-secret" not in json.dumps(shown)


def test_it_is_a_dict_with_the_true_values(output: Output) -> None:
    assert output == VALUES
    assert output["said"] == "it is abc-secret"
    assert json.loads(json.dumps(output, default=str))["in"] == VALUES["in"]
    for copied in (copy.copy(output), copy.deepcopy(output), pickle.loads(pickle.dumps(output))):
        assert copied == VALUES


def test_a_runs_result_is_one(desk: Any) -> None:
    mesh = desk.mesh(
        """
        mesh: office
        memory: {card: {type: string or null, sensitivity: secret}}
        agents:
          reader:
            role: Reader
            kind: python
            capabilities: {card.read: {input: {}, output: {said: string}}}
            memory: {read: [card]}
        workflows:
          get:
            input: {number: string}
            save: {card: input.number}
            steps: {a: {capability: card.read}}
            output: {said: steps.a.output.said}
        """
    )
    mesh.agent("reader")(lambda ctx: {"said": f"it is {ctx.memory.card}"})
    run = desk.start(mesh, "get", number="abc-card-secret")
    assert run.result(20) == {"said": "it is abc-card-secret"}
    assert repr(run.result(20)) == repr(run.output) == "{'said': 'it is •••'}"
