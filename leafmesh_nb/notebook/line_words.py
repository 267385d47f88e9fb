"""The words of a ``%mesh`` line: what each verb takes, for completion and for documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leafmesh_nb.notebook.mesh_cells import current_mesh

if TYPE_CHECKING:
    from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["ABOUT", "CELL_MAGICS", "AboutVerb", "Word", "line_words"]

Word = tuple[str, str]
"""A text and its kind."""


@dataclass(frozen=True, slots=True)
class AboutVerb:
    """A verb: its usage, what it does, an example. ``takes`` are its words in order: choices, or
    the kind of a name; ``flags`` map each flag to what it takes (empty for none)."""

    usage: str
    doc: str
    example: str = ""
    takes: tuple[str | tuple[str, ...], ...] = ()
    flags: Mapping[str, str] | None = None


_FRAMES = {
    "routing": "every candidate for each step with each factor's contribution",
    "decisions": "what each rule of each policy said, and the outcome",
    "memory": "every version of every field, and who wrote it",
    "costs": "what was reserved, spent, and what it would have cost elsewhere",
    "calls": "one row for each outbound request",
    "handoffs": "one row for each output of a step that another agent's step reads",
    "audit": "questions, answers and reveals: who, when, by which channel",
    "events": "everything that was recorded",
}

ABOUT: Mapping[str, AboutVerb] = {
    "status": AboutVerb("%mesh", "What is defined, what is running, what waits for you."),
    "new": AboutVerb(
        "%mesh new agent | policy | workflow",
        "A form that writes the YAML into the next cell.",
        "%mesh new agent",
        (("agent", "policy", "workflow"),),
    ),
    "show": AboutVerb(
        "%mesh show [--agent ID | --policy ID | --workflow ID]",
        "The one text that the cells make.",
        "%mesh show --agent clerk",
        flags={"--agent": "agents", "--policy": "policies", "--workflow": "workflows"},
    ),
    "--file": AboutVerb(
        "%mesh --file F [-o NAME]", "The mesh of a file.", "%mesh --file refunds.yaml"
    ),
    "check": AboutVerb("%mesh check", "The six-layer report on the current mesh."),
    "test": AboutVerb("%mesh test", "The policies' own tests, a row each."),
    "run": AboutVerb(
        "%mesh run WORKFLOW key=EXPR … [--step] [--input VAR] [-o NAME] [--journal PATH]",
        "Start a workflow. Values are Python expressions; texts are quoted.",
        '%mesh run refund ticket_id="7" ticket="I was charged twice" tier="gold"',
        ("workflow",),
        {"--step": "", "--input": "dict", "-o": "new", "--journal": "file"},
    ),
    "step": AboutVerb("%mesh step [RUN]", "Let a paused run take one step.", takes=("run",)),
    "resume": AboutVerb("%mesh resume [RUN]", "Let a run go on.", takes=("run",)),
    "pause": AboutVerb("%mesh pause [RUN]", "Stop a run before its next step.", takes=("run",)),
    "cancel": AboutVerb("%mesh cancel [RUN]", "End a run for good.", takes=("run",)),
    "rewind": AboutVerb(
        "%mesh rewind STEP [RUN]",
        "A new run that keeps what ended before a step, and takes it anew.",
        "%mesh rewind propose",
        ("step", "run"),
    ),
    "fork": AboutVerb(
        "%mesh fork STEP [RUN]",
        "A new run beside the old one, from a step on.",
        "%mesh fork propose",
        ("step", "run"),
    ),
    "approvals": AboutVerb("%mesh approvals", "Every open question, by run, also after a restart."),
    **{
        name: AboutVerb(f"%mesh {name} [RUN]", f"A DataFrame: {doc}.", takes=("run",))
        for name, doc in _FRAMES.items()
    },
    "chart": AboutVerb(
        "%mesh chart routing | costs | timeline [RUN]",
        "A chart of a run.",
        "%mesh chart timeline",
        (("routing", "costs", "timeline"), "run"),
    ),
    "whatif": AboutVerb(
        "%mesh whatif --policy FILE|VAR [--runs N]",
        "Decisions of past runs that other policies would change.",
        flags={"--policy": "file", "--runs": "new"},
    ),
    "explain": AboutVerb(
        "%mesh explain [CODE]",
        "What a diagnostic means, with a bad and a good example; every code without one.",
        "%mesh explain LM302",
        ("code",),
    ),
    "doctor": AboutVerb("%mesh doctor", "What works here, and what to do about the rest."),
    "verify": AboutVerb("%mesh verify", "Recompute every hash, or name the first bad event."),
    "export": AboutVerb(
        "%mesh export [RUN] [--endpoint URL]",
        "A run as JSON lines, or as telemetry to a receiver.",
        "%mesh export --endpoint http://127.0.0.1:4318",
        ("run",),
        {"--endpoint": "new"},
    ),
    "deploy": AboutVerb(
        "%mesh deploy [--port N] [--host HOST] [-o NAME] [--stop]",
        "The current mesh as a governed service.",
        "%mesh deploy --port 8080",
        flags={"--port": "new", "--host": "new", "-o": "new", "--stop": ""},
    ),
}

CELL_MAGICS: Mapping[str, AboutVerb] = {
    "mesh": AboutVerb(
        "%%mesh [-o NAME] [--file F]",
        "Define or update the mesh written below, bind it, and say what it holds.",
        "%%mesh -o refunds",
        flags={"-o": "new", "--output": "new", "--file": "file"},
    ),
    "agent": AboutVerb(
        "%%agent ID",
        "Add or change one agent of the current mesh: below goes what stands under its id.",
        "%%agent clerk",
        ("agents",),
    ),
    "policy": AboutVerb(
        "%%policy ID",
        "Add or change one policy of the current mesh: below goes what stands under its id.",
        "%%policy payouts",
        ("policies",),
    ),
    "workflow": AboutVerb(
        "%%workflow ID",
        "Add or change one workflow of the current mesh: below goes what stands under its id.",
        "%%workflow refund",
        ("workflows",),
    ),
}


def line_words(about: AboutVerb, rest: str, bench: Workbench | None) -> list[Word] | None:
    """What the last word of ``rest``, which follows a verb, may be; None where it is a file's name
    or an expression, which others complete."""
    words = rest.split(" ")
    done, last = [word for word in words[:-1] if word], words[-1]
    flags = about.flags or {}
    before = done[-1] if done else ""
    if flags.get(before):
        return _named(flags[before], bench)
    plain = [w for i, w in enumerate(done) if w not in flags and not flags.get(done[i - 1])]
    given = [flag for flag in done if flag in flags]
    found: list[Word] = []
    if not last.startswith("-") and len(plain) < len(about.takes):
        takes = about.takes[len(plain)]
        found += [(c, "value") for c in takes] if isinstance(takes, tuple) else (
            _named(takes, bench) or []
        )  # fmt: skip
    if about.takes == ("workflow",) and plain:
        inputs = _inputs(plain[0], plain[1:], last)
        if inputs is None:
            return None
        found += inputs
    return found + [(flag, "flag") for flag in flags if flag not in given]


def _named(kind: str, bench: Workbench | None) -> list[Word] | None:
    mesh = current_mesh()
    names: Iterable[str] = ()
    match kind:
        case "file":
            return None
        case "new":
            return []
        case "run":
            return _runs(bench)
        case "dict":
            own = bench.shell.user_ns if bench is not None else {}
            names = [n for n, value in own.items() if isinstance(value, dict) and n[0] != "_"]
            return [(name, "variable") for name in names]
        case "code":
            from leafmesh_nb.language.codes import CODES

            return [(code, "code") for code in CODES]
        case "step" if mesh is not None:
            flows = mesh.spec.workflows.values()
            names = dict.fromkeys(step for flow in flows for step in flow.steps)
        case "workflow" | "workflows" if mesh is not None:
            kind, names = "workflow", mesh.spec.workflows
        case "agents" if mesh is not None:
            kind, names = "agent", mesh.spec.agents
        case "policies" if mesh is not None:
            kind, names = "policy", mesh.spec.policies
    return [(name, kind) for name in names]


def _inputs(workflow: str, given: list[str], last: str) -> list[Word] | None:
    """``key=`` for each input that is not given yet; after ``key=`` the values of an enum."""
    mesh = current_mesh()
    flow = mesh.spec.workflows.get(workflow) if mesh is not None else None
    if flow is None:
        return []
    key, equals, _ = last.partition("=")
    if equals:
        type = flow.input.field(key)
        return [(f'{key}="{v}"', "value") for v in type.values] if type and type.values else None
    said = {word.partition("=")[0] for word in given}
    return [(f"{name}=", "input") for name in flow.input.names() if name not in said]


def _runs(bench: Workbench | None) -> list[Word]:
    """Names given by -o, then ids: of this kernel's runs, and of the newest in the journal."""
    if bench is None:
        return []
    found = dict.fromkeys([*bench.names, *(run.id for run in reversed(bench.started))], "run")
    journal = bench.journal
    if Path(journal.location).exists():  # to look must not make one
        found |= dict.fromkeys([row.id for row in journal.runs()[:_MOST_RUNS]], "run")
    return list(found.items())


_MOST_RUNS = 30
