"""Limits that were written into a prompt: amounts and thresholds that a model is asked to respect.

A model may be talked out of its instructions; a policy may not. What is looked for is a number with
a word of comparison beside it (``over $100``, ``at most 5%``, ``500 or more``) in a sentence that
speaks of money or of a decision. Numbers that shape a text (``at most three sentences``) are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from leafmesh_nb.language.spec import Verdict

__all__ = ["Limit", "find_limits"]

Operator = Literal[">", ">=", "<", "<="]

_LONGEST = 20_000
_LONGEST_SENTENCE = 600


@dataclass(frozen=True, slots=True)
class Limit:
    """``text[start:end]`` of a prompt says that something is decided by a comparison.

    Values for which ``operator number`` holds lead to ``then``, the others to ``otherwise``.
    ``sentence`` is where it stands, ``unit`` is ``money``, ``%`` or empty.
    """

    start: int
    end: int
    operator: Operator
    number: Decimal
    then: Verdict
    otherwise: Verdict
    unit: str
    sentence: str


_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_TENS = ("ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {
    **{word: tens * 10 for tens, word in enumerate(_TENS, 1)},
    **{word: units for units, word in enumerate(_UNITS, 1)},
    "a": 1,
}
_SCALES = {"k": 1000, "hundred": 100, "thousand": 1000, "m": 10**6, "million": 10**6}

_CURRENCY = (
    r"[$€£¥₹]|US\$|(?:USD|EUR|GBP|CHF|JPY|INR|CAD|AUD)\b|"
    r"(?:dollars?|euros?|pounds?|francs?|yen|rupees?|cents?|bucks)\b"
)
_NUMBER = (
    rf"(?:(?P<before>{_CURRENCY})\s?)?"
    r"(?:(?P<digits>\d{1,3}(?:[,'\u2019]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:\s?(?P<scale>k|m|hundred|thousand|million)\b)?"
    rf"|(?P<word>{'|'.join(_WORDS)})\s(?P<word_scale>hundred|thousand|million)\b"
    rf"|(?P<bare>{'|'.join(w for w in _WORDS if w != 'a')})\b)"
    rf"(?:\s?-?(?P<after>{_CURRENCY}|%|percent\b|per\scent\b))?"
)
_LEADING: tuple[tuple[Operator, str], ...] = (
    (
        "<=",
        r"(?:no|not|never)\s(?P<verb>(?:[a-z]+\s){0,2}?)"
        r"(?:more|greater|larger|higher|bigger)\sthan",
    ),
    (">=", r"(?:no|not|never)\s(?:[a-z]+\s){0,2}?(?:less|fewer|lower|smaller)\sthan"),
    (">", r"(?:more|greater|larger|higher|bigger|older|longer|later|dearer|worth\smore)\sthan"),
    ("<", r"(?:less|fewer|lower|smaller|younger|shorter|earlier|cheaper|worth\sless)\sthan"),
    (">", r"exceed(?:s|ed|ing)?|in\sexcess\sof|over|above|beyond|upwards\sof|past|threshold"),
    ("<", r"under|below|beneath"),
    (">=", r"at\sleast|(?:minimum|min\.?)(?:\s[a-z]+){0,2}?|>=|≥|starting\sat"),
    ("<=", r"at\smost|up\sto|(?:maximum|max\.?)(?:\s[a-z]+){0,2}?|within|<=|≤"),
    ("<=", r"limit(?:ed)?|cap(?:ped)?|ceiling"),
    (">", r">"),
    ("<", r"<"),
)
_BETWEEN = r"(?:\s?[:=]|\s(?:of|is|to|at|are|a|an|the|about|for|total|amount|amounts|value))*\s?"
_TRAILING: tuple[tuple[Operator, str], ...] = (
    (">=", r"(?:or|and)\s(?:more|above|over|up|higher|greater|larger)\b|\+"),
    ("<=", r"(?:or|and)\s(?:less|below|under|lower|fewer|smaller)\b"),
    ("<=", r"(?:limit|cap|ceiling|maximum|max|at\smost)\b"),
    (">", r"threshold\b"),
)
_FLAGS = re.IGNORECASE
_LED = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(f"(?P<o{i}>{words})" for i, (_, words) in enumerate(_LEADING))
    + rf")(?![\w-]){_BETWEEN}(?P<n>{_NUMBER})",
    _FLAGS,
)
_TRAILED = re.compile(
    rf"(?<![\w.,])(?P<n>{_NUMBER})\s?-?(?:"
    + "|".join(f"(?P<o{i}>{words})" for i, (_, words) in enumerate(_TRAILING))
    + ")",
    _FLAGS,
)
_SENTENCE = re.compile(r"[^.!?;\n]+(?:[.!?;](?=\S)[^.!?;\n]*)*")

_COUNTED = re.compile(
    r"\s?-?(?:[a-z]+\s)?(?:words?|sentences?|characters?|chars|lines?|paragraphs?|bullets?|points?|"
    r"tokens?|items?|questions?|examples?|sources?|pages?|steps?|times?|attempts?|tries|retries|"
    r"options?|suggestions?|languages?|letters?|digits?|decimals?|places?|sections?|keywords?|"
    r"tags?|topics?|tools?|calls?|agents?|results?|records?|rows?|columns?|facts?|reasons?|"
    r"messages?|replies|emojis?|headings?|quotes?|citations?|clauses?|syllables?)\b",
    _FLAGS,
)
"""Units that shape an answer."""

_THINGS = re.compile(
    r"\s(?!(?:days|weeks|months|years|hours|minutes|seconds|is|was|has|needs|requires|goes|gets|as|"
    r"always|unless|across|plus|this|us|points)\b)[a-z]{2,}s\b",
    _FLAGS,
)
"""What follows a count of things. It may be a limit, and mostly says how much to write."""
_WRITING = re.compile(
    r"\b(?:list|give|show|name|mention|use|write|include|return|provide|suggest|recommend|describe|"
    r"summari[sz]e|quote|cite|keep|rank|pick|choose)\b",
    _FLAGS,
)
_MONEY = re.compile(_CURRENCY, _FLAGS)
_OF_ITSELF = re.compile(r"\b(?:limit|threshold|ceiling|cap)\b", _FLAGS)
_MONEY_TALK = re.compile(
    r"\b(?:amounts?|refunds?|payments?|payouts?|prices?|totals?|invoices?|orders?|purchases?|"
    r"transactions?|transfers?|fees?|costs?|spend(?:ing)?|discounts?|credits?|budgets?|balances?|"
    r"loans?|claims?|expenses?|rebates?|compensations?|vouchers?)\b",
    _FLAGS,
)
_DENY = re.compile(
    r"\b(?:refus\w*|reject\w*|den(?:y|ies|ied)|declin\w*|never|do\snot|don['\u2019]t|must\snot|"
    r"may\snot|cannot|can['\u2019]t|forbid\w*|forbidden|prohibit\w*|block\w*|disallow\w*)\b",
    _FLAGS,
)
_ASK = re.compile(
    r"\b(?:ask\w*|escalat\w*|review\w*|managers?|supervisors?|humans?|persons?|approvals?|"
    r"sign[\s-]?offs?|forward\w*|hand(?:ed)?\sover|refer(?:red)?|consult\w*|check\swith|flag\w*|"
    r"confirmation|needs?\spermission)\b",
    _FLAGS,
)
_HANDED_ON = re.compile(
    r"\b(?:escalat\w*|sign[\s-]?offs?|needs?\s(?:approval|permission)|forward(?:ed)?\sto|"
    r"refer(?:red)?\sto|hand(?:ed)?\sover|consult|check\swith|"
    r"ask\s(?:[a-z]+\s){1,4}?(?:first|before))\b",
    _FLAGS,
)
"""Words that take a case to somebody, rather than name what a text is about."""
_APPROVE = re.compile(
    r"\b(?:approv(?:e|es|ed|ing)|allow\w*|accept\w*|authori[sz]\w*|grant\w*|permit\w*|pay|pays|paid|"
    r"refund|issue|release|reimburse|waive|proceed)\b",
    _FLAGS,
)
_YES = re.compile(
    r"\b(?:approv(?:e|es|ed|ing)|allow\w*|accept\w*|authori[sz]\w*|grant\w*|permit\w*)\b", _FLAGS
)

_TELLING = (_MONEY, _OF_ITSELF, _MONEY_TALK, _ASK, _DENY, _APPROVE, _YES)


def find_limits(text: str) -> Iterator[Limit]:
    """Every limit in a prompt, at most one a sentence."""
    for start, sentence in _sentences(text[:_LONGEST]):
        found = min(_in_sentence(sentence), key=lambda limit: limit.start, default=None)
        if found is not None:
            yield replace(found, start=start + found.start, end=start + found.end)


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Sentences with their places; one that is too long to be one is looked at in pieces."""
    for match in _SENTENCE.finditer(text):
        for start in range(match.start(), match.end(), _LONGEST_SENTENCE):
            yield start, text[start : min(start + _LONGEST_SENTENCE, match.end())]


def _in_sentence(sentence: str) -> Iterator[Limit]:
    """The first limit that stands behind a word of comparison, and the first before one."""
    if not any(words.search(sentence) for words in _TELLING):
        return
    for pattern, operators in ((_LED, _LEADING), (_TRAILED, _TRAILING)):
        for match in pattern.finditer(sentence):
            number = _number(match)
            if number is None or _COUNTED.match(sentence, match.end()):
                continue
            unit = _unit(match)
            # What is never done (`never pay out more than`) says what the limit is about.
            verb = match.groupdict().get("verb") or ""
            rest = f"{sentence[: match.start()]} {verb} {sentence[match.end() :]}"
            if not _governs(sentence, rest, match, unit):
                continue
            index = next(i for i in range(len(operators)) if match.group(f"o{i}") is not None)
            operator = operators[index][0]
            then = _then(rest, operator)
            other: Verdict = "approve"
            if then == "approve":
                other = "deny" if verb or _DENY.search(match.group()) else "ask"
            start, end = match.span()
            yield Limit(start, end, operator, number, then, other, unit, sentence.strip())
            break


def _governs(sentence: str, rest: str, match: re.Match[str], unit: str) -> bool:
    """Whether a comparison decides something, rather than shapes an answer."""
    if unit == "money" or _OF_ITSELF.search(match.group()):
        return True
    decides = _DENY.search(rest) or _YES.search(rest)
    if not unit and _THINGS.match(sentence, match.end()):
        return bool(decides or _HANDED_ON.search(rest)) and not _WRITING.search(rest)
    talks = _MONEY_TALK.search(sentence) or _ASK.search(rest) or _APPROVE.search(rest)
    return bool(decides or talks)


def _number(match: re.Match[str]) -> Decimal | None:
    digits, word = match.group("digits"), match.group("word") or match.group("bare")
    scale = _SCALES.get((match.group("scale") or match.group("word_scale") or "").lower(), 1)
    if digits:
        return Decimal(re.sub(r"[,'\u2019]", "", digits)) * scale
    if not word or (match.group("bare") and not _unit(match)):
        return None  # "more than one" counts, and limits nothing
    return Decimal(_WORDS[word.lower()] * scale)


def _unit(match: re.Match[str]) -> str:
    after = match.group("after") or ""
    if after == "%" or after.lower().startswith("per"):
        return "%"
    return "money" if match.group("before") or after else ""


def _then(rest: str, operator: Operator) -> Verdict:
    """What the sentence wants for values on the named side: a refusal, a person, or a yes."""
    upward = operator in (">", ">=")
    wants_more = upward or not _APPROVE.search(rest)
    if wants_more and _ASK.search(rest):
        return "ask"
    if wants_more and _DENY.search(rest):
        return "deny"
    return "ask" if upward and not _YES.search(rest) else "approve"
