"""Generated expressions give what Google's CEL gives, but for the named departures."""

from __future__ import annotations

import importlib.util
import pickle
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language.expressions import ErrorValue, Expression, parse_expression_text
from leafmesh_nb.language.expressions.ast import Binary, Constant, Has, Node, children, paths

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cel_expr_python") is None,
    reason="the oracle cel-expr-python is not installed (pip install cel-expr-python)",
)

# In a process of its own: cel-expr-python 0.1.3 gives back references to None that it never took,
# and the interpreter aborts once there are none left.
ORACLE = """
import os, pickle, sys
from cel_expr_python import cel

held = [None] * 1_000_000
names, texts = pickle.load(sys.stdin.buffer)
types = {name: cel.Type.DYN for name in names}
# These Python values are taken under their declared types only.
types |= {"at": cel.Type.TIMESTAMP, "later": cel.Type.TIMESTAMP, "span": cel.Type.DURATION}
environment = cel.NewEnv(variables=types)


def evaluate(text):
    try:
        value = environment.compile(text, disable_check=True).eval(data=names)
    except RuntimeError:
        return ("error", None)
    if value.type() == cel.Type.ERROR:
        return ("error", None)
    return ("value", value.plain_value())


pickle.dump([evaluate(text) for text in texts], sys.stdout.buffer)
sys.stdout.flush()
os._exit(0)
"""

NAMES: dict[str, Any] = {
    "i": 7,
    "big": 2**63 - 1,
    "d": 2.5,
    "t": True,
    "f": False,
    "n": None,
    "s": "refund",
    "u": "Größe 🙂",
    "l": [1, 2, 3],
    "mixed": [1, 2.5, "a", None, True, [1]],
    "w": ["a", "b", ""],
    "m": {"a": 1, "b": {"c": "x", "e": None}, "z": 0.5},
    "at": datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    "later": datetime(2026, 3, 2, 12, 30, tzinfo=UTC),
    "span": timedelta(hours=1, seconds=30),
}
COUNT = 2_000


class Writer:
    """Random expressions, mostly of the right kinds, with as few parentheses as the dice say."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.variables: list[str] = []

    def pick(self, *options: str) -> str:
        return self.dice.choice(options)

    def wrong(self) -> bool:
        """Whether to write something of another kind, so that errors are compared too."""
        return self.dice.random() < 0.04

    def any_of(self, depth: int) -> str:
        makers = (
            self.boolean, self.boolean, self.boolean, self.number, self.number, self.text,
            self.items, self.fields, self.moment,
        )  # fmt: skip
        return self.dice.choice(makers)(depth)

    def boolean(self, depth: int) -> str:
        if depth <= 0:
            if self.wrong():
                return self.pick("n", "m.q", "s", "missing", "m.b.e.x")
            return self.pick("true", "false", "t", "f", "has(m.a)", "has(m.q)", "has(m.b.e.x)")
        d = depth - 1
        shape = self.dice.randrange(13)
        if shape < 3:
            return f"{self.number(d)} {self.comparison()} {self.number(d)}"
        if shape == 3:
            return f"{self.text(d)} {self.comparison()} {self.text(d)}"
        if shape == 4:
            return f"{self.any_of(d)} {self.pick('==', '!=')} {self.any_of(d)}"
        if shape < 8:
            joined = f" {self.pick('&&', '||')} ".join(self.boolean(d) for _ in range(2))
            return f"({joined})" if self.dice.random() < 0.5 else joined
        if shape == 8:
            return f"!({self.boolean(d)})"
        if shape == 9:
            return f"{self.any_of(d)} in {self.pick('l', 'mixed', 'm', 'w', self.items(d))}"
        if shape == 10:
            return f"{self.atom(self.text(d))}.{self.method()}({self.text(d)})"
        if shape == 11:
            return self.quantified(d)
        return f"{self.moment(d)} {self.comparison()} {self.moment(d)}"

    def comparison(self) -> str:
        return self.pick("<", "<=", ">", ">=", "==", "!=")

    def method(self) -> str:
        return self.pick("contains", "startsWith", "endsWith", "matches")

    def number(self, depth: int) -> str:
        if depth <= 0:
            if self.variables and self.dice.random() < 0.5:
                return self.dice.choice(self.variables)
            if self.wrong():
                return self.pick("n", "s", "l[3]", "m.q", "big", "9223372036854775807", "t")
            return self.pick(
                "0", "1", "2", "-3", "i", "l[0]", "l[2]", "m.a", "m['a']", "size(s)", "size(l)",
                "0.5", "-2.25", "1e2", "d", "m.z",
            )  # fmt: skip
        d = depth - 1
        shape = self.dice.randrange(6)
        if shape < 4:
            operator = self.pick("+", "-", "*", "/", "%")
            text = f"{self.number(d)} {operator} {self.number(d)}"
            return f"({text})" if self.dice.random() < 0.5 else text
        if shape == 4:
            return f"-{self.atom(self.number(d))}"
        return f"({self.boolean(d)} ? {self.number(d)} : {self.number(d)})"

    def text(self, depth: int) -> str:
        if depth <= 0:
            if self.wrong():
                return self.pick("i", "n", "m.q", "l")
            return self.pick("'a'", '"b"', "s", "u", "''", "m.b.c", "w[0]", r"'\u00e9\n'")
        d = depth - 1
        if self.dice.random() < 0.6:
            return f"{self.text(d)} + {self.text(d)}"
        return f"string({self.pick('i', 't', 's', '-3', 'span', self.text(d))})"

    def items(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("l", "w", "mixed", "[]", "[1, 'a']", "[[1], [2.0]]")
        d = depth - 1
        shape = self.dice.randrange(4)
        if shape == 0:
            return f"[{self.any_of(d)}, {self.any_of(d)}]"
        if shape == 1:
            return f"{self.atom(self.items(d))} + {self.atom(self.items(d))}"
        body = self.bound(d, self.boolean if shape == 2 else self.number)
        return f"{self.atom(self.items(d))}.{'filter' if shape == 2 else 'map'}(x, {body})"

    def quantified(self, depth: int) -> str:
        kind = self.pick("all", "exists", "exists_one")
        return f"{self.atom(self.items(depth))}.{kind}(x, {self.bound(depth, self.boolean)})"

    def bound(self, depth: int, maker: Any) -> str:
        self.variables.append("x")
        body: str = maker(depth)
        self.variables.pop()
        return body

    def fields(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("m.q", "m.b.e.x") if self.wrong() else self.pick("m", "m.b", "n")
        return f"{{'k': {self.any_of(depth - 1)}, 'j': {self.any_of(depth - 1)}}}"

    def moment(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(
                "at", "later", "span", "duration('90m')", "timestamp('2026-03-01T13:00:00+01:00')"
            )
        d = depth - 1
        return f"{self.moment(d)} {self.pick('+', '-')} {self.moment(d)}"

    def atom(self, text: str) -> str:
        return text if text.isidentifier() else f"({text})"


def oracle(texts: list[str]) -> list[Any]:
    """What CEL gives for each text: a value or an ErrorValue."""
    done = subprocess.run(
        [sys.executable, "-c", ORACLE],
        input=pickle.dumps((NAMES, texts)),
        capture_output=True,
        check=True,
        timeout=120,
    )
    found = pickle.loads(done.stdout)
    return [value if kind == "value" else ErrorValue("") for kind, value in found]


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, ErrorValue) or isinstance(theirs, ErrorValue):
        return isinstance(ours, ErrorValue) and isinstance(theirs, ErrorValue)
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, int | float | Decimal) and isinstance(theirs, int | float):
        return bool(ours == Decimal(theirs))
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    return type(ours) is type(theirs) and bool(ours == theirs)


def nodes(node: Node) -> list[Node]:
    return [node, *(inner for part in children(node) for inner in nodes(part))]


def departure(node: Node, ours: Any, theirs: Any) -> str | None:
    """The name of the departure that explains a difference, or None."""
    parts = nodes(node)
    arithmetic = {p.operator for p in parts if isinstance(p, Binary) and p.operator in "+-*/%"}
    reads = set(paths(node))
    decimals = any(isinstance(p, Constant) and isinstance(p.value, Decimal) for p in parts) or (
        bool(reads & {("d",), ("m", "z"), ("mixed",)})
    )
    ours_fails, theirs_fails = isinstance(ours, ErrorValue), isinstance(theirs, ErrorValue)
    if theirs_fails and not ours_fails:
        if any(isinstance(part, Has) for part in parts):
            return "has() of an absent parent is false"
        if decimals and arithmetic & set("+-*/"):
            return "integers and decimals add"
    if decimals and "/" in arithmetic:
        if ours_fails and not theirs_fails:
            return "division of a decimal by zero is an error"
        if not ours_fails and not theirs_fails:
            return "division of decimals keeps 34 digits"
    return None


def test_generated_expressions_agree(record_property: Any) -> None:
    writer = Writer(seed=20260301)
    texts = [writer.any_of(depth=1 + number % 4) for number in range(COUNT)]
    kinds: Counter[str] = Counter()
    unexplained = []
    for text, theirs in zip(texts, oracle(texts), strict=True):
        expression = parse_expression_text(text)
        assert isinstance(expression, Expression), (text, expression)
        ours = expression.evaluate(NAMES)
        if same(ours, theirs):
            kinds["error in both" if isinstance(ours, ErrorValue) else "equal values"] += 1
            continue
        name = departure(expression.node, ours, theirs)
        if name is None:
            unexplained.append((text, ours, theirs))
        else:
            kinds[name] += 1
    record_property("kinds", dict(kinds))
    assert unexplained == []
    assert kinds["equal values"] > COUNT // 3, kinds


# Each departure on its own, so that the list of kinds above is not a list of excuses.
@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("i + d", Decimal("9.5")),
        ("1 + 0.5 == 1.5", True),
        ("has(m.b.e.x)", False),
        ("has(m.q.r)", False),
    ],
)
def test_what_cel_calls_an_error_has_a_value_here(text: str, ours: Any) -> None:
    expression = parse_expression_text(text)
    assert isinstance(expression, Expression)
    assert expression.evaluate(NAMES) == ours
    assert isinstance(oracle([text])[0], ErrorValue)


def test_division_by_a_decimal_zero_is_an_error_here_and_infinite_in_cel() -> None:
    expression = parse_expression_text("1.0 / 0.0")
    assert isinstance(expression, Expression)
    assert isinstance(expression.evaluate(NAMES), ErrorValue)
    assert oracle(["1.0 / 0.0"]) == [float("inf")]


def test_decimals_are_exact_where_cel_rounds() -> None:
    texts = ["0.1 + 0.2 == 0.3", "1.0 / 3.0 * 3.0 == 1.0", "1e16 + 1.0 == 1e16"]
    ours = []
    for text in texts:
        expression = parse_expression_text(text)
        assert isinstance(expression, Expression)
        ours.append(expression.evaluate(NAMES))
    assert ours == [True, False, False]
    assert oracle(texts) == [False, True, True]
