"""``run``, ``runs``, ``show``, ``resume``, ``approvals``, ``answer``: runs and their questions."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leafmesh_nb.cli.files import UnreadableError, import_from, readable
from leafmesh_nb.cli.output import complain, print_json
from leafmesh_nb.cli.tables import moment, table
from leafmesh_nb.cli.verb import add_format, add_journal, add_verb
from leafmesh_nb.errors import ApprovalError, RunError

if TYPE_CHECKING:
    from leafmesh_nb.cli.verb import Verbs
    from leafmesh_nb.language.spec import Workflow
    from leafmesh_nb.mesh import Approval, Run

__all__ = ["add_to"]

RUN = """  leafmesh-nb run refunds.yaml refund --input ticket_id=7 \\
      --input ticket="Please refund the 20.00 you charged me twice"
  leafmesh-nb run refunds.yaml refund --input-file ticket.json --answers deny

A question is asked on the terminal. Without one the run stays open, exit code 1: see approvals."""

ANSWER = """  leafmesh-nb answer q3f2a approve --by lead --note "seen the invoice"
  leafmesh-nb answer q3f2a edit --by lead --value '{"ticket_id": "7", "amount": "50.00"}'"""

ANSWERS = ("approve", "reject", "edit", "escalate")


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    run = add_verb(verbs, "run", _run, "run a workflow of a mesh", RUN)
    run.add_argument("file", metavar="FILE", type=Path)
    run.add_argument("workflow", metavar="WORKFLOW")
    run.add_argument("--input", metavar="key=value", action="append", default=[])
    run.add_argument("--input-file", metavar="F.json", type=Path, help="a JSON object of inputs")
    _add_answers(run)
    add_journal(run)
    add_format(run)

    runs = add_verb(verbs, "runs", _runs, "list the runs of a journal, newest first")
    add_journal(runs)
    add_format(runs)

    show = add_verb(verbs, "show", _show, "show a run", "  leafmesh-nb show 3f2a")
    _add_run(show)
    add_journal(show)
    add_format(show)

    resume = add_verb(
        verbs,
        "resume",
        _resume,
        "go on with a run, also after its process died",
        "  leafmesh-nb resume 3f2a\n  leafmesh-nb resume 3f2a --mesh refunds/refunds.yaml",
    )
    _add_run(resume)
    _add_mesh(resume)
    _add_answers(resume)
    add_journal(resume)
    add_format(resume)

    approvals = add_verb(verbs, "approvals", _approvals, "list the questions that are open")
    add_journal(approvals)
    add_format(approvals)

    answer = add_verb(verbs, "answer", _answer, "answer a question", ANSWER)
    answer.add_argument("id", metavar="ID", help="a question's id or its beginning")
    answer.add_argument("answer", choices=ANSWERS)
    answer.add_argument("--by", metavar="WHO", required=True, help="who answers")
    answer.add_argument("--note", metavar="TEXT", default="")
    answer.add_argument("--value", metavar="JSON", help="what is to happen instead, for edit")
    _add_mesh(answer)
    add_journal(answer)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="an id or its beginning")


def _add_mesh(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mesh",
        metavar="FILE",
        type=Path,
        help="the mesh's file, beside which its functions are found (default: here)",
    )


def _add_answers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--answers", metavar="deny|FILE", help="answer questions by a script in place of people"
    )


def _run(given: argparse.Namespace) -> int:
    from leafmesh_nb.mesh import Mesh

    text = readable(given.file)
    import_from(given.file.parent)
    mesh = Mesh.from_yaml(text, source=str(given.file))
    flow = mesh.spec.workflows.get(given.workflow)
    inputs = {} if given.input_file is None else _input_file(given.input_file)
    inputs.update(_input(word, flow) for word in given.input)
    _script(given.answers)
    run = mesh.start(given.workflow, journal=given.journal, input=inputs)
    return _follow(run, given, given.file)


def _input_file(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(readable(file))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{file} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise UnreadableError(f"{file} must hold a JSON object of inputs")
    return found


def _input(word: str, flow: Workflow | None) -> tuple[str, Any]:
    """A value is text where the workflow takes text; elsewhere JSON, or text where it is none."""
    name, equals, text = word.partition("=")
    if not equals or not name:
        raise UnreadableError(f"--input {word}: write key=value")
    type = flow.input.field(name) if flow is not None else None
    if type is not None and type.kind in ("string", "enum") and not type.nullable:
        return name, text
    try:
        return name, json.loads(text)
    except (ValueError, RecursionError):
        return name, text


def _script(answers: str | None) -> None:
    if answers is not None:
        os.environ["LEAFMESH_ANSWERS"] = answers


def _follow(run: Run, given: argparse.Namespace, mesh: Path | None, since: int = 0) -> int:
    """Wait for a run, telling its story after event ``since`` as it goes; 0 when it is done."""
    import threading

    from leafmesh_nb.observe.audit import stories

    json_asked = getattr(given, "format", "text") == "json"
    told = threading.Lock()
    seen = since

    def tell(*_: Any) -> None:
        nonlocal seen
        with told:
            events = run.recorded()
            for event, who, story in list(stories(events, run.masker))[seen:]:
                seen += 1
                by = f" ({who})" if who and who not in story else ""
                print(f"{event.ts.astimezone():%H:%M:%S}  {story}{by}", file=sys.stderr)

    stop = run.subscribe(tell)
    tell()
    try:
        run.result()
    except RunError as error:
        tell()
        complain(_advice(run, error, _flags(given, mesh)))
        if json_asked:
            print_json(given, _seen(run))
        return 1
    except KeyboardInterrupt:
        again = f"leafmesh-nb resume {run.id}{_flags(given, mesh)}"
        print(f"stopped; go on with: {again}", file=sys.stderr)
        raise
    finally:
        stop()
    tell()
    if json_asked:
        print_json(given, _seen(run))
    else:
        print(_text(run))
    return 0


def _flags(given: argparse.Namespace, mesh: Path | None) -> str:
    """The flags with which another verb, from this folder, finds the same journal and mesh."""
    words = [] if given.journal is None else ["--journal", given.journal]
    if mesh is not None and mesh.parent.resolve() != Path.cwd():
        words += ["--mesh", str(mesh)]
    return "".join(f" {shlex.quote(word)}" for word in words)


def _advice(run: Run, error: RunError, flags: str) -> str:
    if error.cause != "NobodyHere":
        return str(error)
    asked = [
        f"  leafmesh-nb answer {question.id} {answer} --by {shlex.quote(question.roster[0])}{flags}"
        for question in run.approvals()
        if question.roster
        for answer in ("approve", "reject")
    ]
    reason = "; ".join(f"{', '.join(q.roster)}: {q.reason}" for q in run.approvals())
    return "\n".join([f"run {run.id} waits for {run.masker.text(reason)}", *asked])


def _text(run: Run) -> str:
    text: str = run._repr_mimebundle_()["text/plain"]
    return text


def _runs(given: argparse.Namespace) -> int:
    from leafmesh_nb.mesh.run import live_owner
    from leafmesh_nb.mesh.settings import journal_at

    rows = journal_at(given.journal).runs()
    # Not lm.runs(): a list of names is no reason to load pandas.
    listed = [
        {
            "run": row.id,
            "mesh": row.mesh,
            "workflow": row.workflow,
            "created": row.created.isoformat(),
            "requester": row.requester,
            "status": row.status,
            "ended": None if row.ended is None else row.ended.isoformat(),
            "interrupted": row.ended is None and live_owner(row) is None,
        }
        for row in rows
    ]
    if given.format == "json":
        print_json(given, listed)
    elif not rows:
        print("no runs yet")
    else:
        names = ("run", "mesh", "workflow", "created", "requester", "status")
        for entry, row in zip(listed, rows, strict=True):
            entry["created"] = moment(row.created)
            entry["status"] = f"{row.status}{', interrupted' if entry['interrupted'] else ''}"
        print(table(names, [[str(entry[name]) for name in names] for entry in listed]))
    return 0


def _show(given: argparse.Namespace) -> int:
    run = _found(given)
    if given.format == "json":
        print_json(given, _seen(run))
    else:
        print(_text(run))
    return 0


def _found(given: argparse.Namespace) -> Run:
    from leafmesh_nb.mesh import registry
    from leafmesh_nb.mesh.settings import journal_at

    return registry.find(given.run, journal_at(given.journal))


def _seen(run: Run) -> dict[str, Any]:
    """A run for a script; masked as everywhere."""
    card = run.card()
    steps = [card["steps"][name] for name in card["order"]]
    return {
        "id": run.id,
        "mesh": run.spec.mesh,
        "workflow": run.workflow,
        "status": run.status,
        "requester": run.requester,
        "output": _masked_output(run),
        "error": run.error,
        "steps": [
            {name: step[name] for name in ("id", "status", "agent", "model", "spent")}
            for step in steps
        ],
        "spent": card["spent"],
        "list_price": card["list_price"],
        "tokens": card["tokens"],
        "questions": [_question(question) for question in run.approvals()],
    }


def _masked_output(run: Run) -> Any:
    from leafmesh_nb.language.to_json import dump_any

    return None if run.output is None else run.masker.value(dump_any(dict(run.output)))


def _question(question: Approval) -> dict[str, Any]:
    mask = question.run.masker
    return {
        "id": question.id,
        "run": question.run.id,
        "step": question.step,
        "subject": question.subject,
        "value": mask.value(question.value),
        "reason": mask.text(question.reason),
        "policy": question.policy,
        "rule": question.rule,
        "to": question.to,
        "roster": list(question.roster),
        "due": None if question.due is None else question.due.isoformat(),
        "options": list(question.options),
    }


def _resume(given: argparse.Namespace) -> int:
    from leafmesh_nb.mesh import resume

    _functions(given)
    _script(given.answers)
    found = _found(given)
    since = len(found.recorded())
    run = resume(found.id, journal=given.journal)
    return _follow(run, given, given.mesh, since)


def _functions(given: argparse.Namespace) -> None:
    """Make the functions of the mesh importable; a mesh that is given is defined here as well."""
    import_from(Path() if given.mesh is None else given.mesh.parent)
    if given.mesh is not None:
        from leafmesh_nb.mesh import Mesh

        Mesh.from_yaml(readable(given.mesh), source=str(given.mesh))


def _approvals(given: argparse.Namespace) -> int:
    from leafmesh_nb.mesh import approvals

    questions = approvals(given.journal)
    if given.format == "json":
        print_json(given, [_question(question) for question in questions])
    elif not questions:
        print("no question is open")
    else:
        print(
            table(
                ("id", "run", "asks", "until", "for", "why"),
                [
                    (
                        question.id,
                        question.run.id,
                        ", ".join(question.roster),
                        moment(question.due),
                        question.subject,
                        question.run.masker.text(question.reason),
                    )
                    for question in questions
                ],
            )
        )
    return 0


def _answer(given: argparse.Namespace) -> int:
    from leafmesh_nb.mesh import approvals

    if not given.id.strip():  # such as an unset variable: every id begins with it
        raise UnreadableError("ID is empty: name the question, as leafmesh-nb approvals lists it")
    if (given.answer == "edit") != (given.value is not None):
        raise UnreadableError("edit needs --value JSON, and no other answer takes one")
    value = None if given.value is None else _value(given.value)
    questions = approvals(given.journal)
    found = [question for question in questions if question.id.startswith(given.id)]
    exact = [question for question in found if question.id == given.id] or found
    if len(exact) != 1:
        known = ", ".join(question.id for question in exact or questions) or "none is open"
        many = "several questions begin" if exact else "no open question begins"
        raise ApprovalError(f"{many} with {given.id!r}: {known}")
    (question,) = exact
    _functions(given)
    run = question.run
    since = len(run.recorded())
    run.answer(
        question.id, given.answer, person=given.by, channel="shell", note=given.note, value=value
    )
    print(f"{given.answer}: run {run.id}, step {question.step}, by {given.by}")
    if run.owned_here:  # nobody drove it, so it goes on in this process
        return _follow(run, given, given.mesh, since)
    return 0


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"--value is no JSON: {error}") from None
