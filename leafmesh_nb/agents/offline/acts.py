"""What the writer of a text does with it: asks a price, orders, changes, complains, asks for news.

Texts with one purpose share their verbs, their tense and the form of their sentences rather than
their nouns. A value's name and its examples say which acts go with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from leafmesh_nb.agents.offline.families import families_of
from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.text import Sentence, Text
from leafmesh_nb.agents.offline.words import word_set

PREFIX: Final = "a:do_"

_NAMES: Final = """
price: quote quotation estimate pricing price cost offer rate tender proposal
order: order purchase buy supply delivery
book: book booking reserve reservation appointment schedule pickup collection hire rental visit
change: change amend amendment modify modification reschedule update alter edit correction
extend: extend extension renew renewal prolong prolongation
cancel: cancel cancellation withdrawal termination
harm: complaint complain grievance problem issue fault damage damaged defect breakdown incident
harm: claim shortage loss lost missing broken repair malfunction
thank: thanks thank praise compliment gratitude appreciation testimonial kudos
news: status tracking track progress whereabouts late delay delayed
ask: question advice info information inquiry enquiry query help howto guidance availability
"""
_BY_NAME: Final = {
    stem(word): line.partition(": ")[0]
    for line in _NAMES.strip().splitlines()
    for word in line.partition(": ")[2].split()
}

_CUES: Final = (
    (
        "price",
        r"how much|how expensive|cheapest|going rate|in the region of|can (?:we|i) afford"
        r"|what (?:would|will|do|does|is|are|'s)\b[^.?!]{0,60}\b(?:cost"
        r"|costs|charge|come to|price|prices|rate|rates|fee|fees|set (?:me|us) back)"
        r"|\bprice list|list prices?|\bquot(?:e|es|ation|ations)\b|\bestimates?\b|ballpark"
        r"|rough (?:figure|price|idea)|what(?:'s| is) the damage"
        r"|idea of (?:the )?(?:cost|price)|price per|per head|your (?:best )?(?:rates?|prices?"
        r"|offer)|make (?:me|us) an offer|what do you (?:charge|ask|take)|pricing|compar(?:e"
        r"|ing) (?:prices|offers|firms|houses)|would (?:that|it|this) (?:cost|come to"
        r"|be)\b[^.?!]{0,12}\?",
    ),
    (
        "order",
        r"(?:please|kindly|to|we'll|i'll|can you|could you|and|^) ?(?:deliver|bring|supply"
        r"|prepare)\b|put (?:me|us) down for|(?:would|'d) like to (?:order|buy|go ahead|have"
        r"|get)|\bgo ahead\b|(?:want|wish|like|need) to (?:order|buy|purchase)|please (?:send"
        r"|order|add)|\bwe(?:'ll| will) take\b|\bi(?:'ll| will) take\b|(?:place"
        r"|placing) an order|we order\b|i order\b|(?:need|have|get) (?:another|more|a new"
        r"|a refill)|run(?:ning)? (?:out|low)|almost gone|\brefill\b|write another|used up",
    ),
    (
        "book",
        r"\b(?:book|reserve|hold|pencil|save|keep|set aside"
        r"|put aside)\b(?! on)[^.?!]{0,30}\b(?:for|us|me|a|an|the|our|my|one|two|\d+)\b"
        r"|\bset aside\b|fit (?:me|us|him|her|them)? ?in\b|\b(?:free|open|available) (?:slot"
        r"|appointment|date|time)|slot\b|appointment|(?:please|you|someone) (?:collect|pick up"
        r"|fetch|arrange|come|schedule)\b|(?:arrange|schedule)\b[^.?!]{0,20}\b(?:a|an|the|for)\b"
        r"|bring\b[^.?!]{0,40}\bin\b|(?:would|'d) like to (?:book|reserve|hire|rent|come|visit"
        r"|arrange|see)|make a reservation|come by|drop by|sign (?:me|us|him|her|them) up"
        r"|count (?:me|us) in|"
        r"in (?:my|our) name|(?:next )?in line for|waiting list",
    ),
    (
        "change",
        r"\binstead\b|rather (?:than|have)|\b(?:change|amend|alter|adapt|adjust|switch|swap"
        r"|modify|reschedule|postpone|update|correct|rename|move) (?:the|our|my|it|this|that"
        r"|from|to|them|his|her)\b|\bfrom \w+ to \w+|no longer (?:need|want|come|coming)"
        r"|dropped out|(?:one|two|\d+) (?:more|fewer|less) (?:than|people|guests)|(?:earlier"
        r"|later|different|another|new) (?:date|time|day|hour|address|name|slot)|stays? the same"
        r"|everything else|turns? out|after all|\bwe are now\b|still (?:amend|change"
        r"|possible to)",
    ),
    (
        "extend",
        r"\blonger\b(?<!no longer)|another (?:day|week|month|hour|night|year|fortnight)|(?:one"
        r"|two|three|a few|some) more (?:days?|weeks?|months?|hours?)|extend|extension|prolong"
        r"|renew|(?:days?|weeks?|hours?|bit|little) later than|hold on to|keep (?:it|them|the"
        r"|this|these)\b[^.?!]{0,30}\b(?:until|till|for|through)|overrun|not (?:be )?(?:finish"
        r"|finished|done)|won't (?:be )?(?:finish|finished|done|ready)|more time|a second time",
    ),
    (
        "cancel",
        r"\bcancel|change of plans|changed (?:my|our) minds?|not interested any|"
        r"call(?:ed|ing)? (?:it |this |everything )?off|back out|withdraw"
        r"|no longer (?:need|want|require)|won't be (?:needing|coming)|not (?:going ahead"
        r"|coming)|give up (?:my|our)",
    ),
    (
        "harm",
        r"\b(?:broke|broken|useless|unusable|sloppy|unfriendly|ignored|overcharged|poorly|"
        r"not (?:good enough|happy|amused|impressed)|never again|waste of|"
        r"crack(?:s|ed|le|les)?|smashed|snapped|torn|tore|bent|dented"
        r"|scratched|spilled|spilt|ruined|destroyed|crushed|shattered|leaked|leaking|soaked"
        r"|stained|burnt|fell|dropped (?:it|and|the|from)|came down|collapsed|jammed|stuck|dead"
        r"|stale|cold and|rotten|mouldy|dirty|filthy|dry|rude|late|missing|short|wrong|faulty"
        r"|defective|damaged|worst|terrible|awful|disappoint\w*|unacceptable|disgrace\w*"
        r"|let-?down|let down|shoddy|refused|never (?:came|arrived|turned|showed|worked)"
        r"|nobody (?:told|came|showed|answered)|no longer (?:work\w*|switch\w*|turn\w*|charge\w*"
        r"|open\w*|close\w*|respond\w*|start\w*)|(?:does|do|did|will|would)(?:n't| not) (?:work"
        r"|switch|turn|start|open|close|charge|fit)|stopped (?:work\w*|respond\w*)|complain\w*"
        r"|(?:no|not one|not even an|without an?) apology|unimpressed|not acceptable|appall\w+"
        r"|shocking|disgust\w+|furious|fuming|overcharged|kept (?:me|us) waiting"
        r"|kept waiting|never (?:called|rang|wrote|replied|answered)|no one (?:told|came|showed"
        r"|answered|called)|waited (?:for )?(?:\d+|an|over|two|three|half)|second time|third time"
        r"|not what (?:we|i)|bad news|had to (?:wait|throw|clean)|(?:had|with) (?:a )?(?:hair"
        r"|hole|mould)s?|grinding|too (?:small|salty|late|loud))\b",
    ),
    (
        "thank",
        r"\b(?:thank you|thanks|grateful|thankful)\b[^.?!]{0,12}\b(?:so much|very much|for (?:the"
        r"|being|looking after|taking|all|such|everything|making|coming|fixing|a|an|your (?:kind"
        r"|patien|care|great|wonderful|lovely|hospitality|hard))|to (?:the|your|everyone))"
        r"|\b(?:wonderful|brilliant|fantastic|amazing|superb|delightful|outstanding|marvellous)\b"
        r"|couldn't (?:be happier|have been (?:nicer|kinder|better|more))|well done|\bkudos\b"
        r"|\bgreat (?:job|work|service|team|experience|care|evening|stay)|so (?:kind|friendly)"
        r"|(?:just|only) (?:wanted|writing|a (?:quick )?note) to (?:say|thank)|really appreciated?"
        r"|(?:highly|will) recommend|compliments to|made (?:my|our|her|his|their) day",
    ),
    (
        "news",
        r"where (?:is|are|'s)\b|did (?:you|it|they) (?:get|receive|arrive|go)|not yet|as yet|"
        r"any (?:news|update|word)|when (?:will|can|does|do|should|is"
        r"|are)\b[^.?!]{0,40}\b(?:arrive|come|get here|ready|expect|delivered|reach|here|due)\b"
        r"|still (?:waiting|nothing|no|not)|heard (?:nothing|back)|how far|on (?:its|the"
        r"|their) way|tracking|status|(?:has|have|did)\b[^.?!]{0,30}\b(?:sent|shipped|left"
        r"|gone out|arrived|received|dispatched)\b[^.?!]{0,30}\?|follow(?:ing)? up|is (?:it|that"
        r"|my|our|the)\b[^.?!]{0,20}ready",
    ),
    (
        "ask",
        r"how (?:do|does|can|should|long|often|many|come)\b|is (?:it|this|that) (?:normal|ok"
        r"|okay|safe|true|possible|allowed|dangerous|bad)|should (?:i|we|he|she|they)\b"
        r"|what (?:can|should|kind|do you recommend|to do)\b|\bwhy\b|do you (?:have|offer|accept"
        r"|take|sell|open|know|recommend)|which\b|^(?:can|may|do|does|are|is) (?!you\b|i\b|we\b)"
        r"|wonder(?:ing)?|any (?:advice|tips?|idea)|i(?:'d| would) like to know|worried",
    ),
)
_PATTERNS: Final = tuple((act, re.compile(cue, re.IGNORECASE)) for act, cue in _CUES)
#: Acts that are asked for; the same words in a report say less.
_ASKED: Final = word_set("price news ask book order")
#: The families of words that tell of trouble.
_HARMS: Final = word_set("complain damage fault angry dirty smell pain bad sad discipline")
_HARM_WORD: Final = 0.7
_OPENING: Final = 2
_LATER: Final = 0.7
_TOLD: Final = 0.6
_MOST_SENTENCES: Final = 60
_LONGEST: Final = 600


def acts_named(words: Sequence[str]) -> frozenset[str]:
    """The acts that a value's name (its words) stands for."""
    acts = (_BY_NAME.get(stem(word)) for word in words)
    return frozenset(act for act in acts if act)


def acts_in(text: Text) -> dict[str, tuple[float, str]]:
    """Each act's weight in `text` (0..1.2) and the words that show it."""
    families = families_of()
    found: dict[str, tuple[float, str]] = {}
    spoken = [s for s in text.sentences[:_MOST_SENTENCES] if not s.greets]
    for at, sentence in enumerate(spoken):
        for act, pattern in _PATTERNS:
            match = pattern.search(text.lower, sentence.start, _end(sentence))
            if match is None:
                continue
            weight = _weight(act, sentence, text) * (1.0 if at < _OPENING else _LATER)
            if weight > found.get(act, (0.0, ""))[0]:
                found[act] = (weight, text.quote(*match.span(), 60))
        for word in sentence.words:
            # Trouble that is denied or only asked about is none.
            if _HARMS.isdisjoint(families.get(word.stem, ())) or word.negated or word.refused:
                continue
            weight = _HARM_WORD * _weight("harm", sentence, text)
            if not sentence.requests and weight > found.get("harm", (0.0, ""))[0]:
                found["harm"] = (weight, text.quote(word.start, word.end))
    return found


def _end(sentence: Sentence) -> int:
    return min(sentence.end, sentence.start + _LONGEST)


def _weight(act: str, sentence: Sentence, text: Text) -> float:
    asks = sentence.requests or sentence.inquires > 0 or text.raw[sentence.end - 1] == "?"
    if act in _ASKED:
        return 1.2 if asks else _TOLD
    return (0.7 if asks else 1.0) if act == "harm" else 1.0
