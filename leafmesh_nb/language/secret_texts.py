"""Secrets that were written out: finding them in a text, and masking them wherever it is quoted."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from leafmesh_nb.language.secret_kinds import vendor_keys
from leafmesh_nb.language.secret_names import named_secrets

__all__ = ["MASK", "Secret", "find_secrets", "mask"]

MASK = "*"


@dataclass(frozen=True, slots=True)
class Secret:
    """``text[start:end]`` is a secret of the kind ``what``; its first ``shown`` characters are
    the public prefix that says so. ``owner`` is where the name or the address starts that it
    belongs to; -1 for none."""

    start: int
    end: int
    what: str
    shown: int = 0
    owner: int = -1


_PEM_START = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_REST = re.compile(r"[A-Za-z0-9+/=\\ ]*", re.ASCII)
_PEM_LINE = re.compile(r"[\s\"'|>+#-]*[A-Za-z0-9+/=]{4,}[\s\"',]*\Z", re.ASCII)
_LONGEST_PEM = 20_000
_ADDED = re.compile(r"\+[ \t\n]{0,200}\\{0,4}[\"']")
_JOINED = re.compile(r"(\\{0,4}[\"'][ \t\n]{0,200}\+[ \t\n]{0,200}\\{0,4}[\"'])")


def find_secrets(text: str) -> list[Secret]:
    """Every secret in ``text``, in order, without overlap.

    Those too that are written with escapes, with characters that nobody sees, with the hyphens of
    a word processor, or as a sum of two texts: a secret goes on through all of these.
    """
    found: list[tuple[int, Secret]] = []
    for view in _views(text):
        for rank, secret in _in_view(view.text):
            found.append((rank, view.placed(secret)))
    found.sort(key=lambda item: (item[1].start, item[0], -item[1].end))
    apart: list[Secret] = []
    for _, secret in found:
        if apart and secret.start < apart[-1].end:
            last = apart[-1]
            apart[-1] = replace(
                last, end=max(last.end, secret.end), owner=max(last.owner, secret.owner)
            )
        else:
            apart.append(secret)
    return apart


def mask(text: str, secrets: Iterable[Secret] | None = None, by: str = MASK) -> str:
    """``text`` with every secret starred out; its length, its line breaks and the quotes between
    two parts of a secret are kept."""
    pieces: list[str] = []
    at = 0
    for secret in find_secrets(text) if secrets is None else secrets:
        start = secret.start + secret.shown
        pieces.append(text[at:start])
        for index, part in enumerate(_JOINED.split(text[start : secret.end])):
            pieces.append(part if index % 2 else re.sub(r"[^ \t\n]", by, part))
        at = secret.end
    pieces.append(text[at:])
    return "".join(pieces)


def _in_view(text: str) -> Iterator[tuple[int, Secret]]:
    """The secrets of a text as it is, with their rank: of two at one place the first is told."""
    for secret in _private_keys(text):
        yield 0, secret
    for start, end, what, shown in vendor_keys(text):
        yield 1, Secret(start, end, what, shown)
    for start, end, what, owner in named_secrets(text):
        yield 2, Secret(start, end, what, owner=owner)


# -- what a text says once it is read


@dataclass(frozen=True, slots=True)
class _View:
    """Another reading of a text: of ``parent``, or of the text itself where that is None.

    It is made of pieces. Piece ``i`` starts at ``starts[i]`` here; there it is what stands from
    ``origins[i]`` to ``stops[i]``.
    """

    text: str
    parent: _View | None = None
    starts: Sequence[int] = (0,)
    origins: Sequence[int] = (0,)
    stops: Sequence[int] = ()

    def placed(self, secret: Secret) -> Secret:
        """A secret of this reading in the text."""
        if self.parent is None:
            return secret
        start = self._origin(secret.start)
        return self.parent.placed(
            replace(
                secret,
                start=start,
                end=self._stop(secret.end),
                shown=self._stop(secret.start + secret.shown) - start if secret.shown else 0,
                owner=self._origin(secret.owner) if secret.owner >= 0 else -1,
            )
        )

    def _origin(self, at: int) -> int:
        piece = bisect_right(self.starts, at) - 1
        return self.origins[piece] + at - self.starts[piece]

    def _stop(self, at: int) -> int:
        """Where what ends at ``at`` ends there; what was dropped after it is no part of it."""
        piece = bisect_right(self.starts, at - 1) - 1
        following = self.starts[piece + 1] if piece + 1 < len(self.starts) else len(self.text)
        if at == following:
            return self.stops[piece]
        return self.origins[piece] + at - self.starts[piece]


_NAMED_ESCAPES = {"n": "\n", "r": "\n", "t": "\t", '"': '"', "'": "'", "\\": "\\", "/": "/"}
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2007"
    "\u200b-\u200f\u202a-\u202f\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e01ef"
)
_WRITTEN = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt\"'\\/])|\n[ \t]{0,200})"
    f"|([{_HYPHENS}])|[{_UNSEEN}]+"
)
_READINGS = 2
"""How often escapes are undone: a text within an expression within a scalar has them twice."""


def _views(text: str) -> Iterator[_View]:
    """The text, and its other readings where they say something else."""
    view = _View(text)
    yield view
    for _ in range(_READINGS):
        if "\\" not in view.text and view.text.isascii():
            break
        read = _reading(view, _WRITTEN, _meant)
        if read is None:
            break
        view = read
        yield view
    # The first search starts at a `+` and is much quicker than the second, which starts anywhere.
    if _ADDED.search(view.text) and (read := _reading(view, _JOINED, lambda _: "")) is not None:
        yield read


def _meant(match: re.Match[str]) -> str:
    """What an escape or a character that stands for another means."""
    code = match[1] or match[2] or match[3]
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else ""
    return "-" if match[5] else _NAMED_ESCAPES.get(match[4] or "", "")


def _reading(
    view: _View, pattern: re.Pattern[str], meant: Callable[[re.Match[str]], str]
) -> _View | None:
    """``view`` with every match in other words; None where there is no match."""
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    stops: list[int] = []
    length = at = 0

    def add(piece: str, origin: int, stop: int) -> None:
        nonlocal length
        if piece:
            pieces.append(piece)
            starts.append(length)
            origins.append(origin)
            stops.append(stop)
            length += len(piece)

    for match in pattern.finditer(view.text):
        add(view.text[at : match.start()], at, match.start())
        add(meant(match), match.start(), match.end())
        at = match.end()
    if not at:
        return None
    add(view.text[at:], at, len(view.text))
    if not pieces:
        return None
    return _View("".join(pieces), view, starts, origins, stops)


# -- private keys


def _private_keys(text: str) -> Iterator[Secret]:
    at = 0
    while (found := text.find("PRIVATE KEY", at)) >= 0:
        match = _PEM_START.search(text, max(at, found - 42), found + 25)
        if match is None:
            at = found + len("PRIVATE KEY")
            continue
        again = text.find("-----BEGIN ", match.end())
        reach = min(match.end() + _LONGEST_PEM, again if again >= 0 else len(text))
        last = _PEM_END.search(text, match.end(), reach)
        end = last.end() if last else _end_of_body(text, match.end())
        yield Secret(match.start(), end, "a private key", match.end() - match.start())
        at = end


def _end_of_body(text: str, start: int) -> int:
    """Where a private key without its last line ends: after its last line of base64."""
    rest = _PEM_REST.match(text, start)
    end = rest.end() if rest else start
    while end < len(text) and text[end] == "\n":
        stop = text.find("\n", end + 1)
        stop = len(text) if stop < 0 else stop
        if not _PEM_LINE.match(text, end + 1, stop):
            break
        end = stop
    return end
