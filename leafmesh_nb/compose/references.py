"""``python: "module:function"`` found and read, without importing the module.

To import a module is to run it, and a check of types runs nothing. So the module's source is found
the way an import would find it, and read as a tree. A module that this process has imported already
is looked at as it is.
"""

from __future__ import annotations

import ast
import importlib.machinery
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from leafmesh_nb.compose.hints import Unknown, is_typed_dict, lookup_in, parse_quietly, resolve

__all__ = ["Reference", "find"]

_KNOWN = frozenset(
    {"collections", "collections.abc", "datetime", "decimal", "enum", "numbers", "typing"}
    | {"typing_extensions"}
)
"""Modules of the standard library that annotations are made of: nothing of a user's runs there."""

_LARGEST = 2_000_000


@dataclass(frozen=True, slots=True)
class Reference:
    """What a name ``module:function`` leads to.

    ``function`` has the signature of what was found (it may be a stand-in that nobody should
    call); without one, ``state`` is ``absent`` (no such module), ``broken`` (the module is there,
    and the function cannot be) or ``unread``, and ``why`` says more. ``place`` is where it stands.
    """

    state: Literal["found", "absent", "broken", "unread"]
    function: Callable[..., Any] | None = None
    place: str = ""
    why: str = ""


def find(name: str, folder: Path | None = None) -> Reference:
    """What ``module:function`` leads to where a run would import it, with ``folder`` before it."""
    module, _, attribute = name.partition(":")
    loaded = sys.modules.get(module)
    if loaded is not None:
        return _in_module(loaded, module, attribute)
    try:
        path = _source_of(module, _search_path(folder))
    except (ImportError, OSError, ValueError, AttributeError) as error:
        return Reference("unread", why=f"module {module} cannot be found: {error}")
    if path is None:
        return Reference("absent", why=f"there is no module {module} here")
    if path.suffix != ".py":
        return Reference("unread", why=f"module {module} is not Python source")
    return _in_source(path, module, attribute)


def _in_module(loaded: Any, module: str, attribute: str) -> Reference:
    names = vars(loaded)
    if attribute in names:
        function = names[attribute]
        if callable(function):
            return Reference("found", function)
        return Reference("broken", why=f"`{attribute}` in module {module} is no function")
    if "__getattr__" in names:
        return Reference("unread", why=f"module {module} makes its names when they are asked for")
    return Reference("broken", why=f"module {module} has no function `{attribute}`")


def _search_path(folder: Path | None) -> list[str]:
    """Where a run looks for modules: in the working directory first (``agents.functions``), unless
    the path names it, so that a mesh's own folder can stand before it."""
    first = Path.cwd() if folder is None else folder
    if folder is None and ("" in sys.path or str(first) in sys.path):
        return [*sys.path]
    return [str(first), *sys.path]


def _source_of(module: str, search_path: list[str]) -> Path | None:
    """The file that an import would read. The parents of ``a.b.c`` are looked through, not run."""
    where = search_path
    spec = None
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        spec = _spec(".".join(parts[:count]), where)
        if spec is None:
            return None
        where = list(spec.submodule_search_locations or ())
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin)


def _spec(name: str, where: list[str]) -> importlib.machinery.ModuleSpec | None:
    found = importlib.machinery.PathFinder.find_spec(name, where)
    if found is not None:
        return found
    for finder in sys.meta_path:  # frozen and builtin modules, editable installs
        look = getattr(finder, "find_spec", None)
        found = look(name, where) if look is not None else None
        if found is not None:
            return found
    return None


def _in_source(path: Path, module: str, attribute: str) -> Reference:
    try:
        if path.stat().st_size > _LARGEST:
            return Reference("unread", why=f"{path.name} is too large to be read")
        tree = parse_quietly(path.read_bytes(), "exec")
    except OSError as error:
        return Reference("unread", why=f"{path.name} cannot be read: {error.strerror}")
    except SyntaxError as error:
        place = f"{path.name}, line {error.lineno}" if error.lineno else path.name
        return Reference("broken", why=f"module {module} is no valid Python ({place}: {error.msg})")
    except (ValueError, RecursionError, MemoryError):
        return Reference("broken", why=f"module {module} is no valid Python ({path.name})")
    assert isinstance(tree, ast.Module), "a whole file was parsed"
    bound = _bindings(tree.body)
    if attribute not in bound:
        if None in bound or "__getattr__" in bound:
            return Reference("unread", why=f"module {module} makes its names when it is imported")
        return Reference("broken", why=f"module {module} has no function `{attribute}`")
    definition = bound[attribute]
    if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        return Reference("unread", why=f"`{attribute}` in module {module} is no plain function")
    place = f"{path.name}, line {definition.lineno}"
    if definition.decorator_list:
        why = f"`{attribute}` in module {module} is decorated, which may change what it takes"
        return Reference("unread", place=place, why=why)
    return Reference("found", _stand_in(definition, _names(tree.body)), place)


def _bindings(body: list[ast.stmt]) -> dict[str | None, ast.stmt]:
    """Every name that a module may bind at its top, with the last statement that does; None stands
    for names that cannot be told (``from x import *``)."""
    found: dict[str | None, ast.stmt] = {}
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[statement.name] = statement
            continue
        for child in ast.walk(statement):
            for name in _bound_by(child):
                found[name] = statement
    return found


def _bound_by(node: ast.AST) -> list[str | None]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            whole = [alias.asname or alias.name.partition(".")[0] for alias in names]
            return [None if name == "*" else name for name in whole]
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
    return []


def _names(body: list[ast.stmt]) -> dict[str, Any]:
    """What the names stand for that annotations may use."""
    names: dict[str, Any] = {}
    for statement in body:
        match statement:
            case ast.Import():
                for alias in statement.names:
                    if alias.name in _KNOWN:
                        whole = alias.name if alias.asname else alias.name.partition(".")[0]
                        names[alias.asname or whole] = import_module(whole)
            case ast.ImportFrom(module=str() as origin, level=0) if origin in _KNOWN:
                for alias in statement.names:
                    known = vars(import_module(origin)).get(alias.name, Unknown)
                    names[alias.asname or alias.name] = known
            case ast.ClassDef():
                names[statement.name] = _class(statement, names)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                names[name] = resolve(value, lookup_in(names))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names[name] = resolve(value, lookup_in(names))
    return names


def _class(definition: ast.ClassDef, names: Mapping[str, Any]) -> Any:
    """A class of the module as far as reading tells: a TypedDict, or a class of its own."""
    look = lookup_in(names)
    if not definition.bases and not definition.keywords:
        return type(definition.name, (), {})
    bases = [resolve(base, look) for base in definition.bases]
    fields: dict[str, Any] = {}
    for base in bases:
        if is_typed_dict(base):
            needed: frozenset[str] = getattr(base, "__required_keys__", frozenset())
            for name, hint in base.__annotations__.items():
                fields[name] = hint if name in needed else typing.NotRequired[hint]
        elif getattr(base, "__name__", "") != "TypedDict":
            return Unknown
    total = next((k.value for k in definition.keywords if k.arg == "total"), None)
    optional = isinstance(total, ast.Constant) and total.value is False
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            hint = resolve(statement.annotation, look)
            qualified = getattr(typing.get_origin(hint), "_name", "") in ("Required", "NotRequired")
            fields[statement.target.id] = (
                typing.NotRequired[hint] if optional and not qualified else hint
            )
    try:
        return typing.TypedDict(definition.name, fields)  # type: ignore[operator]
    except TypeError:
        return Unknown


def _stand_in(
    definition: ast.FunctionDef | ast.AsyncFunctionDef, names: Mapping[str, Any]
) -> Callable[..., Any]:
    """A function with the signature of a definition; it is for looking at only."""
    look = lookup_in(names)

    def hint(annotation: ast.expr | None) -> Any:
        if annotation is None:
            return inspect.Parameter.empty
        return resolve(annotation, look)

    given = definition.args
    kinds = inspect.Parameter
    parameters: list[inspect.Parameter] = []
    plain = [*given.posonlyargs, *given.args]
    first_default = len(plain) - len(given.defaults)
    for index, argument in enumerate(plain):
        default = ... if index >= first_default else kinds.empty
        positional = index < len(given.posonlyargs)
        kind = kinds.POSITIONAL_ONLY if positional else kinds.POSITIONAL_OR_KEYWORD
        parameters.append(
            kinds(argument.arg, kind, default=default, annotation=hint(argument.annotation))
        )
    if given.vararg:
        parameters.append(kinds(given.vararg.arg, kinds.VAR_POSITIONAL))
    for argument, value in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        default = kinds.empty if value is None else ...
        parameters.append(
            kinds(
                argument.arg,
                kinds.KEYWORD_ONLY,
                default=default,
                annotation=hint(argument.annotation),
            )
        )
    if given.kwarg:
        annotation = hint(given.kwarg.annotation)
        parameters.append(kinds(given.kwarg.arg, kinds.VAR_KEYWORD, annotation=annotation))

    def stand_in(*_: Any, **__: Any) -> Any:
        raise NotImplementedError("a stand-in is read, never called")

    stand_in.__name__ = stand_in.__qualname__ = definition.name
    stand_in.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        parameters, return_annotation=hint(definition.returns)
    )
    return stand_in
