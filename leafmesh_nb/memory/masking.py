"""What a view may show: declared secrets and payment card numbers stand behind a mask.

Mask first, shorten afterwards: a secret that was cut in half is no longer found.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from leafmesh_nb.language.spec import Spec, Workflow
    from leafmesh_nb.language.types import Type

__all__ = ["MASK", "Masker"]

Json = Any
_Path = tuple[str, ...]

MASK = "•••"

# Shorter texts occur everywhere by chance.
_SHORTEST = 4
# Digits alone, up to this many, are masked as whole numbers only: a year is part of many others.
_COMMON_DIGITS = 7
# Overlapping occurrences are looked for up to this length; beyond, the search would turn quadratic.
_OVERLAPPING = 64
# Up to this many secrets, one search of the text for each is quicker than one look at each place.
_FEW = 24
# Masking shortens the text; one pass settles all but texts made to defeat it.
_PASSES = 8

# From this many letters and digits on, a secret is found in other spellings too.
_LOOSE = 6
# Up to this many, a spelling with other separators counts as whole words only.
_COMMON_LETTERS = 11

_WORD = re.compile(r"[^\W_]+|•")
_SEPARATOR = (
    r"(?:[\s.\-\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff/_,|:*\u00b7()]"
    r"|&(?:nbsp|#160|#xa0);)"
)
# Between the groups of a card number as people write it; other gaps need a card's layout too.
_PLAIN_GAP = re.compile(
    r"(?:[\s.\-\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff]|&(?:nbsp|#160|#xa0);){1,3}"
)
_RUN = re.compile(rf"\d+(?:{_SEPARATOR}{{1,8}}\d+)*")
_GROUP = re.compile(r"\d+")
_LAYOUTS = frozenset({(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (8, 8)})
# Digits in front of a card number, glued to it: up to so many digits altogether.
_GLUED = 24
_GLUED_CARD = re.compile(
    r"(?:4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|6011|65|62)\d+", re.ASCII
)
_CARD_DIGITS = (13, 19)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# First digits and lengths of the card schemes, from ISO/IEC 7812 and the schemes' own tables.
_SCHEMES: tuple[tuple[re.Pattern[str], frozenset[int]], ...] = tuple(
    (re.compile(prefix), frozenset(lengths))
    for prefix, lengths in (
        (r"4", (13, 16, 19)),  # Visa
        (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
        (r"3[47]", (15,)),  # American Express
        (r"30[0-5]|3[689]", range(14, 20)),  # Diners Club
        (r"352[89]|35[3-8]", range(16, 20)),  # JCB
        (r"220[0-4]", range(16, 20)),  # Mir
        (r"6011|64[4-9]|65|62|60|8[12]|508", range(16, 20)),  # Discover, UnionPay, RuPay
        (r"50|5[6-8]|6", range(13, 20)),  # Maestro
    )
)


class Recorded(Protocol):
    """An event as far as masking reads it (the engine's ``Event`` is one)."""

    @property
    def stream(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def body(self) -> Any: ...


class Masker:
    """Masks secrets wherever they occur in a text, and card numbers down to their last four digits.

    ``names`` are memory fields (and inputs that feed them) whose values are masked as a whole,
    however short. Masking is idempotent; its cost is linear in the text for each secret.

    A secret of four characters or more is found as it is written, and escaped for JSON, HTML or
    a URL. One with six letters and digits or more is found in other case too, and with other
    separators between its letters and digits, or none.

    Not promised: shorter secrets; a secret that was translated, encoded (base64, hashes), spelled
    backwards, told in parts or with other words in between, or spread over several values of a
    list; a card number with digits after it, or in groups that no card has, by unusual separators.
    """

    def __init__(self, secrets: Iterable[str] = (), *, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)
        exact: dict[str, None] = {}
        folded: dict[str, None] = {}
        bare: dict[str, None] = {}
        for secret in secrets:
            loose = len(_bare(_folded(secret))[0]) >= _LOOSE
            for form in _forms(secret):
                if loose:
                    folded.setdefault(_folded(form))
                    bare.setdefault(_bare(_folded(form))[0])
                else:
                    exact.setdefault(form)
        self._exact, self._folded, self._bare = _Search(exact), _Search(folded), _Search(bare)

    @classmethod
    def for_run(cls, spec: Spec, events: Iterable[Recorded]) -> Masker:
        """A masker for what these events (of one run or several) tell about sensitive fields.

        Its secrets are the values of fields with sensitivity ``pii`` or ``secret``: as written,
        patched, or handed to an agent, and the inputs and outputs that a ``save`` puts there.
        """
        fields = {f.name: f.type for f in spec.memory.values() if f.masked}
        if not fields:
            return cls()
        names = set(fields)
        secrets: list[str] = []
        saved: dict[str, dict[str, list[_Path]]] = {}
        for event in events:
            body = event.body
            match event.kind:
                case "run.started":
                    workflow = spec.workflows.get(body.workflow)
                    paths: list[_Path] = [(name,) for name in body.input if name in fields]
                    if workflow is not None:
                        paths += _input_paths(workflow, fields)
                        saved[event.stream] = _output_paths(workflow, fields)
                    names.update(path[0] for path in paths if len(path) == 1)
                    for path in paths:
                        secrets += _texts(_at(body.input, path))
                case "memory.written" | "memory.patched" if body.field in fields:
                    secrets += _texts(body.value, fields[body.field])
                case "call.started" if isinstance(body.request, Mapping):
                    seen = body.request.get("memory")
                    if isinstance(seen, Mapping):
                        for name in fields.keys() & seen.keys():
                            secrets += _texts(seen[name], fields[name])
                case "call.finished":
                    for write in body.writes:
                        if write.get("field") in fields:
                            secrets += _texts(write.get("value"), fields[write["field"]])
                case "step.ended":
                    for path in saved.get(event.stream, {}).get(_step(event.path), ()):
                        secrets += _texts(_at(body.output, path))
        return cls(secrets, names=names)

    def text(self, text: str) -> str:
        """The text with secrets as ``•••`` and card numbers as ``•••• 1111``."""
        for _ in range(_PASSES):
            masked = _RUN.sub(_mask_cards, self._mask_secrets(text))
            if masked == text:
                break
            text = masked
        return text

    def value(self, value: Json) -> Json:
        """A copy of a JSON value with every text in it masked, keys too.

        What stands under the name of a sensitive field is masked as a whole, so hand in data of
        the run (inputs, outputs, arguments), not structures whose keys are your own.
        """
        match value:
            case str():
                return self.text(value)
            case bool() | None:
                return value
            case int() | float() | Decimal():
                plain = _number(value)
                masked = self.text(plain)
                return value if masked == plain else masked
            case Mapping():
                return {
                    self.text(str(key)): self.field(str(key), item) for key, item in value.items()
                }
            case list() | tuple():
                return [self.value(item) for item in value]
        return self.text(str(value))

    def field(self, name: str, value: Json) -> Json:
        """A memory field's value: a mask when the field is sensitive, else as ``value`` shows it.

        Null stays null: that a field is empty is no secret.
        """
        if name in self._names:
            return None if value is None else MASK
        return self.value(value)

    def _mask_secrets(self, text: str) -> str:
        spans = sorted(self._spans(text))
        if not spans:
            return text
        pieces: list[str] = []
        end = 0
        for start, stop in spans:
            # Secrets that overlap share one mask: no half of one may stay behind.
            if start >= end:
                pieces += (text[end:start], MASK)
            end = max(end, stop)
        pieces.append(text[end:])
        return "".join(pieces)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        for start, stop in self._exact.spans(text):
            if not _within_number(text, start, stop):
                yield start, stop
        if not self._folded:
            return
        folded = _folded(text)
        for start, stop in self._folded.spans(folded):
            if not _within_number(text, start, stop):
                yield start, stop
        bare, places = _bare(folded)
        for first, after in self._bare.spans(bare):
            start, stop = places[first], places[after - 1] + 1
            if not _by_chance(text, start, stop, bare[first:after]):
                yield start, stop


class _Search:
    """Finds any of some texts in another."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._by_start: dict[str, dict[int, set[str]]] = {}
        if len(self._forms) > _FEW:
            for form in self._forms:
                sizes = self._by_start.setdefault(form[:_SHORTEST], {})
                sizes.setdefault(len(form), set()).add(form)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where they stand: start, and one past the end."""
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

    def _scan(self, text: str) -> Iterator[tuple[int, int]]:
        for start in range(len(text) - _SHORTEST + 1):
            for size, forms in self._by_start.get(text[start : start + _SHORTEST], {}).items():
                if text[start : start + size] in forms:
                    yield start, start + size


def _forms(secret: str) -> Iterator[str]:
    """How a secret is written: as it is, and as it stands inside JSON, HTML, code and URLs."""
    plain = secret.strip()
    if len(plain) < _SHORTEST or not plain.strip("• "):
        return
    yield plain
    for ascii_only in (True, False):
        yield json.dumps(plain, ensure_ascii=ascii_only)[1:-1]
    yield repr(plain)[1:-1]
    if len(plain.upper()) != len(plain):  # ß has two capitals
        yield plain.upper()
    for quotes in (True, False):
        yield html.escape(plain, quote=quotes)
    whole = plain.encode("utf-8", "replace")
    yield quote(whole)
    yield quote(whole, safe="")
    yield quote_plus(whole)


def _folded(text: str) -> str:
    """The text in lower case, character for character."""
    lower = text.lower()
    if len(lower) != len(text):  # a capital that has no single small letter
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lower.replace("\u03c2", "\u03c3")  # a sigma at the end of a word


def _bare(text: str) -> tuple[str, list[int]]:
    """The letters and digits of a text (and its masks), and where each stands in it."""
    words: list[str] = []
    places: list[int] = []
    for word in _WORD.finditer(text):
        words.append(word.group())
        places.extend(range(word.start(), word.end()))
    return "".join(words), places


def _within_number(text: str, start: int, stop: int) -> bool:
    """Whether a short number is only a part of a longer one there."""
    if stop - start > _COMMON_DIGITS or not text[start:stop].isdecimal():
        return False
    return text[max(start - 1, 0) : start].isdecimal() or text[stop : stop + 1].isdecimal()


def _by_chance(text: str, start: int, stop: int, bare: str) -> bool:
    """Whether letters that stand there with other separators are likely something else."""
    if len(bare) > _COMMON_LETTERS:
        return False
    before, after = text[max(start - 2, 0) : start], text[stop : stop + 2]
    if before[-1:].isalnum() or after[:1].isalnum():
        return True
    # A date, or an amount in groups, is no shorter number.
    digits = len(bare) <= _COMMON_DIGITS and bare.isdecimal()
    return digits and (before[:1].isdecimal() or after[1:].isdecimal())


def _mask_cards(run: re.Match[str]) -> str:
    """Digits with separators between them, the card numbers among them masked.

    A card number begins and ends where a group of digits does. The four digits that stay are read
    again together with what follows them, as a second masking of the result would.
    """
    text = run.group()
    found = list(_GROUP.finditer(text))
    if sum(m.end() - m.start() for m in found) < _CARD_DIGITS[0]:
        return text
    groups = [m.group() for m in found]
    gaps = [""] + [text[a.end() : b.start()] for a, b in pairwise(found)]
    pieces: list[str] = []
    at = 0
    while at < len(groups):
        stop = _card_end(groups, gaps, at) or (at + 1 if _ends_in_card(groups[at]) else 0)
        if stop:
            last = "".join(groups[at:stop])[-4:]
            pieces += (gaps[at], "•••• ")
            at = stop - 1
            groups[at], gaps[at] = last, ""
        else:
            pieces += (gaps[at], groups[at])
            at += 1
    return "".join(pieces)


def _ends_in_card(group: str) -> bool:
    """Whether digits were glued in front of a card number of the usual length."""
    if not _CARD_DIGITS[0] + 4 <= len(group) <= _GLUED:
        return False
    digits = "".join(str(int(digit)) for digit in group[-16:])
    return _GLUED_CARD.match(digits) is not None and _checks(digits)


def _laid_out(groups: Sequence[str], gaps: Sequence[str], start: int, stop: int) -> bool:
    """Whether the groups are those of a card, and no part of a longer list of such groups.

    Asked only where what separates them is not what people put between a card's digits.
    """
    inner = gaps[start + 1 : stop]
    if all(_PLAIN_GAP.fullmatch(gap) for gap in inner):
        return True
    if tuple(len(group) for group in groups[start:stop]) not in _LAYOUTS:
        return False
    size = len(groups[start])
    follows = stop < len(groups) and gaps[stop] == inner[-1] and len(groups[stop]) == size
    leads = start > 0 and gaps[start] == inner[0] and len(groups[start - 1]) == size
    return not (follows or leads)


def _card_end(groups: Sequence[str], gaps: Sequence[str], start: int) -> int:
    """One past the last group of the longest card number that begins at ``start``, or 0."""
    digits = ""
    lengths: frozenset[int] = frozenset()
    stop = 0
    for at in range(start, len(groups)):
        if len(digits) + len(groups[at]) > _CARD_DIGITS[1]:
            break
        digits += groups[at]
        if len(digits) < _CARD_DIGITS[0]:
            continue
        lengths = lengths or _lengths(digits[:4])
        if not lengths:
            break
        if len(digits) in lengths and _checks(digits) and _laid_out(groups, gaps, start, at + 1):
            stop = at + 1
    return stop


@lru_cache(maxsize=1024)
def _lengths(first: str) -> frozenset[int]:
    """How long the numbers are that begin with these four digits; empty when no card's does."""
    plain = "".join(str(int(digit)) for digit in first)
    return frozenset().union(*(sizes for prefix, sizes in _SCHEMES if prefix.match(plain)))


def _checks(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (Luhn, ISO/IEC 7812-1)."""
    numbers = [int(digit) for digit in digits]
    total = sum(numbers[-1::-2]) + sum(_DOUBLED[number] for number in numbers[-2::-2])
    return total % 10 == 0


def _number(value: int | float | Decimal) -> str:
    """A number as views print it."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return repr(value)


def _texts(value: Json, declared: Type | None = None) -> Iterator[str]:
    """Every text in a value, numbers as text, and the keys of a declared map."""
    match value:
        case str():
            yield value
        case bool() | None:
            return
        case int() | float() | Decimal():
            yield _number(value)
        case Mapping():
            keys = declared is not None and declared.kind == "map"
            for key, item in value.items():
                if keys:
                    yield str(key)
                inner = None
                if declared is not None:
                    inner = declared.items if keys else declared.field(str(key))
                yield from _texts(item, inner)
        case list() | tuple():
            for item in value:
                yield from _texts(item, declared.items if declared is not None else None)


def _input_paths(workflow: Workflow, fields: Mapping[str, Type]) -> list[_Path]:
    """Where in a workflow's input the values stand that a ``save`` puts into these fields."""
    saves = [workflow.save, *(step.save for step in workflow.steps.values())]
    return [
        read[1:]
        for save in saves
        for field, expression in save.items()
        if field in fields
        for read in expression.reads
        if read[0] == "input" and len(read) > 1
    ]


def _output_paths(workflow: Workflow, fields: Mapping[str, Type]) -> dict[str, list[_Path]]:
    """The same within the outputs of the steps, by step."""
    found: dict[str, list[_Path]] = {}
    for step in workflow.steps.values():
        for field, expression in step.save.items():
            if field not in fields:
                continue
            for read in expression.reads:
                if read[0] == "output":
                    found.setdefault(step.id, []).append(read[1:])
                elif read[0] == "steps" and read[2:3] == ("output",):
                    found.setdefault(read[1], []).append(read[3:])
    return found


def _step(path: str) -> str:
    """The id of the step at a path: without item, iteration and racer."""
    return re.split(r"[\[#@]", path, maxsplit=1)[0]


def _at(value: Json, path: Sequence[str]) -> Json:
    """The value at a path, or None where it leads nowhere."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
