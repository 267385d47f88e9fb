"""What a person may see and answer here."""

from __future__ import annotations

from typing import Protocol

from leafmesh_nb.deploy.auth import Signed

__all__ = ["visible"]


class Asked(Protocol):
    """A question, as far as it says who is asked."""

    @property
    def roster(self) -> tuple[str, ...]: ...


def visible(signed: Signed, question: Asked) -> bool:
    """Whether somebody may see and answer a question: the operator any, a reviewer their own.

    A question belongs to those who are asked now: a roster holds people (roles were resolved when
    it was asked), and that of a question that went up the ladder is the next one's.
    """
    return signed.operator or signed.person in question.roster
