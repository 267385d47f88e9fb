"""Where something was defined: the text of a cell, or of a file, and the place in it."""

from __future__ import annotations

import ast
import linecache
import types
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Definition", "Node", "definition_of", "first_line"]

Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition at the top of a source; ``lines`` is all of that source."""

    node: Node
    lines: tuple[str, ...]


def definition_of(value: types.FunctionType | type) -> Definition | None:
    """Where a function or a class was defined; None when that is not known any more.

    IPython keeps the text of every cell in ``linecache``, under the name its code has.
    """
    if isinstance(value, types.FunctionType):
        code = value.__code__
        return _in(tuple(linecache.getlines(code.co_filename)), value.__name__, code.co_firstlineno)
    methods = [getattr(item, "__func__", item) for item in vars(value).values()]
    for method in methods:
        if isinstance(method, types.FunctionType):
            lines = tuple(linecache.getlines(method.__code__.co_filename))
            found = _in(lines, value.__name__, method.__code__.co_firstlineno)
            if found is not None:
                return found
    # A class without methods of its own has no code that tells: the newest cell that defines it.
    cells = (_in(lines, value.__name__) for lines in _cells())
    return next((found for found in cells if found is not None), None)


def _cells() -> Iterator[tuple[str, ...]]:
    """Texts that no file holds, newest first."""
    for entry in reversed(list(linecache.cache.values())):
        if len(entry) == 4 and entry[1] is None:
            yield tuple(entry[2])


def _in(lines: tuple[str, ...], name: str, line: int | None = None) -> Definition | None:
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return None
    for node in reversed(tree.body):
        if not isinstance(node, Node) or node.name != name:
            continue
        if line is None or first_line(node) <= line <= (node.end_lineno or 0):
            return Definition(node, lines)
    return None


def first_line(node: Node) -> int:
    """The line where it begins, decorators included."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
