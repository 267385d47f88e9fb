"""A script that answers in place of people: ``deny``, or a JSON file of answers.

The file is a list, tried in order; the first entry whose given keys all fit is the answer::

    [{"policy": "payouts", "rule": "large", "answer": "approve", "by": "lead", "note": "…"},
     {"step": "pay", "answer": "reject"}]

``step policy rule subject to`` narrow, ``answer`` is approve, reject, edit (with
``value``) or escalate. Answers are recorded with channel and identity ``script``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from leafmesh_nb.engine.answers import Answer
from leafmesh_nb.engine.state import ApprovalState
from leafmesh_nb.errors import ApprovalError

__all__ = ["AnswersFile", "read_answers"]

NARROW = ("step", "policy", "rule", "subject", "to")
KNOWN = {*NARROW, "answer", "by", "note", "value"}


class AnswersFile:
    """An approver made of entries."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._entries = entries

    def answer(self, question: ApprovalState) -> Answer | None:
        """The first entry that fits, or None to leave the question open."""
        asked = question.asked
        facts = {
            "step": question.path,
            "policy": asked.policy,
            "rule": asked.rule,
            "subject": asked.subject,
            "to": question.to,
        }
        for entry in self._entries:
            if all(entry[k] == facts[k] for k in NARROW if k in entry):
                return Answer(
                    id=question.id,
                    answer=entry["answer"],
                    person=entry.get("by", ""),
                    note=entry.get("note", ""),
                    value=entry.get("value"),
                )
        return None


def read_answers(source: str) -> AnswersFile:
    """``deny``, or the path of a JSON file. Raises ApprovalError with place and remedy."""
    if source == "deny":
        return AnswersFile([{"answer": "reject", "note": "denied by --answers deny"}])
    try:
        entries = json.loads(Path(source).read_text(encoding="utf-8"))
    except OSError as error:
        raise ApprovalError(
            f"answers file {source}: {error.strerror}; give a JSON file, or deny"
        ) from None
    except ValueError as error:
        raise ApprovalError(f"answers file {source} is no JSON: {error}") from None
    if not isinstance(entries, list):
        raise ApprovalError(f"answers file {source} must hold a list of answers")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or "answer" not in entry:
            raise ApprovalError(f"answers file {source}: entry {number} has no 'answer'")
        unknown = sorted(set(entry) - KNOWN)
        if unknown:
            raise ApprovalError(
                f"answers file {source}: entry {number} has unknown keys {', '.join(unknown)}; "
                f"known are {', '.join(sorted(KNOWN))}"
            )
    return AnswersFile(entries)
