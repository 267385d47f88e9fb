"""An open question as a Python object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.state import ApprovalState
from leafmesh_nb.mesh.output import veiled

if TYPE_CHECKING:
    from datetime import datetime

    from leafmesh_nb.mesh.run import Run

__all__ = ["Approval"]


class Approval:
    """A question that a run asked. Each verb returns after the run's owner accepted the answer.

    Raises ApprovalError when the answer is refused: too late, decided already, not among those
    asked, an edit that does not fit or is denied.
    """

    def __init__(self, run: Run, state: ApprovalState) -> None:
        self.run = run
        self._state = state

    @property
    def id(self) -> str:
        """Unique in the journal."""
        return self._state.id

    @property
    def step(self) -> str:
        """The step that waits."""
        return self._state.path

    @property
    def point(self) -> str:
        """Where the question arose: ``tool`` or ``output`` before an effect, ``in_doubt`` after a
        side effect whose result never arrived."""
        return self._state.asked.point

    @property
    def subject(self) -> str:
        """The tool's name, or ``output``."""
        return self._state.asked.subject

    @property
    def value(self) -> Any:
        """What is asked about, in JSON form: the tool's arguments, or the output.

        As of a run's output, its parts show themselves masked.
        """
        return veiled(self._state.asked.value, self.run.masker)

    @property
    def reason(self) -> str:
        """Why a person is asked."""
        return veiled(self._state.asked.reason, self.run.masker)

    @property
    def policy(self) -> str:
        """The policy that asks."""
        return self._state.asked.policy

    @property
    def rule(self) -> str:
        """Its rule that matched."""
        return self._state.asked.rule

    @property
    def values(self) -> tuple[Any, ...]:
        """``(text, value)`` of the sub-expressions the rule read."""
        read = self._state.asked.values
        values = veiled([value for _, value in read], self.run.masker)
        return tuple([text, value] for (text, _), value in zip(read, values, strict=True))

    @property
    def to(self) -> str:
        """The person or role that is asked now."""
        return self._state.to

    @property
    def roster(self) -> tuple[str, ...]:
        """The people whose answer counts now."""
        return self._state.roster

    @property
    def due(self) -> datetime | None:
        """When the question moves up the ladder, or is denied."""
        return self._state.due

    @property
    def options(self) -> tuple[str, ...]:
        """The answers that this question takes."""
        return self._state.asked.options

    def approve(self, by: str | None = None, note: str = "") -> None:
        """Let it happen; in doubt: run it again.

        ``by`` defaults to whoever sits here; where nobody was named, to the first of those asked.
        """
        self.run.answer(self.id, "approve", person=by, note=note)

    def reject(self, by: str | None = None, note: str = "") -> None:
        """Deny it; in doubt: let it fail."""
        self.run.answer(self.id, "reject", person=by, note=note)

    def edit(self, value: Any, by: str | None = None, note: str = "") -> None:
        """Let something else happen: checked against the schema, then governed again.

        In doubt: it happened, and ``value`` is its result.
        """
        self.run.answer(self.id, "edit", person=by, note=note, value=value)

    def escalate(self, by: str | None = None, note: str = "") -> None:
        """Ask the next on the ladder instead."""
        self.run.answer(self.id, "escalate", person=by, note=note)

    def __repr__(self) -> str:
        return self.run.masker.text(
            f"<Approval {self.id} {self.run.workflow}.{self.step}: {self.subject} → {self.to}: "
            f"{self.reason}>"
        )
