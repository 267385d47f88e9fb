"""Regular expressions in schemas: searched in linear time, or refused."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

__all__ = ["pattern_problem", "search"]

_LONGEST = 1000


def pattern_problem(pattern: str) -> str | None:
    """Why a pattern cannot be used, or None."""
    found = _compiled(pattern)
    return found if isinstance(found, str) else None


def search(pattern: str, text: str) -> bool:
    """Whether a pattern that has no problem is found anywhere in a text."""
    return _compiled(pattern).search(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    try:
        re2: Any = import_module("re2")
    except ImportError:
        return "a pattern needs google-re2: pip install 'leafmesh-nb[fast]'"
    if len(pattern) > _LONGEST:
        return f"a pattern has at most {_LONGEST:,} characters"
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        detail = error.args[0] if error.args else ""
        if isinstance(detail, bytes):
            detail = detail.decode("utf-8", "replace")
        return f"this pattern is not a regular expression of RE2: {detail}"
