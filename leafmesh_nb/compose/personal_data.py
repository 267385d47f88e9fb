"""Personal data in a text: by checksum where there is one, else by form.

Card numbers (Luhn, ISO/IEC 7812-1) and bank accounts (IBAN, ISO 13616, mod 97) are found anywhere.
Addresses, telephone and social security numbers have no checksum, so they are looked for only in
what people write for models to read. Names of people are not found at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leafmesh_nb.language.secret_texts import Secret
from leafmesh_nb.memory.cards import mask_cards

__all__ = ["find_contacts", "find_payment_details"]

_DIGITS = re.compile(r"(?<![\w.])[0-9](?:[ \u00a0.\u2010-\u2013-]{0,2}[0-9]){12,18}(?![0-9])")
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?:[ ]?[A-Z0-9]){11,30}", re.ASCII)

# Characters of an IBAN by country, from SWIFT's registry of IBAN formats.
_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST",
        26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip

_MAIL = re.compile(
    r"(?<![\w.%+-])(?P<who>[A-Za-z0-9][\w.%+-]{0,63})@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![\w-])",
    re.ASCII,
)
# Mailboxes of a function or of nobody: no person stands behind them.
_MAILBOX_NAMES = """
    abuse accounting accounts address admin billing careers claims contact customer customers
    customerservice desk email escalation escalations feedback finance foo hello help helpdesk hr
    info inbox it jobs legal mail mailbox marketing me name news newsletter noreply office ops
    orders payments postmaster press privacy procurement refunds returns root sales security
    service services shop someone somebody support team test user username webmaster you
"""
_MAILBOXES = frozenset(_MAILBOX_NAMES.split())

_PHONE = re.compile(
    r"(?<![\w+.-])(?:"
    r"\+[1-9][0-9]{0,2}(?:[ ./-]{0,2}\(?[0-9]{1,5}\)?){2,6}"
    r"|(?:\([2-9][0-9]{2}\)[ -]?|[2-9][0-9]{2}[-. ])[0-9]{3}[-. ][0-9]{4}"
    r")(?![\w-]|\.[0-9])",
    re.ASCII,
)
_CUED_PHONE = re.compile(
    r"(?i:\b(?:tel|phone|telephone|mobile|cell|call|fax|ring)\b\.?(?:[ ](?:number|no\.?|at|on|is))?"
    r"[ ]?:?[ ]{0,2})(?P<number>\(?0[0-9]{1,5}\)?(?:[ ./-]?[0-9]{2,8}){1,5})(?!\w)",
    re.ASCII,
)
_PHONE_DIGITS = range(7, 16)  # ITU-T E.164: at most 15

# The Social Security Administration never gave out areas 000, 666 and 900-999.
_SOCIAL = re.compile(
    r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])", re.ASCII
)


def find_payment_details(text: str) -> list[Secret]:
    """Card numbers and bank accounts in ``text``, in order."""
    return sorted((*_cards(text), *_accounts(text)), key=lambda found: found.start)


def find_contacts(text: str) -> list[Secret]:
    """E-mail addresses, telephone and social security numbers of people in ``text``, in order."""
    found = [Secret(*m.span(), "a social security number") for m in _SOCIAL.finditer(text)]
    for match in _MAIL.finditer(text):
        words = [word for word in re.split(r"[^a-z]", match["who"].lower()) if word]
        if not {"".join(words), *words[:1]} & _MAILBOXES:
            found.append(Secret(*match.span(), "an e-mail address"))
    for match in _PHONE.finditer(text):
        found += _phone(*match.span(), match.group())
    for match in _CUED_PHONE.finditer(text):
        found += _phone(*match.span("number"), match["number"])
    return sorted(found, key=lambda secret: secret.start)


def _phone(start: int, end: int, number: str) -> list[Secret]:
    digits = sum(c.isdigit() for c in number)
    return [Secret(start, end, "a telephone number")] if digits in _PHONE_DIGITS else []


def _cards(text: str) -> Iterator[Secret]:
    for match in _DIGITS.finditer(text):
        number = match.group()
        if mask_cards(number) != number:
            yield Secret(*match.span(), f"a payment card number that ends in {number[-4:]}")


def _accounts(text: str) -> Iterator[Secret]:
    for match in _ACCOUNT.finditer(text):
        length = _LENGTHS.get(match.group()[:2])
        places = [i for i, c in enumerate(match.group()) if c != " "]
        if length is None or len(places) < length:
            continue
        end = match.start() + places[length - 1] + 1
        if text[end : end + 1].isalnum():
            continue
        account = text[match.start() : end].replace(" ", "")
        if _remainder(account) == 1:
            yield Secret(match.start(), end, f"a bank account (IBAN) that ends in {account[-4:]}")


def _remainder(account: str) -> int:
    """Modulo 97 of an IBAN, its first four characters put last, letters as 10 to 35."""
    digits = "".join(str(int(character, 36)) for character in account[4:] + account[:4])
    return int(digits) % 97
