"""Functions of a notebook as source that another process can import, or why they cannot be.

A function is carried as its text, with what it names: other functions and classes of the notebook,
imports, and constants. What lives in the kernel only (an open connection, a data frame, the
variables of an outer function) cannot be, and is named.
"""

from __future__ import annotations

import ast
import builtins
import dis
import importlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from leafmesh_nb.deploy.cells import Definition, definition_of, first_line
from leafmesh_nb.deploy.constants import constant, written
from leafmesh_nb.deploy.sources import imported_by

__all__ = ["HERE", "MODULE", "Carried", "carry"]

MODULE = "functions"
"""The module of a release that holds what was carried from the notebook itself."""

HERE = "__main__"
FUTURE_ANNOTATIONS = 0x1000000
"""A flag of code objects, and so part of a function's digest."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What was carried. ``source`` is the text of the module ``functions``, empty when nothing of
    the notebook itself was; ``names`` maps ``agent:ID`` to ``module:name``; ``modules`` are the
    top-level modules that are needed; ``refused`` says by ``agent:ID`` why one cannot be."""

    source: str
    names: Mapping[str, str]
    modules: frozenset[str]
    refused: Mapping[str, str]


class _Uncarried(Exception):
    """Something that cannot be carried; the text says what and why."""


_IMPORTING = "_importlib"
_IMPORTS = f"""\
import importlib as {_IMPORTING}

# Each statement of a cell is compiled by itself. An import statement beside the functions would
# have the compiler make other code of their calls, and a run remembers the code of its functions.
"""


@dataclass(slots=True)
class _Module:
    """The module as it grows. Texts of functions stand behind those of what they need.

    ``imports`` are statements by the name that they give, ``modules`` the submodules that are
    reached through such names.
    """

    imports: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    constants: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    taken: dict[str, Any] = field(default_factory=dict)
    future: bool = False

    def text(self) -> str:
        """Its source; empty when nothing was taken."""
        if not self.texts:
            return ""
        parts = ['"""Functions of a notebook, carried into this release."""\n']
        if self.future:
            parts.append("from __future__ import annotations\n")
        if self.imports:
            reached = [_imported(module) for module in sorted(self.modules)]
            lines = [*sorted(set(self.imports.values())), *reached]
            parts.append(_IMPORTS + "\n".join(lines) + "\n")
        if self.constants:
            parts.append("\n".join(self.constants.values()) + "\n")
        return "\n".join(parts) + "".join(f"\n\n{text}" for text in self.texts.values())


def carry(functions: Mapping[str, Callable[..., Any]]) -> Carried:
    """Carry functions, given by ``agent:ID`` and ``tool:ID``."""
    module = _Module()
    names: dict[str, str] = {}
    refused: dict[str, str] = {}
    needed: set[str] = set()
    for owner, function in functions.items():
        try:
            if getattr(function, "__module__", HERE) == HERE:
                _check("it", function)
                _take(module, function.__name__, function)
                names[owner] = f"{MODULE}:{function.__name__}"
            else:
                names[owner] = _importable(function)
                needed.add(function.__module__.partition(".")[0])
        except _Uncarried as reason:
            refused[owner] = str(reason)
    source = module.text()
    return Carried(source, names, frozenset(needed | imported_by(source)), refused)


def _check(name: str, function: Any) -> None:
    if not isinstance(function, types.FunctionType):
        what = type(function).__name__
        raise _Uncarried(f"{name} is a {what}, not a function; write it with def")
    if function.__name__ == "<lambda>":
        raise _Uncarried(f"{name} is a lambda; write it with def")
    if function.__closure__:
        free = function.__code__.co_freevars
        held = ", ".join(
            f"{variable} ({_kind(cell)})"
            for variable, cell in zip(free, function.__closure__, strict=True)
        )
        raise _Uncarried(
            f"{name} holds variables of the function around it: {held}; define it at the top of "
            "a cell, and let it make what it needs"
        )


def _kind(cell: types.CellType) -> str:
    try:
        return type(cell.cell_contents).__name__
    except ValueError:  # not bound yet
        return "empty"


def _importable(function: Any) -> str:
    """``module:name`` of what a module has. Raises _Uncarried where import finds another thing."""
    home, name = function.__module__, getattr(function, "__qualname__", "")
    try:
        known = getattr(importlib.import_module(home), name, None)
    except Exception:  # whatever a module does when it is imported
        known = None
    if not name or known is not function:
        raise _Uncarried(
            f"{home}.{name or type(function).__name__} is not what import finds there; bind a "
            "function that a module has by its name"
        )
    return f"{home}:{name}"


# What a function names


def _take(module: _Module, name: str, value: Any) -> None:
    """Write what ``name`` stands for into the module, behind all that it needs."""
    if name in module.taken:
        if module.taken[name] is not value:
            raise _Uncarried(f"{name} stands for two different things in the functions bound here")
        return
    module.taken[name] = value
    try:
        if isinstance(value, types.ModuleType):
            module.imports[name] = f"{name} = {_imported(value.__name__)}"
        elif isinstance(value, (types.FunctionType, type)) and value.__module__ == HERE:
            _take_definition(module, name, value)
        elif written(value):
            made = constant(name, value)
            module.constants[name] = made.text
            for alias, needed in made.imports.items():
                module.imports[alias] = f"{alias} = {_imported(needed)}"
        else:
            module.imports[name] = _from_a_module(name, value)
    except _Uncarried:
        del module.taken[name]
        raise


def _imported(module: str) -> str:
    return f"{_IMPORTING}.import_module({module!r})"


def _from_a_module(name: str, value: Any) -> str:
    """The import of something that a module has, by its own name or the one used here."""
    own = getattr(value, "__qualname__", name)
    home = getattr(value, "__module__", None)
    modules = [home] if home in sys.modules else []
    modules += sorted((m for m in sys.modules if m != HERE), key=lambda m: (m.count("."), m))
    for attribute in dict.fromkeys((own, name)):
        for known in modules:
            if getattr(sys.modules.get(known), "__dict__", {}).get(attribute) is value:
                return f"{name} = {_imported(known)}.{attribute}"
    raise _Uncarried(
        f"it uses {name}, a {type(value).__name__} that lives in this kernel; make it inside the "
        "function, or in a module that the function imports"
    )


def _take_definition(module: _Module, name: str, value: types.FunctionType | type) -> None:
    if isinstance(value, types.FunctionType):
        _check(name, value)
        module.future |= bool(value.__code__.co_flags & FUTURE_ANNOTATIONS)
    found = definition_of(value)
    if found is None:
        raise _Uncarried(
            f"the source of {name} is not known: define it at the top of a cell, or in a module"
        )
    namespace = value.__globals__ if isinstance(value, types.FunctionType) else _notebook()
    text, node = _without_binding(found, namespace)
    for needed in sorted(_names(value, node)):
        if needed in namespace:
            _take(module, needed, namespace[needed])
            module.modules |= _submodules(node, needed, namespace[needed])
        elif isinstance(value, types.FunctionType) and not hasattr(builtins, needed):
            raise _Uncarried(f"{name} uses {needed}, which is not defined")
    module.texts[name] = text


def _submodules(node: ast.AST, name: str, value: Any) -> set[str]:
    """The submodules of a module that are reached through its name: ``xml.etree.ElementTree``."""
    found: set[str] = set()
    if isinstance(value, types.ModuleType):
        for part in ast.walk(node):
            place = value.__name__ + ast.unparse(part).removeprefix(name)
            if isinstance(part, ast.Attribute) and _root(part) == name and place in sys.modules:
                found.add(place)
    return found


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _notebook() -> dict[str, Any]:
    return vars(sys.modules[HERE])


def _without_binding(found: Definition, namespace: Mapping[str, Any]) -> tuple[str, ast.stmt]:
    """The text of a definition without ``@mesh.agent(…)`` and ``@mesh.tool(…)`` above it."""
    from leafmesh_nb.mesh.definition import Mesh

    node, dropped = found.node, set()
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        base = called.value if isinstance(called, ast.Attribute) else None
        if isinstance(base, ast.Name) and isinstance(namespace.get(base.id), Mesh):
            dropped |= set(range(decorator.lineno, (decorator.end_lineno or 0) + 1))
    lines = range(first_line(node), (node.end_lineno or 0) + 1)
    text = "".join(found.lines[n - 1] for n in lines if n not in dropped).rstrip() + "\n"
    return text, ast.parse(text).body[0]


def _names(value: types.FunctionType | type, node: ast.stmt) -> set[str]:
    """The global names that a definition needs, when it is made and when it is called."""
    if isinstance(value, type):
        parts: list[ast.AST] = [node]
        found: set[str] = set()
    else:
        assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        parts = [*node.decorator_list, node.args, *([node.returns] if node.returns else [])]
        found = set(_loaded(value.__code__)) - {value.__name__}
    for part in parts:
        found |= {n.id for n in ast.walk(part) if isinstance(n, ast.Name)}
    return found - {getattr(node, "name", "")}


def _loaded(code: types.CodeType) -> Iterator[str]:
    """Names that code reads from its module, functions inside it included."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _loaded(inner)
