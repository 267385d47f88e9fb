"""Credentials in a text, beyond the key formats that the language refuses outright.

The language looks at every keystroke, so it knows only what nobody writes by accident
(``language.secret_texts``). A check has the time for more: further vendors, passwords inside URLs,
and values that stand behind a word such as ``password``.
"""

from __future__ import annotations

import re

from leafmesh_nb.language.secret_texts import Secret

__all__ = ["find_credentials"]

# Every pattern starts at a boundary of its own alphabet, so that a search is linear in the text.
_KEYS: tuple[tuple[str, str, int], ...] = (
    ("a DigitalOcean token", r"(?<!\w)do[opr]_v1_[a-f0-9]{40,}", 7),
    ("a Docker token", r"(?<!\w)dckr_[po]at_[\w-]{20,}", 9),
    ("a Databricks token", r"(?<!\w)dapi[0-9a-f]{32}", 4),
    ("a Vault token", r"(?<![\w.])hv[sbr]\.[\w-]{20,}", 4),
    ("a Shopify token", r"(?<!\w)shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", 6),
    ("a Square token", r"(?<![\w-])sq0(?:atp|csp)-[\w-]{22,}", 7),
    ("a Telegram bot token", r"(?<!\w)[0-9]{8,10}:AA[\w-]{32,}", 0),
    ("a Twilio key", r"(?<!\w)SK[0-9a-f]{32}(?!\w)", 2),
    ("a Mailgun key", r"(?<![\w-])key-[0-9a-f]{32}(?!\w)", 4),
    ("a Notion token", r"(?<!\w)(?:secret|ntn)_[A-Za-z0-9]{40,}", 4),
    ("a Linear API key", r"(?<!\w)lin_api_[A-Za-z0-9]{32,}", 8),
    ("a Perplexity API key", r"(?<![\w-])pplx-[A-Za-z0-9]{32,}", 5),
    ("a Replicate token", r"(?<!\w)r8_[A-Za-z0-9]{32,}", 3),
    ("a Tavily API key", r"(?<![\w-])tvly-[\w-]{20,}", 5),
    ("an NVIDIA API key", r"(?<![\w-])nvapi-[\w-]{40,}", 6),
    ("a Pinecone API key", r"(?<!\w)pcsk_\w{40,}", 5),
    ("a LangSmith key", r"(?<!\w)lsv2_(?:pt|sk)_[0-9a-f_]{32,}", 8),
    ("a Google OAuth secret", r"(?<![\w-])(?:GOCSPX-[\w-]{24,}|ya29\.[\w-]{30,})", 5),
    ("an Atlassian token", r"(?<!\w)ATATT3[\w=-]{30,}", 6),
    ("a Postman key", r"(?<![\w-])PMAK-[0-9a-f]{24}-[0-9a-f]{34}", 5),
    ("a Grafana token", r"(?<!\w)gl(?:sa|c)_[A-Za-z0-9]{20,}\w*", 4),
    ("a Stripe signing secret", r"(?<!\w)whsec_\w{24,}", 6),
    ("an age key", r"(?<![\w-])AGE-SECRET-KEY-1[0-9A-Z]{50,}", 16),
    ("a Slack webhook", r"(?<![\w.])hooks\.slack\.com/services/T\w+/B\w+/\w{16,}", 24),
    ("a Discord webhook", r"(?<![\w.])discord(?:app)?\.com/api/webhooks/[0-9]+/[\w-]{40,}", 24),
    ("an Azure storage key", r"(?<!\w)AccountKey=[A-Za-z0-9+/]{60,}={0,2}", 11),
    ("an access token", r"(?<!\w)(?i:bearer) (?=[\w.~+/-]*[0-9])[\w.~+/-]{20,}={0,2}", 7),
)
_ANY_KEY = re.compile("|".join(f"(?P<k{i}>{p})" for i, (_, p, _) in enumerate(_KEYS)), re.ASCII)

_URL = re.compile(
    r"(?<![\w+.-])[A-Za-z][\w+.-]{1,20}://[^\s:/@\"'<>{}]{0,80}:(?P<word>[^\s:/@\"'<>{}]{3,200})@"
)
_NAMED = re.compile(
    r"(?<![A-Za-z0-9])(?:(?P<password>pass(?:word|phrase|wd|code)|pwd)"
    r"|secret(?:[_ -]?access)?(?:[_ -]?key)?|(?:api|access|auth|private|account)[_ -]?key"
    r"|(?:access|auth|api|bearer|refresh)[_ -]?token|token|client[_ -]?secret|credentials?)"
    r"[\"']?(?:[ ]{0,3}[:=][ ]{0,3}|[ ]is[ ]:?[ ]?)[\"'`]?(?P<word>[^\s\"'`,;{}\[\]()<>]{6,200})",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"(?i:pass(?:word|wd|phrase)?|pwd|secret|token|user(?:name)?|change_?me|redacted|example"
    r"|your[_-].*|my[_-].*)|(.)\1*|.*(?:\*\*\*|xxx|•••|\.\.\.|…).*",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z0-9_]+)*", re.ASCII)
_LONG_RUN = re.compile(r"[A-Za-z0-9]{16}")


def find_credentials(text: str) -> list[Secret]:
    """Every credential in ``text``, in order, without overlap."""
    found = []
    for match in _ANY_KEY.finditer(text):
        what, _, shown = _KEYS[int((match.lastgroup or "k0")[1:])]
        found.append(Secret(match.start(), match.end(), what, shown))
    for match in _URL.finditer(text):
        if not _PLACEHOLDER.fullmatch(match["word"]):
            found.append(Secret(*match.span("word"), "a password in a URL"))
    for match in _NAMED.finditer(text):
        word = match["word"].rstrip(".")
        if _looks_chosen(word, password=match["password"] is not None):
            start = match.start("word")
            found.append(Secret(start, start + len(word), "a password or a key"))
    found.sort(key=lambda secret: (secret.start, -secret.end))
    apart: list[Secret] = []
    for secret in found:
        if not apart or secret.start >= apart[-1].end:
            apart.append(secret)
    return apart


def _looks_chosen(word: str, *, password: bool) -> bool:
    """Whether a value behind ``password:`` is one: names, types and expressions are not.

    People choose short and simple passwords; a key that is short and simple is the name of one.
    """
    if _PLACEHOLDER.fullmatch(word) or (not password and len(word) < 8):
        return False
    if not (any(c.isdigit() for c in word) and any(c.isalpha() for c in word)):
        return False
    if not _IDENTIFIER.fullmatch(word) or _LONG_RUN.search(word):
        return True
    return password and "." not in word and "_" not in word
