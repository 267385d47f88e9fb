"""``%mesh export``: a run's spans and metrics, to a receiver or to the console."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from leafmesh_nb.mesh.exporting import export

if TYPE_CHECKING:
    from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["export_run"]


class _Parser(argparse.ArgumentParser):
    """A bad flag is a UsageError with the usage line."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message}\n{self.format_usage().strip()}")


def export_run(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """Export one run, the newest of this kernel where none is named, and say what went where."""
    parser = _Parser(prog="%mesh export", add_help=False, allow_abbrev=False)
    parser.add_argument("run", metavar="RUN", nargs="?", default="")
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        help="an OTLP/HTTP receiver; else OTEL_EXPORTER_OTLP_ENDPOINT, else the console",
    )
    try:
        given = parser.parse_args(shlex.split(rest))
    except ValueError as error:  # a quote that is never closed
        raise UsageError(f"{error}\n{parser.format_usage().strip()}") from None
    print(export(bench.run(given.run), endpoint=given.endpoint))  # noqa: T201  # a magic's face
