"""What one service serves: a mesh, a journal, a release. Handlers find it on ``app.state``."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request

from leafmesh_nb.deploy.access import Access, hashed
from leafmesh_nb.deploy.sign_ins import SignIns

if TYPE_CHECKING:
    from leafmesh_nb.deploy.shelf import Shelf
    from leafmesh_nb.journal.sqlite import SqliteJournal
    from leafmesh_nb.mesh.definition import Mesh

__all__ = ["Release", "ServiceContext", "Standing", "context_of"]


@dataclass(frozen=True, slots=True)
class Release:
    """What was deployed: ``hash`` is the SHA-256 of its files, ``when`` is aware, UTC."""

    name: str
    hash: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How the service stands, for whoever asks, and what it answered: (method, status) → count."""

    ready: threading.Event = field(default_factory=threading.Event)
    draining: threading.Event = field(default_factory=threading.Event)
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)


@dataclass(frozen=True)
class ServiceContext:
    """One service. ``started`` is aware, UTC; ``hosts`` are the names that it answers to, in lower
    case and without a port (None: to any)."""

    mesh: Mesh
    journal: SqliteJournal
    release: Release
    access: Access
    started: datetime
    hosts: frozenset[str] | None = None
    standing: Standing = field(default_factory=Standing)

    @cached_property
    def shelf(self) -> Shelf:
        """The runs of the mesh as they stand in the journal."""
        from leafmesh_nb.deploy.shelf import Shelf

        return Shelf(self.journal, self.mesh.name)

    @cached_property
    def cookie(self) -> str:
        """The name of its sessions' cookie. Browsers keep cookies by host, whatever the port: two
        services of one machine must not sign each other's people out."""
        return f"leafmesh_{self.mesh.name}_{hashed(str(self.access.path.resolve()))[:8]}"

    @cached_property
    def sign_ins(self) -> SignIns:
        """Records who proved who they are."""
        return SignIns(self.journal)


def context_of(request: Request) -> ServiceContext:
    """The service that a request came to."""
    context: ServiceContext = request.app.state.context
    return context
