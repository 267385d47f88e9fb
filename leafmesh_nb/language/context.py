"""What the builders of one mesh share: the source, the diagnostics, and the names declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.expressions import (
    Expression,
    Template,
    check,
    parse_expression,
    parse_template,
)
from leafmesh_nb.language.expressions.ast import Embedded, ListOf, MapOf, children
from leafmesh_nb.language.expressions.check import nullable_part
from leafmesh_nb.language.expressions.finding import Finding
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode, SequenceNode, Span
from leafmesh_nb.language.policy_scope import PolicyScope
from leafmesh_nb.language.quoting import balanced_end, quoted_line, unbalanced
from leafmesh_nb.language.rewriting import in_flow, rewritten
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.spec import (
    AgentSpec,
    Capability,
    MemoryField,
    ModelSpec,
    Person,
    Point,
    Target,
    ToolSpec,
)
from leafmesh_nb.language.types import Type, describe

__all__ = ["Context"]

_BRACED = re.compile(r"(?<![$\w{])\{([a-z_]\w*(?:\.[a-z_]\w*)+)\}(?!\})", re.ASCII)
_COMMENT = re.compile(r"\s+#")

Environment = Mapping[str, Type]


def _declared() -> dict[str, dict[str, Span]]:
    kinds = ("models", "capabilities", "agents", "tools", "memory", "roster", "steps", "workflows")
    return {kind: {} for kind in kinds}


@dataclass(slots=True)
class Context:
    """``declared`` holds every name by its kind, with its place, before anything is built, so
    that a reference to something that is itself wrong gives no second error. ``broken`` are the
    kinds whose names could not be read, ``doubtful`` the capabilities with an error in a type.
    ``written`` has, for each workflow and step (none: its end), the memory fields that are surely
    written by then."""

    source: Source
    collector: Collector
    declared: dict[str, dict[str, Span]] = field(default_factory=_declared)
    broken: set[str] = field(default_factory=set)
    models: dict[str, ModelSpec] = field(default_factory=dict)
    memory: dict[str, MemoryField] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    tools: dict[str, ToolSpec] = field(default_factory=dict)
    agents: dict[str, AgentSpec] = field(default_factory=dict)
    capabilities: dict[str, Capability] = field(default_factory=dict)
    input_nodes: dict[str, MappingNode] = field(default_factory=dict)
    offers: dict[str, list[AgentSpec]] = field(default_factory=dict)
    policy_scopes: dict[tuple[Point, Target], PolicyScope] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    root: Node | None = None
    written: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def expression(self, node: Node) -> Expression | None:
        """The expression of a node, or None, which is reported; where YAML ate a part of it, with
        the line as it should be written."""
        for start, end in self._split(node):
            self.collector.error(
                "LM125",
                "Within brackets, YAML ends a plain text at its first comma.",
                self.source.span(start, end),
                "Quote the expression:\n" + quoted_line(self.source, start, end),
            )
            return None
        found = parse_expression(node)
        if isinstance(found, Expression):
            return found
        eaten = next(filter(None, map(self._truncated, _scalars(node))), "")
        for finding in found:
            self._tell(finding, list(_scalars(node)), eaten)
            eaten = ""
        return None

    def template(self, node: ScalarNode) -> Template | None:
        """The template of a text, or None, which is reported."""
        found = parse_template(node)
        if isinstance(found, Template):
            return found
        for finding in found:
            self.collector.finding(finding)
        return None

    def check_template(self, node: ScalarNode, template: Template, names: Environment) -> None:
        """Check a template at its place; a value in braces without their `$` is a warning."""
        self.check(template, names)
        for braced in _BRACED.finditer(node.text):
            if _leads_somewhere(names, braced[1].split(".")):
                self.collector.warning(
                    "LM116",
                    f"`{braced[0]}` is a literal text here: its value is not filled in.",
                    node.locate(*braced.span()),
                    f"Write `${braced[0]}` for the value.",
                )

    def check(self, expression: Expression | Template, environment: Environment) -> Type | None:
        """The type of an expression at its place; None where it has errors, which are reported."""
        type, findings = check(expression, environment)
        for finding in findings:
            # Where there are errors, a doubt may be no more than their echo.
            if finding.code != "LM404" or not self.collector.failed:
                self._tell(finding, _written(expression))
        return None if any(f.severity == "error" for f in findings) else type

    def check_condition(self, expression: Expression, environment: Environment) -> None:
        """Check an expression that must be true or false: null is neither."""
        type = self.check(expression, environment)
        if type is not None and type.anything and not self.collector.failed:
            self.collector.warning(
                "LM404",
                "It cannot be proved that this is true or false: it may be anything.",
                expression.span,
                "It is checked when this is decided; a type in place of `any` proves it.",
            )
        elif type is not None and type.kind not in ("boolean", "any"):
            self.collector.error(
                "LM403",
                f"A condition must be true or false, and this is {describe(type)}.",
                expression.span,
                "Compare it with something, as in x > 0 or x == y.",
            )
        elif type is not None and type.nullable:
            part = nullable_part(expression, environment)
            text = part if len(part) <= 60 and part != "null" else "…"
            self.collector.error(
                "LM403",
                "A condition must be true or false, and this may be null.",
                expression.span,
                f"Say what null means: default({text}, false)."
                + self.quoted(expression, f"default({expression.text}, false)"),
            )

    def quoted(self, expression: Expression, whole: str) -> str:
        """What to add to a hint where ``whole``, in place of an expression, must be quoted."""
        return self._in_yaml(_written(expression), expression.span, whole)

    def _in_yaml(self, scalars: Sequence[ScalarNode], span: Span, whole: str) -> str:
        node = next((s for s in scalars if s.span[:2] <= span[:2] <= s.span[2:]), None)
        if node is None or not whole:
            return ""
        line = rewritten(self.source, node, whole, in_flow(self.root, node.span))
        return f" In YAML, that is quoted:\n{line}" if line else ""

    def _tell(self, finding: Finding, scalars: Sequence[ScalarNode], hint: str = "") -> None:
        line = "" if hint else self._in_yaml(scalars, finding.span, finding.whole)
        if line:
            hint = f"{finding.hint[:1].upper()}{finding.hint[1:]}.{line}"
        self.collector.finding(finding, hint=hint)

    def _split(self, node: Node) -> Iterator[tuple[int, int]]:
        """Expressions in a flow list that a comma of their own cut in two, in the source."""
        if isinstance(node, SequenceNode):
            for item in node.items:
                if (
                    node.flow
                    and item is not node.items[-1]
                    and isinstance(item, ScalarNode)
                    and item.style == "plain"
                    and unbalanced(item.text)
                ):
                    start = self.source.offset(item.span.line, item.span.column)
                    yield start, balanced_end(self.source.text, start)
                yield from self._split(item)
        elif isinstance(node, MappingNode):
            for entry in node:
                yield from self._split(entry.value)

    def _truncated(self, node: ScalarNode) -> str:
        """The line quoted, where YAML took the rest of an expression for a comment."""
        if node.style != "plain" or not isinstance(parse_expression(node), list):
            return ""
        line = self.source.line(node.span.end_line)
        rest = line[node.span.end_column - 1 :]
        if node.span.line != node.span.end_line or not _COMMENT.match(rest):
            return ""
        start = self.source.offset(node.span.line, node.span.column)
        end = self.source.offset(node.span.line, 1) + len(line.rstrip())
        return "YAML takes ` #` and what follows for a comment. Quote the expression:\n" + (
            quoted_line(self.source, start, end)
        )


def _written(expression: Expression | Template) -> list[ScalarNode]:
    """The scalars that an expression is written in; none for a template, which is a text."""
    if isinstance(expression, Template):
        return []
    found, pending = [], [expression.node]
    while pending:
        node = pending.pop()
        if isinstance(node, Embedded):
            found.append(node.origin.node)
        elif isinstance(node, ListOf | MapOf):
            pending += children(node)
    return found or [expression.origin.node]


def _leads_somewhere(names: Environment, path: Sequence[str]) -> bool:
    """Whether a path is one of a field that is there."""
    type = names.get(path[0])
    for name in path[1:]:
        type = type.field(name) if type is not None and type.kind == "object" else None
    return type is not None


def _scalars(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
        return
    parts = node.items if isinstance(node, SequenceNode) else [e.value for e in node.entries]
    for part in parts:
        yield from _scalars(part)
