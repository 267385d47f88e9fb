"""Addresses of servers, and the names of the environment variables that hold their keys."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from leafmesh_nb.language.blocks import Keys

__all__ = ["environment_name", "web_address"]

_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]")


def web_address(keys: Keys, name: str) -> str | None:
    """The ``http`` or ``https`` address under a key, or None where it is absent or wrong."""
    text = keys.text(name)
    wrong = _wrong(text) if text else ""
    if not wrong:
        return text or None
    node = keys.get(name)
    keys.ctx.collector.error(
        "LM210",
        f"`{name}` must be the address of a server, and this {wrong}.",
        (node or keys.node).span,
        'For example "https://api.example.com/v1".',
    )
    return None


def environment_name(keys: Keys, name: str) -> str | None:
    """The name of an environment variable under a key, or None where it is absent or wrong."""
    text = keys.text(name)
    if not text or _ENVIRONMENT_NAME.match(text):
        return text or None
    node = keys.get(name)
    bare = text.strip().lstrip("$").strip("{}")
    hint = (
        f"Write `{bare}`, without the `$`."
        if text.strip().startswith("$") and _ENVIRONMENT_NAME.match(bare)
        else "Put the key into an environment variable, and write that variable's name here."
    )
    keys.ctx.collector.error(
        "LM210",
        f"`{name}` must be the name of an environment variable.",
        (node or keys.node).span,
        hint,
    )
    return None


def _wrong(text: str) -> str:
    """What keeps a text from being an address; empty if nothing does."""
    if _BLANK.search(text):
        return "has a space or a line break in it"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not one"
    if parts.scheme not in ("http", "https"):
        return "does not begin with https:// or http://"
    if not host:
        return "names no host"
    if parts.username is not None or parts.password is not None:
        return "has a name or a password in it"
    return ""
