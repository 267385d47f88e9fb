"""Secrets that were written out: finding them in a text, and masking them wherever it is quoted."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["MASK", "Secret", "find_secrets", "mask"]

MASK = "*"


@dataclass(frozen=True, slots=True)
class Secret:
    """``text[start:end]`` is a secret of the kind ``what``; its first ``shown`` characters are
    the public prefix that says so."""

    start: int
    end: int
    what: str
    shown: int = 0


# Every pattern starts at a boundary of its own alphabet, so that a search is linear in the text.
_KEYS: tuple[tuple[str, str, int], ...] = (
    ("an Anthropic API key", r"(?<![\w-])sk-ant-[\w-]{8,}", 7),
    ("an OpenAI API key", r"(?<![\w-])sk-(?:proj|svcacct|admin|or)-[\w-]{8,}", 3),
    ("a Stripe key", r"(?<![\w-])[sr]k_(?:live|test)_\w{8,}", 8),
    ("an API key", r"(?<![\w-])sk-[\w-]{12,}", 3),
    ("an AWS access key", r"(?<![A-Za-z0-9])A(?:KIA|SIA)[0-9A-Z]{16}(?![0-9A-Za-z])", 4),
    ("a GitHub token", r"(?<!\w)gh[pousr]_[A-Za-z0-9]{20,}", 4),
    ("a GitHub token", r"(?<!\w)github_pat_\w{20,}", 11),
    ("a GitLab token", r"(?<![\w-])glpat-[\w-]{16,}", 6),
    ("a Google API key", r"(?<![\w-])AIza[\w-]{30,}", 4),
    ("a Slack token", r"(?<![\w-])xox[a-z]-[\w-]{10,}", 5),
    ("a Hugging Face token", r"(?<!\w)hf_[A-Za-z0-9]{24,}", 3),
    ("a Groq API key", r"(?<!\w)gsk_[A-Za-z0-9]{24,}", 4),
    ("an xAI API key", r"(?<![\w-])xai-[\w-]{24,}", 4),
    ("an npm token", r"(?<!\w)npm_[A-Za-z0-9]{30,}", 4),
    ("a PyPI token", r"(?<![\w-])pypi-[\w-]{40,}", 5),
    ("a SendGrid API key", r"(?<![\w-])SG\.[\w-]{16,}\.[\w-]{16,}", 3),
    ("a signed token (JWT)", r"(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}", 3),
)
_ANY_KEY = re.compile("|".join(f"(?P<k{i}>{p})" for i, (_, p, _) in enumerate(_KEYS)), re.ASCII)
_MARKS = (
    *("sk-", "k_live_", "k_test_", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "AIza", "xox", "hf_", "gsk_", "xai-", "npm_", "pypi-", "SG.", "eyJ"),
)
"""Every key holds one of these: most texts are done after looking for them."""
_WORD_RUN = re.compile(r"[A-Za-z0-9]{16}")

_PEM_START = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_LINE = re.compile(r"[\s\"'|>+-]*[A-Za-z0-9+/=\\]+[\s\"',\\]*\Z")


def find_secrets(text: str) -> list[Secret]:
    """Every secret in ``text``, in order, without overlap."""
    private = _private_keys(text)
    starts = [secret.start for secret in private]
    found = list(private)
    if not any(mark in text for mark in _MARKS):
        return found
    for match in _ANY_KEY.finditer(text):
        index = int((match.lastgroup or "k0")[1:])
        what, _, shown = _KEYS[index]
        if what == "an API key" and not _looks_random(match.group()[shown:]):
            continue
        before = bisect_right(starts, match.start()) - 1
        if before < 0 or private[before].end <= match.start():
            found.append(Secret(match.start(), match.end(), what, shown))
    return sorted(found, key=lambda s: s.start)


def mask(text: str, secrets: Iterable[Secret] | None = None) -> str:
    """``text`` with every secret starred out, line breaks and length kept."""
    pieces: list[str] = []
    at = 0
    for secret in find_secrets(text) if secrets is None else secrets:
        start = secret.start + secret.shown
        pieces.append(text[at:start])
        pieces.append(re.sub(r"\S", MASK, text[start : secret.end]))
        at = secret.end
    pieces.append(text[at:])
    return "".join(pieces)


def _looks_random(body: str) -> bool:
    """Words joined by hyphens after ``sk-`` are a name, not a key."""
    return any(c.isdigit() or c.isupper() for c in body) or bool(_WORD_RUN.search(body))


def _private_keys(text: str) -> list[Secret]:
    found: list[Secret] = []
    if "PRIVATE KEY" not in text:
        return found
    at = 0
    ends = [match.end() for match in _PEM_END.finditer(text)]
    following = 0
    while match := _PEM_START.search(text, at):
        while following < len(ends) and ends[following] <= match.end():
            following += 1
        end = ends[following] if following < len(ends) else _end_of_body(text, match.end())
        found.append(Secret(match.start(), end, "a private key", match.end() - match.start()))
        at = end
    return found


def _end_of_body(text: str, start: int) -> int:
    """Where a private key without its last line ends: after its last line of base64."""
    end = start
    while (stop := text.find("\n", end)) >= 0:
        after = text.find("\n", stop + 1)
        after = len(text) if after < 0 else after
        if not _PEM_LINE.match(text[stop + 1 : after]):
            break
        end = after
    if end == start:
        rest = re.compile(r"[A-Za-z0-9+/=\\ ]*").match(text, start)
        end = rest.end() if rest else start
    return end
