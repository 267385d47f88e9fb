"""``verify`` and ``export``: is the journal what was written, and who else gets to see it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from leafmesh_nb.cli.files import UnreadableError, readable, written
from leafmesh_nb.cli.output import print_json
from leafmesh_nb.cli.tables import count
from leafmesh_nb.cli.verb import add_format, add_journal, add_verb
from leafmesh_nb.errors import JournalError, LeafmeshError

if TYPE_CHECKING:
    from leafmesh_nb.cli.verb import Verbs
    from leafmesh_nb.engine.ports import Verification

__all__ = ["add_to"]

VERIFY = """  leafmesh-nb verify
  leafmesh-nb verify .leafmesh/journal.db --save /mnt/safe/checkpoint.txt
  leafmesh-nb verify .leafmesh/journal.db --against /mnt/safe/checkpoint.txt

A checkpoint signed by this machine's own key does not prove that its user wrote nothing anew:
who holds the key can sign again. One that was saved where they cannot write does."""

EXPORT = """  leafmesh-nb export 3f2a --format jsonl > run.jsonl
  leafmesh-nb export 3f2a --format otlp --endpoint http://127.0.0.1:4318"""


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    verify = add_verb(verbs, "verify", _verify, "recompute the chains of a journal", VERIFY)
    verify.add_argument("journal", metavar="JOURNAL", nargs="?")
    verify.add_argument(
        "--key",
        metavar="SHA256:...",
        action="append",
        type=_fingerprint,
        default=[],
        help="a fingerprint that must have signed the end of every run; may be repeated",
    )
    verify.add_argument(
        "--save", metavar="FILE", type=Path, help="write the newest checkpoint, to keep elsewhere"
    )
    verify.add_argument(
        "--against", metavar="FILE", type=Path, help="a checkpoint that was saved before"
    )
    add_format(verify)

    export = add_verb(verbs, "export", _export, "export a run as JSON lines or telemetry", EXPORT)
    export.add_argument("run", metavar="RUN", nargs="?", help="an id or its beginning; else all")
    export.add_argument("--format", choices=("jsonl", "otlp", "console"))
    export.add_argument("--endpoint", metavar="URL", help="an OTLP/HTTP receiver")
    export.add_argument("--out", metavar="FILE", type=Path, help="default: standard output")
    add_journal(export)


def _verify(given: argparse.Namespace) -> int:
    from leafmesh_nb.mesh import verify

    if given.journal is not None and not Path(given.journal).exists():
        raise UnreadableError(f"{given.journal}: no such journal")
    notes = {} if given.against is None else {given.against: _note(given.against)}
    if given.save is not None and given.save.exists():
        # What was saved before is the only witness against a journal that was cut back since.
        notes[given.save] = _note(given.save)
    found = verify(given.journal, key=given.key, note=next(iter(notes.values()), ""))
    for note in list(notes.values())[1:]:
        if found.ok:
            found = verify(given.journal, key=given.key, note=note)
    if given.format == "json":
        _print_json(given, found)
    else:
        _print_text(found)
        for file in notes if found.ok else ():
            print(f"against   {file}: the journal still holds all that this checkpoint says")
    if found.ok and given.save is not None:
        if not found.note:
            raise LeafmeshError("there is no checkpoint to save: no run has ended under a key")
        written(given.save, found.note)
        if given.format == "text":
            print(f"saved     {given.save}: keep it where the journal's users cannot write")
    return 0 if found.ok else 1


def _fingerprint(text: str) -> str:
    from leafmesh_nb.journal.signing import as_fingerprint

    try:
        return as_fingerprint(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _note(file: Path) -> str:
    from leafmesh_nb.journal.checkpoints import from_note

    text = readable(file)
    try:
        from_note(text)
    except JournalError as error:
        raise UnreadableError(f"{file}: {error}") from None
    return text


def _print_text(found: Verification) -> None:
    from leafmesh_nb.mesh.signatures import signed_by

    print(f"journal   {found.journal}")
    print(f"checked   {count(found.runs, 'run')}, {count(found.events, 'event')}")
    if found.ok:
        print(f"verified  head {found.head}")
        print(f"signed    {signed_by(found)}")
    else:
        print(f"BROKEN    {found.bad}: {found.reason}")


def _print_json(given: argparse.Namespace, found: Verification) -> None:
    names = (
        "journal",
        "ok",
        "runs",
        "events",
        "head",
        "bad",
        "reason",
        "own_key",
        "unsigned",
        "pruned",
    )
    said = {name: getattr(found, name) for name in names}
    print_json(given, {**said, "keys": dict(found.keys)})


def _export(given: argparse.Namespace) -> int:
    import sys

    from leafmesh_nb.mesh.exporting import export

    try:
        done = export(
            given.run,
            endpoint=given.endpoint,
            format=given.format,
            to=given.out,
            journal=given.journal,
        )
    except LeafmeshError as error:
        unheard = error.__cause__ or error.__context__
        if given.format == "jsonl" and given.out is None and isinstance(unheard, BrokenPipeError):
            raise unheard from None
        raise
    print(done, file=sys.stderr)  # standard output may be the export itself
    return 0
