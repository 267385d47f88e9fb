"""What stands in the stream ``journal``: about whole runs, releases and people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from leafmesh_nb.engine.events.body import Body, JsonMap

__all__ = [
    "CheckpointSigned",
    "MemoryRevealed",
    "PersonSignedIn",
    "ReleaseRecorded",
    "RunHead",
    "RunPruned",
]


@dataclass(frozen=True, slots=True)
class RunHead(Body):
    """The last event of a run that ended."""

    kind: ClassVar[str] = "run.head"
    run: str
    seq: int
    hash: str
    status: str


@dataclass(frozen=True, slots=True)
class RunPruned(Body):
    """The tombstone of a run whose events were deleted for good: ``seq`` of them, the last with
    this ``hash``. Times are ISO 8601 text in UTC; ``by`` says who did it."""

    kind: ClassVar[str] = "run.pruned"
    run: str
    seq: int
    hash: str
    mesh: str
    workflow: str
    status: str
    created: str
    ended: str
    by: str


@dataclass(frozen=True, slots=True)
class CheckpointSigned(Body):
    """``stream`` held ``size`` events and its last one had the hash ``head``, says a key.

    ``key`` is the fingerprint of ``public_key``, ``signature`` what that key made.
    """

    kind: ClassVar[str] = "checkpoint.signed"
    stream: str
    size: int
    head: str
    key: str
    public_key: str
    signature: str


@dataclass(frozen=True, slots=True)
class ReleaseRecorded(Body):
    """A mesh was released for deployment. ``files`` maps names to the SHA-256 of their bytes."""

    kind: ClassVar[str] = "release.recorded"
    mesh: str
    release: str
    spec_hash: str
    files: JsonMap
    by: str


@dataclass(frozen=True, slots=True)
class PersonSignedIn(Body):
    """Somebody proved who they are. ``operator``: they may do all that the service offers."""

    kind: ClassVar[str] = "person.signed_in"
    person: str
    channel: str
    operator: bool


@dataclass(frozen=True, slots=True)
class MemoryRevealed(Body):
    """A person looked behind a mask."""

    kind: ClassVar[str] = "memory.revealed"
    run: str
    what: str
    person: str
    channel: str
