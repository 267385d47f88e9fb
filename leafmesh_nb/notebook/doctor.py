"""``%mesh doctor``: what works here, measured, and what to do about the rest.

Each row is a function of its own that tries what it tells. None changes anything that stays, none
sends anything but to the telemetry receiver that the environment names (a connection, no data), and
no value of a key is ever shown.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from IPython.core.error import UsageError

from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.notebook.workbench import Workbench

if TYPE_CHECKING:
    from leafmesh_nb.notebook.probe import Answer

__all__ = ["Row", "examine", "show_doctor"]

Status = Literal["ok", "attention", "missing"]

SMALLEST_DISK = 500_000_000  # bytes
LARGEST_JOURNAL = 2_000_000_000  # bytes
CLOCK_SLACK = timedelta(minutes=2)
PATIENCE = 2.0  # seconds for a connection
VENDORS = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What was looked at, how it is, what was found, and what to do (empty: nothing)."""

    what: str
    status: Status
    found: str
    remedy: str = ""


def show_doctor(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """Examine, and show a table with its plain twin."""
    from leafmesh_nb.notebook.doctor_table import table_html, table_text
    from leafmesh_nb.notebook.probe import ask_front_end

    if rest.strip():
        raise UsageError(f"%mesh doctor takes nothing more, not {rest.strip()!r}")
    answer, show = ask_front_end(bench)
    rows = examine(bench, answer)
    show({"text/html": table_html(rows), "text/plain": table_text(rows)})


def examine(bench: Workbench, answer: Answer) -> list[Row]:
    """Every row. ``answer`` is what the front end said; see ``probe``."""
    checks: Sequence[Callable[[], Row]] = (
        _offline,
        *(lambda name=name: _vendor(name) for name in VENDORS),
        lambda: _journal(bench),
        lambda: _disk(bench),
        lambda: _clock(bench),
        _signing_key,
        lambda: _kernel(bench),
        lambda: _widgets(answer),
        lambda: _editor(answer),
        _telemetry,
        _linear_time,
        _deploying,
        _answers,
    )
    return [_tried(check) for check in checks]


def _tried(check: Callable[[], Row]) -> Row:
    try:
        return check()
    except Exception as error:  # a check that fails is a finding, never the end of the table
        name = getattr(check, "__name__", "check").strip("_<>")
        return Row(name, "attention", f"could not be examined: {type(error).__name__}: {error}")


# -- models


def _offline() -> Row:
    from leafmesh_nb.agents import offline

    schema = {"type": "object", "properties": {"amount": {"type": "string", "format": "money"}}}
    reading = offline.read(schema, {"ticket": "Please refund $40.00"}, ())
    if str(reading.output.get("amount")) != "40.00":
        return Row("offline model", "attention", f"read {reading.output} where 40.00 was written")
    return Row("offline model", "ok", "read an amount from a text: needs no key and no network")


def _vendor(name: str) -> Row:
    from leafmesh_nb.language import parse

    keys = [key for key in VENDORS[name] if os.environ.get(key, "").strip()]
    has_key = f"{keys[0]} is set" if keys else f"no {' or '.join(VENDORS[name])}"
    sdk = {"google": "google.genai"}.get(name, name)
    installed = all(map(_has, ("pydantic_ai", sdk)))
    packages = "its package is installed" if installed else "its package is not installed"
    probe = f"mesh: m\nmodels: {{m: {{provider: {name}, model: some-model}}}}\n"
    found = f"{has_key}; {packages}"
    if any("not available" in d.message for d in parse(probe).errors):
        return Row(
            name, "missing", f"this version runs no {name} models ({found})",
            "provider: offline, with priced_as for what its tokens would cost",
        )  # fmt: skip
    if keys and installed:
        return Row(name, "ok", found)
    steps = [] if installed else [_extra(name)]
    steps += [] if keys else [f"set {VENDORS[name][0]} before the kernel starts"]
    return Row(name, "missing", found, "; ".join(steps))


# -- the journal


def _place(bench: Workbench) -> Path:
    return Path(bench.journal.location)


def _journal(bench: Workbench) -> Row:
    from leafmesh_nb.journal.place import REMEDY, Place

    path = _place(bench)
    shown, network = _short(path), Place(path).network
    if network:
        mode = f"on a network file system ({network}), so without WAL: slower, one writer at a time"
        remedy = "set LEAFMESH_JOURNAL to a file on a disk of this machine"
    else:
        mode, remedy = "on a disk of this machine", ""
    if not path.exists():
        if refused := _unwritable(path.parent):
            return Row("journal", "attention", f"{shown} cannot be made: {refused}", REMEDY)
        status: Status = "attention" if network else "ok"
        return Row("journal", status, f"{shown} will be made with the first run, {mode}", remedy)
    try:
        number, journal_mode = _locked(path)
    except sqlite3.Error as error:
        return Row("journal", "attention", f"{shown} cannot be written: {error}", REMEDY)
    size = sum(p.stat().st_size for p in (path, Path(f"{path}-wal")) if p.exists())
    found = (
        f"{shown}: {_bytes(size)}, {number} run{'s' * (number != 1)}, {journal_mode} mode, {mode}"
    )
    others = stat.S_IMODE(path.stat().st_mode) & 0o077
    if others and os.name == "posix":
        return Row(
            "journal", "attention", f"{found}; others on this machine may read it",
            f"chmod 600 {shown}",
        )  # fmt: skip
    if size > LARGEST_JOURNAL:
        return Row("journal", "attention", found, "start another: %config MeshMagics.journal = …")
    return Row("journal", "attention" if network else "ok", found, remedy)


def _locked(path: Path) -> tuple[int, str]:
    """The runs and the mode of a journal, once its write lock was had and given back."""
    conn = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=2, isolation_level=None)
    try:
        conn.execute("BEGIN IMMEDIATE")
        (number,) = conn.execute("SELECT count(*) FROM runs").fetchone()
        conn.execute("ROLLBACK")
        (mode,) = conn.execute("PRAGMA journal_mode").fetchone()
    finally:
        conn.close()
    return int(number), str(mode)


def _unwritable(folder: Path) -> str:
    """Why no file can be made in a folder, or in the nearest one above it; empty where it can."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"{folder}: {error.strerror}"


def _disk(bench: Workbench) -> Row:
    folder = _place(bench).parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{_bytes(free)} free where the journal is"
    if free < SMALLEST_DISK:
        return Row("disk", "attention", found, "make room: a full disk stops every run")
    return Row("disk", "ok", found)


def _clock(bench: Workbench) -> Row:
    now = datetime.now(UTC)
    rows = bench.journal.runs() if _place(bench).exists() else []
    newest = max((row.created for row in rows), default=None)
    if newest is not None and newest > now + CLOCK_SLACK:
        ahead = str(newest - now).split(".")[0]
        return Row(
            "clock", "attention", f"it is {now:%Y-%m-%d %H:%M} UTC, {ahead} before the newest run",
            "set the clock: time limits and day budgets go by it",
        )  # fmt: skip
    return Row("clock", "ok", f"it is {now:%Y-%m-%d %H:%M} UTC, after every run in the journal")


def _signing_key() -> Row:
    from leafmesh_nb.journal.signing import VARIABLE, own_key, place_of_key

    try:
        place = place_of_key()
        key = own_key()
    except LeafmeshError as error:
        return Row("signing key", "attention", str(error), f"{VARIABLE} names the file of the key")
    if key is None:
        if refused := _unwritable(place.parent):
            return Row(
                "signing key", "attention", f"none, and none can be made: {refused}",
                f"set {VARIABLE} to a file in a folder that can be written",
            )  # fmt: skip
        return Row("signing key", "ok", f"none yet: {_short(place)} is made when a run ends")
    found = f"{_short(place)}, {key.fingerprint[:19]}…"
    others = stat.S_IMODE(place.stat().st_mode) & 0o077
    if others and os.name == "posix":
        return Row(
            "signing key", "attention", f"{found}; others on this machine may read it, and sign",
            f"chmod 600 {_short(place)}",
        )  # fmt: skip
    return Row("signing key", "ok", f"{found}, readable by you alone")


# -- the notebook


def _kernel(bench: Workbench) -> Row:
    python = ".".join(map(str, sys.version_info[:3]))
    if getattr(bench.shell, "kernel", None) is None:
        return Row(
            "kernel", "attention", f"a terminal of Python {python}, no kernel: questions are asked "
            "on the input line", "a notebook shows live cards: leafmesh-nb lab",
        )  # fmt: skip
    number = version("ipykernel")
    found = f"ipykernel {number}, Python {python}"
    if _numbers(number) < (7, 3):
        return Row(
            "kernel", "attention", f"{found}: a click is taken only while no cell runs",
            "pip install -U 'ipykernel>=7.3', then restart the kernel",
        )  # fmt: skip
    return Row("kernel", "ok", f"{found}: clicks are taken while a cell runs")


def _widgets(answer: Answer) -> Row:
    versions = ", ".join(f"{name} {_version(name)}" for name in ("anywidget", "ipywidgets"))
    if answer.milliseconds is not None:
        return Row("widgets", "ok", f"{versions}; this page answered in {answer.milliseconds} ms")
    if not answer.asked:
        return Row("widgets", "missing", f"{versions}; a terminal shows none")
    return Row(
        "widgets", "attention", f"{versions}; no page answered within {answer.waited:.0f} s",
        "run this again: a page's first widget loads longest. If none ever answers, questions go "
        "to the input line; a strict content policy must allow script-src blob:",
    )  # fmt: skip


def _editor(answer: Answer) -> Row:
    if answer.extension:
        return Row("editor", "ok", "the page colours mesh cells, and forms write the next cell")
    if answer.milliseconds is None:
        return Row("editor", "missing", "unknown: no page answered")
    return Row(
        "editor", "missing", "the extension of JupyterLab is not in this page: mesh cells are "
        "coloured as Python, and forms offer their text to copy",
        "pip install leafmesh-nb where JupyterLab itself runs, then reload the page",
    )  # fmt: skip


# -- around it


def _telemetry() -> Row:
    from leafmesh_nb.observe.telemetry.endpoints import endpoints, shown

    try:
        found = endpoints()
    except LeafmeshError as error:
        return Row("telemetry", "attention", str(error), "OTEL_EXPORTER_OTLP_ENDPOINT")
    if found is None:
        return Row(
            "telemetry", "missing", "the environment names no receiver: nothing is sent",
            "if you have one: OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318",
        )  # fmt: skip
    url = urlsplit(found.traces)
    address = (url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
    try:
        socket.create_connection(address, timeout=PATIENCE).close()
    except OSError as error:
        return Row(
            "telemetry", "attention",
            f"{shown(found.traces)} does not answer: {error.strerror or error}",
            "start the receiver: what it missed is sent when it is back",
        )  # fmt: skip
    if not _has("opentelemetry.exporter.otlp.proto.http"):
        return Row(
            "telemetry", "missing", f"{shown(found.traces)} answers; the exporter is not installed",
            _extra("otlp"),
        )  # fmt: skip
    return Row("telemetry", "ok", f"{shown(found.traces)} answers")


def _linear_time() -> Row:
    if not _has("re2"):
        return Row(
            "matches()", "missing", "google-re2 is not installed: expressions have no matches()",
            _extra("fast"),
        )  # fmt: skip
    import re2

    if re2.fullmatch(r"a+b", "aab") is None:
        return Row("matches()", "attention", "google-re2 does not match", _extra("fast"))
    return Row("matches()", "ok", f"google-re2 {_version('google-re2')} matches")


def _deploying() -> Row:
    lacking = [name for name in ("starlette", "uvicorn", "jinja2") if not _has(name)]
    if lacking:
        found = f"%mesh deploy needs {', '.join(lacking)}"
        return Row("deploy", "missing", found, _extra("deploy"))
    return Row("deploy", "ok", "%mesh deploy has what it needs")


def _answers() -> Row:
    if script := os.environ.get("LEAFMESH_ANSWERS"):
        return Row(
            "approvals", "attention", f"LEAFMESH_ANSWERS is set: {_short(Path(script))} answers "
            "every question, and nobody is asked",
            "unset it, and restart the kernel, to be asked yourself",
        )  # fmt: skip
    from leafmesh_nb.mesh.person import named_person, this_person

    named = "" if named_person() else ", by the login name: %config MeshMagics.person names another"
    return Row("approvals", "ok", f"questions are asked here; you answer as {this_person()}{named}")


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())


def _extra(name: str) -> str:
    return f"pip install 'leafmesh-nb[{name}]', then restart the kernel"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _short(path: Path) -> str:
    """A path as it reads from here: a saved notebook tells nobody's folders."""
    for base, sign in ((Path.cwd(), ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return f"{sign}{path.relative_to(base)}"
    return str(path)
