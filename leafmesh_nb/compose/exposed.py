"""What the text of a mesh gives away: credentials anywhere, personal data where models read it."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from leafmesh_nb.compose.credentials import find_credentials
from leafmesh_nb.compose.personal_data import find_contacts, find_payment_details
from leafmesh_nb.compose.subject import Subject
from leafmesh_nb.language import Span
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode, SequenceNode
from leafmesh_nb.language.secret_texts import Secret

__all__ = ["Exposed", "exposed"]

_READ_BY_MODELS = frozenset({"description", "role", "instructions", "examples"})
_CREDENTIAL = (
    "Revoke it, for whoever saw this text has it, and remove it here; what a tool needs belongs in "
    "the environment of the process that runs it."
)
_PAYMENT = (
    "Remove it: everybody who reads the mesh reads it too. Let such numbers come in as an input, "
    "saved to a memory field with sensitivity: secret."
)
_CONTACT = (
    "Remove it, or write a made-up one (user@example.com): it goes out with every call of the "
    "model. What differs from run to run belongs in an input."
)


@dataclass(frozen=True, slots=True)
class Exposed:
    """One thing that should not stand there; ``secret`` is its place in the subject's text."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    hint: str
    span: Span
    secret: Secret


def exposed(subject: Subject) -> list[Exposed]:
    """All that is found, by place and apart from each other. No message holds what was found."""
    text = subject.origin.text
    found = [_credential(subject, secret) for secret in find_credentials(text)]
    found += [_personal(subject, "LM611", s, _PAYMENT) for s in find_payment_details(text)]
    found += [_personal(subject, "LM612", s, _CONTACT) for s in _contacts(subject)]
    apart: list[Exposed] = []
    for item in found:  # the graver ones come first
        at = bisect(apart, item.secret.start, key=lambda other: other.secret.start)
        clear = at == 0 or apart[at - 1].secret.end <= item.secret.start
        if clear and (at == len(apart) or item.secret.end <= apart[at].secret.start):
            apart.insert(at, item)
    return apart


def _credential(subject: Subject, secret: Secret) -> Exposed:
    span = subject.origin.span(secret.start, secret.end)
    message = f"This looks like {secret.what}, a secret that must not stand in the text of a mesh."
    return Exposed("LM610", "error", message, _CREDENTIAL, span, secret)


def _personal(subject: Subject, code: str, secret: Secret, hint: str) -> Exposed:
    span = subject.origin.span(secret.start, secret.end)
    message = f"{secret.what[0].upper()}{secret.what[1:]} stands in the text."
    return Exposed(code, "warning", message, hint, span, secret)


def _contacts(subject: Subject) -> Iterator[Secret]:
    for scalar in _scalars(subject.tree):
        for contact in find_contacts(scalar.text):
            span = scalar.locate(contact.start, contact.end)
            start = subject.origin.offset(span.line, span.column)
            end = subject.origin.offset(span.end_line, span.end_column)
            yield Secret(start, end, contact.what)


def _scalars(node: Node | None, read: bool = False) -> Iterator[ScalarNode]:
    """The texts that a model is sent: under ``instructions``, ``examples`` and the like."""
    match node:
        case ScalarNode() if read and isinstance(node.value, str):
            yield node
        case SequenceNode():
            for item in node.items:
                yield from _scalars(item, read)
        case MappingNode():
            for entry in node:
                yield from _scalars(entry.value, read or entry.key.text in _READ_BY_MODELS)
