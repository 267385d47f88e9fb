"""From a mesh file to a running service, and what goes with it: tokens for its reviewers.

``deploy`` is the whole way in this process, and returns when the service was stopped:

    check · what is bound · the port · the release, recorded · the operator's token · serve
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import socket
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from leafmesh_nb.deploy import release, services, tokens
from leafmesh_nb.deploy.access import Access
from leafmesh_nb.deploy.records import record
from leafmesh_nb.engine.events import ReleaseRecorded
from leafmesh_nb.errors import LeafmeshError, MeshError
from leafmesh_nb.journal import open_journal
from leafmesh_nb.language import Diagnostic, render_text
from leafmesh_nb.mesh.binding import how_to_bind
from leafmesh_nb.mesh.definition import Mesh
from leafmesh_nb.mesh.person import this_person
from leafmesh_nb.observe import telemetry

__all__ = [
    "HOST",
    "PORT",
    "Announcement",
    "create_token",
    "deploy",
    "ready_to_ship",
    "revoke_tokens",
]

HOST = "127.0.0.1"
PORT = 8420
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Announcement:
    """A service that is about to answer. ``token`` is the operator's, and shown only here."""

    mesh: str
    url: str
    token: str
    release: str
    journal: str
    pid: int
    warnings: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<service of {self.mesh} at {self.url}, release {self.release[:12]}>"

    def __str__(self) -> str:
        found = render_text(self.warnings) if self.warnings else ""
        lines = [
            *([found] if found else []),
            f"release  {self.release[:12]} of {self.mesh}, recorded in {self.journal}",
            f"url      {self.url}",
            f"token    {self.token}",
            "         the operator's: sign in with it, or send it as a bearer token. It is shown",
            "         only now; leafmesh-nb token create PERSON makes one for a reviewer.",
            f"stop     Ctrl-C, or kill {self.pid}: runs under way go on at the next start",
            *(f"note     {note}" for note in self.notes),
        ]
        return "\n".join(lines)


def deploy(
    place: str | os.PathLike[str],
    *,
    database: str | os.PathLike[str] | None = None,
    host: str = HOST,
    port: int = PORT,
    allow_hosts: Collection[str] = (),
    announce: Callable[[Announcement], None] | None = None,
) -> None:
    """Check a mesh file (or a folder that ``%mesh deploy`` wrote), record the release, and serve
    it until SIGTERM or Ctrl-C. ``database`` is the journal, as everywhere; port 0 is any free one.

    On this machine's own address it answers to this machine's names and to ``allow_hosts`` only;
    on any other address to every name, unless ``allow_hosts`` are given.

    ``announce`` is called once, before the service answers; the default writes to standard output.
    Raises MeshError with ``.diagnostics`` where the check is red or functions are missing,
    AlreadyServed where this mesh is served already, LeafmeshError for a port in use.
    """
    _require_packages()
    built = release.at(place)
    warnings = ready_to_ship(built.mesh)
    from leafmesh_nb.deploy.context import Release, ServiceContext
    from leafmesh_nb.deploy.server import serve

    with contextlib.ExitStack() as at_the_end:
        journal = open_journal(database)
        at_the_end.callback(journal.close)
        access = Access(journal.location)
        at_the_end.callback(access.close)
        running = services.running(access, built.mesh.name)
        if running is not None:
            raise services.AlreadyServed(running)
        listener = at_the_end.enter_context(_listen(host, port))
        url = _url(host, listener.getsockname()[1])
        pump = telemetry.pump(journal)
        people = tuple(built.mesh.spec.people)
        served = services.register(access, built.mesh.name, built.hash, people, url)
        at_the_end.callback(services.unregister, access, served)
        event = record(journal, _recorded(built))
        told = Announcement(
            mesh=built.mesh.name,
            url=url,
            token=tokens.create(access, built.mesh.name, this_person(), operator=True),
            release=built.hash,
            journal=journal.location,
            pid=os.getpid(),
            warnings=warnings,
            notes=tuple(_noted(host, journal.notice)),
        )
        (announce or _say)(told)
        deployed = Release(built.mesh.name, built.hash, event.ts)
        context = ServiceContext(
            built.mesh,
            journal,
            deployed,
            access,
            datetime.now(UTC),
            hosts=names(host, allow_hosts),
        )
        serve(context, listener, pump=pump)


def names(host: str, allowed: Collection[str]) -> frozenset[str] | None:
    names = {name.lower() for name in allowed}
    if host.lower() in LOOPBACK:
        return frozenset({*names, *LOOPBACK, "[::1]"})
    return frozenset({*names, host.lower()}) if names else None


def _recorded(built: release.Built) -> ReleaseRecorded:
    return ReleaseRecorded(
        mesh=built.mesh.name,
        release=built.hash,
        spec_hash=built.mesh.spec.hash,
        files=dict(built.files),
        by=this_person(),
    )


def ready_to_ship(mesh: Mesh) -> tuple[Diagnostic, ...]:
    """The warnings of a mesh that may be deployed. Raises MeshError with every finding else."""
    missing = mesh.agents().missing()
    if missing:
        names = ", ".join(owner.replace(":", " ") for owner in missing)
        raise MeshError(
            f"mesh {mesh.name} cannot be deployed: nothing is bound to {names}. Name a function in "
            'the mesh as python: "module:function", with the module beside the mesh file; in a '
            f"notebook bind it with {how_to_bind(missing)} and use %mesh deploy"
        )
    report = mesh.check(release=True)
    errors = tuple(d for d in report.diagnostics if d.severity == "error")
    if not report.ok or errors:
        count = f"{len(errors)} error{'s' if len(errors) != 1 else ''}"
        raise MeshError(
            f"mesh {mesh.name} cannot be deployed: its check found {count}\n{render_text(errors)}",
            report.diagnostics,
        )
    return tuple(report.diagnostics)


def create_token(
    person: str, *, database: str | os.PathLike[str] | None = None, mesh: str | None = None
) -> str:
    """A new token for a person whom a deployed mesh may ask; the service takes it at once.

    ``mesh`` is needed where several meshes that know this person were deployed with one journal.
    Raises LeafmeshError for anybody else.
    """
    access = Access(open_journal(database).location)
    try:
        return tokens.create(access, _mesh_of(access, person, mesh), person)
    finally:
        access.close()


def revoke_tokens(
    person: str, *, database: str | os.PathLike[str] | None = None, mesh: str | None = None
) -> int:
    """Take back every token of a reviewer, at once, and their sessions; returns how many there
    were. Raises LeafmeshError as ``create_token``."""
    access = Access(open_journal(database).location)
    try:
        return tokens.revoke(access, _mesh_of(access, person, mesh), person)
    finally:
        access.close()


def _mesh_of(access: Access, person: str, mesh: str | None) -> str:
    found = services.known(access) if access.path.exists() else []
    if not found:
        raise LeafmeshError(
            f"nothing was deployed yet that keeps its tokens in {access.path}: deploy a mesh "
            "first, or name its journal with --database FILE"
        )
    if mesh is not None and all(served.mesh != mesh for served in found):
        names = ", ".join(served.mesh for served in found)
        raise LeafmeshError(f"no mesh {mesh!r} was deployed here; there is {names}")
    asked = [s for s in found if person in s.people and mesh in (None, s.mesh)]
    if not asked:
        people = ", ".join(dict.fromkeys(p for s in found for p in s.people)) or "nobody"
        raise LeafmeshError(
            f"no mesh that was deployed here asks {person!r}; they ask {people}. People are "
            "declared in the mesh under people:"
        )
    if len(asked) > 1:
        names = ", ".join(served.mesh for served in asked)
        raise LeafmeshError(f"several meshes ask {person}: {names}; say which with --mesh NAME")
    return asked[0].mesh


def _require_packages() -> None:
    for name in ("jinja2", "starlette", "uvicorn"):
        if importlib.util.find_spec(name) is None:
            raise LeafmeshError(
                f"deploying needs the package {name}: pip install 'leafmesh-nb[deploy]'"
            )


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise LeafmeshError(f"{port} is no port; ports go from 0 (any free one) to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        remedy = "name another with --port N, or --port 0 for any free one"
        if error.errno == errno.EADDRINUSE:
            said = f"port {port} on {host} is in use by another program; {remedy}"
        elif error.errno in (errno.EACCES, errno.EPERM):
            said = f"port {port} on {host} may not be used by this user; {remedy}"
        else:
            said = f"{host}:{port} cannot be listened on: {error.strerror or error}; {remedy}"
        raise LeafmeshError(said) from None


def _url(host: str, port: int) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"


def _noted(host: str, notice: str) -> list[str]:
    notes = [notice] if notice else []
    if host not in (HOST, "localhost", "::1"):
        notes.append(
            f"{host} is reached from other machines, and HTTP can be read on the way: put a proxy "
            "with TLS in front"
        )
    if os.environ.pop("LEAFMESH_ANSWERS", None):
        notes.append("LEAFMESH_ANSWERS is ignored: people answer what a service asks")
    return notes


def _say(told: Announcement) -> None:
    sys.stdout.write(f"{told}\n")
    sys.stdout.flush()
