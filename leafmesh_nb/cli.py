"""The same verbs from a shell: ``leafmesh-nb``, ``jupyter mesh``, ``python -m leafmesh_nb``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from leafmesh_nb import __version__
from leafmesh_nb.errors import LeafmeshError

__all__ = ["main"]

EXAMPLES = """examples:
  leafmesh-nb demo                      the quickstart, headless: no key, no server
  leafmesh-nb lab                       the quickstart in JupyterLab
  leafmesh-nb check refunds.yaml        what is wrong with a mesh, before it runs
  leafmesh-nb verify .leafmesh/journal.db
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(argv)
    if not hasattr(given, "verb"):
        parser.print_help()
        return 2
    try:
        code: int = given.verb(given)
    except LeafmeshError as error:
        print(f"leafmesh-nb: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("leafmesh-nb: interrupted", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="leafmesh-nb",
        description="Govern AI agents from a notebook: declare, run, decide, verify.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"leafmesh-nb {__version__}")
    verbs = parser.add_subparsers(metavar="VERB")

    demo = verbs.add_parser("demo", help="run the quickstart headless")
    demo.add_argument(
        "--out", metavar="DIR", type=Path, help="where to write (default: a new folder)"
    )
    demo.set_defaults(verb=_demo)

    lab = verbs.add_parser("lab", help="open the quickstart in JupyterLab")
    lab.add_argument("--out", metavar="DIR", type=Path, help="where the files go (default: here)")
    lab.add_argument("arguments", nargs="*", help="for jupyter lab, after --: lab -- --no-browser")
    lab.set_defaults(verb=_lab)

    check = verbs.add_parser("check", help="check the text of a mesh")
    check.add_argument("file", metavar="FILE", type=Path)
    check.add_argument("--format", choices=("text", "json"), default="text")
    check.set_defaults(verb=_check)

    verify = verbs.add_parser("verify", help="recompute the chains of a journal")
    verify.add_argument("journal", metavar="JOURNAL", nargs="?")
    verify.add_argument(
        "--key",
        metavar="SHA256:…",
        action="append",
        default=[],
        help="a fingerprint that must have signed the end of every run; may be repeated",
    )
    verify.add_argument(
        "--save", metavar="FILE", type=Path, help="write the newest checkpoint, to keep elsewhere"
    )
    verify.add_argument(
        "--against", metavar="FILE", type=Path, help="a checkpoint that was saved before"
    )
    verify.set_defaults(verb=_verify)
    return parser


def _demo(given: argparse.Namespace) -> int:
    from leafmesh_nb.quickstart.demo import run_demo
    from leafmesh_nb.quickstart.report import report

    demo = run_demo(given.out)
    print(report(demo))
    return 0


def _lab(given: argparse.Namespace) -> int:
    from leafmesh_nb.quickstart.files import copy_to

    notebook = Path("notebooks", "quickstart.ipynb")
    if given.out is not None or not notebook.exists():
        folder = given.out or Path()
        try:
            notebook, *_ = copy_to(folder)
        except OSError as error:
            raise LeafmeshError(
                f"{folder.resolve()} cannot be written: {error.strerror}. Name one with --out DIR"
            ) from None
    command = [sys.executable, "-m", "jupyterlab", str(notebook), *given.arguments]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container the only user is often root
    sys.stdout.flush()
    os.execv(sys.executable, command)


def _check(given: argparse.Namespace) -> int:
    from leafmesh_nb.language import parse, render_text

    try:
        text = given.file.read_bytes().decode("utf-8", errors="surrogateescape")
    except OSError as error:
        print(f"leafmesh-nb: {given.file}: {error.strerror}", file=sys.stderr)
        return 2
    parsed = parse(text, source=str(given.file))
    errors = sum(d.severity == "error" for d in parsed.diagnostics)
    if given.format == "json":
        listed = [d.to_dict() for d in parsed.diagnostics]
        print(json.dumps({"ok": not errors, "diagnostics": listed}, indent=2))
    else:
        found = render_text(parsed.diagnostics, colour=sys.stdout.isatty())
        print(found or f"{given.file}: no errors, no warnings")
    return 1 if errors else 0


def _verify(given: argparse.Namespace) -> int:
    from leafmesh_nb.mesh import verify
    from leafmesh_nb.mesh.signatures import signed_by

    if given.journal is not None and not Path(given.journal).exists():
        print(f"leafmesh-nb: {given.journal}: no such journal", file=sys.stderr)
        return 2
    note = ""
    if given.against is not None:
        try:
            note = given.against.read_text(encoding="utf-8", errors="replace") or "(empty)"
        except OSError as error:
            print(f"leafmesh-nb: {given.against}: {error.strerror}", file=sys.stderr)
            return 2
    found = verify(given.journal, key=given.key, note=note)
    print(f"journal   {found.journal}")
    print(f"checked   {_count(found.runs, 'run')}, {_count(found.events, 'event')}")
    if found.ok:
        print(f"verified  head {found.head}")
        print(f"signed    {signed_by(found)}")
        if given.save is not None:
            return _save(found.note, given.save)
        return 0
    print(f"BROKEN    {found.bad}: {found.reason}")
    return 1


def _save(note: str, file: Path) -> int:
    if not note:
        raise LeafmeshError("there is no checkpoint to save: no run has ended under a key")
    try:
        file.write_text(note, encoding="utf-8")
    except OSError as error:
        print(f"leafmesh-nb: {file}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"saved     {file}: keep it where the journal cannot be reached from")
    return 0


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
