"""The type checker: what an expression gives, and what in it cannot hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    static_path,
)
from leafmesh_nb.language.expressions.check_calls import check_call
from leafmesh_nb.language.expressions.check_operators import check_binary, check_chain
from leafmesh_nb.language.expressions.elsewhere import unknown_name
from leafmesh_nb.language.expressions.expression import Expression
from leafmesh_nb.language.expressions.finding import Finding, Origin
from leafmesh_nb.language.expressions.functions import METHODS
from leafmesh_nb.language.expressions.narrowing import Paths, narrowed, proven
from leafmesh_nb.language.expressions.static import (
    ANY,
    BOOLEAN,
    STRING,
    Type,
    common,
    family,
    in_words,
    is_null,
    is_whole,
    of_constant,
    present,
    unbounded,
)
from leafmesh_nb.language.expressions.template import Template
from leafmesh_nb.language.suggest import suggest

__all__ = ["check", "nullable_part"]

_HYPHENATED = re.compile(r"(?:-[A-Za-z_][A-Za-z0-9_]*)+")


def check(
    expression: Expression | Template, environment: Mapping[str, Type]
) -> tuple[Type, list[Finding]]:
    """The type of an expression over the names of its place, with its findings in source order.

    A Template gives a text. The type may hold the kinds of ``static``: what keeps it takes that of
    ``public``.
    """
    if isinstance(expression, Template):
        findings: list[Finding] = []
        for part in expression.expressions:
            findings += check(part, environment)[1]
        findings += _escaped(expression, environment)
        return STRING, sorted(findings, key=lambda finding: finding.span)
    checker = Checker(environment)
    kind = checker.infer(expression.node, Scope(expression.origin))
    findings = sorted(checker.findings, key=lambda finding: finding.span)
    if any(finding.severity == "error" for finding in findings):
        # What is wrong is of any type from there on: a doubt is its echo.
        findings = [finding for finding in findings if finding.code != "LM404"]
    return kind, findings


def nullable_part(expression: Expression, environment: Mapping[str, Type]) -> str:
    """The text of the part that makes an expression null where it may be: of a branch of `? :`, of
    what `default` falls back on, or of the whole; `null` where that is written."""
    checker = Checker(environment)
    node: Node = expression.node
    scope = Scope(expression.origin)
    while True:
        match node:
            case Embedded():
                scope = Scope(node.origin)
                node = node.body
            case Call(name="default", receiver=None, arguments=(_, otherwise)):
                node = otherwise
            case Conditional():
                then = scope.knowing(proven(node.test, True))
                if checker.infer(node.then, then).nullable:
                    node, scope = node.then, then
                else:
                    scope = scope.knowing(proven(node.test, False))
                    node = node.otherwise
            case _:
                return scope.text(node)


def _escaped(template: Template, environment: Mapping[str, Type]) -> list[Finding]:
    """Where `$${` hides a value that could be there, as in `$${amount}` for a price."""
    return [
        Finding(
            "LM116",
            f"`$${{` stands for a literal `${{`: no value of `{part.text}` is shown here",
            part.span,
            f"for an amount in dollars write `$ ${{{part.text}}}`",
            "warning",
        )
        for part in template.escaped
        if part.reads and all(path[0] in environment for path in part.reads)
    ]


def _instead(text: str, node: Node, written: str) -> str:
    """The whole with something else in the place of a node."""
    return text[: node.start] + written + text[node.end :]


def _minus(hint: str) -> str:
    join = " A" if hint.endswith("?") else "; a"
    return f"{hint}{join} hyphen is minus here, ids are written with `_`"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a node stands: its text, macro variables, paths known not to be null.

    ``lenient`` holds in the first argument of ``default`` and in ``has``, where a field that is
    not there is no error.
    """

    origin: Origin
    bound: Mapping[str, Type] = field(default_factory=dict)
    known: Paths = frozenset()
    lenient: bool = False

    def text(self, node: Node) -> str:
        """A node as it was written."""
        return self.origin.text[node.start : node.end]

    def knowing(self, paths: Paths) -> Scope:
        """The same place once some paths are known not to be null."""
        return replace(self, known=self.known | paths) if paths - self.known else self

    def binding(self, variable: str, kind: Type) -> Scope:
        """Inside a macro."""
        known = frozenset(path for path in self.known if path[0] != variable)
        return replace(self, bound={**self.bound, variable: kind}, known=known)


class Checker:
    """One pass over one expression."""

    def __init__(self, environment: Mapping[str, Type]) -> None:
        self.environment = environment
        self.findings: list[Finding] = []
        self.without_re2 = False
        self._warned: set[tuple[str, str]] = set()
        # The rest of an id with hyphens, whose start was reported.
        self._hyphenated = range(0)

    def error(
        self, code: str, message: str, scope: Scope, place: tuple[int, int], hint: str = ""
    ) -> None:
        """Record an error under ``place``, a pair of offsets into the scope's text."""
        self.findings.append(Finding(code, message, scope.origin.locate(*place), hint))

    def infer(self, node: Node, scope: Scope) -> Type:
        """The type of a node; what was found wrong once is ``any`` from there on."""
        match node:
            case Constant():
                return of_constant(node.value)
            case Name():
                return self._known(node, self._name(node, scope), scope)
            case Select():
                return self._known(node, self._select(node, scope), scope)
            case Index():
                return self._known(node, self._index(node, scope), scope)
            case Call():
                return check_call(self, node, scope)
            case Has():
                self._select(node.target, replace(scope, lenient=True))
                return BOOLEAN
            case Comprehension():
                return self._comprehension(node, scope)
            case Unary():
                return self._unary(node, scope)
            case Binary():
                return check_binary(self, node, scope)
            case Chain():
                return check_chain(self, node, scope)
            case Logic():
                return self._logic(node, scope)
            case Conditional():
                return self._conditional(node, scope)
            case ListOf():
                items: Type | None = None
                for item in node.items:
                    kind = self.infer(item, scope)
                    items = kind if items is None else common(items, kind)
                return Type("list", items=items)
            case MapOf():
                return self._map(node, scope)
            case Embedded():
                return self.infer(node.body, Scope(node.origin, known=scope.known))
            case _:
                raise AssertionError(f"no rule for {type(node).__name__}")

    def value(self, node: Node, scope: Scope) -> Type:
        """The type of a node where null is an error: a warning if it may be null."""
        kind = self.infer(node, scope)
        if is_null(kind):
            self.error("LM410", "null is no value here", scope, (node.start, node.end))
            return ANY
        if kind.nullable and kind.kind != "any":
            self._maybe_null(node, scope, f"`{scope.text(node)}` may be null here", node)
        return present(kind)

    def condition(self, node: Node, scope: Scope, what: str) -> None:
        """A node that must be true or false."""
        kind = self.value(node, scope)
        if kind.kind == "any":
            self.doubt(node, scope, "true or false")
        elif kind.kind != "boolean":
            hint = ""
            if family(kind) == "number":
                hint = f"compare it, as in `{scope.text(node)} > 0`"
            elif family(kind) == "string":
                hint = f'compare it, as in `{scope.text(node)} == "…"`'
            self.error(
                "LM415",
                f"{what} needs true or false; this is {in_words(kind)}",
                scope,
                (node.start, node.end),
                hint,
            )

    def doubt(self, node: Node, scope: Scope, wanted: str) -> None:
        """Warn that a node of type ``any`` may be something else than what is needed."""
        text = scope.text(node)
        if ("any", text) in self._warned:
            return
        self._warned.add(("any", text))
        self.findings.append(
            Finding(
                "LM404",
                f"It cannot be proved that `{text}` is {wanted}: it may be anything",
                scope.origin.locate(node.start, node.end),
                "it is checked when this is evaluated; a type in place of `any` proves it",
                "warning",
            )
        )

    def _known(self, node: Node, kind: Type, scope: Scope) -> Type:
        if kind.nullable and scope.known and static_path(node) in scope.known:
            return present(kind)
        return kind

    def _maybe_null(self, node: Node, scope: Scope, message: str, wanted: Node) -> None:
        culprit = scope.text(node)
        if ("null", culprit) in self._warned:
            return
        self._warned.add(("null", culprit))
        match static_path(node):
            case ("steps", step, "output"):
                message += f" (step `{step}` may have been skipped, or have failed)"
            case ("memory", _):
                message += " (it is until something is written to it)"
        self.findings.append(
            Finding(
                "LM419",
                message,
                scope.origin.locate(wanted.start, wanted.end),
                f"`default({scope.text(wanted)}, …)` says what to take then",
                "warning",
                _instead(scope.origin.text, wanted, f"default({scope.text(wanted)}, …)"),
            )
        )

    def _name(self, node: Name, scope: Scope) -> Type:
        kind = scope.bound.get(node.name) or self.environment.get(node.name)
        if kind is not None:
            return kind
        if node.start in self._hyphenated:
            return ANY
        place = (node.start, node.end)
        text = scope.origin.text
        alone = text.strip() == node.name
        hint = unknown_name(node.name, alone, [*scope.bound, *self.environment], self.environment)
        rest = _HYPHENATED.match(text, node.end)
        if rest:
            hint = _minus(hint)
            self._hyphenated = range(node.end, rest.end())
        self.error("LM310", f"there is no name `{node.name}` here", scope, place, hint)
        return ANY

    def _select(self, node: Select, scope: Scope) -> Type:
        return self._field_of(node, node.operand, node.name, (node.at, node.end), scope)

    def _field_of(
        self, node: Node, operand: Node, name: str, place: tuple[int, int], scope: Scope
    ) -> Type:
        kind = self.infer(operand, scope)
        if kind.kind == "any":
            return ANY
        if kind.nullable and not is_null(kind) and not scope.lenient:
            message = f"`{scope.text(operand)}` may be null here, and null has no `{name}`"
            self._maybe_null(operand, scope, message, node)
        if kind.kind == "map":
            return kind.items or ANY
        if kind.kind != "object":
            whole = scope.text(operand)
            hint = f"write `size({whole})`" if name in ("size", "length", "len") else ""
            if name in METHODS and not hint:
                hint = f"write `{whole}.{name}()`"
            self.error("LM417", f"{in_words(kind)} has no fields", scope, place, hint)
            return ANY
        found = kind.field(name)
        if found is not None:
            return found
        if kind.open:
            if close := suggest(name, kind.names()):
                message = f"`{scope.text(operand)}` is not known to have a field `{name}`"
                span = scope.origin.locate(*place)
                hint = f"Did you mean `{close}`? Its schema allows other fields"
                self.findings.append(Finding("LM311", message, span, hint, "warning"))
            return ANY
        rest = _HYPHENATED.match(scope.origin.text, place[1])
        joined = name + rest.group().replace("-", "_") if rest else name
        close = suggest(joined, kind.names())
        hint = f"Did you mean `{close}`?" if close else f"it has {', '.join(kind.names())}"
        if not kind.fields:
            hint = "it has no fields"
        if rest:
            hint = _minus(hint)
            self._hyphenated = range(place[1], rest.end())
        self.error("LM311", f"`{scope.text(operand)}` has no field `{name}`", scope, place, hint)
        return ANY

    def _index(self, node: Index, scope: Scope) -> Type:
        if isinstance(node.key, Constant) and isinstance(node.key.value, str):
            place = (node.key.start, node.key.end)
            return self._field_of(node, node.operand, node.key.value, place, scope)
        key = self.value(node.key, scope)
        kind = self.infer(node.operand, scope)
        if kind.nullable and kind.kind != "any" and not is_null(kind) and not scope.lenient:
            message = f"`{scope.text(node.operand)}` may be null here, and null has no items"
            self._maybe_null(node.operand, scope, message, node)
        at = (node.key.start, node.key.end)
        if kind.kind == "list":
            if key.kind != "any" and family(key) != "number":
                self.error(
                    "LM410", f"a list is indexed by an integer, not by {in_words(key)}", scope, at
                )
            elif family(key) == "number" and not is_whole(key):
                hint = f"write `{scope.text(node.operand)}[round({scope.text(node.key)})]`"
                self.error(
                    "LM410", f"a list is indexed by an integer, not by {in_words(key)}", scope, at,
                    hint,
                )  # fmt: skip
            elif key.maximum is not None and key.maximum < 0:
                whole = scope.text(node.operand)
                hint = f"the last one is `{whole}[size({whole}) - 1]`"
                self.error("LM410", "items of a list are counted from 0", scope, at, hint)
            return kind.items or ANY
        if family(kind) == "map":
            if key.kind != "any" and family(key) != "string":
                self.error(
                    "LM410", f"a map is indexed by a text, not by {in_words(key)}", scope, at
                )
            return (kind.items if kind.kind == "map" else None) or ANY
        if kind.kind != "any":
            place = (node.operand.start, node.operand.end)
            self.error("LM417", f"{in_words(kind)} has no items", scope, place)
        return ANY

    def _unary(self, node: Unary, scope: Scope) -> Type:
        if node.operator == "!":
            self.condition(node.operand, scope, "`!`")
            return BOOLEAN
        kind = self.value(node.operand, scope)
        if kind.kind != "any" and family(kind) != "number":
            place = (node.start, node.end)
            self.error("LM410", f"`-` needs a number; this is {in_words(kind)}", scope, place)
            return ANY
        return unbounded(kind)

    def _logic(self, node: Logic, scope: Scope) -> Type:
        outcome = node.operator == "&&"
        proofs = [proven(term, outcome) for term in node.terms]
        for position, term in enumerate(node.terms):
            # Terms after this one count too: an error in it does not survive their verdict.
            others = frozenset[tuple[str, ...]]().union(*proofs[:position], *proofs[position + 1 :])
            self.condition(term, scope.knowing(others), f"`{node.operator}`")
        return BOOLEAN

    def _conditional(self, node: Conditional, scope: Scope) -> Type:
        self.condition(node.test, scope, "the test of `? :`")
        then = self.infer(node.then, scope.knowing(proven(node.test, True)))
        otherwise = self.infer(node.otherwise, scope.knowing(proven(node.test, False)))
        return common(then, otherwise)

    def _map(self, node: MapOf, scope: Scope) -> Type:
        fields: dict[str, Type] = {}
        items: Type | None = None
        for key, value in node.entries:
            kind = self.value(key, scope)
            if kind.kind != "any" and family(kind) != "string":
                self.error(
                    "LM410", f"the keys of a map are texts, not {in_words(kind)}", scope,
                    (key.start, key.end),
                )  # fmt: skip
            found = self.infer(value, scope)
            items = found if items is None else common(items, found)
            if isinstance(key, Constant) and isinstance(key.value, str):
                if key.value in fields:
                    self.error(
                        "LM410", f"the key `{key.value}` is there twice", scope,
                        (key.start, key.end),
                    )  # fmt: skip
                fields[key.value] = found
        if len(fields) == len(node.entries):
            return Type("object", fields=tuple(fields.items()))
        return Type("map", items=items)

    def _comprehension(self, node: Comprehension, scope: Scope) -> Type:
        over = self.value(node.over, scope)
        if over.kind == "list":
            item = over.items or ANY
        elif family(over) == "map":
            item = STRING
        else:
            item = ANY
            if over.kind == "any":
                self.doubt(node.over, scope, "a list or a map")
            else:
                self.error(
                    "LM410",
                    f"`{node.kind}()` goes over a list or a map; this is {in_words(over)}",
                    scope,
                    (node.over.start, node.over.end),
                )
        inner = scope.binding(node.variable, item)
        if node.condition is not None:
            self.condition(node.condition, inner, f"`{node.kind}()`")
            known = proven(node.condition, True)
            inner = inner.knowing(known)
            item = narrowed(item, (path[1:] for path in known if path[0] == node.variable))
        if node.kind == "map":
            assert node.result is not None
            return Type("list", items=self.infer(node.result, inner))
        return Type("list", items=item) if node.kind == "filter" else BOOLEAN
