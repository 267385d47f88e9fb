"""Types of function and method calls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leafmesh_nb.language.decimals import MONEY_PLACES
from leafmesh_nb.language.expressions.ast import Call, Constant, Node
from leafmesh_nb.language.expressions.elsewhere import call_here, method_here
from leafmesh_nb.language.expressions.finding import Finding
from leafmesh_nb.language.expressions.functions import (
    FUNCTIONS,
    INSTALL_RE2,
    METHODS,
    NEEDS_RE2,
    Function,
    pattern_problem,
)
from leafmesh_nb.language.expressions.literals import (
    DAY,
    LiteralError,
    duration_of,
    money_of,
    timestamp_of,
)
from leafmesh_nb.language.expressions.parser import MACROS
from leafmesh_nb.language.expressions.static import (
    ANY,
    BOOLEAN,
    DATETIME,
    DURATION,
    INTEGER,
    MONEY,
    STRING,
    Type,
    common,
    family,
    in_words,
    is_null,
    present,
    rounded,
    unbounded,
)
from leafmesh_nb.language.suggest import suggest

if TYPE_CHECKING:
    from leafmesh_nb.language.expressions.check import Checker, Scope

__all__ = ["check_call"]

_KINDS: dict[str, tuple[frozenset[str], str]] = {
    "sized": (frozenset({"string", "list", "map"}), "a text, a list or a map"),
    "string": (frozenset({"string"}), "a text"),
    "integer": (frozenset({"number"}), "an integer"),
    "number": (frozenset({"number"}), "a number"),
    "scalar": (
        frozenset({"string", "number", "boolean", "date", "datetime", "duration"}),
        "a text, a number, a time or true or false",
    ),
    "timestamp": (frozenset({"string", "date", "datetime"}), "a text or a date"),
    "duration": (frozenset({"string", "duration"}), "a text"),
    "moneyed": (frozenset({"string", "number"}), "a number or a text"),
    "texts": (frozenset({"list"}), "a list of texts"),
}
_ORDERED = frozenset({"string", "number", "boolean", "date", "datetime", "duration", "list"})
_RESULTS = {
    "integer": INTEGER,
    "string": STRING,
    "boolean": BOOLEAN,
    "datetime": DATETIME,
    "duration": DURATION,
    "money": MONEY,
}
_READERS = {"timestamp": timestamp_of, "duration": duration_of, "money": money_of}


def check_call(checker: Checker, node: Call, scope: Scope) -> Type:
    """The type of a call."""
    table = FUNCTIONS if node.receiver is None else METHODS
    function = table.get(node.name)
    nodes = node.arguments if node.receiver is None else (node.receiver, *node.arguments)
    if function is None:
        for argument in nodes:
            checker.infer(argument, scope)
        _unknown(checker, node, scope)
        return ANY
    given = len(nodes)
    if not function.least <= given <= function.most:
        for argument in nodes:
            checker.infer(argument, replace(scope, lenient=node.name == "default"))
        _wrong_count(checker, node, function, scope)
        return ANY
    if node.name == "default" and node.receiver is None:
        value = checker.infer(nodes[0], replace(scope, lenient=True))
        otherwise = checker.infer(nodes[1], scope)
        return otherwise if is_null(value) else common(present(value), otherwise)
    kinds = [checker.value(argument, scope) for argument in nodes]
    for position, (argument, kind) in enumerate(zip(nodes, kinds, strict=True)):
        wanted = function.takes[min(position, len(function.takes) - 1)]
        _check_argument(checker, function, wanted, argument, kind, scope)
    return _result(checker, node, function, nodes, kinds, scope)


def _unknown(checker: Checker, node: Call, scope: Scope) -> None:
    if node.receiver is not None:
        before = scope.origin.locate(node.receiver.start, node.receiver.end)
        if any(
            f.code == "LM312" and before[:2] <= f.span[:2] < before[2:] for f in checker.findings
        ):
            return  # a method of what was reported already
    place = (node.at, node.at + len(node.name))
    own, other = (FUNCTIONS, METHODS) if node.receiver is None else (METHODS, FUNCTIONS)
    what = "function" if node.receiver is None else "method"
    arguments = [scope.text(argument) for argument in node.arguments]
    if node.receiver is None:
        known = call_here(node.name, arguments)
    else:
        known = method_here(node.name, scope.text(node.receiver), arguments)
    if known is not None:
        hint = known
    elif node.name in other:
        hint = f"write `{other[node.name].example}`"
    elif node.receiver is None and node.name in MACROS:
        hint = f"write `items.{node.name}(x, …)`"
    else:
        names = (*own, *MACROS) if node.receiver is not None else (*own, "has")
        close = suggest(node.name, names)
        hint = f"Did you mean `{close}`?" if close else f"there are {', '.join(sorted(names))}"
    checker.error("LM312", f"there is no {what} {node.name}()", scope, place, hint)


def _wrong_count(checker: Checker, node: Call, function: Function, scope: Scope) -> None:
    offset = 0 if node.receiver is None else 1
    least, most = function.least - offset, function.most - offset
    wanted = str(least) if least == most else f"{least} to {most}"
    if most > 9:
        wanted = f"at least {least}"
    noun = "argument" if wanted.endswith(" 1") or wanted == "1" else "arguments"
    checker.error(
        "LM411",
        f"`{node.name}()` takes {wanted} {noun}, not {len(node.arguments)}",
        scope,
        (node.at, node.end),
        f"as in `{function.example}`",
    )


def _check_argument(
    checker: Checker, function: Function, wanted: str, node: Node, kind: Type, scope: Scope
) -> None:
    if wanted in ("any", "ordered"):
        return
    families, words = _KINDS[wanted]
    if kind.kind == "any":
        checker.doubt(node, scope, words)
        return
    fits = family(kind) in families
    if wanted == "integer":
        fits = kind.kind == "integer"
    if wanted == "texts" and fits and kind.items is not None:
        fits = kind.items.kind == "any" or (
            family(kind.items) == "string" and not kind.items.nullable
        )
    if not fits:
        hint = f"as in `{function.example}`"
        if function.name == "contains" and family(kind) in ("list", "map"):
            hint = f"write `x in {scope.text(node)}`"
        checker.error(
            "LM412",
            f"`{function.name}()` takes {words}; this is {in_words(kind)}",
            scope,
            (node.start, node.end),
            hint,
        )


def _result(
    checker: Checker, node: Call, function: Function, nodes: tuple[Node, ...], kinds: list[Type],
    scope: Scope,
) -> Type:  # fmt: skip
    first, kind = nodes[0], kinds[0]
    if function.name in _READERS and isinstance(first, Constant) and isinstance(first.value, str):
        try:
            _READERS[function.name](first.value)
        except LiteralError as error:
            hint = f'write `"{first.value}T00:00:00Z"`' if DAY.fullmatch(first.value) else ""
            checker.error("LM412", error.message, scope, (first.start, first.end), hint)
    if function.name == "matches":
        _check_pattern(checker, node, nodes[1], scope)
    if function.name == "money" and kind.fraction:
        checker.findings.append(
            Finding(
                "LM404",
                f"It cannot be proved that `{scope.text(first)}` has at most {MONEY_PLACES} places",
                scope.origin.locate(first.start, first.end),
                f"write `round({scope.text(first)}, 2)`",
                "warning",
            )
        )
    if function.gives == "rounded":
        if len(nodes) == 1:
            return INTEGER
        _check_places(checker, nodes[1], scope)
        return rounded(kind)
    if function.gives == "extreme":
        return _extreme(checker, node, function, kinds, scope)
    return _RESULTS[function.gives]


def _check_places(checker: Checker, node: Node, scope: Scope) -> None:
    places = node.value if isinstance(node, Constant) else None
    if type(places) is int and not 0 <= places <= MONEY_PLACES:
        message = f"`round()` takes 0 to {MONEY_PLACES} places"
        checker.error("LM412", message, scope, (node.start, node.end), "as in `round(x, 2)`")


def _extreme(
    checker: Checker, node: Call, function: Function, kinds: list[Type], scope: Scope
) -> Type:
    if len(kinds) == 1 and kinds[0].kind == "list":
        kinds = [kinds[0].items or ANY]
    known = [kind for kind in kinds if kind.kind != "any"]
    families = {family(kind) for kind in known}
    if len(families) > 1 or not families <= _ORDERED:
        described = " and ".join(dict.fromkeys(in_words(kind) for kind in known))
        checker.error(
            "LM412",
            f"`{function.name}()` takes values with one order, not {described}",
            scope,
            (node.start, node.end),
            f"as in `{function.example}`",
        )
        return ANY
    if len(known) < len(kinds):
        return ANY
    found = kinds[0]
    for kind in kinds[1:]:
        found = common(found, kind)
    return unbounded(found)


def _check_pattern(checker: Checker, node: Call, pattern: Node, scope: Scope) -> None:
    problem = pattern_problem("")
    if problem is not None:
        if checker.without_re2:
            return
        checker.without_re2 = True
        place = (node.at, node.at + len(node.name))
        checker.error(
            "LM416", f"{NEEDS_RE2}, which the fast extra brings", scope, place, INSTALL_RE2
        )
    elif isinstance(pattern, Constant) and isinstance(pattern.value, str):
        problem = pattern_problem(pattern.value)
        if problem is not None:
            checker.error("LM416", problem, scope, (pattern.start, pattern.end))
