"""Finding any of some texts in another, in time that a hostile text cannot drive up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from leafmesh_nb.memory.spelling import SHORTEST

__all__ = ["Search", "Span"]

Span = tuple[int, int]
"""Start, and one past the end."""

# Overlapping occurrences are looked for up to this length; beyond, the search would turn quadratic.
_OVERLAPPING = 64
# Up to this many texts, one search for each is quicker than one look at each place.
_FEW = 250


class Search:
    """Finds any of ``forms``, none shorter than ``SHORTEST``."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._by_start: dict[str, dict[int, set[str]]] = {}
        if len(self._forms) > _FEW:
            for form in self._forms:
                sizes = self._by_start.setdefault(form[:SHORTEST], {})
                sizes.setdefault(len(form), set()).add(form)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def spans(self, text: str) -> Iterator[Span]:
        """Where they stand."""
        if self._by_start:
            yield from self._scan(text)
            return
        for form in self._forms:
            size = len(form)
            step = 1 if size <= _OVERLAPPING else size
            start = text.find(form)
            while start >= 0:
                yield start, start + size
                start = text.find(form, start + step)

    def _scan(self, text: str) -> Iterator[Span]:
        for start in range(len(text) - SHORTEST + 1):
            for size, forms in self._by_start.get(text[start : start + SHORTEST], {}).items():
                if text[start : start + size] in forms:
                    yield start, start + size

    def beginnings(self, text: str, cuts: Sequence[int], least: int) -> Iterator[Span]:
        """Where one of them is cut off: its first letters, ``least`` or more, end at a cut.

        ``cuts`` are places in the text, in order.
        """
        heads: dict[str, list[str]] = {}
        for form in self._forms if cuts else ():
            if len(form) > least:
                heads.setdefault(form[:least], []).append(form)
        for head, forms in heads.items():
            longest = len(forms[0])
            start = text.find(head)
            while start >= 0:
                place = bisect_left(cuts, start + least)
                if place == len(cuts):
                    break
                stop = cuts[place]
                begun = text[start:stop] if stop - start < longest else ""
                if begun and any(f.startswith(begun) and f != begun for f in forms):
                    yield start, stop
                    start = text.find(head, stop)
                else:
                    start = text.find(head, start + 1)
