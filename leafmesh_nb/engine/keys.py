"""Digests and idempotency keys: stable across crashes, different for every deliberate repeat."""

from __future__ import annotations

import hashlib
import json
from typing import Any

__all__ = ["call_key", "digest", "question_id", "share"]

_COMPACT = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """SHA-256 in hex of a JSON value, over compact text with sorted keys."""
    return hashlib.sha256(_COMPACT.encode(value).encode()).hexdigest()


def call_key(run: str, path: str, generation: int, ordinal: int, request: str) -> str:
    """The key of a call: what it is part of, its place there, and the digest of its request.

    Two equal items of a loop have equal requests; path and ordinal keep their keys apart.
    """
    return digest([run, path, generation, ordinal, request])[:32]


def share(seed: int, path: str, number: int) -> float:
    """A number from 0 up to 1 that the run's recorded seed gives for a place: SHA-256's first 64
    bits, so that it is the same wherever the run goes on."""
    return int(digest([seed, path, number])[:16], 16) / 2.0**64


def question_id(run: str, path: str, action: str, number: int) -> str:
    """The id of a question: the same events always lead to the same id."""
    return "q" + digest([run, path, action, number])[:11]
