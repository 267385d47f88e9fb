"""What a person may see and answer here."""

from __future__ import annotations

from leafmesh_nb.deploy.auth import Signed
from leafmesh_nb.mesh.approval import Approval

__all__ = ["visible"]


def visible(signed: Signed, question: Approval) -> bool:
    """Whether somebody may see and answer a question: the operator any, a reviewer their own.

    A question belongs to those who are asked now: roles are people already in the roster, and a
    question that went up the ladder has the next one's.
    """
    return signed.operator or signed.person in question.roster
