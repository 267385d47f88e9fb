"""``prune``: runs that ended long ago are deleted for good."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from leafmesh_nb.cli.files import UnreadableError
from leafmesh_nb.cli.output import print_json
from leafmesh_nb.cli.tables import count, moment, table
from leafmesh_nb.cli.verb import add_format, add_journal, add_verb

if TYPE_CHECKING:
    from leafmesh_nb.cli.verb import Verbs
    from leafmesh_nb.mesh.pruning import Pruning

__all__ = ["add_to"]

PRUNE = """  leafmesh-nb prune --older-than 90d
  leafmesh-nb prune --older-than 90d --yes
  leafmesh-nb prune --before 2026-07-01 --mesh refunds --yes

Without --yes it only says what would go. Open runs stay, and so do runs that telemetry has not got
yet. A signed tombstone stands for each run that went, so that `leafmesh-nb verify` still tells what
was deleted by you from what was deleted by somebody else. SQLite uses the space again for new runs;
the file does not get smaller."""

_DAYS = re.compile(r"([1-9][0-9]{0,4})d", re.ASCII)
SHOWN = 20


def add_to(verbs: Verbs) -> None:
    """Add the verb."""
    prune = add_verb(verbs, "prune", _prune, "delete runs that ended long ago", PRUNE)
    which = prune.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--older-than",
        metavar="90d",
        type=_days,
        dest="before",
        help="runs that ended at least so many days ago",
    )
    which.add_argument(
        "--before",
        metavar="DATE",
        type=_date,
        dest="before",
        help="runs that ended before this day (UTC), as in 2026-07-01",
    )
    prune.add_argument("--mesh", metavar="NAME", help="only runs of this mesh")
    prune.add_argument(
        "--unexported", action="store_true", help="also runs that telemetry has not got yet"
    )
    prune.add_argument("--yes", action="store_true", help="delete them: it cannot be undone")
    add_journal(prune)
    add_format(prune)


def _days(text: str) -> datetime:
    found = _DAYS.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days, such as 90d")
    return datetime.now(UTC) - timedelta(days=int(found[1]))


def _date(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day, such as 2026-07-01") from None


def _prune(given: argparse.Namespace) -> int:
    from leafmesh_nb.mesh.pruning import prune

    if given.journal is not None and not Path(given.journal).exists():
        raise UnreadableError(f"{given.journal}: no such journal")
    found = prune(
        given.before,
        mesh=given.mesh,
        journal=given.journal,
        unexported=given.unexported,
        really=given.yes,
    )
    if given.format == "json":
        _print_json(given, found)
    else:
        _print_text(given, found)
    return 0


def _print_text(given: argparse.Namespace, found: Pruning) -> None:
    if found.gone:
        rows = [
            (run.run, run.mesh, run.workflow, run.status, moment(run.ended), f"{run.events:,}")
            for run in found.gone[:SHOWN]
        ]
        print(table(("run", "mesh", "workflow", "status", "ended", "events"), rows))
    if len(found.gone) > SHOWN:
        print(f"and {count(len(found.gone) - SHOWN, 'more run')}")
    runs, events = count(len(found.gone), "run"), sum(run.events for run in found.gone)
    what = f"{runs}, {count(events, 'event')}, of {found.journal}"
    if not found.gone:
        print(f"nothing to delete in {found.journal}: no run ended before {moment(given.before)}")
    elif given.yes:
        print(f"deleted {what}; a signed tombstone stands for each")
    else:
        print(f"would delete {what}; add --yes to do it")
    if found.kept:
        runs = count(len(found.kept), "run")
        print(f"kept {runs} that telemetry has not got yet: export them, or add --unexported")


def _print_json(given: argparse.Namespace, found: Pruning) -> None:
    names = ("run", "mesh", "workflow", "status", "events")
    gone = [
        {**{name: getattr(run, name) for name in names}, "ended": run.ended.isoformat()}
        for run in found.gone
    ]
    kept = [run.run for run in found.kept]
    print_json(given, {"journal": found.journal, "deleted": given.yes, "runs": gone, "kept": kept})
