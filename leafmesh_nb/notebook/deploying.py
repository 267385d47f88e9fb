"""``%mesh deploy``: the mesh of this notebook as a service that outlives the kernel."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from leafmesh_nb.deploy import background, launch, release, services, trial
from leafmesh_nb.deploy.access import Access
from leafmesh_nb.deploy.background import Background
from leafmesh_nb.errors import MeshError
from leafmesh_nb.mesh.definition import Mesh
from leafmesh_nb.notebook.flags import Flags

if TYPE_CHECKING:
    from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["deploy_mesh"]

FOLDER = "releases"
"""Where releases are written: beside the journal."""


def deploy_mesh(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """Serve the mesh that was defined last, or stop serving it."""
    parser = Flags("%mesh deploy")
    parser.add_argument("--port", metavar="N", type=int, default=launch.PORT)
    parser.add_argument("--host", metavar="HOST", default=launch.HOST)
    parser.add_argument(
        "-o", metavar="NAME", dest="output", default="service", help="bind the service to this"
    )
    parser.add_argument("--stop", action="store_true", help="stop it: its runs go on later")
    given = parser.parse_args(parser.words(shlex.split, rest))
    if not given.output.isidentifier():
        raise UsageError(f"-o takes the name of a variable, not {given.output!r}")
    access = Access(bench.journal.location)
    try:
        if given.stop:
            _stop(bench.mesh(), access)
        else:
            _deploy(bench, access, given.host, given.port, given.output)
    finally:
        access.close()


def _deploy(bench: Workbench, access: Access, host: str, port: int, name: str) -> None:
    """Check, write the release, try it in a fresh process, and serve it from another."""
    mesh, journal = bench.mesh(), bench.journal.location
    _check(bench, mesh)
    built = release.written_by(mesh, Path(journal).parent / FOLDER)
    log = built.place.with_suffix(".log")
    running = services.running(access, mesh.name)
    if running is not None:
        if running.release != built.hash:
            raise services.AlreadyServed(running)
        bench.bind(name, background.attach(access, running, journal=journal, log=log))
        _say(
            f"{running}: that is the mesh as it is defined here; {name} is bound to it, with an "
            "operator's token of its own"
        )
        return
    trial.try_release(built)
    service = background.start(built.place, log, database=journal, host=host, port=port)
    bench.bind(name, service)
    _say(_told(service, name))


def _stop(mesh: Mesh, access: Access) -> None:
    running = services.running(access, mesh.name)
    if running is None:
        _say(f"mesh {mesh.name} is not served")
        return
    services.stop(access, running)
    _say(f"the service of {mesh.name} has stopped; runs under way go on at its next start")


def _check(bench: Workbench, mesh: Mesh) -> None:
    from leafmesh_nb.language import render_html, render_text

    try:
        found = launch.ready_to_ship(mesh)
    except MeshError as error:
        if not error.diagnostics:
            raise
        bench.show_html(render_html(error.diagnostics), render_text(error.diagnostics))
        raise MeshError(str(error).splitlines()[0], error.diagnostics) from None
    if found:
        bench.show_html(render_html(found), render_text(found))


def _told(service: Background, name: str) -> str:
    return "\n".join(
        (
            f"{service.mesh} is served at {service.url} (release {service.release[:12]}, process "
            f"{service.pid}); it goes on without this kernel",
            f"its operator's token is {name}.token: sign in with it, or send it as a bearer token. "
            "It is not shown, since a cell's output is saved",
            "stop it with %mesh deploy --stop: runs under way go on at the next start",
        )
    )


def _say(text: Any) -> None:
    print(text)  # noqa: T201  # a magic's face
