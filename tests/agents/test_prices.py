from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from leafmesh_nb.agents.prices import ListPrices
from leafmesh_nb.engine.ports import Prices
from leafmesh_nb.language.spec import ModelSpec

prices: Prices = ListPrices()


@pytest.mark.parametrize(
    "model", ["openai:gpt-5-mini", "openai:gpt-5", "anthropic:claude-sonnet-4-5"]
)
def test_the_models_of_the_reference_mesh_are_priced(model: str) -> None:
    one = prices.list_cost(model, 1_000, 0)
    other = prices.list_cost(model, 0, 1_000)
    assert isinstance(one, Decimal)
    assert isinstance(other, Decimal)
    assert 0 < one < other, "input tokens cost less than output tokens"
    assert prices.list_cost(model, 1_000, 1_000) == one + other
    assert prices.list_cost(model, 0, 0) == 0


def test_a_small_model_costs_less_than_a_large_one() -> None:
    small = prices.list_cost("openai:gpt-5-mini", 10_000, 1_000)
    large = prices.list_cost("openai:gpt-5", 10_000, 1_000)
    assert small is not None
    assert large is not None
    assert small < large


@pytest.mark.parametrize(
    "priced_as",
    [
        "openai:no-such-model",
        "nowhere:gpt-5",
        "ollama:llama3",
        "gpt-5",
        "openai:",
        ":gpt-5",
        "",
        "<script>:\u0000",
        "openai:whisper-1",  # billed by the minute of sound
    ],
)
def test_what_is_not_in_the_list_is_unpriced_not_free(priced_as: str) -> None:
    assert prices.list_cost(priced_as, 1_000, 100) is None
    assert prices.list_cost(priced_as, 0, 0) is None


def test_a_model_without_a_price_for_output_is_unpriced_once_it_answers() -> None:
    assert prices.list_cost("openai:text-embedding-3-small", 1_000, 0) is not None
    assert prices.list_cost("openai:text-embedding-3-small", 1_000, 1) is None


def test_spent_follows_the_model_not_its_priced_as() -> None:
    offline = ModelSpec("quick", "offline", priced_as="openai:gpt-5-mini")
    assert prices.spent(offline, 1_000, 100) == Decimal(0)
    real = ModelSpec("deep", "openai", "gpt-5", priced_as="openai:gpt-5-mini")
    assert prices.spent(real, 1_000, 100) == prices.list_cost("openai:gpt-5", 1_000, 100)
    assert prices.spent(ModelSpec("mine", "ollama", "llama3"), 1_000, 100) is None
    assert prices.spent(ModelSpec("mine", "openai"), 1_000, 100) is None


def test_the_list_is_loaded_on_first_use_and_without_warnings() -> None:
    code = """
import sys
from leafmesh_nb.agents.prices import ListPrices
assert "genai_prices" not in sys.modules
assert ListPrices().list_cost("openai:gpt-5-mini", 1000, 100) > 0
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
