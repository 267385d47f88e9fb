"""A script that answers in place of people: ``deny``, or a JSON file of answers.

The file is a list, tried in order; the first entry whose given keys all fit is the answer::

    [{"policy": "payouts", "rule": "large", "answer": "approve", "by": "lead", "note": "…"},
     {"step": "pay", "answer": "reject"}]

The keys are those of ``leafmesh_nb.testing.ScriptedApprover``. Answers are recorded with channel
and identity ``script``.
"""

from __future__ import annotations

import json
from pathlib import Path

from leafmesh_nb.errors import ApprovalError
from leafmesh_nb.testing import ScriptedApprover

__all__ = ["read_answers"]


def read_answers(source: str) -> ScriptedApprover:
    """``deny``, or the path of a JSON file. Raises ApprovalError with place and remedy."""
    if source == "deny":
        return ScriptedApprover([{"answer": "reject", "note": "denied by --answers deny"}])
    place = f"answers file {source}"
    try:
        entries = json.loads(Path(source).read_text(encoding="utf-8"))
    except OSError as error:
        raise ApprovalError(f"{place}: {error.strerror}; give a JSON file, or deny") from None
    except (ValueError, RecursionError) as error:
        raise ApprovalError(f"{place} is no JSON: {error}") from None
    if not isinstance(entries, list):
        raise ApprovalError(f"{place} must hold a list of answers")
    return ScriptedApprover(entries, source=place)
