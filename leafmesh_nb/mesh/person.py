"""Who sits here, as far as the machine can tell."""

from __future__ import annotations

import getpass

__all__ = ["set_person", "this_person"]

_person: str | None = None


def set_person(name: str | None) -> None:
    """Name whoever sits here (``%config MeshMagics.person``)."""
    global _person
    _person = name or None


def this_person() -> str:
    """The configured person, else the login name, else ``somebody``."""
    if _person is not None:
        return _person
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "somebody"
