"""A syntax tree to a Python closure: parsed once, evaluated very often.

Each node becomes a function of a Frame that gives a loaded value or raises Failure. The same
compilation with a trace wraps the parts worth showing, so that an explanation cannot disagree
with the evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leafmesh_nb.language.expressions.access import contained, field_of, item_of, path_failure
from leafmesh_nb.language.expressions.ast import (
    Binary,
    Call,
    Chain,
    Comprehension,
    Conditional,
    Constant,
    Embedded,
    Has,
    Index,
    ListOf,
    Logic,
    MapOf,
    Name,
    Node,
    Select,
    Unary,
    applications,
    static_path,
)
from leafmesh_nb.language.expressions.comparing import (
    COMPARISONS,
    compile_comparison,
    compile_text_equality,
)
from leafmesh_nb.language.expressions.finding import Origin
from leafmesh_nb.language.expressions.functions import FUNCTIONS, METHODS
from leafmesh_nb.language.expressions.macros import compile_macro
from leafmesh_nb.language.expressions.operators import ARITHMETIC, negated
from leafmesh_nb.language.expressions.scope import Run, Scope, Trace, placed
from leafmesh_nb.language.expressions.values import (
    MISSING,
    Failure,
    Frame,
    absent,
    equal,
    kind_of,
    load,
)

__all__ = ["compile_node"]


def compile_node(node: Node, origin: Origin, trace: Trace | None = None) -> Run:
    """The closure of an expression."""
    return _compile(node, Scope(origin, trace=trace))


def _compile(node: Node, scope: Scope) -> Run:
    run = _PLACED[type(node)](node, scope)
    if scope.trace is not None:
        run = scope.trace(node, scope.base, run)
    return run


def _constant(node: Constant, scope: Scope) -> Run:
    value = node.value
    return lambda frame: value


def _path(node: Name | Select | Index, scope: Scope) -> Run:
    """A name, a field or an item; a chain of literal keys is one loop."""
    keys = static_path(node)
    if keys is None:
        return _step(node, scope)
    root, *fields = keys
    slot = scope.bound.get(root)
    if slot is not None:
        return _chain(lambda frame: frame.locals[slot], tuple(fields), node, scope)
    if root == "now":
        return _chain(_now, tuple(fields), node, scope)

    def run(frame: Frame) -> Any:
        value: Any = frame.names
        try:
            for key in keys:
                value = value[key] if type(value) is dict else field_of(load(value), key)
            return value if type(value) is str else load(value)
        except KeyError:
            failure = path_failure(frame.names, keys)
        except Failure as caught:
            failure = path_failure(frame.names, keys) if caught.absent else caught
        raise placed(failure, node, scope)

    return run


def _now(frame: Frame) -> Any:
    if frame.now is not None:
        return load(frame.now)
    value = frame.names.get("now", MISSING)
    if value is MISSING:
        raise absent("there is no `now` here")
    return load(value)


def _chain(root: Run, fields: tuple[str, ...], node: Node, scope: Scope) -> Run:
    def run(frame: Frame) -> Any:
        try:
            value = root(frame)
            for key in fields:
                value = load(field_of(value, key))
            return value
        except Failure as failure:
            raise placed(failure, node, scope) from None

    return run


def _step(node: Name | Select | Index, scope: Scope) -> Run:
    """A field or an item of something that is not a plain path."""
    assert not isinstance(node, Name)
    operand = _compile(node.operand, scope.untraced())
    if isinstance(node, Select):
        return _chain(operand, (node.name,), node, scope)
    key = _compile(node.key, scope)

    def run(frame: Frame) -> Any:
        value, at = operand(frame), key(frame)
        try:
            return load(item_of(value, at))
        except Failure as failure:
            raise placed(failure, node, scope) from None

    return run


def _has(node: Has, scope: Scope) -> Run:
    target = node.target
    operand = _compile(target.operand, scope.untraced())

    def run(frame: Frame) -> bool:
        try:
            value = operand(frame)
            if type(value) is dict:
                return value.get(target.name) is not None
            return value is not None and field_of(value, target.name) is not None
        except Failure as failure:
            if failure.absent:
                return False
            raise placed(failure, node, scope) from None

    return run


def _call(node: Call, scope: Scope) -> Run:
    table = FUNCTIONS if node.receiver is None else METHODS
    nodes = node.arguments if node.receiver is None else (node.receiver, *node.arguments)
    arguments = [_compile(part, scope) for part in nodes]
    function = table.get(node.name)
    if function is None or not function.least <= len(arguments) <= function.most:
        message = (
            f"there is no function {node.name}()"
            if function is None
            else f"{node.name}() does not take {len(node.arguments)} arguments"
        )

        def refuse(frame: Frame) -> Any:
            raise placed(Failure(message), node, scope)

        return refuse
    if node.name == "default":
        return _default(*arguments)
    apply = function.apply

    def run(frame: Frame) -> Any:
        values = [argument(frame) for argument in arguments]
        try:
            return apply(frame, *values)
        except Failure as failure:
            raise placed(failure, node, scope) from None

    if len(arguments) != 2:
        return run
    first, second = arguments

    def run_two(frame: Frame) -> Any:
        a, b = first(frame), second(frame)
        try:
            return apply(frame, a, b)
        except Failure as failure:
            raise placed(failure, node, scope) from None

    return run_two


def _default(value: Run, otherwise: Run) -> Run:
    def run(frame: Frame) -> Any:
        try:
            found = value(frame)
        except Failure as failure:
            if not failure.absent:
                raise
            found = None
        return otherwise(frame) if found is None else found

    return run


def _unary(node: Unary, scope: Scope) -> Run:
    operand = _compile(node.operand, scope)

    def negate(frame: Frame) -> Any:
        value = operand(frame)
        try:
            return negated(value)
        except Failure as failure:
            raise placed(failure, node, scope) from None

    def invert(frame: Frame) -> bool:
        value = operand(frame)
        if type(value) is bool:
            return not value
        raise placed(_not_boolean("!", value), node, scope)

    return invert if node.operator == "!" else negate


def _not_boolean(what: str, value: Any) -> Failure:
    return Failure(f"{what} needs true or false, not {kind_of(value)}")


def _binary(node: Binary, scope: Scope) -> Run:
    left, right = _compile(node.left, scope), _compile(node.right, scope)
    if node.operator in COMPARISONS:
        return compile_comparison(node, scope, left, right)
    apply: Callable[[Any, Any, Frame], Any]
    if node.operator in ("==", "!="):
        short = compile_text_equality(node, left)
        if short is not None:
            return short
    if node.operator == "==":
        apply = equal
    elif node.operator == "!=":
        apply = _unequal
    elif node.operator == "in":
        apply = contained
    else:
        apply = ARITHMETIC[node.operator]

    def run(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        try:
            return apply(a, b, frame)
        except Failure as failure:
            raise placed(failure, node, scope) from None

    return run


def _chained(node: Chain, scope: Scope) -> Run:
    first, *rest = (_compile(part, scope) for part in node.operands)
    steps = [
        (ARITHMETIC[part.operator], operand, part)
        for part, operand in zip(applications(node), rest, strict=True)
    ]

    def run(frame: Frame) -> Any:
        value = first(frame)
        for apply, operand, part in steps:
            right = operand(frame)
            try:
                value = apply(value, right, frame)
            except Failure as failure:
                raise placed(failure, part, scope) from None
        return value

    return run


def _unequal(left: Any, right: Any, frame: Frame) -> bool:
    return not equal(left, right, frame)


def _logic(node: Logic, scope: Scope) -> Run:
    """``&&`` and ``||``: the deciding value wins over errors on either side, as in CEL."""
    terms = [_compile(term, scope) for term in node.terms]
    decisive = node.operator == "||"
    neutral = not decisive

    def run(frame: Frame) -> bool:
        kept: Failure | None = None
        for term in terms:
            try:
                value: object = term(frame)
                if value is decisive:
                    return decisive
                if value is not neutral:
                    part = node.terms[terms.index(term)]
                    raise placed(_not_boolean(node.operator, value), part, scope)
            except Failure as failure:
                kept = kept or failure
        if kept is not None:
            raise kept
        return neutral

    return run


def _conditional(node: Conditional, scope: Scope) -> Run:
    test = _compile(node.test, scope)
    then, otherwise = _compile(node.then, scope), _compile(node.otherwise, scope)

    def run(frame: Frame) -> Any:
        value = test(frame)
        if value is True:
            return then(frame)
        if value is False:
            return otherwise(frame)
        raise placed(_not_boolean("? :", value), node.test, scope)

    return run


def _list(node: ListOf, scope: Scope) -> Run:
    items = [_compile(item, scope) for item in node.items]
    return lambda frame: [item(frame) for item in items]


def _map(node: MapOf, scope: Scope) -> Run:
    entries = [(_compile(k, scope), _compile(v, scope), k) for k, v in node.entries]

    def run(frame: Frame) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value, place in entries:
            name = key(frame)
            if type(name) is not str:
                raise placed(
                    Failure(f"the keys of a map are texts, not {kind_of(name)}"), place, scope
                )
            if name in made:
                raise placed(Failure("a key of this map is there twice"), place, scope)
            made[name] = value(frame)
        return made

    return run


def _embedded(node: Embedded, scope: Scope) -> Run:
    return _compile(node.body, Scope(node.origin, scope.base + node.start, trace=scope.trace))


def _comprehension(node: Comprehension, scope: Scope) -> Run:
    inner = scope.binding(node.variable)
    over = _compile(node.over, scope)
    condition = None if node.condition is None else _compile(node.condition, inner)
    result = None if node.result is None else _compile(node.result, inner)
    run = compile_macro(node, scope.depth, over, condition, result)

    def looped(frame: Frame) -> Any:
        try:
            return run(frame)
        except Failure as failure:
            raise placed(failure, node, scope) from None

    return looped


_PLACED: dict[type[Node], Callable[[Any, Scope], Run]] = {
    Binary: _binary,
    Call: _call,
    Chain: _chained,
    Comprehension: _comprehension,
    Conditional: _conditional,
    Constant: _constant,
    Embedded: _embedded,
    Has: _has,
    Index: _path,
    ListOf: _list,
    Logic: _logic,
    MapOf: _map,
    Name: _path,
    Select: _path,
    Unary: _unary,
}
