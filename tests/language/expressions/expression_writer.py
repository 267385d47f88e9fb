"""Random expressions over ``NAMES``, and the same expressions as CEL has them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from leafmesh_nb.language.expressions.ast import Call, Index, Node, Select, children

NAMES: dict[str, Any] = {
    "i": 7,
    "big": 2**63 - 1,
    "d": 2.5,
    "tenth": 0.1,
    "price": Decimal("12.50"),
    "t": True,
    "f": False,
    "n": None,
    "s": "refund",
    "u": "GRÖSSE 🙂",
    "l": [1, 2, 3],
    "mixed": [1, 2.5, "a", None, True, [1]],
    "w": ["a", "b", ""],
    "rows": [{"k": 1, "v": "x"}, {"k": 2, "v": None}, {"k": 2.5}],
    "m": {"a": 1, "b": {"c": "x", "e": None, "l": [0, 1]}, "z": 0.5},
    "at": datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    "later": datetime(2026, 3, 2, 12, 30, tzinfo=UTC),
    "now": datetime(2026, 3, 1, 18, 0, tzinfo=UTC),
    "span": timedelta(hours=1, seconds=30),
}
PATTERNS = ("'^re'", "'[a-z]+$'", "'(?i)R.F'", r"r'\d'", "'a|b'", "'('", "''", r"'\\S+\\s'")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


class Writer:
    """Random expressions, mostly of the right kinds, with as few parentheses as the dice say."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.variables: list[str] = []

    def pick(self, *options: str) -> str:
        return self.dice.choice(options)

    def one(self, depth: int, *makers: Callable[[int], str]) -> str:
        return self.dice.choice(makers)(depth)

    def often(self, chance: float) -> bool:
        return self.dice.random() < chance

    def wrong(self) -> bool:
        """Whether to write something of another kind, so that errors are compared too."""
        return self.often(0.04)

    def any_of(self, depth: int) -> str:
        return self.one(
            depth, self.boolean, self.boolean, self.boolean, self.number, self.number, self.text,
            self.items, self.fields, self.moment,
        )  # fmt: skip

    def boolean(self, depth: int) -> str:
        if depth <= 0:
            if self.wrong():
                return self.pick("n", "m.q", "s", "missing", "m.b.e.x")
            return self.pick("true", "false", "t", "f", "has(m.a)", "has(m.q)", "has(m.b.e)")
        d = depth - 1
        shape = self.dice.randrange(15)
        if shape < 3:
            return f"{self.number(d)} {self.comparison()} {self.number(d)}"
        if shape == 3:
            return f"{self.text(d)} {self.comparison()} {self.text(d)}"
        if shape == 4:
            return f"{self.any_of(d)} {self.pick('==', '!=')} {self.any_of(d)}"
        if shape < 8:
            count = 3 if self.often(0.2) else 2
            joined = f" {self.pick('&&', '||')} ".join(self.boolean(d) for _ in range(count))
            return f"({joined})" if self.often(0.5) else joined
        if shape == 8:
            return f"!({self.boolean(d)})" if self.often(0.7) else f"!!{self.atom(self.boolean(d))}"
        if shape == 9:
            where = self.pick("l", "mixed", "m", "w", "m.b.l", self.items(d), self.fields(d))
            return f"{self.any_of(d)} in {where}"
        if shape == 10:
            method = self.pick("contains", "startsWith", "endsWith")
            return f"{self.atom(self.text(d))}.{method}({self.text(d)})"
        if shape == 11:
            return f"{self.atom(self.text(d))}.matches({self.pick(*PATTERNS, self.text(0))})"
        if shape == 12:
            return self.quantified(d)
        if shape == 13:
            if self.often(0.5):
                return f"{self.absent(d, self.any_of)} {self.pick('==', '!=')} null"
            return self.pick("has(m.b.e.x)", "has(m.q.r)", "has(n.x)", f"has({self.fields(d)}.k)")
        maker = self.dice.choice((self.time, self.duration))
        return f"{maker(d)} {self.comparison()} {maker(d)}"

    def comparison(self) -> str:
        return self.pick(*COMPARISONS)

    def number(self, depth: int) -> str:
        if depth <= 0:
            if self.variables and self.often(0.3):
                return self.dice.choice(self.variables)
            if self.wrong():
                return self.pick("n", "s", "l[3]", "m.q", "big", "9223372036854775807", "t")
            return self.pick(
                "0", "1", "2", "-3", "i", "l[0]", "l[2]", "m.a", "m['a']", "m.b.l[1]", "rows[1].k",
                "010", "0.5", "-2.25", "1e2", ".5", "25E-1", "d", "m.z", "tenth", "0.3", "price",
            )  # fmt: skip
        d = depth - 1
        shape = self.dice.randrange(12)
        if shape < 5:
            operator = self.pick("+", "-", "*", "/", "%")
            text = f"{self.number(d)} {operator} {self.number(d)}"
            return f"({text})" if self.often(0.5) else text
        if shape == 5:
            return f"-{self.atom(self.number(d))}"
        if shape == 6:
            return f"({self.boolean(d)} ? {self.number(d)} : {self.number(d)})"
        if shape == 7:
            sized = self.one(d, self.text, self.items, self.fields)
            return f"size({sized})" if self.often(0.5) else f"{self.atom(sized)}.size()"
        if shape == 8:
            places = self.pick("", "", ", 0", ", 1", ", 2", ", 12", ", 13")
            return f"round({self.number(d)}{places})"
        if shape == 9:
            maker = self.dice.choice((self.number, self.number, self.number, self.text))
            some = ", ".join(maker(d) for _ in range(self.dice.choice((1, 2, 3))))
            return f"{self.pick('min', 'max')}({self.items(d) if self.often(0.2) else some})"
        if shape == 10:
            money = self.pick(
                "'12.50'", "'-3'", "'1e3'", "'twelve'", self.number(d), self.number(d)
            )
            return f"money({money})"
        return f"default({self.absent(d, self.number)}, {self.number(d)})"

    def absent(self, depth: int, maker: Callable[[int], str]) -> str:
        """What may be there or not."""
        if self.often(0.3):
            return maker(depth)
        return self.pick(
            "m.q", "m.b.e", "n", "l[3]", "m['q']", "m.b.l[0]", "rows[0].k", "rows[2].v", "m.q.r",
            "n.x", "missing", "m.q + 1", "m.a",
        )  # fmt: skip

    def text(self, depth: int) -> str:
        if depth <= 0:
            if self.wrong():
                return self.pick("i", "n", "m.q", "l")
            return self.pick("s", "u", "m.b.c", "w[0]", "rows[0].v", self.literal(), self.literal())
        d = depth - 1
        shape = self.dice.randrange(8)
        if shape < 3:
            return f"{self.text(d)} + {self.text(d)}"
        if shape == 3:
            some = self.one(d, self.number, self.boolean, self.text, self.moment)
            return f"string({some})"
        if shape == 4:
            return f"{self.atom(self.text(d))}.lower()"
        if shape == 5:
            words = self.pick("w", "[]", "w", "mixed", f"[{self.text(d)}, {self.text(d)}]")
            separator = self.pick("", "', '", self.text(0))
            if self.often(0.5):
                return f"{self.atom(words)}.join({separator})"
            return f"join({words}{separator and ', '}{separator})"
        if shape == 6:
            return f"({self.boolean(d)} ? {self.text(d)} : {self.text(d)})"
        return f"default({self.absent(d, self.text)}, {self.text(d)})"

    def literal(self) -> str:
        """A text in one of its spellings."""
        quote = self.pick("'", '"')
        if self.often(0.15):
            return f"{self.pick('r', 'R')}{quote}{self.pick('', 'a', chr(92) + 'd', 'é')}{quote}"
        return (
            f"{quote}{''.join(self.character(quote) for _ in range(self.dice.randrange(4)))}{quote}"
        )

    def character(self, quote: str) -> str:
        character = self.pick("a", "b", "Z", "é", "🙂", "\n", "\t", "'", '"', "\\", " ")
        code = ord(character)
        ways = [f"\\U{code:08x}"]
        if code < 0x10000:
            ways.append(f"\\u{code:04X}")
        if code < 0x80:
            ways += [f"\\x{code:02x}", f"\\{code:03o}"]
        if character in "\n\t'\"\\":
            ways.append("\\" + {"\n": "n", "\t": "t"}.get(character, character))
        if character not in f"\n\\{quote}":
            ways += [character] * 4
        return self.dice.choice(ways)

    def items(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("l", "w", "mixed", "m.b.l", "[]", "[1, 'a', ]", "[[1], [2.0]]")
        d = depth - 1
        shape = self.dice.randrange(5)
        if shape == 0:
            return f"[{self.any_of(d)}, {self.any_of(d)}]"
        if shape == 1:
            return f"{self.atom(self.items(d))} + {self.atom(self.items(d))}"
        over = self.over(d)
        if shape == 2:
            return f"{over}.filter(x, {self.bound(d, self.boolean)})"
        if shape == 3:
            return f"{over}.map(x, {self.bound(d, self.boolean)}, {self.bound(d, self.number)})"
        return f"{over}.map(x, {self.bound(d, self.number)})"

    def over(self, depth: int) -> str:
        if self.often(0.5):
            return self.pick("l", "m.b.l", "[1, 2.5, 0]", "[-1]")
        return self.pick("m", "m.b", "rows") if self.often(0.15) else self.atom(self.items(depth))

    def quantified(self, depth: int) -> str:
        kind = self.pick("all", "exists", "exists_one")
        return f"{self.over(depth)}.{kind}(x, {self.bound(depth, self.boolean)})"

    def bound(self, depth: int, maker: Callable[[int], str]) -> str:
        self.variables.append("x")
        body = maker(depth)
        self.variables.pop()
        return body

    def fields(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("m.q", "n") if self.wrong() else self.pick("m", "m.b", "rows[0]", "{}")
        key = self.pick('"k"', "s", "1") if self.often(0.2) else "'k'"
        return f"{{{key}: {self.any_of(depth - 1)}, 'j': {self.any_of(depth - 1)}}}"

    def moment(self, depth: int) -> str:
        """A time or a duration."""
        if self.wrong():
            return f"{self.time(depth)} {self.pick('+', '-')} {self.any_of(depth - 1)}"
        return self.one(depth, self.time, self.duration)

    def time(self, depth: int) -> str:
        if depth <= 0:
            if self.wrong():
                return self.pick("timestamp('2026-02-30T13:00:00Z')", "timestamp(s)", "n")
            return self.pick(
                "at", "later", "now", "timestamp('2026-03-01T13:00:00+01:00')",
                "timestamp('2026-03-01T13:00:00.25Z')", "timestamp(at)",
            )  # fmt: skip
        d = depth - 1
        if self.often(0.2):
            return f"{self.duration(d)} + {self.time(d)}"
        return f"{self.time(d)} {self.pick('+', '-')} ({self.duration(d)})"

    def duration(self, depth: int) -> str:
        if depth <= 0:
            if self.wrong():
                return self.pick("duration('1.5')", "duration('1d')", "duration(s)", "n")
            return self.pick("span", "duration('90m')", "duration('-1h2m3.5s')", "duration(span)")
        d = depth - 1
        if self.often(0.3):
            return f"({self.time(d)} - ({self.time(d)}))"
        return f"{self.duration(d)} {self.pick('+', '-')} {self.duration(d)}"

    def atom(self, text: str) -> str:
        return text if text.isidentifier() else f"({text})"


def in_cel(node: Node, text: str) -> str:
    """A node's text, with our own functions as CEL's extensions have them and all else verbatim."""
    if isinstance(node, Call):
        receiver = [] if node.receiver is None else [node.receiver]
        parts = [in_cel(part, text) for part in (*receiver, *node.arguments)]
        if node.name == "default":
            return _default(node, text, parts[1])
        if node.name in _IN_CEL:
            return _IN_CEL[node.name](*parts)
    pieces, position = [], node.start
    for part in children(node):
        pieces += [text[position : part.start], in_cel(part, text)]
        position = part.end
    return "".join([*pieces, text[position : node.end]])


def _default(node: Call, text: str, otherwise: str) -> str:
    value = _optional(node.arguments[0], text)
    if value != in_cel(node.arguments[0], text):
        value += ".orValue(null)"
    return f"[{value}].map(given, given == null ? {otherwise} : given)[0]"


def _optional(node: Node, text: str) -> str:
    if isinstance(node, Select):
        return f"{_optional(node.operand, text)}.?{node.name}"
    if isinstance(node, Index):
        return f"{_optional(node.operand, text)}[?{in_cel(node.key, text)}]"
    return in_cel(node, text)


def _extreme(sign: str) -> Callable[..., str]:
    def write(first: str, *others: str) -> str:
        if not others:
            # `[first]` may be a list; what has no order is an error.
            return (
                f"[{first}].map(y, type(y) == list ? y.filter(a, y.all(b, a {sign}= b))[0]"
                f" : y {sign}= y ? y : y)[0]"
            )
        best = first
        for other in others:
            best = f"(({other}) {sign} ({best}) ? ({other}) : ({best}))"
        return best

    return write


def _round(value: str, places: str = "") -> str:
    # The double minus refuses what is no number, which double() would read.
    number = f"double(-(-({value})))"
    if not places:
        return f"(type({value}) == int ? {value} : int(math.round({number})))"
    return f"(type({value}) == int ? {value} : math.round({number} * 1e{places}) / 1e{places})"


_IN_CEL: dict[str, Callable[..., str]] = {
    "join": lambda items, separator="": f"({items}).join({separator})",
    "lower": lambda text: f"({text}).lowerAscii()",
    "max": _extreme(">"),
    "min": _extreme("<"),
    "money": lambda value: f"double({value})",
    "round": _round,
}
