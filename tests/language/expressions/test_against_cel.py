"""Generated expressions give what Google's CEL gives, but for the departures named here.

Each difference is followed down to the smallest part whose own parts agree: that part must be one
of ``DEPARTURES``, and an example of each departure is shown and tested on its own.
"""

from __future__ import annotations

import pickle
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from math import isfinite
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from leafmesh_nb.language.expressions import (
    ErrorValue,
    Expression,
    check,
    parse_expression_text,
)
from leafmesh_nb.language.expressions.ast import (
    Binary,
    Call,
    Chain,
    Comprehension,
    Conditional,
    Constant,
    Embedded,
    Has,
    Logic,
    MapOf,
    Name,
    Node,
    Unary,
    applications,
    children,
)
from leafmesh_nb.language.expressions.functions import FUNCTIONS, METHODS
from leafmesh_nb.language.types import ANY, Type, object_of

WHEELS = (
    sys.version_info < (3, 15)
    and platform.machine() in ("x86_64", "aarch64", "arm64", "AMD64")
    and not Path("/etc/alpine-release").exists()
)
pytestmark = pytest.mark.skipif(not WHEELS, reason="cel-expr-python has no wheel for this machine")

COUNT = 21_800
DEPTHS = (1, 2, 3, 2, 3, 2, 3, 4)
CHUNK = 2_000  # as many as the parser remembers
SECOND = timedelta(seconds=1)
ORACLE = Path(__file__).with_name("cel_oracle.py")


class Case(NamedTuple):
    """A part of an expression whose own parts agree while it does not."""

    node: Node
    parts: tuple[Any, ...]  # what the parts give
    ours: Any
    theirs: Any

    @property
    def only_theirs_fails(self) -> bool:
        return failed(self.theirs) and not failed(self.ours)

    @property
    def only_ours_fails(self) -> bool:
        return failed(self.ours) and not failed(self.theirs)

    def within(self, tolerance: float) -> bool:
        """Whether both are numbers, and no further apart than this."""
        if not (is_number(self.ours) and is_number(self.theirs)):
            return False
        return abs(float(self.ours) - self.theirs) <= tolerance * max(1.0, abs(self.theirs))

    def operator(self, *operators: str) -> bool:
        return isinstance(self.node, Binary) and self.node.operator in operators

    def function(self, name: str) -> bool:
        return isinstance(self.node, Call) and self.node.name == name

    @property
    def mixed(self) -> bool:
        return {type(part) for part in self.parts} >= {int, Decimal}


DEPARTURES: Mapping[str, tuple[Callable[[Case], bool], str]] = {
    "integers and decimals add, subtract, multiply and divide": (
        lambda c: c.operator("+", "-", "*", "/") and c.mixed and c.only_theirs_fails,
        "i + d",
    ),
    "decimals are exact": (
        lambda c: c.operator("+", "-", "*") and c.within(1e-12),
        "tenth + 0.2",
    ),
    "comparisons of decimals are exact": (
        lambda c: c.operator("<", "<=", ">", ">=", "==", "!=") and Decimal in map(type, c.parts),
        "9007199254740993.0 == 9007199254740992.0",
    ),
    "division of decimals keeps 34 digits": (
        lambda c: c.operator("/") and c.within(1e-12),
        "tenth / 0.3",
    ),
    "division of a decimal by zero is an error": (
        lambda c: c.operator("/") and c.only_ours_fails and c.parts[1] == 0,
        "1.0 / 0.0",
    ),
    "numbers beyond every double are numbers": (
        lambda c: c.theirs in (float("inf"), float("-inf")) and isinstance(c.ours, Decimal),
        "1e400",
    ),
    "has() below what is null or not there is false": (
        lambda c: isinstance(c.node, Has) and c.only_theirs_fails and c.ours is False,
        "has(m.b.e.x)",
    ),
    "has() of what is null is false": (
        lambda c: isinstance(c.node, Has) and c.theirs is True and c.ours is False,
        "has(m.b.e)",
    ),
    "default() replaces whatever of its first argument is not there": (
        lambda c: c.function("default") and c.only_theirs_fails and failed(c.parts[0]),
        "default(m.q + 1, 2)",
    ),
    "string() of a decimal keeps its digits": (
        lambda c: (
            c.function("string")
            and isinstance(c.parts[0], Decimal)
            and not failed(c.theirs)
            and Decimal(c.theirs) == Decimal(str(float(c.ours)))
        ),
        "string(2.50)",
    ),
    "lower() knows every letter": (
        lambda c: c.function("lower") and not c.parts[0].isascii(),
        "'É'.lower()",
    ),
    "money() reads plain digits only": (
        lambda c: c.function("money") and c.only_ours_fails and isinstance(c.parts[0], str),
        "money('1e3')",
    ),
    "money() has at most 12 places": (
        lambda c: c.function("money") and c.only_ours_fails and isinstance(c.parts[0], Decimal),
        "money(1.0 / 3.0)",
    ),
    "round() to places is exact": (
        lambda c: c.function("round") and len(c.parts) == 2 and c.within(1.1 * 10.0 ** -c.parts[1]),
        "round(1.005, 2)",
    ),
    "round() takes 0 to 12 places": (
        lambda c: c.function("round") and c.only_ours_fails and c.parts[1] == 13,
        "round(2.5, 13)",
    ),
    "string() writes no more of a second's fraction than there is": (
        lambda c: (
            c.function("string")
            and isinstance(c.parts[0], datetime | timedelta)
            and bool(
                c.parts[0] % SECOND if isinstance(c.parts[0], timedelta) else c.parts[0].microsecond
            )
        ),
        "string(duration('1.5s'))",
    ),
    "each `!` tests its operand": (
        lambda c: (
            isinstance(c.node, Unary) and isinstance(c.node.operand, Unary) and c.only_ours_fails
        ),
        "!!n",
    ),
    "a map keeps its order": (
        lambda c: (
            isinstance(c.node, Comprehension)
            and isinstance(c.parts[0], dict)
            and c.node.kind in ("filter", "map")
            and sorted(map(str, c.ours)) == sorted(map(str, c.theirs))
        ),
        "m.map(x, x)",
    ),
    "the keys of a map are texts": (
        lambda c: isinstance(c.node, MapOf) and c.only_ours_fails,
        "{1: 2}",
    ),
}
"""What may differ: by its name, a test of the smallest differing part, and an example."""


def test_generated_expressions_agree(writing: ModuleType, cel: Comparison) -> None:
    """How often each kind came up is shown by ``pytest -rP``."""
    writer = writing.Writer(seed=20260301)
    texts = list(
        dict.fromkeys(writer.any_of(DEPTHS[number % len(DEPTHS)]) for number in range(COUNT))
    )
    assert len(texts) > 20_000
    agreed: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    differing: dict[str, Pair] = {}
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        for text, pair in zip(chunk, cel.pairs(chunk), strict=True):
            if not same(pair.ours, pair.theirs):
                differing[text] = pair
            elif failed(pair.ours):
                agreed["an error in both"] += 1
            else:
                agreed["equal values"] += 1
                reached.update(constructs(pair.node))
    named = Counter(cel.departures(differing))
    for kind, count in (agreed + named).most_common():
        sys.stdout.write(f"{count:7,} {kind}\n")
    assert agreed["equal values"] > 0.5 * len(texts), agreed
    assert agreed["an error in both"] > 500, agreed
    few = {name for name in EVERY_CONSTRUCT if reached[name] < 20}
    assert not few, "the writer hardly reaches these"


@pytest.mark.parametrize("name", DEPARTURES)
def test_a_departure(cel: Comparison, name: str) -> None:
    """Each on its own, so that the list is not one of excuses."""
    _, text = DEPARTURES[name]
    (pair,) = cel.pairs([text])
    assert not same(pair.ours, pair.theirs)
    assert cel.departures({text: pair}) == [name]


def test_users_are_told_of_every_departure() -> None:
    page = files("leafmesh_nb").joinpath("docs", "expressions.md").read_text(encoding="utf-8")
    _, _, rows = page.partition("| departure from CEL | write | gives |\n|---|---|---|\n")
    told = [row.split(" | ")[0].removeprefix("| ") for row in rows.partition("\n\n")[0].split("\n")]
    assert sorted(told) == sorted(DEPARTURES)


# -- what CEL has and this language has not


@pytest.mark.parametrize(
    ("text", "value", "hint"),
    [
        ("0x1F", 31, ""),
        ("'''a'''", "a", "one quote"),
        ("b'a'", b"a", ""),
        ("type(1) == type(2)", True, ""),
        ("int('5')", 5, "round("),
        ("double('2.5')", 2.5, "money("),
        ("timestamp(0) < now", True, ""),
        ("now.getFullYear()", 2026, ""),
        ("m.?q.orValue(1)", 1, "default("),
        ("{1: 2}[1]", 2, ""),
        ("1 // one", 1, ""),
    ],
)
def test_what_is_left_out_is_refused_with_a_message(
    cel: Comparison, text: str, value: Any, hint: str
) -> None:
    assert cel.oracle([text]) == [("value", value)]
    ours = parse_expression_text(text)
    if isinstance(ours, Expression):
        _, ours = check(ours, {"now": Type("datetime"), "m": object_of({"a": ANY})})
    assert ours, text
    assert hint in ours[0].hint


# -- comparing


class Pair(NamedTuple):
    node: Node
    ours: Any
    theirs: Any


class Comparison:
    """Evaluates here and in CEL, and names what differs."""

    def __init__(self, writing: ModuleType) -> None:
        self.names: dict[str, Any] = writing.NAMES
        self.in_cel: Callable[[Node, str], str] = writing.in_cel

    def oracle(self, texts: list[str]) -> list[tuple[str, Any]]:
        """What CEL gives for each text."""
        names = {n: float(v) if isinstance(v, Decimal) else v for n, v in self.names.items()}
        done = subprocess.run(
            [sys.executable, str(ORACLE)],
            input=pickle.dumps((names, texts)),
            capture_output=True,
            check=True,
            timeout=120,
        )
        found: list[tuple[str, Any]] = pickle.loads(done.stdout)
        return found

    def pairs(self, texts: Iterable[str]) -> list[Pair]:
        """What each text gives here and in CEL."""
        expressions = [parsed(text) for text in texts]
        given = self.oracle([self.in_cel(e.node, e.text) for e in expressions])
        pairs = []
        for expression, (outcome, value) in zip(expressions, given, strict=True):
            ours = expression.evaluate(self.names)
            # A refusal is an error only where it is one here too: CEL has every syntax there is.
            assert outcome != "refused" or failed(ours), (expression.text, value)
            theirs = value if outcome == "value" else ErrorValue(f"{outcome}: {value}")
            pairs.append(Pair(expression.node, ours, theirs))
        return pairs

    def departures(self, differing: Mapping[str, Pair]) -> list[str]:
        """The names behind these differences, one or more for each; fails for an unnamed one."""
        names: list[str] = []
        unnamed: list[tuple[str, Case]] = []
        while differing:
            parts = {text: list(self.parts(parsed(text))) for text in differing}
            inner = list(dict.fromkeys(part for found in parts.values() for part in found))
            pairs = dict(zip(inner, self.pairs(inner), strict=True))
            below: dict[str, Pair] = {}
            for text, pair in differing.items():
                found = {part: pairs[part] for part in parts[text]}
                odd = {part: p for part, p in found.items() if not same(p.ours, p.theirs)}
                below |= odd
                if not odd:
                    values = tuple(pairs[part].ours for part in parts[text])
                    case = Case(last_applied(pair.node), values, pair.ours, pair.theirs)
                    fitting = [name for name, (fits, _) in DEPARTURES.items() if fits(case)]
                    names += fitting[:1]
                    unnamed += [] if fitting else [(text, case)]
            differing = below
        assert unnamed == []
        return names

    def parts(self, expression: Expression) -> Iterator[str]:
        """The texts of the direct parts that were evaluated, macro bodies once for each item."""
        node, text = expression.node, expression.text
        if isinstance(node, Conditional):
            test = text[node.test.start : node.test.end]
            yield test
            outcome = parsed(test).evaluate(self.names)
            if isinstance(outcome, bool):
                taken = node.then if outcome else node.otherwise
                yield text[taken.start : taken.end]
        elif isinstance(node, Chain):
            *before, last = node.operands
            yield text[before[0].start : before[-1].end]
            yield text[last.start : last.end]
        elif isinstance(node, Has):
            operand = node.target.operand
            yield text[operand.start : operand.end]
        elif isinstance(node, Comprehension):
            over = text[node.over.start : node.over.end]
            yield over
            items = parsed(over).evaluate(self.names)
            if isinstance(items, list | dict):
                for position, item in enumerate(items):
                    value = f"({over})[{position}]" if isinstance(items, list) else f"'{item}'"
                    for body in filter(None, (node.condition, node.result)):
                        yield with_value(body, text, node.variable, value)
        else:
            for part in children(node):
                yield text[part.start : part.end]


@pytest.fixture
def cel(writing: ModuleType) -> Comparison:
    return Comparison(writing)


def parsed(text: str) -> Expression:
    expression = parse_expression_text(text)
    assert isinstance(expression, Expression), (text, expression)
    return expression


def last_applied(node: Node) -> Node:
    """The last operator of a chain, with all that is before it on its left."""
    return [*applications(node)][-1] if isinstance(node, Chain) else node


def failed(value: Any) -> bool:
    return isinstance(value, ErrorValue)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def same(ours: Any, theirs: Any) -> bool:
    """Whether two values are one; a decimal and the double that is nearest to it are."""
    if failed(ours) or failed(theirs):
        return failed(ours) and failed(theirs)
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if is_number(ours) and is_number(theirs):
        if isinstance(theirs, int):
            return bool(ours == theirs)
        return isfinite(theirs) and float(ours) == theirs
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    return type(ours) is type(theirs) and bool(ours == theirs)


def with_value(node: Node, text: str, variable: str, value: str) -> str:
    """The text of a macro's body with a value for its variable."""
    if isinstance(node, Name):
        return value if node.name == variable else text[node.start : node.end]
    pieces, position = [], node.start
    for part in children(node):
        hidden = isinstance(node, Comprehension) and node.variable == variable
        if hidden and part is not node.over:
            continue
        pieces += [text[position : part.start], with_value(part, text, variable, value)]
        position = part.end
    return "".join([*pieces, text[position : node.end]])


# -- what the writer reaches


def constructs(node: Node) -> Iterator[str]:
    """The names of what an expression is made of."""
    match node:
        case Constant():
            yield f"Constant {type(node.value).__name__}"
        case Binary() | Logic() | Unary():
            yield f"{type(node).__name__} {node.operator}"
        case Comprehension():
            yield f"Comprehension {node.kind} {2 if None in (node.condition, node.result) else 3}"
        case Call():
            yield f"{'Call' if node.receiver is None else 'Method'} {node.name}"
        case _:
            yield type(node).__name__
    for part in children(node):
        yield from constructs(part)


KINDS = {kind.__name__ for kind in Node.__subclasses__()} - {Embedded.__name__}  # YAML's own
EVERY_CONSTRUCT = {
    *(f"Constant {kind}" for kind in ("NoneType", "bool", "int", "Decimal", "str")),
    *(f"Binary {sign}" for sign in ("+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=")),
    "Binary in",
    *(f"Logic {sign}" for sign in ("&&", "||")),
    *(f"Unary {sign}" for sign in ("!", "-")),
    *(f"Comprehension {kind} 2" for kind in ("all", "exists", "exists_one", "filter", "map")),
    "Comprehension map 3",
    *(f"Call {name}" for name in FUNCTIONS),
    *(f"Method {name}" for name in METHODS),
    *(KINDS - {"Constant", "Binary", "Logic", "Unary", "Comprehension", "Call"}),
}
