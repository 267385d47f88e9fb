"""Bearer tokens: each stands for one person of one mesh, or for its operator."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from leafmesh_nb.deploy.access import Access, hashed
from leafmesh_nb.journal.text import now, stamp

__all__ = ["Holder", "create", "holder", "revoke"]

PREFIX = "lm_"
"""So that people and scanners for secrets know one when they see it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a token stands for. ``token`` is its hash."""

    token: str
    person: str
    operator: bool


def create(
    access: Access, mesh: str, person: str, *, operator: bool = False, beside: bool = False
) -> str:
    """A new token, told this once. A new operator's token takes the place of those before, unless
    it is to hold ``beside`` them."""
    token = PREFIX + secrets.token_urlsafe(32)
    moment = stamp(now())
    with access.writing() as conn:
        if operator and not beside:
            conn.execute(
                "UPDATE tokens SET revoked = ? WHERE mesh = ? AND operator AND revoked IS NULL",
                (moment, mesh),
            )
        conn.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, NULL)",
            (hashed(token), mesh, person, int(operator), moment),
        )
    return token


def holder(access: Access, mesh: str, token: str) -> Holder | None:
    """Who holds a token that is still good."""
    with access.reading() as conn:
        row = conn.execute(
            "SELECT hash, person, operator FROM tokens "
            "WHERE hash = ? AND mesh = ? AND revoked IS NULL",
            (hashed(token), mesh),
        ).fetchone()
    return None if row is None else Holder(row[0], row[1], bool(row[2]))


def revoke(access: Access, mesh: str, person: str) -> int:
    """Take back every token of a reviewer, and with them their sessions; returns how many."""
    with access.writing() as conn:
        done = conn.execute(
            "UPDATE tokens SET revoked = ? "
            "WHERE mesh = ? AND person = ? AND NOT operator AND revoked IS NULL",
            (stamp(now()), mesh, person),
        )
        return done.rowcount
