"""What a view may show: declared secrets and payment card numbers stand behind a mask.

Mask first, shorten afterwards. A text that must be shortened before is shortened by
``marks.cut``, whose mark tells the mask that a secret may end there in the middle.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from leafmesh_nb.memory.cards import mask_cards
from leafmesh_nb.memory.leaves import FENCE, JOINT, plain, with_leaves
from leafmesh_nb.memory.marks import MASK
from leafmesh_nb.memory.search import Span
from leafmesh_nb.memory.secret_search import SecretSearch
from leafmesh_nb.memory.sensitive import Recorded, sensitive_values

if TYPE_CHECKING:
    from leafmesh_nb.language.spec import Spec

__all__ = ["MASK", "Masker"]

Json = Any

# Masking shortens the text; one pass settles all but texts made to defeat it.
_PASSES = 8
_NOTHING = f" \t\r\n{FENCE}"


class Masker:
    """Masks secrets wherever they occur in a text, and card numbers down to their last four digits.

    ``names`` are memory fields (and inputs that feed them) whose values are masked as a whole,
    however short. Masking is idempotent; its cost is linear in the text for each secret.

    What is found of a secret, where N is how many letters and digits it has:

    - four characters or more: as it is written, and escaped for JSON, HTML or a URL; up to seven
      digits as a whole number only;
    - N of six or more: in other case too, and with other separators between its letters and
      digits, or none; up to eleven letters as whole words only;
    - three digits: as a word that is no amount and no part of a date, a time or a fraction; four
      and five digits: also as ``4,711``, ``47 11``, ``4-7-1-1``;
    - cut off before ``…``: its first letters, from four on;
    - told in parts by texts that follow each other in a value (list items, fields): with N of six
      or more, or six characters or more, wherever the texts together hold it. Each part is
      masked where it stands; a part may be one letter, since the whole secret must be there.

    What is found of a card number is said in ``memory.cards``: also with digits glued to it, cut
    off before ``…``, and in parts, when each text has whole printed groups (4-4-4-4, 4-6-5, 8-8).
    JSON numbers are no parts of a card: lists of amounts would be masked by chance.

    Not promised: shorter secrets; a secret that was translated, encoded (base64, hashes), spelled
    backwards, or told with other words, values or events in between, or by a key and its value; a
    card number in groups that no card has, by unusual separators or in several texts.
    """

    def __init__(self, secrets: Iterable[str] = (), *, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)
        self._secrets = SecretSearch(secrets)

    @classmethod
    def for_run(cls, spec: Spec, events: Iterable[Recorded]) -> Masker:
        """A masker for what these events (of one run or several) tell about sensitive fields."""
        names, secrets = sensitive_values(spec, events)
        return cls(secrets, names=names)

    def text(self, text: str) -> str:
        """The text with secrets as ``•••`` and card numbers as ``•••• 1111``."""
        return self._masked(plain(text))

    def value(self, value: Json) -> Json:
        """A copy of a JSON value with every text in it masked, keys too.

        What stands under the name of a sensitive field is masked as a whole, so hand in data of
        the run (inputs, outputs, arguments), not structures whose keys are your own.
        """
        (masked,) = with_leaves([value], self._masked, self._names)
        return masked

    def field(self, name: str, value: Json) -> Json:
        """A memory field's value: a mask when the field is sensitive, else as ``value`` shows it.

        Null stays null: that a field is empty is no secret.
        """
        (masked,) = self.fields([(name, value)])
        return masked

    def fields(self, fields: Iterable[tuple[str, Json]]) -> list[Json]:
        """The values of fields that are shown beside each other, as ``field`` shows them.

        So a secret is found of which one field has one part and the next another.
        """
        pairs = list(fields)
        masked = with_leaves([value for _, value in pairs], self._masked, self._names)
        return [
            MASK if self.hides(name) and value is not None else shown
            for (name, value), shown in zip(pairs, masked, strict=True)
        ]

    def hides(self, name: str) -> bool:
        """Whether what stands under this name is masked as a whole."""
        return name in self._names

    def _masked(self, text: str) -> str:
        for _ in range(_PASSES):
            masked = mask_cards(_covered(text, self._secrets.spans(text)))
            if masked == text:
                break
            text = masked
        return text


def _covered(text: str, spans: Iterable[Span]) -> str:
    """The text with a mask over each span; spans that overlap share one.

    No half of one may stay behind. A span over several texts masks its part of each.
    """
    pieces: list[str] = []
    end = begin = 0
    for start, stop in [*sorted(spans), (len(text), len(text))]:
        if start >= end:
            pieces.append(_over(text[begin:end]))
            pieces.append(text[end:start])
            begin = start
        end = max(end, stop)
    return "".join(pieces)


def _over(covered: str) -> str:
    if JOINT not in covered:
        return MASK if covered else ""
    parts = covered.split(JOINT)
    return JOINT.join(MASK if part.strip(_NOTHING) else part for part in parts)
