"""A release: a mesh with everything that it runs on, by the hash of its files.

A mesh file is released where it is: its text, and the modules beside it that its functions come
from. A mesh of a notebook is written into a folder of its own, with ``mesh.yaml``, the functions
that were defined in cells (``functions.py``), the modules of one's own that they import, and
``manifest.json``, which says what is bound to what.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leafmesh_nb.agents.inside import importing
from leafmesh_nb.deploy.carry import MODULE, carry
from leafmesh_nb.deploy.sources import local_modules
from leafmesh_nb.errors import LeafmeshError, MeshError
from leafmesh_nb.mesh.definition import Mesh

__all__ = ["Built", "at", "hash_of", "written_by"]

MANIFEST = "manifest.json"
MESH = "mesh.yaml"


@dataclass(frozen=True, slots=True)
class Built:
    """A mesh that is ready to be served, its functions bound. ``files`` maps names to the SHA-256
    of their bytes, ``hash`` is that of them all; ``of_modules`` are the functions, by ``agent:ID``,
    that come from a module and not from a cell."""

    mesh: Mesh
    place: Path
    files: Mapping[str, str]
    hash: str
    of_modules: tuple[str, ...] = ()


def hash_of(files: Mapping[str, str]) -> str:
    """The SHA-256 over the lines that ``sha256sum`` would print for these files, by name."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def at(place: str | os.PathLike[str]) -> Built:
    """The release at a mesh file, or at a folder that ``written_by`` wrote.

    Modules are looked for beside it first: this process is expected to serve it and nothing else.
    Raises MeshError, also when what is there is not what was written, and AgentError for functions
    that cannot be imported.
    """
    path = Path(place)
    return _at_folder(path) if path.is_dir() else _at_file(path)


def _at_file(path: Path) -> Built:
    mesh = Mesh.from_file(path)
    folder = path.resolve().parent
    _look_in(folder)
    named = {name.partition(":")[0] for name in _named(mesh).values()}
    files = {path.name: _digest(mesh.spec.text.encode("utf-8", "surrogateescape"))}
    for place in local_modules(named).values():
        files |= {name: _digest(data) for name, data in _read(place).items()}
    return Built(mesh, path, files, hash_of(files))


def _at_folder(folder: Path) -> Built:
    try:
        text = (folder / MANIFEST).read_bytes()
        manifest = json.loads(text)
        files, bound = dict(manifest["files"]), dict(manifest["functions"])
    except FileNotFoundError:
        raise MeshError(
            f"{folder} is no release: it has no {MANIFEST}. Give a mesh file, or a folder that "
            "%mesh deploy wrote"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MeshError(f"the release {folder} cannot be read: {error}") from None
    for name, digest in files.items():
        file = folder / name
        if not file.is_file() or _digest(file.read_bytes()) != digest:
            raise MeshError(
                f"{file} is not what was released: it was changed or lost. Deploy again from "
                "where it was made"
            )
    _look_in(folder)
    mesh = Mesh.from_file(folder / MESH)
    for owner, name in bound.items():
        _bind(mesh, owner, name)
    files[MANIFEST] = _digest(text)
    return Built(mesh, folder, files, hash_of(files))


def _look_in(folder: Path) -> None:
    """Have modules found in this folder before all others; the working directory comes after it."""
    here = str(Path.cwd())
    sys.path[:] = [entry for entry in sys.path if entry not in ("", here, str(folder))]
    sys.path[:0] = [str(folder)] if here == str(folder) else [str(folder), here]
    importlib.invalidate_caches()


def _bind(mesh: Mesh, owner: str, name: str) -> None:
    module, _, attribute = name.partition(":")
    kind, _, id = owner.partition(":")
    try:
        with importing():
            function: Any = importlib.import_module(module)
        for part in attribute.split("."):
            function = getattr(function, part)
    except (Exception, SystemExit) as error:
        raise MeshError(
            f"{owner.replace(':', ' ')}: importing {name} failed: {type(error).__name__}: {error}"
        ) from None
    (mesh.agent if kind == "agent" else mesh.tool)(id)(function)


# Writing


def written_by(mesh: Mesh, releases: Path) -> Built:
    """Write a mesh of this process with the functions bound here below ``releases``.

    Raises MeshError naming every function that cannot be carried, and why. Whether the release
    runs is for a fresh process to try (``trial``).
    """
    carried = carry(mesh.functions)
    if carried.refused:
        raise MeshError(_refusal(mesh, carried.refused))
    named = {owner: name for owner, name in _named(mesh).items() if owner not in carried.names}
    bound = {**named, **carried.names}
    modules = local_modules(carried.modules | {name.partition(":")[0] for name in named.values()})
    if MODULE in modules and carried.source:
        raise MeshError(
            f"a module of yours is called {MODULE}, which is what a release calls the functions "
            "of the notebook; give yours another name"
        )
    contents = {MESH: mesh.spec.text.encode("utf-8", "surrogateescape")}
    if carried.source:
        contents[f"{MODULE}.py"] = carried.source.encode()
    for place in modules.values():
        contents |= _read(place)
    digests = {name: _digest(data) for name, data in contents.items()}
    manifest = {"mesh": mesh.name, "files": digests, "functions": bound}
    contents[MANIFEST] = (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode()
    files = {**digests, MANIFEST: _digest(contents[MANIFEST])}
    hash = hash_of(files)
    folder = releases / f"{mesh.name}-{hash[:12]}"
    _write(folder, contents)
    of_modules = tuple(o for o, name in bound.items() if name.partition(":")[0] != MODULE)
    return Built(mesh, folder, files, hash, of_modules)


def _named(mesh: Mesh) -> dict[str, str]:
    """The functions that the mesh itself names, as ``python: "module:function"``."""
    spec = mesh.spec
    agents = {f"agent:{a.id}": a.python for a in spec.agents.values() if a.kind == "python"}
    named = {**agents, **{f"tool:{t.name}": t.python for t in spec.tools.values()}}
    return {owner: name for owner, name in named.items() if name}


def _refusal(mesh: Mesh, refused: Mapping[str, str]) -> str:
    lines = [f"  {owner.replace(':', ' ')}: {why}" for owner, why in refused.items()]
    return "\n".join(
        [f"mesh {mesh.name} cannot be deployed: another process could not import", *lines]
    )


def _read(place: Path) -> dict[str, bytes]:
    """The sources of a module or a package, named as from the folder that holds it."""
    sources = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return {s.relative_to(place.parent).as_posix(): s.read_bytes() for s in sources}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder whole or not at all; one that is there already is written anew."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        try:
            for name, data in contents.items():
                file = made / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(made, folder)
        finally:
            with contextlib.suppress(OSError):
                shutil.rmtree(made)
    except OSError as error:
        raise LeafmeshError(f"the release {folder} cannot be written: {error.strerror}") from None
