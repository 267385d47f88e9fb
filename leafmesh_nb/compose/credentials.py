"""Credentials that only a sentence gives away: ``the password is …``.

What nobody writes by accident the language refuses outright (``language.secret_texts``). This is a
guess, and so one of the check.
"""

from __future__ import annotations

import re

from leafmesh_nb.language.secret_names import looks_chosen
from leafmesh_nb.language.secret_texts import Secret

__all__ = ["find_credentials"]

_TOLD = re.compile(
    r"(?<![A-Za-z0-9])(?:(?P<password>pass(?:word|phrase|wd|code)|pwd)|secret|token|credentials?"
    r"|(?:api|access|auth|private|account|secret)[_ -]?key)"
    r"[ ](?:is|are|was)[ ]?:?[ ]?[\"'`]?(?P<word>[^\s\"'`,;{}\[\]()<>]{6,200})",
    re.IGNORECASE,
)


def find_credentials(text: str) -> list[Secret]:
    """Every credential in ``text``, in order, without overlap."""
    found = []
    for match in _TOLD.finditer(text):
        word = match["word"].rstrip(".!?:")
        if looks_chosen(word, password=match["password"] is not None):
            start = match.start("word")
            found.append(Secret(start, start + len(word), "a password or a key"))
    return found
