"""Who runs a model: ``offline`` or a vendor, and a vendor's model written inline."""

from __future__ import annotations

import re

from leafmesh_nb.language.context import Context
from leafmesh_nb.language.nodes import ScalarNode, Span
from leafmesh_nb.language.suggest import suggest

__all__ = ["OFFLINE", "check_provider", "inline_model", "is_provider_model"]

OFFLINE = "offline"
KNOWN = (OFFLINE, "openai", "anthropic", "google", "ollama")
"""Those that a misspelt name is compared with; a vendor of another name is one too."""

_PROVIDER = re.compile(r"[a-z][a-z0-9_-]*\Z", re.ASCII)
_PROVIDER_MODEL = re.compile(r"[a-z0-9_-]+:[\w./:@-]+\Z", re.ASCII)


def is_provider_model(text: str) -> bool:
    """Whether a text has the form ``provider:model``."""
    return bool(_PROVIDER_MODEL.match(text))


def check_provider(ctx: Context, node: ScalarNode) -> str | None:
    """The provider that a text names, or None, which is reported; a vendor is reported as not
    available."""
    return _provider(ctx, node.text.strip(), node.span)


def inline_model(ctx: Context, node: ScalarNode) -> str | None:
    """The ``provider:model`` of a text, or None, which is reported; as not available, if not."""
    text = node.text.strip()
    name, _, _ = text.partition(":")
    at = node.locate(0, len(name))
    if not is_provider_model(text):
        ctx.collector.error(
            "LM210",
            "An inline model must be provider:model.",
            node.span,
            'For example "openai:gpt-5-mini".',
        )
        return None
    if name == OFFLINE:
        ctx.collector.error(
            "LM206",
            "`offline` runs no vendor's model.",
            at,
            "Name a model of `models:` with `provider: offline`, or write {tier: small}.",
        )
        return None
    if _known(ctx, name, at) is None:
        return None
    ctx.collector.error(
        "LM203",
        "An inline `provider:model` is not available yet.",
        node.span,
        "Name a model of `models:`, or write {tier: small}.",
    )
    return text


def _provider(ctx: Context, name: str, at: Span) -> str | None:
    known = _known(ctx, name, at)
    if known is not None and known != OFFLINE:
        ctx.collector.error(
            "LM203",
            f"The provider `{name}` is not available yet.",
            at,
            "This version runs `offline` models and `python` agents. Write `provider: offline`, "
            "and the vendor's model under `priced_as:`.",
        )
    return known


def _known(ctx: Context, name: str, at: Span) -> str | None:
    """The name itself, unless it is none or most likely another one."""
    if name in KNOWN:
        return name
    close = suggest(name, KNOWN)
    if close is None and name != "python" and _PROVIDER.match(name):
        return name
    if name == "python":
        hint = "`python` is an agent's `kind:`."
    elif close:
        hint = f"Did you mean `{close}`?"
    else:
        hint = f"Providers are {', '.join(KNOWN)} and other vendors, in lower-case letters."
    shown = name if len(name) <= 60 else name[:59] + "…"
    ctx.collector.error("LM206", f"`{shown}` is not a provider.", at, hint)
    return None
