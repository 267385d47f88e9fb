"""What one service serves: a mesh, a journal, a release. Handlers find it on ``app.state``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.requests import Request

if TYPE_CHECKING:
    from leafmesh_nb.deploy.access import Access
    from leafmesh_nb.journal.sqlite import SqliteJournal
    from leafmesh_nb.mesh.definition import Mesh

__all__ = ["Release", "ServiceContext", "context_of"]


@dataclass(frozen=True, slots=True)
class Release:
    """What was deployed: ``hash`` is the SHA-256 of its files, ``when`` is aware, UTC."""

    name: str
    hash: str
    when: datetime


@dataclass(frozen=True)
class ServiceContext:
    """One service. ``started`` is aware, UTC."""

    mesh: Mesh
    journal: SqliteJournal
    release: Release
    access: Access
    started: datetime


def context_of(request: Request) -> ServiceContext:
    """The service that a request came to."""
    context: ServiceContext = request.app.state.context
    return context
