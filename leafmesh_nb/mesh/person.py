"""Who sits here, as far as the machine can tell."""

from __future__ import annotations

import getpass

__all__ = ["named_person", "set_person", "this_person"]

_person: str | None = None


def set_person(name: str | None) -> None:
    """Name whoever sits here (``%config MeshMagics.person``)."""
    global _person
    _person = name or None


def named_person() -> str | None:
    """Whoever sits here, if they were named."""
    return _person


def this_person() -> str:
    """The named person, else the login name, else ``somebody``."""
    if _person is not None:
        return _person
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "somebody"
