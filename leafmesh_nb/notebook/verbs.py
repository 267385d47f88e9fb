"""The verbs of ``%mesh``: each takes the workbench, the rest of the line, and the local names."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError

from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.mesh import registry
from leafmesh_nb.notebook.branching import fork_run, rewind_run
from leafmesh_nb.notebook.checking import show_check
from leafmesh_nb.notebook.creating import show_form
from leafmesh_nb.notebook.defining import define
from leafmesh_nb.notebook.explaining import show_page
from leafmesh_nb.notebook.exporting import export_run
from leafmesh_nb.notebook.flags import Flags
from leafmesh_nb.notebook.overlays import show_mesh
from leafmesh_nb.notebook.words import split
from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["VERBS", "unknown"]

FRAMES = ("routing", "decisions", "memory", "costs", "calls", "handoffs", "audit", "events")
CHARTS = ("routing", "costs", "timeline")
LATER = ("whatif",)

Names = dict[str, Any]
Verb = Callable[[Workbench, str, Names], Any]


def unknown(verb: str) -> str:
    """What to say to a verb that is none."""
    if verb in LATER:
        return f"%mesh {verb} is not available yet in this version"
    meant = suggest(verb, VERBS)
    hint = f" Did you mean %mesh {meant}?" if meant else ""
    return f"%mesh has no verb {verb!r}.{hint} There are: {', '.join(filter(str.isalpha, VERBS))}"


def _status(bench: Workbench, rest: str, names: Names) -> None:
    from leafmesh_nb.notebook.overview import status_html, status_text

    _nothing(rest, "%mesh")
    mesh = registry.defined()
    runs, notes = registry.open_runs(bench.journal)
    bench.show_html(status_html(mesh, runs, notes), status_text(mesh, runs, notes))


def _run_parser() -> Flags:
    parser = Flags("%%mesh run")  # intermixed words have argparse format the usage twice
    parser.add_argument("workflow", metavar="WORKFLOW")
    parser.add_argument("inputs", metavar="key=EXPR", nargs="*")
    parser.add_argument("--step", action="store_true", help="stop before the first step")
    parser.add_argument("--input", metavar="VAR", help="a dict of inputs")
    parser.add_argument("-o", metavar="NAME", dest="output", help="bind the run to this variable")
    parser.add_argument("--journal", metavar="PATH")
    return parser


def _run(bench: Workbench, rest: str, names: Names) -> None:
    parser = _run_parser()
    given = parser.parse_intermixed_args(parser.words(split, rest))
    inputs: dict[str, Any] = {}
    if given.input:
        more = bench.evaluate(given.input, names)
        if not isinstance(more, dict):
            raise UsageError(f"--input {given.input} is a {type(more).__name__}, not a dict")
        inputs.update(more)
    for word in given.inputs:
        key, equals, expression = word.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(
                f"{word!r} is no input; write key=EXPR, a text in quotes\n"
                f"{parser.format_usage().strip()}"
            )
        inputs[key] = bench.evaluate(expression, names)
    bench.name_run(
        given.output,
        lambda: bench.mesh().start(
            given.workflow,
            step=given.step,
            journal=given.journal.strip("'\"") if given.journal else None,
            input=inputs,
        ),
    )


def _step(bench: Workbench, rest: str, names: Names) -> None:
    run = bench.steered(rest, "step", ("paused",))
    run.step()
    _say(f"run {run.id}: one step; it is {run.status}")


def _resume(bench: Workbench, rest: str, names: Names) -> None:
    run = bench.steered(rest, "resume", ("paused", "running", "waiting"))
    shown = run in bench.started
    run = registry.resume(run.id, journal=bench.journal.location)
    if not shown:
        bench.started.append(run)
        bench.show_live(run)
    _say(f"run {run.id} goes on; it is {run.status}")


def _pause(bench: Workbench, rest: str, names: Names) -> None:
    run = bench.steered(rest, "pause", ("running", "waiting"))
    run.pause()
    _say(f"run {run.id} is {run.status}")


def _cancel(bench: Workbench, rest: str, names: Names) -> None:
    run = bench.steered(rest, "cancel", ("running", "waiting", "paused"))
    run.cancel()
    _say(f"run {run.id} is {run.status}")


def _approvals(bench: Workbench, rest: str, names: Names) -> None:
    from leafmesh_nb.notebook.overview import questions_text

    _nothing(rest, "%mesh approvals")
    found, notes = registry.open_runs(bench.journal)
    runs = [run for run in reversed(found) if run.status == "waiting"]
    for note in notes:
        _say(note)
    if not runs:
        _say("no question is open")
        return
    if getattr(bench.shell, "kernel", None) is None:
        _say(questions_text(runs))
        return
    for run in runs:
        bench.show_live(run)


def _frame(name: str) -> Verb:
    def show(bench: Workbench, rest: str, names: Names) -> Any:
        import pandas as pd

        # Amounts such as $5 and $9 in one table would be typeset as a formula between them.
        pd.set_option("display.html.use_mathjax", False)
        frame = getattr(bench.run(rest), name)()
        as_of = frame.attrs.get("caption")
        if as_of:
            _say(as_of)
        return frame

    return show


def _chart(bench: Workbench, rest: str, names: Names) -> None:
    words = rest.split()
    if not words or words[0] not in CHARTS or len(words) > 2:
        raise UsageError(f"usage: %mesh chart {' | '.join(CHARTS)} [RUN]")
    from leafmesh_nb.notebook.figures import show_figure

    run = bench.run(words[1] if len(words) == 2 else "")
    show_figure(run.chart(words[0], theme=bench.magics.theme))


def _test(bench: Workbench, rest: str, names: Names) -> Any:
    """The policies' own tests, a row each."""
    import pandas as pd

    _nothing(rest, "%mesh test")
    trials = bench.mesh().test()
    if not trials:
        _say("no policy has tests: write them beside its rules, under tests:")
        return None
    return pd.DataFrame([{**dataclasses.asdict(t), "passed": t.passed} for t in trials])


def _load(bench: Workbench, rest: str, names: Names) -> None:
    """``%mesh --file F``: the mesh of a file becomes the current one."""
    parser = Flags("%mesh")
    parser.add_argument("--file", metavar="F", required=True)
    parser.add_argument("-o", metavar="NAME", dest="output", default="mesh")
    given = parser.parse_args(parser.words(shlex.split, f"--file {rest}"))
    define(bench, "", given.output, given.file, names)


def _verify(bench: Workbench, rest: str, names: Names) -> None:
    from leafmesh_nb.notebook.overview import verification_html, verification_text

    _nothing(rest, "%mesh verify")
    found = bench.journal.verify()
    bench.show_html(verification_html(found), verification_text(found))


def _deploy(bench: Workbench, rest: str, names: Names) -> None:
    from leafmesh_nb.notebook.deploying import deploy_mesh  # HTTP, for this verb only

    deploy_mesh(bench, rest, names)


def _doctor(bench: Workbench, rest: str, names: Names) -> None:
    from leafmesh_nb.notebook.doctor import show_doctor  # sockets and files, for this verb only

    show_doctor(bench, rest, names)


def _nothing(rest: str, verb: str) -> None:
    if rest.strip():
        raise UsageError(f"{verb} takes nothing more, not {rest.strip()!r}")


def _say(text: str) -> None:
    print(text)  # noqa: T201  # a magic's face


VERBS: dict[str, Verb] = {
    "status": _status,
    "--file": _load,
    "show": show_mesh,
    "new": show_form,
    "doctor": _doctor,
    "run": _run,
    "step": _step,
    "resume": _resume,
    "pause": _pause,
    "cancel": _cancel,
    "rewind": rewind_run,
    "fork": fork_run,
    "approvals": _approvals,
    **{name: _frame(name) for name in FRAMES},
    "chart": _chart,
    "check": show_check,
    "explain": show_page,
    "test": _test,
    "verify": _verify,
    "export": export_run,
    "deploy": _deploy,
}
