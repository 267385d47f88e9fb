"""Standard output and error, as scripts and terminals of every kind can take them."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

__all__ = ["complain", "print_json", "results", "tolerant"]


def tolerant() -> None:
    """Escape what the encoding of a terminal cannot write, and miss no stream that is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell: >&-
            setattr(sys, name, io.TextIOWrapper(io.FileIO(os.devnull, "w"), encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def results(given: argparse.Namespace) -> Iterator[TextIO]:
    """Where a verb's result goes: standard output.

    A script parses what it asked for as JSON: there, what functions of a mesh and their children
    print goes to standard error.
    """
    out = sys.stdout
    if getattr(given, "format", "text") not in ("json", "sarif"):
        yield out
        return
    with redirect_stdout(sys.stderr):
        try:
            number, error = out.fileno(), sys.stderr.fileno()
        except OSError:  # captured in this process: no child writes there
            yield out
            return
        out.flush()
        kept = os.dup(number)
        os.dup2(error, number)
        try:
            with open(kept, "w", encoding=out.encoding, errors=out.errors, closefd=False) as mine:
                yield mine
        finally:
            os.dup2(kept, number)
            os.close(kept)


def print_json(given: argparse.Namespace, value: Any) -> None:
    """Print a verb's result for a script."""
    print(json.dumps(value, indent=2), file=given.results, flush=True)


def complain(text: object) -> None:
    """Say on standard error what went wrong; words of agents in it steer no terminal."""
    from leafmesh_nb.journal.broken import printable

    lines = map(printable, f"leafmesh-nb: {text}".split("\n"))
    print("\n".join(lines), file=sys.stderr)
