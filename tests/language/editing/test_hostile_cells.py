"""No text and no cursor brings completion or documentation down."""

from __future__ import annotations

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.language.editing.completing import complete
from leafmesh_nb.language.editing.draft import Draft
from leafmesh_nb.language.editing.inspecting import document
from leafmesh_nb.language.spec import Spec

PIECES = [*"{}[]:,-\"'#|> \n\t$.(\0é", "${", "- ", "\n  ", "mesh:", "agents:", "{{x}}", "steps."]


def ask(text: str, offset: int, spec: Spec | None = None) -> None:
    draft = Draft(text, spec=spec)
    for completion in complete(draft, offset):
        assert 0 <= completion.start <= completion.end == offset
        assert completion.text
    document(draft, offset)


def test_every_beginning_of_a_mesh(refunds: str) -> None:
    for offset in range(0, len(refunds), 5):
        ask(refunds[:offset], offset)
        ask(refunds, offset)


def test_a_mesh_with_pieces_of_it_gone_and_others_put_in(refunds: str, spec: Spec) -> None:
    chance = random.Random(4)
    for _ in range(400):
        text = refunds
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            text = chance.choice(
                [
                    text[:at] + text[at + chance.randint(1, 40) :],
                    text[:at] + chance.choice(PIECES) + text[at:],
                    text[:at] + text[at // 2 : at // 2 + 80] + text[at:],
                ]
            )
        ask(text, chance.randrange(len(text) + 1), spec)


@given(st.lists(st.sampled_from(PIECES), max_size=40), st.integers(min_value=0, max_value=60))
def test_any_text(pieces: list[str], offset: int) -> None:
    text = "".join(pieces)
    ask(text, min(offset, len(text)))


def test_what_is_deep_or_long_takes_no_time() -> None:
    start = time.process_time()
    for text in (
        "a: " + "{" * 20_000,
        "a: " + "{b: [" * 5_000,
        "- " * 20_000,
        "\n".join(" " * depth + "a:" for depth in range(600)),
        "a: |\n" + "  text\n" * 20_000,
        "a: {" + "b: c, " * 20_000,
        "a: '" + "x" * 200_000,
        "mesh: x\nworkflows: {w: {steps: {s: {when: " + "(" * 20_000,
    ):
        ask(text, len(text))
    assert time.process_time() - start < 4
