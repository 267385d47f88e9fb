"""Where the journal's file is: the default place, its folder, the file system under it."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from leafmesh_nb.errors import JournalError

__all__ = ["REMEDY", "Place", "filesystem", "locate"]

REMEDY = "set LEAFMESH_JOURNAL or %config MeshMagics.journal to a writable place"

_DEFAULT_FOLDER = ".leafmesh"
_NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "glusterfs", "gpfs", "lustre", "ncpfs"}
    | {"nfs", "nfs4", "orangefs", "smb3", "smbfs", "vboxsf", "gfs2", "ocfs2"}
    | {f"fuse.{name}" for name in ("ceph", "gcsfuse", "glusterfs", "rclone", "s3fs", "sshfs")}
)


def locate(location: str | os.PathLike[str] | None) -> Path:
    """The absolute path of a journal, symbolic links resolved.

    ``None`` is the environment's LEAFMESH_JOURNAL, else ``.leafmesh/journal.db`` in the working
    directory. Raises JournalError for what is not a file's name.
    """
    if location is None:
        location = os.environ.get("LEAFMESH_JOURNAL") or Path(_DEFAULT_FOLDER, "journal.db")
    text = os.fspath(location)
    if text == ":memory:" or "\0" in text or not text.strip():
        raise JournalError(
            f"{text!r} is no place for a journal, which must outlive the process; {REMEDY}"
        )
    scheme, separator, _ = text.partition("://")
    if separator:
        raise JournalError(
            f"a journal behind {scheme}:// is not available yet; name a file, such as "
            f"{_DEFAULT_FOLDER}/journal.db"
        )
    try:
        return Path(os.path.realpath(Path(text).expanduser()))
    except (OSError, RuntimeError, ValueError) as error:
        raise JournalError(f"the journal {text!r} cannot be found: {error}; {REMEDY}") from error


@dataclass(frozen=True)
class Place:
    """The file of one journal."""

    path: Path

    @property
    def uri(self) -> str:
        """The file as SQLite's URI, without parameters."""
        return self.path.as_uri()

    @cached_property
    def network(self) -> str:
        """The type of the network file system that holds the file; empty when it is local."""
        kind = filesystem(self.path)
        return kind if kind in _NETWORK else ""

    def identity(self) -> tuple[int, int] | None:
        """Device and inode; None when there is no file. Another one: the file was replaced.

        Raises JournalError when nobody lets us look.
        """
        try:
            status = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise JournalError(
                f"the journal {self.path} cannot be reached: {error.strerror}; {REMEDY}"
            ) from error
        return status.st_dev, status.st_ino

    def make_folder(self) -> None:
        """Create the folder of the file. Raises JournalError with place and remedy."""
        folder = self.path.parent
        if os.path.isdir(self.path):  # Path's own raises where it may not look
            raise JournalError(
                f"the journal {self.path} is a folder, not a file; "
                "add a file's name to it, such as journal.db"
            )
        if os.path.isdir(folder):
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if folder.name == _DEFAULT_FOLDER:
                # Journals hold what customers wrote: they do not belong into a repository.
                (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise JournalError(
                f"the folder of the journal {self.path} cannot be created: "
                f"{error.strerror}; {REMEDY}"
            ) from error

    def make_file(self) -> None:
        """Create an empty file that only its owner may read; SQLite's side files follow its mode.

        What it holds, customers wrote. Where it cannot be made, opening it says why.
        """
        with contextlib.suppress(OSError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def filesystem(path: Path, mounts: str = "/proc/mounts") -> str:
    """The type of the file system under a path, as Linux names it; empty when nobody says.

    Best effort: other systems have no such table.
    """
    if not sys.platform.startswith("linux"):
        return ""
    try:
        lines = Path(mounts).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        fields = line.split()
        if len(fields) < 3:
            continue
        # Blanks in a mount point are written as octal escapes (fstab(5)).
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        # The last of several mounts on one point hides the others.
        if len(point) >= best and path.is_relative_to(point):
            best, kind = len(point), fields[2]
    return kind
