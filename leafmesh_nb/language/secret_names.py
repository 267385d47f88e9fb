"""Secrets that only their name gives away: ``api_key: …``, ``NAME_TOKEN=…``, a URL's password."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["looks_chosen", "named_secrets"]

Found = tuple[int, int, str, int]
"""Start, end, what it is, and where the name or the address that says so starts."""

_PASSWORDS = "passwords", "password", "passphrase", "passwd", "passcode", "pwd"
_WORD = re.compile(
    r"(?P<word>pass(?:word|phrase|wd|code)s?|pwd|secret|token|key|credentials?)"
    r"(?P<more>_env(?:ironment)?(?:_var)?|_?[0-9]{1,2})?"
    r"\\?[\"']?[ \t]{0,8}(?P<sign>:=|=>|:|==?)(?!=)",
    re.ASCII,
)
_GAP = re.compile(
    r"[ \t\xa0]*(?:[|>][-+0-9]{0,2}[ \t]*)?(?:\n[ \t]+)?(?P<quotes>(?:\\*[\"'`]){0,3})"
)
_BEFORE = 60
_NAME = re.compile(r"[\"']?[A-Za-z0-9_.-]*\Z", re.ASCII)
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_QUALIFIERS = (
    *("access", "account", "admin", "api", "apim", "app", "auth", "authentication", "bot"),
    *("client", "cluster", "deploy", "encryption", "hmac", "host", "license", "master"),
    *("private", "rsa", "secret", "service", "session", "shared", "signing", "ssh", "storage"),
    *("subscription", "webhook"),
)
"""What a ``key`` is called that is one to somewhere: most keys are those of tables."""
_NO_SECRETS = frozenset(
    ("primary", "foreign", "public", "partition", "sort", "idempotency", "cache", "row", "hash")
)
_ASSIGNED = re.compile(r"[^\s\"'`,;&{}\[\]<>]{6,4096}")
_WRITTEN = re.compile(r"[^\s\"'`,{}\[\]]{6,4096}")
_QUOTED = {mark: re.compile(rf"[^\s\\{mark}]{{6,4096}}(?=\\*{mark})") for mark in "\"'`"}

_SCHEME = re.compile(r"[\"']?[A-Za-z0-9_+.-]{0,21}\Z", re.ASCII)
_IN_URL = re.compile(r"://[^\s:/@\"'<>{}]{0,80}:(?P<word>[^\s/@\"'<>{}]{3,200})@")
_SIGNATURE = re.compile(r"sig=(?P<word>[\w%+/-]{30,}=*)", re.ASCII)
_HEADER = re.compile(
    r"(?P<scheme>bearer|basic)[ \t\xa0]{1,4}(?P<word>[\w.~+/-]{12,}={0,2})",
    re.ASCII | re.IGNORECASE,
)

_PLACEHOLDER = re.compile(
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|user(?:name)?|change_?me|redacted|example"
    r"|your[_-].*|my[_-].*)|(.)\1*|.*(?:\*\*\*|xxx|•••|\.\.\.|…).*",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"[$%#&/]|\.{0,2}/|(?:env|os|process|secrets?|vault|file|input|memory|steps|item|tool|output"
    r"|previous|run|task|agent|write|request)[.:\[]"
)
_CALL = re.compile(r"[A-Za-z_][\w.]*\(")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z0-9_]+)*", re.ASCII)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", re.ASCII)
_HYPHENS = re.compile(r"[-.:/_]")
_LONG_RUN = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16}|[A-Za-z0-9]{24}")
_RISE = re.compile(r"[a-z0-9][A-Z]")


def named_secrets(text: str) -> Iterator[Found]:
    """Every secret in ``text`` that a name, a header or an address says to be one."""
    small = text.lower()
    if len(small) != len(text):  # a few letters have two lower ones
        small = "".join(c.lower() if c.isascii() else c for c in text)
    for word in ("pass", "pwd", "secret", "token", "key", "credential"):
        at = small.find(word)
        while at >= 0:
            if (match := _WORD.match(small, at)) is not None:
                yield from _valued(text, match)
            at = small.find(word, at + len(word))
    for word, pattern in (("bearer", _HEADER), ("basic", _HEADER), ("sig=", _SIGNATURE)):
        at = small.find(word)
        while at >= 0:
            if (match := pattern.match(text, at)) is not None:
                yield from _sent(small, match)
            at = small.find(word, at + len(word))
    at = text.find("://")
    while at >= 0:
        match = _IN_URL.match(text, at)
        if match and not _PLACEHOLDER.fullmatch(match["word"]) and match["word"][0] not in "$%":
            scheme = _SCHEME.search(text, max(0, at - 22), at)
            yield *match.span("word"), "a password in a URL", scheme.start() if scheme else at
        at = text.find("://", at + 3)


def looks_chosen(word: str, *, password: bool) -> bool:
    """Whether a value behind the name of a secret is one: names, types and expressions are not.

    People choose short and simple passwords; a key that is short and simple is the name of one.
    """
    if len(word) < (6 if password else 8) or _PLACEHOLDER.fullmatch(word):
        return False
    if _REFERENCE.match(word) or _CALL.match(word) or _DATE.match(word):
        return False
    digits, letters = any(c.isdigit() for c in word), any(c.isalpha() for c in word)
    if _VARIABLE.fullmatch(word):
        return False
    if _IDENTIFIER.fullmatch(word):
        simple = password and digits and "." not in word and "_" not in word
        return simple or bool(_LONG_RUN.search(word))
    if not letters:
        return digits and password and word.isalnum()
    if digits:
        return password or not _is_words(word)
    if password and not word.isalnum() and not _is_words(word.lower()):
        return True
    return len(word) >= 20 and len(_RISE.findall(word)) * 5 >= len(word)


def _is_words(text: str) -> bool:
    """Whether a text is made of words and numbers, as names of things are: ``order-2024-07``."""
    parts = _HYPHENS.split(text)
    return len(parts) > 1 and all(
        (part.isalpha() and part.islower()) or part.isdigit() or (len(part) <= 4 and part.isalnum())
        for part in parts
    )


def _valued(text: str, match: re.Match[str]) -> Iterator[Found]:
    """What stands behind a name and a ``:`` or ``=``, if both are those of a secret."""
    before = _NAME.search(text, max(0, match.start() - _BEFORE), match.start())
    start = before.start() if before else match.start()
    name = text[start : match.end("word")].lstrip("\"'")
    what = _what(name, match["word"])
    gap = _GAP.match(text, match.end())
    if not what or gap is None:
        return
    quotes = gap["quotes"]
    plain = _ASSIGNED if match["sign"] == "=" else _WRITTEN
    pattern = _QUOTED[quotes[-1]] if quotes else plain
    value = pattern.match(text, gap.end())
    if value is None:
        return
    word = value[0] if quotes else value[0].rstrip(".:")
    variable = (match["more"] or "").startswith("_env")
    if variable and word.isupper() and word.isidentifier() and len(word) < 20:
        return
    if looks_chosen(word, password=match["word"].startswith(_PASSWORDS)):
        owner = gap.end() if variable else start
        yield gap.end(), gap.end() + len(word), what, owner


def _what(name: str, word: str) -> str:
    """What stands under a name that ends in ``word``; empty for nothing secret."""
    if word.startswith("pass") or word == "pwd":
        return "a password"
    if word == "token":
        return "a token"
    if word == "secret":
        return "a key or a password"
    if word.startswith("credential"):
        return "a credential"
    parts = [part.lower() for part in _PARTS.findall(name)][-3:]
    qualifier = "".join(parts)[: -len("key")] if parts else ""
    if name.isupper() and len(parts) > 1 and parts[-2] not in _NO_SECRETS:
        return "a key"
    return "a key" if qualifier.endswith(_QUALIFIERS) else ""


def _sent(small: str, match: re.Match[str]) -> Iterator[Found]:
    """A value that is sent with a request: in its ``Authorization``, or as its signature."""
    word, scheme = match["word"], match.groupdict().get("scheme", "").lower()
    if scheme == "bearer":
        found = looks_chosen(word, password=False)
    elif scheme == "basic":
        found = "authorization" in small[max(0, match.start() - 24) : match.start()]
    else:
        found = small[match.start() - 1 : match.start()] in ("?", "&")
    if found:
        yield *match.span("word"), "an access token" if scheme else "a signature", match.start()
