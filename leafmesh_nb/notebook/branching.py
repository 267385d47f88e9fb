"""``%mesh rewind`` and ``%mesh fork``: go back to before a step, in a new run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from leafmesh_nb.notebook.flags import Flags
from leafmesh_nb.notebook.words import split

if TYPE_CHECKING:
    from leafmesh_nb.mesh.run import Run
    from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["fork_run", "rewind_run"]


def _parser(verb: str) -> Flags:
    parser = Flags(f"%mesh {verb}")
    parser.add_argument("step", metavar="STEP")
    parser.add_argument("run", metavar="RUN", nargs="?", default="")
    parser.add_argument("-o", "--output", metavar="NAME")
    parser.add_argument("--step", action="store_true", dest="pause")
    return parser


def rewind_run(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """End the run, and go on from before a step in its place."""
    parser = _parser("rewind")
    given = parser.parse_args(parser.words(split, rest))
    run = bench.run(given.run)
    _tell(bench.name_run(given.output, lambda: run.rewind(given.step, pause=given.pause)))


def fork_run(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """Go on from before a step beside the run; ``field=EXPR`` changes its memory first."""
    parser = _parser("fork")
    words = parser.words(split, rest)
    fields = [word for word in words if "=" in word and not word.startswith("-")]
    given = parser.parse_args([word for word in words if word not in fields])
    memory = {}
    for word in fields:
        name, _, expression = word.partition("=")
        if not name.isidentifier():
            raise UsageError(f"{word!r} is no field; write field=EXPR, a text in quotes")
        memory[name] = bench.evaluate(expression, names)
    run = bench.run(given.run)
    _tell(
        bench.name_run(given.output, lambda: run.fork(given.step, memory=memory, pause=given.pause))
    )


def _tell(run: Run) -> None:
    for line in run.origin:
        print(line)  # noqa: T201  # a magic's face
