"""The file of ``%%mesh --file F``: written whole or not at all, and never over something else."""

from __future__ import annotations

import contextlib
import os
import tempfile
from difflib import SequenceMatcher
from pathlib import Path

from IPython.core.error import UsageError

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import MappingNode, ScalarNode
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source

__all__ = ["MeshFiles"]


class MeshFiles:
    """The files that this kernel wrote or read, with what they held then."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}
        self._homes: dict[str, str] = {}

    def read(self, given: str) -> str:
        """The text of a file in UTF-8. Raises UsageError."""
        path = _path(given)
        try:
            text = path.read_bytes().decode("utf-8", errors="surrogateescape")
        except FileNotFoundError:
            raise UsageError(
                f"--file {given}: there is no such file to read; to write it, put the mesh into "
                "this cell"
            ) from None
        except OSError as error:
            raise UsageError(f"--file {given}: {error.strerror}") from None
        self._known[_real(path)] = text
        return text

    def write(self, given: str, text: str, mesh: str) -> str:
        """Write the text of a mesh, and say what that changed. Raises UsageError.

        An earlier text of the same mesh is replaced, anything else is not: another mesh, a file
        that is none, and one that somebody else changed since this kernel wrote or read it.
        """
        path = _path(given)
        if not path.parent.is_dir():
            raise UsageError(f"--file {given}: there is no folder {path.parent}; make it first")
        real = _real(path)
        text = text if text.endswith("\n") else text + "\n"
        old = _content(real, given)
        if old is not None and old != text:
            self._check(real, given, old, mesh)
        try:
            if old != text:
                _replace(real, text)
        except OSError as error:
            raise UsageError(f"--file {given}: {error.strerror}; nothing was written") from None
        self._known[real] = text
        self._homes[mesh] = given
        return f"{given}: {_said(old, text)}"

    def home(self, mesh: str) -> str | None:
        """The file that a mesh was written to last, as it was given."""
        return self._homes.get(mesh)

    def _check(self, real: Path, given: str, old: str, mesh: str) -> None:
        known = self._known.get(real)
        if known is not None and known != old:
            raise UsageError(
                f"--file {given} was changed by somebody else since this notebook wrote or read "
                "it, and is left as it is. To take it, run %mesh --file with its name; to replace "
                "it, remove it first"
            )
        holds = _name(old)
        if known is None and holds != mesh:
            what = f"the mesh {holds}" if holds else "something that is no mesh"
            raise UsageError(
                f"--file {given} holds {what}, and is left as it is: give another name, or remove "
                "that file first"
            )


def _path(given: str) -> Path:
    try:
        path = Path(given).expanduser()
    except RuntimeError as error:
        raise UsageError(f"--file {given}: {error}") from None
    if "\0" in given or path.is_dir():
        raise UsageError(f"--file {given!r} is no file; give it a name, such as refunds.yaml")
    return path


def _real(path: Path) -> Path:
    """The file itself where the path is a link to it: the link stays."""
    return Path(os.path.realpath(path))


def _content(real: Path, given: str) -> str | None:
    try:
        return real.read_bytes().decode("utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"--file {given}: {error.strerror}") from None


def _replace(real: Path, text: str) -> None:
    """Write beside the file and rename: whoever reads it meanwhile has the old one, or the new."""
    handle, draft = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, _mode(real))
        os.replace(draft, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def _mode(real: Path) -> int:
    """The permissions that the file has, or that a new one would get."""
    try:
        return real.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _name(text: str) -> str:
    """The name of the mesh in a text; empty where it is none."""
    source = Source(text)
    root = read(source, Collector(source)) if text.strip() else None
    found = root.get("mesh") if isinstance(root, MappingNode) else None
    return found.text if isinstance(found, ScalarNode) else ""


def _said(old: str | None, new: str) -> str:
    if old is None:
        return "written"
    if old == new:
        return "holds this text already"
    matcher = SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    parts = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    removed, added = sum(op[2] - op[1] for op in parts), sum(op[4] - op[3] for op in parts)
    return f"updated, {added} line{'s' * (added != 1)} new, {removed} gone"
