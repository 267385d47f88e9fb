"""``check``, ``new`` and ``schema``: a mesh before it runs."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from leafmesh_nb.cli.files import UnreadableError, import_from, readable, written
from leafmesh_nb.cli.output import print_json
from leafmesh_nb.cli.tables import coloured
from leafmesh_nb.cli.verb import add_format, add_verb

if TYPE_CHECKING:
    from leafmesh_nb.cli.verb import Verbs

__all__ = ["TEMPLATES", "add_to"]

TEMPLATES = Path(__file__).parent / "templates"

CHECK = """  leafmesh-nb check refunds.yaml
  leafmesh-nb check refunds.yaml --samples tickets.json
  leafmesh-nb check refunds.yaml --format sarif > check.sarif

Exit code 0 without errors (warnings and what is not proven are shown), 1 with errors, 2 for a file
that cannot be read. A file of samples is a JSON list of workflow inputs for the dry run."""


SCHEMA = """  leafmesh-nb schema -o mesh.schema.json

An editor that knows YAML then completes and checks a file that begins with the line
  # yaml-language-server: $schema=mesh.schema.json
What only the compiler knows (names, expressions, types that fit) `leafmesh-nb check` tells."""


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    check = add_verb(verbs, "check", _check, "check a mesh in six layers before it runs", CHECK)
    check.add_argument("file", metavar="FILE", type=Path)
    check.add_argument("--samples", metavar="FILE", type=Path, help="inputs for the dry run")
    add_format(check, "sarif")

    names = ", ".join(_templates())
    new = add_verb(
        verbs,
        "new",
        _new,
        f"write a mesh to start from: {names}",
        "  leafmesh-nb new triage\n  leafmesh-nb new refunds --out refunds",
    )
    new.add_argument("template", metavar="TEMPLATE", choices=_templates(), help=names)
    new.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(), help="where it goes (default: here)"
    )

    schema = add_verb(
        verbs, "schema", _schema, "print the JSON Schema of a mesh, for editors", SCHEMA
    )
    schema.add_argument("-o", "--out", metavar="FILE", type=Path, help="default: standard output")


def _templates() -> list[str]:
    return sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())


def _check(given: argparse.Namespace) -> int:
    from leafmesh_nb import __version__
    from leafmesh_nb.compose.render import report_text
    from leafmesh_nb.compose.sarif import sarif
    from leafmesh_nb.mesh.checking import check_text

    text = readable(given.file)
    samples = None if given.samples is None else _samples(given.samples)
    import_from(given.file.parent)
    report = check_text(text, source=str(given.file), samples=samples)
    if given.format == "text":
        print(report_text(report, colour=coloured()))
    else:
        said = report.to_dict() if given.format == "json" else sarif(report, __version__)
        print_json(given, said)
    return 0 if report.ok else 1


def _samples(file: Path) -> list[dict[str, object]]:
    try:
        found = json.loads(readable(file))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{file} is no JSON: {error}") from None
    if not isinstance(found, list) or not all(isinstance(sample, dict) for sample in found):
        raise UnreadableError(f"{file} must hold a list of workflow inputs, each an object")
    return found


def _new(given: argparse.Namespace) -> int:
    source = TEMPLATES / given.template
    files = sorted(file for file in source.iterdir() if file.suffix in (".yaml", ".py"))
    there = [file.name for file in files if (given.out / file.name).exists()]
    if there:
        raise UnreadableError(
            f"{', '.join(there)} is already in {given.out.resolve()}; nothing was written. "
            "Name another folder with --out DIR"
        )
    try:
        given.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnreadableError(f"{given.out}: {error.strerror}") from None
    for file in files:
        written(given.out / file.name, file.read_text(encoding="utf-8"))
        print(f"wrote  {given.out / file.name}")
    mesh = given.out / f"{given.template}.yaml"
    first = next(line for line in mesh.read_text(encoding="utf-8").splitlines() if "run:" in line)
    named = shlex.quote(str(mesh))
    print(f"next   leafmesh-nb check {named}")
    print(f"       {first.partition('run:')[2].strip().replace(mesh.name, named)}")
    return 0


def _schema(given: argparse.Namespace) -> int:
    from leafmesh_nb.language.editing.mesh_schema import mesh_schema

    text = json.dumps(mesh_schema(), indent=2, ensure_ascii=False)
    if given.out is None:
        print(text)
    else:
        written(given.out, f"{text}\n")
    return 0
