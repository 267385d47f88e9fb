"""What the engine needs from the world: small Protocols, where real and fake are equals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from leafmesh_nb.engine.events import Draft, Event

if TYPE_CHECKING:
    from leafmesh_nb.engine.answers import Answer
    from leafmesh_nb.engine.state import ApprovalState
    from leafmesh_nb.language.spec import ModelSpec
    from leafmesh_nb.memory.view import MemoryView

__all__ = [
    "Agents",
    "Append",
    "Approver",
    "Batch",
    "Clock",
    "InboxRow",
    "Journal",
    "Model",
    "ModelReply",
    "ModelRequest",
    "Ports",
    "Prices",
    "RunRow",
    "RunUpdate",
    "Seat",
    "Suspended",
    "ToolReply",
    "Verdict",
    "Verification",
]


@dataclass(frozen=True, slots=True)
class Append:
    """Events for one stream. ``after`` is the head's seq the writer believes in (0: empty)."""

    stream: str
    drafts: tuple[Draft, ...]
    after: int


@dataclass(frozen=True, slots=True)
class RunUpdate:
    """What the run's row says from this batch on. ``due_at`` is when a timer is next due."""

    run: str
    status: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the owner made of an inbox row: ``accepted``, and the reason when it was not."""

    row: int
    accepted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction: all of it is durable, or nothing happened.

    ``epoch`` fences: when ``run`` is set and the run's row has another epoch, the batch is refused
    with OwnershipError. A wrong ``after`` refuses it with JournalError's subclass ConflictError.
    ``sync`` forces the disk (synchronous=FULL) in every durability mode. When the appends to
    ``run:ID`` hold a run.ended, the journal itself appends a ``run.head`` to the stream
    ``journal`` in the same transaction.
    """

    appends: tuple[Append, ...]
    run: str = ""
    epoch: int = 0
    update: RunUpdate | None = None
    verdicts: tuple[Verdict, ...] = ()
    sync: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run's row: who owns it, until when, and what it waits for. Times are aware UTC."""

    id: str
    mesh: str
    workflow: str
    spec_hash: str
    status: str
    requester: str
    created: datetime
    epoch: int = 0
    owner: str = ""
    lease_until: datetime | None = None
    due_at: datetime | None = None
    min_release: str = ""
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message to a run's owner: ``answer``, ``pause``, ``resume``, ``cancel`` or ``patch``."""

    id: int
    run: str
    kind: str
    body: Mapping[str, Any]
    posted: datetime
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the chains found. ``bad`` names the first event that does not hold."""

    journal: str
    runs: int
    events: int
    head: str
    ok: bool
    bad: str = ""
    reason: str = ""
    streams: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    """Fingerprints of the keys that signed, and how many checkpoints each did."""
    own_key: str = ""
    """The fingerprint of the key of whoever checks; empty without one."""
    unsigned: int = 0
    """Runs whose end no key vouches for."""
    note: str = ""
    """The newest checkpoint as a text to keep elsewhere; empty without one."""
    pruned: int = 0
    """Runs that were deleted for good, each with a signed tombstone."""


class Journal(Protocol):
    """Where events live. Calls may come from any thread."""

    location: str

    def create(self, row: RunRow, spec_text: str, batch: Batch) -> tuple[Event, ...]:
        """Store a run's row, its spec text by hash, and its first events, in one transaction."""
        ...

    def commit(self, batch: Batch) -> Future[tuple[Event, ...]]:
        """Append; resolves to the events in the order of the appends, hashes included."""
        ...

    def read(self, stream: str, after: int = 0, most: int | None = None) -> list[Event]:
        """The events of a stream with seq > ``after``, in order; ``most`` of them, or all."""
        ...

    def run(self, run: str) -> RunRow | None:
        """A run's row by its full id."""
        ...

    def runs(self, *, mesh: str | None = None, status: Sequence[str] = ()) -> list[RunRow]:
        """Rows of runs, newest first."""
        ...

    def spec(self, spec_hash: str) -> str | None:
        """The text of a spec by its hash."""
        ...

    def claim(self, run: str, owner: str, seconds: float) -> int:
        """Take a run: bump its epoch, set the lease, return the epoch.

        Raises OwnershipError, naming the owner, while a live one holds it.
        """
        ...

    def renew(self, runs: Mapping[str, int], seconds: float) -> None:
        """Extend the leases of runs (id → epoch) that this process owns."""
        ...

    def release(self, run: str, epoch: int) -> None:
        """Give up a lease; does nothing when it is no longer ours."""
        ...

    def post(self, run: str, kind: str, body: Mapping[str, Any]) -> int:
        """Put a message for the run's owner into the inbox, durably; returns its row."""
        ...

    def inbox(self, runs: Sequence[str]) -> list[InboxRow]:
        """Messages for these runs that have no verdict yet, in order of arrival."""
        ...

    def message(self, row: int) -> InboxRow | None:
        """One inbox row, with its verdict once there is one."""
        ...

    def verify(self, *, keys: Collection[str] = (), note: str = "") -> Verification:
        """Recompute every chain; compare the heads of ended runs, and what keys signed.

        ``keys``: fingerprints, one of which must have signed the end of every run. ``note``: a
        checkpoint kept elsewhere, which must still hold.
        """
        ...


class Clock(Protocol):
    """Time as the engine sees it."""

    def now(self) -> datetime:
        """Aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds, for latencies."""
        ...

    async def sleep_until(self, when: datetime) -> None:
        """Return once ``now() >= when``."""
        ...


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a model is asked. It holds what the agent may see, and nothing else.

    ``inputs`` and ``memory`` are JSON values; ``memory`` has the granted fields only. ``schema`` is
    the JSON Schema of the output; ``examples`` are ``{"text", "output"}``; ``key`` is stable across
    crash retries, and so is ``today``, the day the run started (UTC).
    """

    model: str
    agent: str
    role: str
    instructions: str
    capability: str
    description: str
    inputs: Mapping[str, Any]
    memory: Mapping[str, Any]
    schema: Mapping[str, Any]
    examples: tuple[Mapping[str, Any], ...] = ()
    max_output_tokens: int = 1024
    key: str = ""
    today: date | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """``output`` is a JSON value to be checked against the schema; ``note`` labels its source.

    ``cost`` in US dollars is what was spent; None asks the price list.
    """

    output: Any
    tokens_in: int
    tokens_out: int
    note: str = ""
    cost: Decimal | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


class Model(Protocol):
    """A model that answers. Raises AgentError with a plain message when it cannot."""

    async def ask(self, request: ModelRequest) -> ModelReply:
        """One request, one reply."""
        ...

    def count(self, request: ModelRequest) -> int:
        """An estimate of the request's tokens, before it is sent."""
        ...


class Prices(Protocol):
    """List prices."""

    def list_cost(self, priced_as: str, tokens_in: int, tokens_out: int) -> Decimal | None:
        """US dollars at list price for ``provider:model``; None when it is not in the list."""
        ...

    def spent(self, model: ModelSpec, tokens_in: int, tokens_out: int) -> Decimal | None:
        """US dollars that a call of this model costs; None when it is unpriced."""
        ...


class Suspended(BaseException):
    """Unwinds an agent's function while a question is open; it is run again once answered.

    Not an Exception, so that an agent's own ``except Exception`` does not swallow it.
    """


class ToolReply(dict[str, Any]):
    """A tool's output by field; ``arguments`` are those that were carried out, edits included."""

    def __init__(self, output: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
        super().__init__(output)
        self.arguments: dict[str, Any] = dict(arguments)


@dataclass(slots=True)
class Seat:
    """What a function agent is given for one execution: its memory, its key, the way to tools.

    ``tool`` must be awaited on the engine's loop. It raises Suspended while a question is open,
    PolicyDenied, BudgetError, or AgentError.
    """

    memory: MemoryView
    key: str
    tool: Callable[[str, Mapping[str, Any]], Awaitable[ToolReply]]
    progress: Callable[[str], None]


class Agents(Protocol):
    """Who performs: models by name, and the functions bound to python agents and tools."""

    def model(self, name: str) -> Model:
        """The model of that name in the mesh."""
        ...

    def unbound(self) -> frozenset[str]:
        """Python agents that no function is bound to."""
        ...

    def digests(self) -> dict[str, str]:
        """Digest of the code of every bound function, by ``agent:ID`` and ``tool:ID``."""
        ...

    async def function(self, agent: str, arguments: Mapping[str, Any], seat: Seat) -> Any:
        """Run an agent's function. Raises what the function raised as AgentError."""
        ...

    async def tool(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """Run a tool's function. Raises what the function raised as AgentError."""
        ...


class Approver(Protocol):
    """Answers questions without a person: a script."""

    def answer(self, question: ApprovalState) -> Answer | None:
        """An answer, or None to leave the question open."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The world of a run."""

    journal: Journal
    agents: Agents
    clock: Clock
    prices: Prices
    approver: Approver | None = None
