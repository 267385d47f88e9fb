"""The nouns that WordNet puts under people, animals, vehicles, boxes and other countable things.

`nouns.txt` says by which rule they were chosen, and whose they are. All words here are stems, those
of a pair joined by `_`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.words import FUNCTION_WORDS

_DEEPEST: Final = 12
_SEVERAL: Final = 3


@dataclass(frozen=True, slots=True)
class Noun:
    """`wider` is the next wider noun of the same kind, "" where there is none."""

    kind: str
    wider: str


@cache
def nouns() -> Mapping[str, Noun]:
    """Each noun's kind and next wider noun."""
    found: dict[str, Noun] = {}
    kind = wider = ""
    source = files("leafmesh_nb.agents.offline").joinpath("nouns.txt")
    for line in source.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        if line.startswith("["):
            kind = line.strip("[]")
            continue
        if not line.startswith(" "):
            head, _, line = line.partition(":")
            wider = stem(head) if head else ""
        for word in line.split():
            key = "_".join(map(stem, word.split("_")))
            # "Inn" and "weekly" have the stems of words that are no such nouns.
            if key not in FUNCTION_WORDS and not word.endswith("ly"):
                found.setdefault(key, Noun(kind, wider))
    return MappingProxyType(found)


@cache
def _under() -> Mapping[str, int]:
    return MappingProxyType(Counter(noun.wider for noun in nouns().values()))


def is_wide(noun: str) -> bool:
    """Whether there are words for kinds of `noun`: a child may be a son, a car a taxi."""
    return _under().get(noun, 0) >= _SEVERAL


def is_under(noun: str, wider: str) -> bool:
    """Whether `noun` is a narrower word for a thing that `wider` names: a son is a child."""
    return wider in _chain(noun)[1:]


def is_apart(noun: str, wider: str) -> bool:
    """Whether `noun` is known in full to be no `wider`: a cat is no dog."""
    chain = _chain(noun)
    return noun in nouns() and wider not in chain and _ends(chain[-1])


def _ends(noun: str) -> bool:
    known = nouns().get(noun)
    return known.wider == "" if known else noun in kind_names()


@cache
def kind_names() -> Mapping[str, str]:
    """The kinds by their stems."""
    return MappingProxyType({stem(noun.kind): noun.kind for noun in nouns().values()})


def _chain(noun: str) -> list[str]:
    """`noun` and the ever wider nouns above it, as far as they are known."""
    known = nouns()
    chain = [noun]
    while len(chain) < _DEEPEST and chain[-1] in known:
        wider = known[chain[-1]].wider
        if not wider or wider in chain:
            break
        chain.append(wider)
    return chain
