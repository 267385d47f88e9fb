"""Where in an expression or a template one stands: in text, in code, or in a text of the code."""

from __future__ import annotations

__all__ = ["CodeState"]


class CodeState:
    """Reads a text from its start, piece by piece, as the language's templates do.

    ``template`` says whether there is code in the text at all, ``inside`` whether it starts in it.
    """

    def __init__(self, *, inside: bool, template: bool) -> None:
        self.template = template
        self.inside = inside
        self.quote = ""
        self.raw = False
        self.last = ""
        self._whole = inside
        self._depth = 0
        self._escaped = False
        self._before = ""

    def feed(self, text: str) -> None:
        """Read on."""
        for character in text:
            if self.quote:
                self._in_text(character)
            elif self.inside:
                self._in_code(character)
            elif self.template and character == "{" and self.last == "$" and self._before != "$":
                self.inside, self._depth = True, 0
            self._before, self.last = self.last, character

    def skip(self) -> None:
        """Pass a value, which changes nothing."""
        self._before = self.last = "\0"
        self._escaped = False

    def _in_text(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\" and not self.raw:
            self._escaped = True
        elif character == self.quote:
            self.quote = ""

    def _in_code(self, character: str) -> None:
        if character in "\"'":
            self.quote = character
            name_before = self._before.isalnum() or self._before == "_"
            self.raw = self.last in ("r", "R") and not name_before
        elif character == "{":
            self._depth += 1
        elif character == "}" and not self._whole:
            if self._depth == 0:
                self.inside = False
            self._depth -= 1
