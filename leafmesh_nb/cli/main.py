"""The parser of the verbs, and what a shell gets to hear when one fails."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from leafmesh_nb import __version__
from leafmesh_nb.cli import authoring, evidence, explaining, quickstart, retention, running, serving
from leafmesh_nb.cli.files import UnreadableError
from leafmesh_nb.cli.output import complain, results, tolerant
from leafmesh_nb.errors import LeafmeshError

__all__ = ["main"]

EXAMPLES = """examples:
  leafmesh-nb demo                         the quickstart, headless: no key, no server
  leafmesh-nb lab                          the quickstart in JupyterLab
  leafmesh-nb new refunds                  a mesh to start from, with its functions
  leafmesh-nb check refunds.yaml           what is wrong with a mesh, before it runs
  leafmesh-nb run refunds.yaml refund --input ticket_id=7 --input ticket="Refund me 20.00"
  leafmesh-nb approvals                    what waits for a person
  leafmesh-nb answer ID approve --by lead
  leafmesh-nb verify                       recompute every hash, say which keys signed
  leafmesh-nb deploy refunds.yaml          the same mesh as a governed service

The journal is --journal, else LEAFMESH_JOURNAL, else .leafmesh/journal.db.
LEAFMESH_DEBUG=1 shows tracebacks.
Exit codes: 0 it went well, 1 it did not, 2 a bad flag or an unreadable file."""

FAULTY = "Please report it, with what shows it; LEAFMESH_DEBUG=1 shows the traceback."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    tolerant()
    if os.environ.get("LEAFMESH_DEBUG"):
        logging.basicConfig()
        logging.getLogger("leafmesh_nb").setLevel(logging.DEBUG)
    parser = _parser()
    given, unknown = parser.parse_known_args(argv)
    if unknown:
        of: argparse.ArgumentParser = getattr(given, "parser", parser)
        of.error(f"unrecognized arguments: {' '.join(unknown)}")
    if not hasattr(given, "verb"):
        parser.print_help()
        return 2
    try:
        with results(given) as given.results:
            code: int = given.verb(given)
        sys.stdout.flush()
    except LeafmeshError as error:
        complain(error)
        return 2 if isinstance(error, UnreadableError) else 1
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except BrokenPipeError:  # whoever read our output (head, less) has seen enough
        _drop_output()
        return 0
    except OSError as error:  # such as a full disk behind standard output
        _drop_output()
        complain(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        return 1
    except Exception as error:
        from leafmesh_nb.language.last_defence import fault_of

        complain(f"{fault_of(error)}.\n{FAULTY}")
        return 1
    return code


def _drop_output() -> None:
    """What is still buffered would fail once more when it is flushed at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="leafmesh-nb",
        description="Govern AI agents from a notebook: declare, run, decide, verify, deploy.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"leafmesh-nb {__version__}")
    verbs = parser.add_subparsers(metavar="VERB")
    for module in (quickstart, authoring, explaining, running, evidence, retention, serving):
        module.add_to(verbs)
    return parser
