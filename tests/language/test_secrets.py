"""A secret in the text is an error that says so and never shows it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.language import Diagnostic, parse, render_html, render_text
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
HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
SECRETS += [
    "dop_v1_" + HEX * 2,
    "dckr_pat_" + "Ab3dEfGh1jKlMn0pQrStUvWx",
    "dapi" + HEX,
    "hvs." + "CAESIJ3dEfGh1jKlMn0pQrStUvWx",
    "shpat_" + HEX,
    "SK" + HEX,
    "key-" + HEX,
    "pplx-" + HEX,
    "tvly-" + "dev-Ab3dEfGh1jKlMn0pQr",
    "GOCSPX-" + "Ab3dEfGh1jKlMn0pQrStUvWxYz01",
    "whsec_" + HEX,
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


# -- by the name, the address or the header that says so

LETTERS = "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEf"
DIGITS = "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
NAMED = [
    (f"api_key: {LETTERS}", LETTERS),
    (f"{{provider: mistral, api_key: {DIGITS}, model: x}}", DIGITS),
    (f"api_key: {HEX}", HEX),
    (f"api_key_env: {DIGITS}", DIGITS),
    (f"token: {DIGITS}", DIGITS),
    (f'access-token: "{DIGITS}"', DIGITS),
    (f'{{"clientSecret": "{DIGITS}"}}', DIGITS),
    (f"x-api-key:{DIGITS}", DIGITS),
    ("password: hunter2hunter2", "hunter2hunter2"),
    ("db_password: 'swordfish!'", "swordfish!"),
    ("pwd: '123456'", "123456"),
    ("passphrase: correct-Horse-7", "correct-Horse-7"),
    ("password: |\n      s3cr3tpw", "s3cr3tpw"),
    ("password:\n      s3cr3tpw", "s3cr3tpw"),
    ("password: '\"s3cr3tpw\"'", "s3cr3tpw"),
    ("aws_secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG"),
    (f"OPENAI_API_KEY={DIGITS}", DIGITS),
    (f"export MISTRAL_KEY='{DIGITS}'", DIGITS),
    (f"https://x.org/?api_key={DIGITS}&page=2", DIGITS),
    ("https://x.blob.core/a?sv=1&sig=" + "Ab3%2FdEfGh1jKlMn0pQrStUvWxYz01%3D", "Ab3%2FdEfGh1jKl"),
    ("AccountName=shop;AccountKey=" + "Zm9vYmFyYmF6cXV4" * 4 + "==;Suffix=x", "Zm9vYmFyYmF6cXV4"),
    (f"Authorization: Bearer {DIGITS}", DIGITS),
    (f"curl -H 'authorization: bearer {HEX}'", HEX),
    ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
    ("postgres://admin:hunter2hunter2@db/prod", "hunter2hunter2"),
    ("https://user:S3cretPassw0rd99@x.org/", "S3cretPassw0rd99"),
    ("redis://:s3cr3tpw@cache:6379/0", "s3cr3tpw"),
    ("110201543:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "HdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
]
"""Texts, and what must not be seen of each."""


@pytest.mark.parametrize(("text", "secret"), NAMED)
@pytest.mark.parametrize(
    "place",
    [
        "mesh: m\nagents:\n  a:\n    role: R\n    {}\n",
        "mesh: m\nagents:\n  a:\n    instructions: |\n      so {}\n    rol: R\n",
        "mesh: m  # {}\n",
        "mesh: [\n    {}\n",
    ],
)
def test_what_its_name_says_to_be_a_secret_is_one(text: str, secret: str, place: str) -> None:
    parsed = parse(place.format(text), source="cell")
    assert [d.code for d in parsed.diagnostics].count("LM601") == 1
    assert secret not in everything(parsed.diagnostics)
    (found,) = [d for d in parsed.diagnostics if d.code == "LM601"]
    assert "environment variable" in found.hint


def test_a_key_in_the_place_where_users_put_it_is_one_error() -> None:
    model = f"quick: {{provider: offline, tier: small, api_key: {LETTERS}}}"
    parsed = parse(f"mesh: m\nmodels:\n  {model}\n")
    (found,) = parsed.diagnostics
    assert (found.code, found.span.column) == ("LM601", model.index(LETTERS) + 3)
    assert "api_key_env: OPENAI_API_KEY" in found.hint


def test_the_password_of_an_address_is_one_error() -> None:
    address = 'url: "https://user:' + 'S3cretPassw0rd99@x.org/"'
    parsed = parse(f"mesh: m\nmodels:\n  q: {{provider: offline, tier: small, base_{address}}}\n")
    assert [d.code for d in parsed.diagnostics if d.code in ("LM210", "LM601")] == ["LM601"]


@pytest.mark.parametrize(
    "harmless",
    [
        "input: {token: string, password: string or null, api_key: {type: string}}",
        "with: {token: input.token, password: 'memory.secret2.password'}",
        "with: {token: 'default(steps.login2.output.token, \"\")'}",
        "max_output_tokens: 4000",
        "max_tokens: 123456",
        "token: 123456789",
        "secret: true",
        "card: {type: string or null, sensitivity: secret}",
        "token: T1",
        "token: steps.pay.output.token2",
        "secret: {type: string, sensitivity: secret}",
        "api_key: ${API_KEY_2}",
        "api_key_env: OPENAI_API_KEY",
        "api_key_env: MISTRALKEY1",
        "api_key: $MISTRAL_API_KEY_2",
        "api_key=<YOUR_KEY_123>",
        "API_KEY=your-key-here-1234",
        "password: your_password1",
        "password: xxxxxx1",
        "password: The password of the user, 12 characters",
        "password: str",
        "postgres://user:password@host/db",
        "postgres://user:$PASSWORD@host/db",
        "http://localhost:8000/a@b",
        "idempotency_key: 550e8400-e29b-41d4-a716-446655440000",
        "IDEMPOTENCY_KEY=550e8400e29b41d4a716446655440000",
        "primary_key: order_id_2",
        "sort_key: created_at_2024",
        "key: AbCdEfGhIjKlMnOpQrStUvWxYz012345",
        "token: order-2024-07",
        "token: 2024-01-15T10:30:00Z",
        "capability: auth.token",
        "steps: {token: {capability: auth.token}, secret: {let: '1'}}",
        "{enum: [token, password, secret]}",
        "key-word lists, monkey-business and skeleton keys",
        "bearer of bad news about internationalisation",
        "basic internationalisation2",
        "SKU 0a1b2c3d",
        "at 10:AA",
    ],
)
def test_what_is_only_called_like_one(harmless: str) -> None:
    assert find_secrets(harmless) == []


def test_nothing_that_the_package_ships_holds_one() -> None:
    root = Path(__file__).parents[2]
    files = [
        *(root / "leafmesh_nb" / "cli" / "templates").rglob("*.*"),
        *(root / "leafmesh_nb" / "docs").rglob("*.md"),
        *(root / "notebooks").glob("*.ipynb"),
        *(root / "tests" / "fixtures").rglob("*.yaml"),
        root / "README.md",
    ]
    texts = {file: file.read_text(encoding="utf-8") for file in files if file.suffix != ".pyc"}
    assert len(texts) > 100
    found = {file.name for file, text in texts.items() if find_secrets(text)}
    assert found == {"LM601.md"}, "the page that shows one"


# -- as it reads, and to its end

KEY = SECRETS[0]


@pytest.mark.parametrize(
    "written",
    [
        '"' + KEY[:12] + "\\u002d" + KEY[13:] + '"',
        '"' + "".join(f"\\x{ord(c):02x}" for c in KEY) + '"',
        '"' + KEY[:20] + "\\\n      " + KEY[20:] + '"',
        "'\"" + KEY[:9] + "\\u002d" + KEY[10:] + "\"'",
        '"\\"' + KEY[:9] + "\\\\u002d" + KEY[10:] + '\\""',
        KEY[:20] + "\u200b" + KEY[20:],
        KEY[:20] + "\u00a0" + KEY[20:],
        KEY[:2] + "\u2060" + KEY[2:],
        KEY.replace("-", "\u2011"),
        KEY[:20] + "é" + KEY[20:],
        f'\'"{KEY[:25]}" + "{KEY[25:]}"\'',
        f'\'"{KEY[:5]}" + "{KEY[5:]}"\'',
        f'"\\"{KEY[:25]}\\" + \\"{KEY[25:]}\\""',
    ],
)
@pytest.mark.parametrize("key", ["instructions", "rol", "when"])
def test_a_secret_is_found_as_it_reads_and_masked_to_its_end(written: str, key: str) -> None:
    parsed = parse(f"mesh: m\nagents:\n  a:\n    {key}: {written}\n")
    assert [d.code for d in parsed.diagnostics].count("LM601") == 1
    shown = everything(parsed.diagnostics)
    for at in range(8, len(KEY) - 9):
        assert KEY[at : at + 10] not in shown
    assert "0123" not in shown, "the last part"


def test_what_stands_beside_the_parts_of_a_secret_is_left() -> None:
    text = f'"{KEY[:25]}" + "{KEY[25:]}" + " or " + name'
    assert (
        mask(text) == '"sk-ant-' + "*" * 18 + '" + "' + "*" * (len(KEY) - 25) + '" + " or " + name'
    )


def test_a_secret_that_stands_there_again_is_not_shown() -> None:
    body = PEM.split("\n")[1]
    text = f"mesh: m\nbad: {body}\ndescription: |\n" + "\n".join(f"  {x}" for x in PEM.split("\n"))
    parsed = parse(text)
    assert [d.code for d in parsed.diagnostics] == ["LM201", "LM601"]
    assert body not in everything(parsed.diagnostics)


def test_a_secret_is_in_no_message_however_it_is_cut() -> None:
    long = (DIGITS + LETTERS) * 4
    parsed = parse(
        f"mesh: m\nagents: {{a: {{role: R, tools: [{'x' * 60}], token: {long}}}, {long}: 1}}"
    )
    shown = everything(parsed.diagnostics)
    assert "LM601" in shown
    assert not any(long[at : at + 10] in shown for at in range(len(long) - 9))


def everything(found: tuple[Diagnostic, ...]) -> str:
    """All that any view could show."""
    as_json = json.dumps([d.to_dict() for d in found], ensure_ascii=False)
    return render_text(found) + render_html(found) + repr(found) + as_json


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
     "-----BEGIN PRIVATE KEY-----\n" * 10_000, "SG." + "a." * 100_000, "xoxb-" * 100_000,
     "\\" * 300_000, "\\x41" * 100_000, '"+' * 100_000, '" ' * 100_000, "\u200b" * 300_000,
     "password: " * 50_000, "token_" * 50_000, "api_key:\n" * 50_000, "key" * 100_000,
     "://a:" * 50_000, "://" + "a:" * 100_000, "bearer " * 50_000, "bearer " + "a" * 300_000,
     "-eyJ" * 100_000, "password='" * 50_000, "secret: " + "a." * 100_000,
     "a_" * 100_000 + "token:", "token: " + "a." * 2_000 + "B!", "token: " + "a_" * 2_000 + "B!1"],
)  # fmt: skip
def test_the_search_is_linear(hostile: str) -> None:
    start = time.process_time()
    mask(hostile)
    assert time.process_time() - start < 5
