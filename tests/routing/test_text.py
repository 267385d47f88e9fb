"""How well a request's words fit what an agent says it does."""

from __future__ import annotations

import time

import pytest

from leafmesh_nb.language.spec import AgentSpec, Capability, Example
from leafmesh_nb.language.types import NO_FIELDS
from leafmesh_nb.routing.text import text_fit


def fit(request: str, *examples: str, description: str = "", role: str = "") -> float | None:
    texts = tuple(Example(text) for text in examples)
    capability = Capability("x", NO_FIELDS, NO_FIELDS, description=description, examples=texts)
    return text_fit(request, AgentSpec("ann", role), capability)


def test_the_same_words_fit_fully_and_others_not_at_all() -> None:
    assert fit("the invoice is wrong", "The invoice is wrong!") == pytest.approx(1.0)
    assert fit("the invoice is wrong", "Buy bananas") is None


def test_forms_of_a_word_fit() -> None:
    near = fit("I was charged twice", "they are charging me two times") or 0
    far = fit("I was charged twice", "my parcel never arrived") or 0
    assert near > 0.1 > far


def test_words_that_every_text_has_carry_no_fit() -> None:
    assert fit("this is what you have", "this is what you have") is None


def test_the_best_example_counts() -> None:
    alone = fit("wrong invoice", "the invoice is wrong")
    assert fit("wrong invoice", "buy bananas", "the invoice is wrong") == alone


def test_role_and_description_count_as_well() -> None:
    assert (fit("a contract was breached", role="Contract lawyer") or 0) > 0.1
    assert (fit("a contract was breached", description="breached contracts") or 0) > 0.3


@pytest.mark.parametrize("request_text", ["", " ", "…!?", "\x00", "🙂🙂", "的 一 是"])
def test_a_request_without_known_words_has_no_opinion(request_text: str) -> None:
    assert fit(request_text, "the invoice is wrong") is None


def test_a_huge_request_is_read_at_its_beginning_only() -> None:
    began = time.perf_counter()
    assert (fit("invoice " * 400_000, "the invoice is wrong") or 0) > 0.3
    assert fit("banana " * 400_000 + "invoice", "the invoice is wrong") is None
    assert time.perf_counter() - began < 2
