"""Every value that a field has had: what its writes add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Versions"]


@dataclass(slots=True)
class Versions:
    """A field's values in JSON form: version 0 before the first write, version n after the nth.

    Additions share one list that grows, so that n of them take room for n items. Nothing that was
    handed in or out is changed.
    """

    _bases: list[Any] = field(default_factory=list)
    _marks: list[tuple[int, int | None]] = field(default_factory=list)
    """For each version its base, and how much of that it has; None: all of it, as it was given."""
    _shown: tuple[int, Any] = field(default=(0, None), compare=False, repr=False)

    @property
    def version(self) -> int:
        """How often the field was written."""
        return len(self._marks)

    @property
    def value(self) -> Any:
        """The field as it is now; the same object each time until it is written again."""
        return self.at(self.version)

    def at(self, version: int) -> Any:
        """The field at a version; null at version 0. Raises IndexError for one that is not."""
        if version == 0:
            return None
        if self._shown[0] != version:
            base, length = self._marks[version - 1]
            whole = self._bases[base]
            self._shown = (version, whole if length is None else whole[:length])
        return self._shown[1]

    def write(self, value: Any, op: str = "replace") -> None:
        """``replace`` the value, ``append`` one item to it, or ``extend`` it by a list of items.

        An addition to what is no list begins a list. Raises ValueError for another ``op`` and
        TypeError for an extension by anything but a list; nothing has changed then.
        """
        if op == "replace":
            self._bases.append(value)
            self._marks.append((len(self._bases) - 1, None))
            return
        if op not in ("append", "extend"):
            raise ValueError(f"{op!r} is no way to write a field")
        if op == "extend" and not isinstance(value, list):
            raise TypeError("a list is extended by a list")
        grown = self._grown()
        if op == "append":
            grown.append(value)
        else:
            grown.extend(value)
        self._marks.append((len(self._bases) - 1, len(grown)))

    def _grown(self) -> list[Any]:
        """The last base, as a list that nobody else has."""
        if self._marks and self._marks[-1][1] is not None:
            last: list[Any] = self._bases[-1]
            return last
        before = self.value
        self._bases.append(list(before) if isinstance(before, list) else [])
        own: list[Any] = self._bases[-1]
        return own
