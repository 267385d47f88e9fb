"""The safety layer on the text: credentials and personal data, masked wherever they are quoted."""

from __future__ import annotations

import json
import time

import pytest

from leafmesh_nb.compose import LayerReport, Subject, safety
from leafmesh_nb.compose.credentials import find_credentials
from leafmesh_nb.compose.personal_data import find_contacts, find_payment_details
from leafmesh_nb.language import render_html, render_text

MESH = """
mesh: notes  # COMMENT
description: DESCRIPTION
models: {quick: {provider: offline, tier: small}}
agents:
  reader:
    role: ROLE
    instructions: |
      Read it.
      INSTRUCTIONS
    capabilities:
      note.read:
        description: Says what a note is about
        input: {note: string, password: string or null}
        output: {kind: {enum: [a, b]}}
        examples:
          - "EXAMPLE"
workflows:
  read:
    input: {note: string}
    steps:
      one: {capability: note.read, with: {note: input.note}}
"""

PLAIN = {
    "COMMENT": "ours",
    "DESCRIPTION": "Reads notes",
    "ROLE": "Reader",
    "INSTRUCTIONS": "Say what it is about.",
    "EXAMPLE": "It broke",
}

CREDENTIALS = [
    "the password is hunter2",
    "the api key is Zx81abcd9QQ",
    "our token is: t0kenOf-9Xyz",
]


def look(**parts: str) -> LayerReport:
    """The layer's report on the mesh with some of its texts replaced."""
    text = MESH
    for name, plain in PLAIN.items():
        text = text.replace(name, parts.get(name.lower(), plain))
    subject = Subject.of_text(text, "cell")
    assert subject.spec is not None, [str(d) for d in subject.found]
    return safety.check(subject)


def everything(report: LayerReport) -> str:
    """All that any view could show of a report."""
    found = report.diagnostics
    as_json = json.dumps([report.to_dict(), *(d.to_dict() for d in found)], ensure_ascii=False)
    return render_text(found) + render_html(found) + repr(report) + as_json


def test_a_clean_text_is_green() -> None:
    report = look()
    assert (report.colour, report.diagnostics) == ("green", ())


@pytest.mark.parametrize("secret", CREDENTIALS)
@pytest.mark.parametrize("place", ["instructions", "comment"])
def test_a_credential_is_an_error_and_is_masked(secret: str, place: str) -> None:
    report = look(**{place: f"use {secret} for it"})
    (found,) = report.diagnostics
    assert (found.code, found.severity, report.colour) == ("LM610", "error", "red")
    assert "secret" in found.message
    assert "*****" in found.line_text
    shown = everything(report)
    assert secret[-6:] not in shown


@pytest.mark.parametrize(
    "harmless",
    [
        "the password is twelve characters long",
        "the token is steps.pay.output.token2",
        "the api key is ${API_KEY_2}",
        "the password is your_password1",
        "the secret is out since 2024-01-15",
        "whether the credential is well-formed",
    ],
)
def test_what_only_looks_like_a_credential(harmless: str) -> None:
    assert find_credentials(harmless) == []


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("paid with 4111 1111 1111 1111 today", "1111"),
        ("card 5500-0055-5555-5559.", "5559"),
        ("378282246310005", "0005"),
        ("account DE89 3704 0044 0532 0130 00 AND nothing else", "3000"),
        ("to GB82WEST12345698765432", "5432"),
    ],
)
@pytest.mark.parametrize("place", ["example", "comment", "instructions"])
def test_payment_details_are_a_warning_that_shows_four_characters(
    text: str, ends: str, place: str
) -> None:
    report = look(**{place: text})
    (found,) = report.diagnostics
    assert (found.code, report.colour) == ("LM611", "amber")
    assert found.message.endswith(f"ends in {ends} stands in the text.")
    digits = "".join(c for c in text if c.isdigit())
    assert digits[2:10] not in everything(report).replace(" ", "").replace("-", "")


@pytest.mark.parametrize(
    "harmless",
    [
        "4111 1111 1111 1112",  # the check digit is wrong
        "DE88 3704 0044 0532 0130 00",  # modulo 97 is wrong
        "DE89 3704 0044 0532 0130",  # too short for Germany
        "XX89 3704 0044 0532 0130 00",  # no country with IBANs
        "order 1234567890123456",
        "2024-01-15T10:30:00.000000",
        "0.1234567890123456",
        "1,000,000,000,000,000",
        "ABCDE89370400440532013000F",
    ],
)
def test_numbers_whose_checksum_fails(harmless: str) -> None:
    assert find_payment_details(harmless) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ask jane.roe@acme.com first", "An e-mail address"),
        ("ask anna@example.com first", "An e-mail address"),
        ("call +49 30 1234567 then", "A telephone number"),
        ("call (212) 555-0187.", "A telephone number"),
        ("call 555-123-4567", "A telephone number"),
        ("her phone: 089/123456", "A telephone number"),
        ("SSN 078-05-1120", "A social security number"),
    ],
)
@pytest.mark.parametrize("place", ["instructions", "example", "role", "description"])
def test_personal_data_where_models_read_it(text: str, what: str, place: str) -> None:
    report = look(**{place: f'"{text}"' if place in ("role", "description") else text})
    (found,) = report.diagnostics
    assert (found.code, found.severity) == ("LM612", "warning")
    assert found.message == f"{what} stands in the text."
    assert "*****" in found.line_text


def test_an_owner_in_a_comment_is_sent_to_nobody() -> None:
    assert look(comment="owner jane.roe@acme.com, +49 30 1234567").colour == "green"


@pytest.mark.parametrize(
    "harmless",
    [
        "support@acme.com",
        "no-reply@acme.com and billing-eu@acme.com",
        "user@example.com",
        "an order such as 123-456-7890",
        "between 2024-01-15 and 2024-02-15, 10:30",
        "+5 points, -0.5 %, v1.2.3, 10.0.0.1",
        "ISBN 978-3-16-148410-0",
        "amounts like 1.000.000,00",
        "666-12-3456",
        "call 5 times within 30 days",
        "@mesh.agent and a@b",
    ],
)
def test_what_is_no_personal_data(harmless: str) -> None:
    assert find_contacts(harmless) == []


def test_several_things_on_one_line_are_all_masked_in_each_quote() -> None:
    report = look(instructions="jane.roe@acme.com, 4111 1111 1111 1111, the password is hunter2")
    assert [d.code for d in report.diagnostics] == ["LM612", "LM611", "LM610"]
    shown = everything(report)
    for word in ("jane.roe", "4111", "hunter2"):
        assert word not in shown
    assert [d.span.column for d in report.diagnostics] == [7, 26, 63]


def test_places_hold_in_folded_and_escaped_texts() -> None:
    text = MESH.replace("DESCRIPTION", '"caf\\u00e9: ring jane.roe@acme.com\n  soon"')
    report = safety.check(Subject.of_text(text, "cell"))
    (found,) = report.diagnostics
    line = text.split("\n")[found.span.line - 1]
    assert line[found.span.column - 1 : found.span.end_column - 1] == "jane.roe@acme.com"


@pytest.mark.parametrize(
    "hostile",
    ["4" * 100_000, "4 " * 50_000, "DE89 " * 25_000, "a@" * 50_000, "a@b." * 25_000,
     "+1 2" * 25_000, "+1" + " 2" * 50_000, "password is " * 10_000, "://a:" * 25_000,
     "a://" + "b" * 100_000, "bearer " + "a" * 100_000, "tel 0" * 25_000, "secret_" * 20_000],
)  # fmt: skip
def test_the_searches_are_linear(hostile: str) -> None:
    start = time.process_time()
    for find in (find_credentials, find_payment_details, find_contacts):
        find(hostile)
    assert time.process_time() - start < 5


def test_a_text_too_long_for_places_is_masked_as_a_whole() -> None:
    report = look(instructions="jane.roe@acme.com, " * 20_000)
    assert [d.code for d in report.diagnostics] == ["LM612"]
    assert "jane.roe" not in everything(report)


def test_a_text_full_of_personal_data_is_quick_and_says_how_much_more_there_is() -> None:
    start = time.process_time()
    report = look(instructions="\n      ".join(["4111 1111 1111 1111"] * 20_000))
    assert time.process_time() - start < 10
    assert "4111 1111" not in everything(report)
    assert report.diagnostics[-1].message == "19900 more warnings are not shown."
