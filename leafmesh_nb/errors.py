"""The exception tree.

    LeafmeshError
    ├── MeshError           the text of a mesh does not hold; carries .diagnostics
    ├── RunError            a run ended badly or cannot go on; carries .run .step .cause
    │   └── InDoubtError    a side effect was started and nobody knows whether it happened
    ├── ApprovalError       an answer was refused, or nobody can be asked
    ├── RoutingError        no agent or model can take a step
    ├── MemoryScopeError    a read or write of a field that was not granted
    ├── PolicyDenied        a policy, or a person it asked, said no
    ├── BudgetError         a call would pass a limit or a budget
    ├── JournalError        events cannot be written, read or verified
    │   ├── ConflictError   somebody else appended to the stream first
    │   └── OwnershipError  another live process owns the run
    └── AgentError          an agent raised, hung, or returned the wrong shape
        └── NotDoneError    raised by a tool: its side effect surely did not happen

Every message says what happened, where, and what to do. Foreign exceptions are mapped to this
tree at the edge where they arise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leafmesh_nb.language.diagnostics import Diagnostic

__all__ = [
    "AgentError",
    "ApprovalError",
    "BudgetError",
    "ConflictError",
    "InDoubtError",
    "JournalError",
    "LeafmeshError",
    "MemoryScopeError",
    "MeshError",
    "NotDoneError",
    "OwnershipError",
    "PolicyDenied",
    "RoutingError",
    "RunError",
]


class LeafmeshError(Exception):
    """Root of every error that leafmesh_nb raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message. Frames from inside the package help nobody there."""
        return [f"{type(self).__name__}: {self}"]


class MeshError(LeafmeshError):
    """The text of a mesh has errors.

    ``diagnostics`` holds all of them, sorted by place, warnings included.
    """

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)


class RunError(LeafmeshError):
    """A run failed, was cancelled, or cannot be continued here.

    ``run`` is the run (or its id where no handle exists), ``step`` the path of the step that
    failed or None, ``cause`` the kind of error as recorded in the journal, such as
    ``"PolicyDenied"`` or ``"AgentError"``.
    """

    def __init__(
        self, message: str, *, run: Any = None, step: str | None = None, cause: str | None = None
    ) -> None:
        super().__init__(message)
        self.run = run
        self.step = step
        self.cause = cause


class InDoubtError(RunError):
    """A side effect was started and its result never arrived: a person must say what happened."""


class ApprovalError(LeafmeshError):
    """An answer was refused, came too late, or nobody can be asked here."""


class RoutingError(LeafmeshError):
    """No agent, or no model, can take a step; the message lists who was excluded and why."""


class MemoryScopeError(LeafmeshError):
    """An agent read or wrote a memory field that it was not granted."""


class PolicyDenied(LeafmeshError):
    """A policy, or a person whom a policy asked, refused an action. Never retried."""


class BudgetError(LeafmeshError):
    """A call was refused because its worst case would pass a limit or a budget."""


class JournalError(LeafmeshError):
    """The journal cannot be opened, written, read or verified."""


class ConflictError(JournalError):
    """Another writer appended to the stream first: read what is new and try again."""


class OwnershipError(JournalError):
    """Another process owns this run, or this process lost it."""


class AgentError(LeafmeshError):
    """An agent raised, timed out, or returned something that its capability does not allow."""


class NotDoneError(AgentError):
    """For tools to raise: the side effect surely did not happen, so the call has failed.

    Whatever else a tool with ``side_effect: true`` raises leaves the call in doubt.
    """
