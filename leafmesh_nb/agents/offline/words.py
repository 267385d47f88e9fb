"""General English that the reader knows: function words, negation, requests, months, signs.

Nothing here belongs to a trade. Words are lower case with straight apostrophes.
"""

from __future__ import annotations

from typing import Final


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, so that a list of words can be written as a line of them."""
    return frozenset(text.split())


#: Words that say nothing about what a text is about.
FUNCTION_WORDS: Final = word_set(
    """
    a an the this that these those it its it's itself he him his she her hers they them their
    theirs i me my mine myself we us our ours ourselves you your yours yourself one ones someone
    anyone everyone somebody anybody everybody something anything everything nothing none
    and or but nor so yet if then else than as because since while whereas although though unless
    until till of in on at by for from to into onto with without within about above below over
    under between among through during before after again against per via off out up down upon
    be am is are was were been being have has had having do does did doing done will would shall
    should can could may might must cannot can't won't wouldn't shouldn't couldn't don't doesn't
    didn't isn't aren't wasn't weren't haven't hasn't hadn't ain't i'm i've i'd i'll we're we've
    we'd we'll you're you've you'd you'll he's she's they're they've they'd that's there's here's
    what's who's let's not no yes ok okay there here where when why how what which who whom whose
    all any both each few more most other others another some such only own same too very just
    also even still already ever never now today really quite rather almost enough much many lot
    lots bit well however therefore thus hence else etc e.g i.e s t d m re ve ll
    instead whenever wherever whatever
    hi hello hey dear regards sincerely please thanks thank thx cheers sir madam mr mrs ms dr
    kind kindly
    """
)

#: Words so common that they say little.
FAINT_WORDS: Final = word_set(
    """
    get gets got getting go goes going went make makes made take takes took want wants wanted need
    needs needed like use uses used know think see say says said tell told ask come comes came
    give gave put let thing things time times day days week weeks month months year years way
    people person man woman guy back new first last next two three four five six seven eight nine
    ten today tomorrow yesterday morning evening night good help try tried trying work keep look
    looking find found seem seems yesterday since ago nice best able
    """
)

GREETINGS: Final = word_set(
    "hi hello hey dear regards sincerely thanks thank thx cheers greetings yours sir madam "
    "morning afternoon evening wishes faithfully team all everyone good kind best many"
)

NEGATORS: Final = word_set(
    "not no never nobody without cannot neither nor none nothing n't can't won't wouldn't "
    "shouldn't couldn't don't doesn't didn't isn't aren't wasn't weren't haven't hasn't hadn't "
    "ain't dont doesnt didnt cant wont isnt wasnt havent hasnt unable"
)

#: After a negator these turn a wish down: what follows is what is not wanted.
WISHES: Final = word_set("want need like wish require ask asking request looking interested expect")

#: These turn down what follows them on their own.
REFUSALS: Final = (
    ("instead", "of"),
    ("rather", "than"),
    ("other", "than"),
    ("except", "for"),
    ("as", "opposed", "to"),
    ("no", "need"),
    ("no", "interest"),
    ("without",),
    ("except",),
)

#: A negated verb of this kind says that something does not do what it is for.
OPERATE: Final = word_set(
    "work load open start respond run connect show display play close lock flush heat function "
    "boot print sync save turn switch ring stop react appear function fit lead go"
)

#: A negated verb of this kind says that something has not come.
ARRIVE: Final = word_set(
    "arrive receive come get deliver reach find see turn show ship hear here there"
)

#: Word sequences with which people ask for something to be done.
REQUESTS: Final = tuple(
    tuple(phrase.split())
    for phrase in """
    please|kindly|i want|we want|i wanted|i would like|we would like|i'd like|we'd like|would like
    i need|we need|can you|could you|would you|will you|can i|could i|may i|may we|can we|could we
    can someone|could someone|i demand|i expect|we expect|i request|we request|requesting
    asking for|asking to|looking for|looking to|i wish|i claim|we claim|would appreciate|want my
    want the|want to|help me|send me|give me|get me|tell me|let me know|i insist|i hope|i ask
    i would accept|would accept|hoping for|hoping to|need to|needs to|you must|should be
    """.replace("\n", "|").split("|")
    if phrase.strip()
)

#: Words that open a question about facts, even one that says "can I".
OPEN_QUESTION_WORDS: Final = word_set("how what when where which who whose why")
QUESTION_WORDS: Final = OPEN_QUESTION_WORDS | word_set(
    "is are does do did was were has will shall am"
)

AFFIRMATIONS: Final = word_set(
    "yes yeah yep yup sure certainly absolutely definitely correct agreed affirmative indeed "
    "ok okay true"
)
DENIALS: Final = word_set("no nope nah negative false incorrect denied never")

#: Verbs and articles in front of the word that a boolean field is about.
BOOLEAN_LEADS: Final = word_set(
    "is are was were be has have had needs need wants want wanted requires require required "
    "requested asks should can could may must will would does did do a an the with includes "
    "include included contains mentions mentioned"
)

#: Words in a field's name that say only that it is a number or a text.
GENERIC_NAMES: Final = word_set(
    "amount amounts value values sum money number numbers num nr no count counts quantity qty "
    "total figure of the a an in for text string field data info information detail details "
    "result output item items list date dates day datetime timestamp at on time when"
)

MONTHS: Final[dict[str, int]] = {
    name: month
    for month, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
WEEKDAYS: Final[dict[str, int]] = {
    name: day
    for day, names in enumerate(
        (
            "monday mon",
            "tuesday tue tues",
            "wednesday wed",
            "thursday thu thur thurs",
            "friday fri",
            "saturday sat",
            "sunday sun",
        )
    )
    for name in names.split()
}

CURRENCY_SIGNS: Final = "$€£¥₹₩₽₺₪₫₴₦฿₱₿¢"
CURRENCY_CODES: Final = word_set(
    "usd eur gbp jpy cny inr krw aud cad nzd chf sek nok dkk pln czk huf ron bgn try ils aed sar "
    "zar brl mxn ars clp cop pen sgd hkd twd thb idr myr php vnd rub uah ngn kes egp"
)
CURRENCY_WORDS: Final = word_set(
    "dollar dollars buck bucks euro euros pound pounds quid sterling yen yuan rupee rupees franc "
    "francs krona kronor krone kroner kr zloty peso pesos real reais rand won"
)
#: A hundredth of the coin.
CENT_WORDS: Final = word_set("cent cents penny pence p ct")

#: Nouns that a number names rather than counts.
IDENTIFIER_NOUNS: Final = word_set(
    "order invoice ticket case ref reference number no nr num id account acct phone tel telephone "
    "mobile cell fax call card ending ends version v release build room flight gate seat page "
    "step error code line apartment apt flat unit suite building zip postcode postal year since "
    "serial model tracking booking reservation confirmation receipt customer client member "
    "policy claim contract file document form item article sku batch lot tariff pin extension "
    "ext floor platform chapter section paragraph level street road avenue windows ios android "
    "port track bus train house block box route question consignment parcel shipment po voucher "
    "transaction request job project quote user"
)

#: The names of what an identifier field holds.
IDENTIFIER_NAMES: Final = word_set(
    "id number no nr num code ref reference key serial pin sku iban vin"
)

#: Words beside which a bare number is an amount of money.
MONEY_WORDS: Final = word_set(
    "pay paid pays paying charge charged charges cost costs price priced fee fees refund refunded "
    "reimburse bill billed owe owed owes worth total amount sum deposit money spend spent "
    "credit debit debited balance budget value valued deducted deduct withdrew withdrawn withdraw "
    "cash payment compensation discount tax taxes salary wage rent loan transferred transfer "
    "invoice invoiced earn earned save saved buy bought sell sold overcharged fine penalty"
)

#: Words beside which an amount is the one asked for, not one that is told.
ASKING_WORDS: Final = word_set(
    "want like need please request demand claim expect refund refunded return returned back "
    "reimburse reimbursement reimbursed repay repaid compensation compensate compensated credit "
    "credited owe owed give accept settle recover send pay"
)

#: Words beside which an amount is told rather than asked for.
TOLD_WORDS: Final = word_set(
    "paid spent cost costs bought originally total altogether overall worth limit balance each per "
    "monthly yearly annually usually normally advertised listed previously quoted quote "
    "budget income salary"
)
