"""A secret in the text is an error that says so and never shows it."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.language import parse, render_html, render_text
from leafmesh_nb.language.secret_texts import find_secrets, mask

BODY = "Ab3dEfGh1jKlMn0pQrStUvWxYz012345678"
# Put together here, so that no scanner takes this file for a leak.
SECRETS = [
    "sk-" + "ant-api03-" + BODY,
    "sk-" + "proj-" + BODY,
    "sk-" + BODY,
    "sk-" + "abcdefghijklmnopqrstuvwx",
    "sk_" + "live_" + BODY,
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + BODY,
    "github_pat_" + BODY,
    "glpat-" + BODY,
    "AIza" + BODY,
    "xoxb-" + "123456789012-" + BODY,
    "hf_" + BODY,
    "gsk_" + BODY,
    "eyJ" + BODY + ".eyJ" + BODY + "." + BODY,
]
PEM = (
    "-----BEGIN "
    + "RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq8Yz0T3k5dXl\n-----END RSA PRIVATE KEY-----"
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "place",
    [
        "mesh: {}",
        "mesh: x\ndescription: 'use {} please'",
        "# a comment with {}\nmesh: x",
        "mesh: x\n{}: y",
        "mesh: x\nmodels: {{quick: {{provider: {}}}}}",
        "mesh: [a, {}",
        "mesh: x\ncurrency: {}\nbroken: [",
    ],
)
def test_a_key_anywhere_is_an_error_and_is_masked(secret: str, place: str) -> None:
    parsed = parse(place.format(secret), source="cell")
    assert parsed.spec is None
    (found,) = [d for d in parsed.diagnostics if d.code == "LM601"]
    assert "secret" in found.message
    everything = (
        render_text(parsed.diagnostics)
        + render_html(parsed.diagnostics)
        + repr(parsed.diagnostics)
        + json.dumps([d.to_dict() for d in parsed.diagnostics])
    )
    tail = secret[-10:]
    assert tail not in everything
    assert "****" in everything
    line = place.format(secret).split("\n")[found.span.line - 1]
    assert line[found.span.column - 1 : found.span.end_column - 1] == secret


def test_a_private_key_is_masked_line_by_line() -> None:
    text = "mesh: x\ndescription: |\n" + "".join(f"  {line}\n" for line in PEM.split("\n"))
    parsed = parse(text + "agnets: {}\n")
    assert [d.code for d in parsed.diagnostics] == ["LM601", "LM201"]
    shown = render_text(parsed.diagnostics) + repr(parsed.diagnostics)
    assert "MIIEpAIBAAKCAQEA7" not in shown
    assert "q8Yz0T3k5dXl" not in shown
    found = parsed.diagnostics[0]
    assert (found.span.line, found.span.end_line) == (3, 6)


def test_a_private_key_without_its_end_is_masked_too() -> None:
    cut = "\n".join(PEM.split("\n")[:-1])
    text = "mesh: x\ndescription: |\n" + "".join(f"  {line}\n" for line in cut.split("\n"))
    assert "q8Yz0T3k5dXl" not in mask(text)
    assert "agents:" in mask(text + "agents:\n")


def test_one_line_keys_in_quotes() -> None:
    text = 'mesh: "' + PEM.replace("\n", "\\n") + '"'
    assert "MIIEpAIBAAKCAQEA7" not in mask(text)


@pytest.mark.parametrize(
    "harmless",
    [
        "sk-learn-compatible-estimators",
        "task-management-for-everyone-2024",
        "risk-assessment-1234567890123456",
        "sk-1",
        "xox",
        "the AKIA prefix",
        "AIza is how they start",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "ghp_short",
        "order 4111 1111 1111 1111",
    ],
)
def test_what_only_looks_like_one(harmless: str) -> None:
    assert find_secrets(harmless) == []


def test_masking_keeps_length_and_lines() -> None:
    text = f"a {SECRETS[0]} b\n{PEM}\nc"
    masked = mask(text)
    assert len(masked) == len(text)
    assert masked.count("\n") == text.count("\n")
    assert masked.startswith("a sk-ant-***")
    assert masked.endswith("\nc")


@given(
    st.lists(st.sampled_from([*SECRETS, PEM, "x", " ", "\n", "sk-", "-----BEGIN PRIVATE KEY-----"]))
)
def test_nothing_found_is_left_after_masking(parts: list[str]) -> None:
    text = " ".join(parts)
    masked = mask(text)
    for secret in (*SECRETS, *PEM.split("\n")[1:-1]):
        if secret in text:
            assert secret not in masked


@pytest.mark.parametrize(
    "hostile",
    ["sk-" * 100_000, "eyJ" * 100_000, "-----BEGIN PRIVATE KEY-----" * 10_000, "AKIA" * 100_000,
     "-----BEGIN PRIVATE KEY-----\n" * 10_000, "SG." + "a." * 100_000, "xoxb-" * 100_000],
)  # fmt: skip
def test_the_search_is_linear(hostile: str) -> None:
    start = time.process_time()
    mask(hostile)
    assert time.process_time() - start < 5
