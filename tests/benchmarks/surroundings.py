"""What a measurement depends on, printed with it: versions, cores, load."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version

__all__ = ["conditions", "load"]


def conditions(*packages: str) -> str:
    """The machine and the versions, in one line; a package that is absent says so."""
    found = [
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *(f"{name} {_version(name)}" for name in packages),
        f"{os.cpu_count()} cores of {platform.machine()}",
        load(),
    ]
    return ", ".join(found)


def load() -> str:
    """How many processes wanted a core over the last minute, where the system counts them."""
    if not hasattr(os, "getloadavg"):
        return "load unknown"
    return f"load {os.getloadavg()[0]:.1f}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
