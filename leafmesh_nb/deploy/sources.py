"""Which modules of one's own some code needs: those that only this folder or kernel can import."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from leafmesh_nb.errors import MeshError

__all__ = ["imported_by", "local_modules", "module_file"]

SECONDS = 60

_ASK = """
import importlib.util, json, sys
found = {}
for name in json.load(sys.stdin):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    found[name] = None if spec is None else spec.origin
print(json.dumps(found))
"""


def imported_by(source: str) -> set[str]:
    """The top-level modules that a source imports, anywhere in it: with import statements, or with
    ``import_module`` of a name written there. Raises SyntaxError."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and _is_import_module(node.func):
            for given in node.args[:1]:
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    names.add(given.value.partition(".")[0])
    return names - {""}  # what a relative name begins with


def _is_import_module(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else None
    return "import_module" in (name, getattr(function, "id", None))


def module_file(name: str) -> Path | None:
    """The source file of a top-level module, a package's ``__init__.py``; None without one."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        loaded = spec.origin if spec is not None else None
    return Path(loaded).resolve() if loaded and loaded.endswith(".py") else None


def local_modules(names: Iterable[str]) -> dict[str, Path]:
    """The modules among ``names``, and among what those import, that a process started elsewhere
    would not find: each with its file, or its folder where it is a package."""
    found: dict[str, Path] = {}
    known = set(sys.stdlib_module_names) | {"__main__", "leafmesh_nb"}
    left = {name.partition(".")[0] for name in names} - known
    while left:
        files = {name: file for name in left if (file := module_file(name)) is not None}
        elsewhere = _found_elsewhere(sorted(files))
        known |= left
        left = set()
        for name, file in files.items():
            origin = elsewhere.get(name)
            if origin is not None and Path(origin).resolve() == file:
                continue
            found[name] = file.parent if file.name == "__init__.py" else file
            for source in _sources(found[name]):
                # What cannot be read cannot be imported either, and its import tells why.
                with contextlib.suppress(OSError, SyntaxError, ValueError):
                    left |= imported_by(source.read_text(encoding="utf-8")) - known
    return found


def _sources(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _found_elsewhere(names: list[str]) -> dict[str, str | None]:
    """Where a fresh process in an empty folder finds these modules."""
    if not names:
        return {}
    with tempfile.TemporaryDirectory(prefix="leafmesh-") as empty:
        asked = subprocess.run(
            [sys.executable, "-P", "-c", _ASK],
            input=json.dumps(names),
            capture_output=True,
            text=True,
            cwd=empty,
            timeout=SECONDS,
            check=False,
        )
    if asked.returncode:
        raise MeshError(f"{sys.executable} does not run: {asked.stderr.strip()[-500:]}")
    answer: dict[str, str | None] = json.loads(asked.stdout)
    return answer
