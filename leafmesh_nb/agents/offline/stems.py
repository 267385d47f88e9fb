"""Stems of English words: enough to see that "cancelled" and "cancellation" are one word.

A light suffix stripper in the manner of Porter's, with a table of the irregular verbs. A stem is
only ever compared with other stems, so it need not be a word.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_MAX_WORD: Final = 40
_VOWELS: Final = frozenset("aeiouy")

_IRREGULAR_FORMS: Final = """
apartment:apartment department:department tenement:tenement moment:moment comment:comment
am:be is:be are:be was:be were:be been:be has:have had:have did:do does:do done:do
bore:bear borne:bear beaten:beat became:become began:begin begun:begin bent:bend bit:bite
bitten:bite bled:bleed blew:blow blown:blow broke:break broken:break breakage:break
brought:bring built:build burnt:burn bought:buy caught:catch chose:choose chosen:choose
choice:choose came:come crept:creep dealt:deal drank:drink drunk:drink drew:draw drawn:draw
drove:drive driven:drive ate:eat eaten:eat fell:fall fallen:fall fed:feed felt:feel
fought:fight found:find flew:fly flown:fly flight:flight forbade:forbid forgot:forget
forgotten:forget froze:freeze frozen:freeze gave:give given:give gift:gift went:go gone:go
grew:grow grown:grow growth:grow heard:hear held:hold hid:hide hidden:hide kept:keep
knew:know known:know knowledge:know laid:lay led:lead leakage:leak learnt:learn left:leave
lent:lend lost:lose loss:lose losing:lose made:make meant:mean met:meet paid:pay payable:pay
rang:ring rung:ring rose:rise risen:rise ran:run said:say saw:see seen:see sold:sell sale:sell
sent:send shook:shake shaken:shake shrank:shrink shrunk:shrink sang:sing sank:sink sunk:sink
sat:sit slept:sleep spoke:speak spoken:speak spent:spend stood:stand stole:steal stolen:steal
stuck:stick stung:sting struck:strike swam:swim swore:swear swollen:swell took:take taken:take
taught:teach tore:tear torn:tear told:tell thought:think threw:throw thrown:throw wore:wear
worn:wear woke:wake woken:wake won:win mileage:mile wrote:write written:write
complaint:complain weight:weigh advice:advise belief:believe proof:prove theft:steal thief:steal
thieves:steal death:die dead:die dying:die lying:lie tying:tie birth:birth born:birth
children:child men:man women:woman feet:foot teeth:tooth mice:mouse geese:goose people:people
wives:wife lives:life knives:knife leaves:leave halves:half used:use using:use
bigger:big biggest:big better:good best:good worse:bad worst:bad latest:late arrived:arrive
signed:sign signing:sign signature:sign inquiry:inquire inquiries:inquire enquiry:inquire
enquiries:inquire enquire:inquire ache:ache aching:ache licence:license favourite:favorite
tyre:tire cheque:cheque colour:color neighbour:neighbor behaviour:behavior
"""
_IRREGULAR: Final[dict[str, str]] = {
    form: root for form, _, root in (pair.partition(":") for pair in _IRREGULAR_FORMS.split())
}

# (suffix, what takes its place, the least that must remain); the first that fits is taken.
_SUFFIXES: Final = (
    ("ription", "ribe", 2),
    ("ication", "y", 3),
    ("ization", "ize", 3),
    ("isation", "ize", 3),
    ("ation", "", 4),
    ("fulness", "", 4),
    ("ement", "e", 4),
    ("ment", "", 3),
    ("ness", "", 3),
    ("edly", "", 4),
    ("ingly", "", 4),
    ("ency", "ent", 3),
    ("ancy", "ant", 3),
    ("ance", "", 4),
    ("ence", "", 4),
    ("eable", "", 4),
    ("able", "", 4),
    ("ing", "", 3),
    ("ied", "y", 3),
    ("eed", "eed", 0),
    ("ed", "", 3),
    ("ion", "", 4),
    ("ally", "al", 4),
    ("ly", "", 4),
    ("ery", "er", 3),
    ("ful", "", 4),
    ("al", "", 4),
)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _strip_suffix(word: str) -> str:
    for suffix, replacement, least in _SUFFIXES:
        if word.endswith(suffix):
            rest = word[: -len(suffix)]
            if len(rest) >= least and not _VOWELS.isdisjoint(rest):
                return rest + replacement
    return word


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """The stem of one lower-case word; `word` may carry an apostrophe ("customer's")."""
    word = word[:_MAX_WORD].partition("'")[0] or word[:_MAX_WORD]
    if word in _IRREGULAR:
        word = _IRREGULAR[word]
    else:
        word = _singular(word)
        word = _IRREGULAR.get(word, word)
        for _ in range(2):
            shorter = _strip_suffix(word)
            if shorter == word:
                break
            word = _IRREGULAR.get(shorter, shorter)
    if len(word) > 2 and word[-1] == word[-2] and word[-1] not in _VOWELS:
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    elif len(word) > 3 and word.endswith("y"):
        word = word[:-1] + "i"
    if len(word) > 5 and word.endswith("at"):
        word = word[:-2]
    return word
