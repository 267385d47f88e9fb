"""How the keys of vendors look: a public prefix that says whose it is, and a secret after it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["vendor_keys"]

Found = tuple[int, int, str, int]
"""Start, end, what it is, and how many of its first characters are the public prefix."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """``marks`` are prefixes, ``pattern`` matches from the start of one to the end of the key."""

    what: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    random: bool = False


def _kind(
    what: str, marks: str, body: str, before: str = "A-Za-z0-9", random: bool = False
) -> _Kind:
    """``marks`` are separated by spaces; ``before`` are characters that may not stand before."""
    either = "|".join(map(re.escape, marks.split()))
    pattern = re.compile(f"(?<![{before}])(?P<mark>{either}){body}", re.ASCII)
    return _Kind(what, tuple(marks.split()), pattern, random)


# A body is one class of characters, so that what fails fails within its shortest length. Those of
# several parts start at a boundary of their own alphabet, so that the search is linear.
_KINDS = (
    _kind("an Anthropic API key", "sk-ant-", r"[\w-]{8,}"),
    _kind("an OpenAI API key", "sk-proj- sk-svcacct- sk-admin- sk-or-", r"[\w-]{8,}"),
    _kind("a Stripe key", "sk_live_ sk_test_ rk_live_ rk_test_", r"\w{8,}"),
    _kind("an API key", "sk-", r"[\w-]{12,}", before=r"\w-", random=True),
    _kind("an AWS access key", "AKIA ASIA", r"[0-9A-Z]{16}(?![0-9A-Za-z])"),
    _kind("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{20,}"),
    _kind("a GitHub token", "github_pat_", r"\w{20,}"),
    _kind("a GitLab token", "glpat-", r"[\w-]{16,}"),
    _kind("a Google API key", "AIza", r"[\w-]{30,}"),
    _kind("a Google OAuth secret", "GOCSPX-", r"[\w-]{24,}"),
    _kind("a Google OAuth token", "ya29.", r"[\w-]{30,}"),
    _kind("a Slack token", "xoxa- xoxb- xoxc- xoxd- xoxe- xoxp- xoxr- xoxs-", r"[\w-]{10,}"),
    _kind("a Slack webhook", "hooks.slack.com/services/", r"T\w+/B\w+/\w{16,}", before=r"\w."),
    _kind(
        "a Discord webhook",
        "discord.com/api/webhooks/ discordapp.com/api/webhooks/",
        r"[0-9]+/[\w-]{40,}",
        before=r"\w.",
    ),
    _kind("a Hugging Face token", "hf_", r"[A-Za-z0-9]{24,}"),
    _kind("a Groq API key", "gsk_", r"[A-Za-z0-9]{24,}"),
    _kind("an xAI API key", "xai-", r"[\w-]{24,}"),
    _kind("a Perplexity API key", "pplx-", r"[A-Za-z0-9]{32,}"),
    _kind("a Replicate token", "r8_", r"[A-Za-z0-9]{32,}"),
    _kind("a Tavily API key", "tvly-", r"[\w-]{20,}"),
    _kind("an NVIDIA API key", "nvapi-", r"[\w-]{40,}"),
    _kind("a Pinecone API key", "pcsk_", r"\w{40,}"),
    _kind("a LangSmith key", "lsv2_pt_ lsv2_sk_", r"[0-9a-f_]{32,}"),
    _kind("a Databricks token", "dapi", r"[0-9a-f]{32}"),
    _kind("an npm token", "npm_", r"[A-Za-z0-9]{30,}"),
    _kind("a PyPI token", "pypi-", r"[\w-]{40,}"),
    _kind("a SendGrid API key", "SG.", r"[\w-]{16,}\.[\w-]{16,}", before=r"\w-"),
    _kind("a Mailgun key", "key-", r"[0-9a-f]{32}(?!\w)", before=r"\w-"),
    _kind("a Twilio key", "SK", r"[0-9a-f]{32}(?!\w)", before=r"\w"),
    _kind("a Telegram bot token", ":AA", r"[\w-]{32,}", before="^0-9"),
    _kind("a DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"[a-f0-9]{40,}"),
    _kind("a Docker token", "dckr_pat_ dckr_oat_", r"[\w-]{20,}"),
    _kind("a Vault token", "hvs. hvb. hvr.", r"[\w-]{20,}", before=r"\w."),
    _kind("a Shopify token", "shpat_ shpca_ shppa_ shpss_", r"[a-fA-F0-9]{32}"),
    _kind("a Square token", "sq0atp- sq0csp-", r"[\w-]{22,}"),
    _kind("a Stripe signing secret", "whsec_", r"\w{24,}"),
    _kind("a Notion token", "secret_ ntn_", r"[A-Za-z0-9]{40,}"),
    _kind("a Linear API key", "lin_api_", r"[A-Za-z0-9]{32,}"),
    _kind("an Atlassian token", "ATATT3", r"[\w=-]{30,}"),
    _kind("a Postman key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    _kind("a Grafana token", "glsa_ glc_", r"[A-Za-z0-9]{20,}\w*"),
    _kind("an age key", "AGE-SECRET-KEY-1", r"[0-9A-Z]{50,}"),
    _kind("a signed token (JWT)", "eyJ", r"[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}", before=r"\w-"),
)
_WORD_RUN = re.compile(r"[A-Za-z0-9]{16}")
_TAIL = re.compile(r"""(?:[^\s"'`<>(){}\[\],;|\\:]|:(?=[^\s"'}\]]))+""")


def vendor_keys(text: str) -> Iterator[Found]:
    """Every key of a vendor in ``text``; those of one kind in order and without overlap."""
    for kind in _KINDS:
        for mark in kind.marks:
            at = text.find(mark)
            while at >= 0:
                match = kind.pattern.match(text, at)
                if match is None or (kind.random and not _looks_random(match[0])):
                    at = text.find(mark, match.end() if match else at + len(mark))
                    continue
                end = _end_of_token(text, match.end())
                yield at, end, kind.what, len(match["mark"])
                at = text.find(mark, end)


def _end_of_token(text: str, at: int) -> int:
    """Where what follows a key without a gap ends: a key that was mistyped is one still."""
    tail = _TAIL.match(text, at)
    return at + len(tail[0].rstrip(".!?*_…:")) if tail else at


def _looks_random(key: str) -> bool:
    """Words joined by hyphens after ``sk-`` are a name, not a key."""
    body = key[3:]
    return any(c.isdigit() or c.isupper() for c in body) or bool(_WORD_RUN.search(body))
