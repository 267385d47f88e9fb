"""``deploy``, ``token`` and ``worker``: the same mesh as a governed service."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from leafmesh_nb.cli.files import UnreadableError
from leafmesh_nb.cli.verb import add_verb
from leafmesh_nb.errors import LeafmeshError

if TYPE_CHECKING:
    from leafmesh_nb.cli.verb import Verbs

__all__ = ["add_to"]

PORT = 8420

DEPLOY = """  leafmesh-nb deploy refunds.yaml
  leafmesh-nb deploy refunds.yaml --port 0 --database /srv/refunds/journal.db

Needs the extra: pip install 'leafmesh-nb[deploy]'. Stopped with Ctrl-C; runs under way go on at
the next start. OTEL_EXPORTER_OTLP_ENDPOINT exports telemetry without a flag."""

TOKEN = """  leafmesh-nb token create lead
  leafmesh-nb token revoke lead

A reviewer sees, and answers, only what they are asked."""


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    deploy = add_verb(verbs, "deploy", _deploy, "serve a mesh, checked and governed", DEPLOY)
    deploy.add_argument("file", metavar="FILE", type=Path)
    _add_database(deploy)
    deploy.add_argument("--host", default="127.0.0.1", help="default: this machine only")
    deploy.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help=f"default {PORT}; 0 is any free one"
    )

    deploy.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that a proxy reaches it by, beside this machine's; may be repeated",
    )

    token = add_verb(verbs, "token", _create, "make or revoke a reviewer's token", TOKEN)
    token.add_argument("action", choices=("create", "revoke"))
    token.add_argument("person", metavar="PERSON")
    token.add_argument("--mesh", metavar="NAME", help="where several deployed meshes know them")
    _add_database(token)

    worker = add_verb(verbs, "worker", _worker, "join a deployment on more machines")
    worker.add_argument("--database", metavar="URL", required=True)


def _add_database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--database", metavar="FILE", help="the journal (default: as for every verb)"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _deploy(given: argparse.Namespace) -> int:
    from leafmesh_nb.deploy.launch import deploy

    if not given.file.exists():
        raise UnreadableError(f"{given.file}: no such file")
    deploy(
        given.file,
        database=_database(given),
        host=given.host,
        port=given.port,
        allow_hosts=given.allow_host,
    )
    return 0


def _create(given: argparse.Namespace) -> int:
    from leafmesh_nb.deploy.launch import create_token, revoke_tokens

    if given.action == "create":
        print(create_token(given.person, database=_database(given), mesh=given.mesh))
        return 0
    count = revoke_tokens(given.person, database=_database(given), mesh=given.mesh)
    print(f"{count} token{'' if count == 1 else 's'} of {given.person} revoked")
    return 0


def _worker(given: argparse.Namespace) -> int:
    raise LeafmeshError(
        "worker is not available yet in this version: the journal is in SQLite, and the process "
        "of `leafmesh-nb deploy` drives its runs"
    )


def _database(given: argparse.Namespace) -> str | None:
    place: str | None = given.database
    if place is not None and "://" in place:
        raise LeafmeshError(
            f"--database {place.partition('://')[0]}://… is not available yet in this version: "
            "name a file, which becomes the SQLite journal"
        )
    return place
