"""Texts taken from a text: the sentence a field asks for, or an identifier, an address, a name.

Everything is quoted as it stands, whitespace folded; nothing is put in other words.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Final

from leafmesh_nb.agents.offline.cues import Cues
from leafmesh_nb.agents.offline.numbers import Kind
from leafmesh_nb.agents.offline.page import Page
from leafmesh_nb.agents.offline.places import Places
from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.text import Sentence, Text
from leafmesh_nb.agents.offline.words import IDENTIFIER_NAMES, IDENTIFIER_NOUNS, word_set

_MOST: Final = 400
_MOST_ITEMS: Final = 50

_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?!\w)")
_URL: Final = re.compile(r"(?:https?://|www\.)[^\s<>\"']{2,300}[^\s<>\"'.,;:!?)]")
_PHONE: Final = re.compile(r"(?<![\w.,])\+?\(?\d(?:[ ()./-]{0,2}\d){6,16}(?!\w)")
_TOKEN: Final = re.compile(r"(?<!\w)[A-Za-z0-9]{1,60}(?:[-/_.][A-Za-z0-9]{1,60}){0,8}(?!\w)")
_QUANTITY_TOKEN: Final = re.compile(
    r"\d+(?:st|nd|rd|th|am|pm|x|k|m|h|kg|km|cm|mm)\Z", re.IGNORECASE
)
_CAPITALISED: Final = (
    r"[A-Z][^\W\d_]*(?:['\u2019.-][^\W\d_]+)*\.?(?: [A-Z][^\W\d_]*(?:['\u2019.-][^\W\d_]+)*){0,3}"
)
_PERSON: Final = (
    re.compile(rf"(?i:my name is|my name's|name:|this is|i am|i'm|from:) ({_CAPITALISED})"),
    re.compile(
        r"(?i:regards|sincerely|thanks|thank you|cheers|wishes|faithfully|yours)"
        rf"[,.!]?\s{{1,4}}({_CAPITALISED})\s*\Z"
    ),
)
_BULLET: Final = re.compile(r"^[ \t]*(?:[-*\u2022]|\d{1,2}[.)])[ \t]+(\S.{0,500})$", re.MULTILINE)
_LISTED: Final = re.compile(r":\s*(\S[^:\n]{0,500})")

_EMAIL_NAMES: Final = frozenset({"email", "mail"})
_PHONE_NAMES: Final = frozenset({"phone", "telephone", "mobile", "tel"})
_URL_NAMES: Final = frozenset({"url", "link", "website"})
_PERSON_NAMES: Final = word_set(
    "customer client first last full patient guest contact person sender caller user employee "
    "tenant applicant requester author reporter your"
)
_CAUSE_NAMES: Final = frozenset({"reason", "cause", "why", "explanation", "rationale"})
_CAUSE_WORDS: Final = word_set("because since due caused as therefore reason why after")
_QUESTION_NAMES: Final = frozenset({"question", "query", "inquiry"})
_REQUEST_NAMES: Final = frozenset({"request", "ask", "wish", "demand", "action", "wanted", "want"})


@dataclass(frozen=True, slots=True)
class Quote:
    value: str
    evidence: str


def quote_for(page: Page, cues: Cues, limit: int) -> Quote | None:
    """The text that a field asks for, at most `limit` characters; None when there is none."""
    last = cues.words[-1] if cues.words else ""
    if last in _EMAIL_NAMES and len(cues.words) <= 2:
        return _matched(page.text, _EMAIL)
    if last in _URL_NAMES:
        return _matched(page.text, _URL)
    if _PHONE_NAMES & set(cues.words):
        return _phone(page)
    if last in IDENTIFIER_NAMES:
        return _identifier(page, cues)
    if last == "name" and (len(cues.words) == 1 or set(cues.words[:-1]) <= _PERSON_NAMES):
        return _person(page.text)
    sentence = best_sentence(page.text, cues)
    if sentence is None:
        return None
    value = page.text.quote(sentence.start, sentence.end, limit)
    return Quote(value, value) if value else None


def _matched(text: Text, pattern: re.Pattern[str]) -> Quote | None:
    match = pattern.search(text.raw)
    return Quote(match.group(), match.group()) if match else None


def _phone(page: Page) -> Quote | None:
    """The likeliest phone number: dialled from outside (+, 0, brackets), then the longest."""
    dated = {m.start for m in page.moments}
    found = islice(_PHONE.finditer(page.text.raw), _MOST)
    numbers = [match.group() for match in found if match.start() not in dated]
    if not numbers:
        return None
    best = max(numbers, key=lambda n: (n[0] in "+0(", sum(map(str.isdigit, n))))
    return Quote(best, best)


def _identifier(page: Page, cues: Cues) -> Quote | None:
    """A token with a digit in it, close after the words of the field's name if it can be."""
    text = page.text
    named = {q.start for q in page.quantities if q.kind is Kind.NAME}
    dated = Places((m.start, m.end) for m in page.moments)
    best: tuple[float, str] | None = None
    codes: list[str] = []
    for count, match in enumerate(_TOKEN.finditer(text.raw)):
        if count > 20_000 or len(codes) > _MOST:
            break
        token = match.group()
        if not any(c.isdigit() for c in token) or _QUANTITY_TOKEN.match(token):
            continue
        if dated.meet(*match.span()):
            continue
        is_code = any(c.isalpha() for c in token)
        if not is_code and match.start() not in named:
            continue
        at = text.word_index(match.start())
        before = [w for w in text.words[max(0, at - 4) : at] if match.start() - w.end < 30]
        distance = next((i for i, w in enumerate(reversed(before)) if cues.match(w)), None)
        if distance is not None and (best is None or 1 / (1 + distance) > best[0]):
            best = (1 / (1 + distance), token)
        labelled = any(w.text in IDENTIFIER_NOUNS - IDENTIFIER_NAMES for w in before[-2:])
        if not cues.specific or (is_code and not labelled):
            codes.append(token)
    if best is not None:
        return Quote(best[1], best[1])
    if len(set(codes)) == 1 or (codes and not cues.specific):
        return Quote(codes[0], codes[0])
    return None


def _person(text: Text) -> Quote | None:
    for pattern in _PERSON:
        match = pattern.search(text.raw)
        if match:
            return Quote(match.group(1), text.quote(match.start(), match.end()))
    return None


def best_sentence(text: Text, cues: Cues) -> Sentence | None:
    """The sentence that best answers to a field's name; early and telling ones are preferred."""
    sentences = text.sentences[:_MOST]
    seen = Counter(
        key for sentence in sentences for key in {w.stem for w in sentence.words if w.content}
    )
    names = set(cues.words)

    def score(sentence: Sentence) -> float:
        content = {w.stem for w in sentence.words if w.content}
        value = 0.25 * min(len(content), 8)
        value += sum(0.15 for key in content if seen[key] > 1)
        value += 2.0 * sum(sorted((cues.match(w) for w in sentence.words), reverse=True)[:2])
        if sentence.greets:
            value -= 3.0
        if names & _CAUSE_NAMES:
            value += 1.5 * any(w.text in _CAUSE_WORDS for w in sentence.words)
        if names & _QUESTION_NAMES:
            value += 3.0 * sentence.inquires
        if names & _REQUEST_NAMES:
            value += 3.0 * sentence.requests + (text.raw[sentence.end - 1] == "?")
        return value + 0.4 * sentence.requests

    ranked = sorted(
        enumerate(sentences), key=lambda pair: (0.1 * min(pair[0], 10) - score(pair[1]), pair[0])
    )
    return ranked[0][1] if ranked else None


def items_for(text: Text, cues: Cues, limit: int) -> list[str]:
    """The items of a list: bulleted lines, else "name: a, b and c", else sentences of that name."""
    bullets = [text.quote(*m.span(1), limit) for m in _BULLET.finditer(text.raw)]
    if len(bullets) > 1:
        return bullets[:_MOST_ITEMS]
    names = cues.stems or frozenset(map(stem, cues.words))
    near = [s for s in text.sentences[:_MOST] if any(w.stem in names for w in s.words)]
    for sentence in near:
        listed = _LISTED.search(text.raw, sentence.start, sentence.end)
        before = text.raw[sentence.start : listed.start()] if listed else ""
        if listed and any(stem(w) in names for w in before.lower().split()):
            parts = re.split(r",\s*(?:and\s+)?|;|\s+and\s+", listed.group(1).rstrip(".!? "))
            return [" ".join(p.split())[:limit] for p in parts if p.strip()][:_MOST_ITEMS]
    return [text.quote(s.start, s.end, limit) for s in near[:_MOST_ITEMS]]
