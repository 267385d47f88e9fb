"""``%mesh export``: a run's spans and metrics, to a receiver or to the console."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from leafmesh_nb.mesh.exporting import export
from leafmesh_nb.notebook.flags import Flags

if TYPE_CHECKING:
    from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["export_run"]


def export_run(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """Export one run, the newest of this kernel where none is named, and say what went where."""
    parser = Flags("%mesh export")
    parser.add_argument("run", metavar="RUN", nargs="?", default="")
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        help="an OTLP/HTTP receiver; else OTEL_EXPORTER_OTLP_ENDPOINT, else the console",
    )
    given = parser.parse_args(parser.words(shlex.split, rest))
    print(export(bench.run(given.run), endpoint=given.endpoint))  # noqa: T201  # a magic's face
