"""A JSON Schema as somebody wrote it: every mistake with its place, or the schema in one form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from leafmesh_nb.language.schemas.document import NOTHING, Schema, canonical
from leafmesh_nb.language.schemas.keywords import (
    ANNOTATIONS,
    ASSERTED_FORMATS,
    COUNTS,
    DIALECT,
    ELSEWHERE,
    IN_PLACE,
    KEYWORDS,
    NAMED_SCHEMAS,
    NUMBERS,
    SCHEMA_LISTS,
    SCHEMAS,
    TYPES,
    subschemas,
)
from leafmesh_nb.language.schemas.patterns import pattern_problem
from leafmesh_nb.language.suggest import suggest

__all__ = ["MOST_SCHEMAS", "Flaw", "Path", "read_schema"]

MOST_SCHEMAS = 2000
_DEEPEST = 100

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a schema. ``path`` leads to it from the document's root;
    ``at_key`` says that it is the key there, not the value."""

    path: Path
    message: str
    hint: str = ""
    code: str = "LM407"
    at_key: bool = False


def read_schema(document: Any) -> Schema | list[Flaw]:
    """A document as a Schema; or, where anything is wrong with it, all of that.

    Unknown keywords are wrong unless they start with ``x-``. Nothing is fetched: a ``$ref`` leads
    to a place in the same document.
    """
    reader = _Reader(document)
    reader.look(document, ())
    reader.follow()
    return reader.flaws or reader.schema()


class _Reader:
    def __init__(self, document: Any) -> None:
        self.root = document
        self.flaws: list[Flaw] = []
        self._full = False
        self.places: dict[Path, Any] = {}
        self.anchors: dict[str, Path] = {}
        self.references: dict[Path, str] = {}
        self.targets: dict[Path, Path] = {}

    def _flaw(
        self, path: Path, message: str, hint: str = "", code: str = "LM407", at_key: bool = False
    ) -> None:
        self.flaws.append(Flaw(path, message, hint, code, at_key))

    # -- one schema after the other

    def look(self, document: Any, path: Path) -> None:
        """Check a schema and those within it."""
        if len(self.places) == MOST_SCHEMAS:
            if not self._full:
                self._flaw((), f"This has more than {MOST_SCHEMAS:,} schemas.", "Use `$defs`.")
            self._full = True
            return
        if len(path) > _DEEPEST:
            self._flaw(path[:_DEEPEST], "This is nested too deeply.", "Use `$defs`.")
            return
        self.places[path] = document
        if isinstance(document, bool):
            return
        if not isinstance(document, Mapping):
            self._flaw(
                path,
                f"A schema is a map of keywords, and this is {_kind(document)}.",
                "In 2020-12 the schemas of single items are `prefixItems`."
                if path[-1:] == ("items",) and isinstance(document, list)
                else "For example {type: string}; true for anything.",
            )
            return
        for key, value in document.items():
            self._keyword(key, value, (*path, key), document)
        for inner_path, inner in subschemas(document):
            self.look(inner, path + inner_path)

    def _keyword(self, key: str, value: Any, path: Path, document: Mapping[str, Any]) -> None:
        if key not in KEYWORDS:
            self._unknown(key, path)
        elif key in SCHEMA_LISTS:
            if not isinstance(value, list) or not value:
                self._flaw(path, f"`{key}` must be a list of schemas.", "[{type: string}, …]")
        elif key in NAMED_SCHEMAS:
            if not isinstance(value, Mapping):
                self._flaw(path, f"`{key}` must be a map of names to schemas.")
            elif key == "patternProperties":
                for pattern in value:
                    self._pattern(pattern, (*path, pattern), at_key=True)
        elif key in COUNTS:
            if not _is_count(value):
                self._flaw(path, f"`{key}` must be a whole number, 0 or more.")
        elif key in NUMBERS:
            self._number(key, value, path)
        elif key not in ANNOTATIONS and key not in SCHEMAS:
            self._other(key, value, path, document)

    def _unknown(self, key: str, path: Path) -> None:
        if key.startswith("x-"):
            return
        if key in ELSEWHERE:
            hint = ELSEWHERE[key]
        elif close := suggest(key, sorted(KEYWORDS)):
            hint = f"Did you mean `{close}`?"
        else:
            hint = "Nothing is ignored. A note of your own starts with `x-`."
        shown = key if len(key) <= 60 else key[:59] + "…"
        self._flaw(path, f"JSON Schema 2020-12 has no keyword `{shown}`.", hint, at_key=True)

    def _number(self, key: str, value: Any, path: Path) -> None:
        if isinstance(value, bool) and key.startswith("exclusive"):
            hint = "In 2020-12 it is the bound itself: exclusiveMinimum: 0."
            self._flaw(path, f"`{key}` must be a number.", hint)
        elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            self._flaw(path, f"`{key}` must be a number, and this is {_kind(value)}.")
        elif key == "multipleOf" and value <= 0:
            self._flaw(path, "`multipleOf` must be more than 0.")
        else:
            self._json(value, path)

    def _other(self, key: str, value: Any, path: Path, document: Mapping[str, Any]) -> None:
        match key:
            case "type":
                self._type(value, path)
            case "const":
                self._json(value, path)
            case "enum":
                if not isinstance(value, list) or not value:
                    self._flaw(path, "`enum` must be a list of values.", "For example [a, b].")
                else:
                    self._json(value, path)
            case "required":
                self._names(key, value, path)
            case "dependentRequired":
                if not isinstance(value, Mapping):
                    self._flaw(path, "`dependentRequired` must be a map of names to lists.")
                    return
                for name, names in value.items():
                    self._names(key, names, (*path, name))
            case "pattern":
                self._pattern(value, path)
            case "uniqueItems":
                if not isinstance(value, bool):
                    self._flaw(path, "`uniqueItems` must be true or false.")
            case "format":
                self._format(value, path, document)
            case _:
                self._core(key, value, path)

    def _type(self, value: Any, path: Path) -> None:
        listed = value if isinstance(value, list) else [value]
        if not listed:
            self._flaw(path, "`type` is empty.", f"It is one or more of {', '.join(TYPES)}.")
        for index, name in enumerate(listed):
            place = (*path, index) if isinstance(value, list) else path
            if name is None:
                self._flaw(place, "`type` is a name, and this is null.", 'Quote it: "null".')
            elif not isinstance(name, str) or name not in TYPES:
                self._flaw(place, f"{_shown(name)} is not a type of JSON Schema.", _type_hint(name))
            elif name in listed[:index]:
                self._flaw(place, f"`{name}` is here twice.")

    def _names(self, key: str, value: Any, path: Path) -> None:
        if not isinstance(value, list):
            hint = "In 2020-12 the object that has the field lists it." if value is True else ""
            self._flaw(path, f"`{key}` must be a list of names.", hint)
            return
        for index, name in enumerate(value):
            if not isinstance(name, str):
                self._flaw((*path, index), f"`{key}` must be a list of names.", "Quote it.")
            elif name in value[:index]:
                self._flaw((*path, index), f"`{name}` is here twice.")

    def _pattern(self, value: Any, path: Path, at_key: bool = False) -> None:
        if not isinstance(value, str):
            self._flaw(path, "`pattern` must be a text.", "Quote it.")
        elif problem := pattern_problem(value):
            hint = "Patterns that look ahead or refer back are not offered: RE2 is linear in time."
            hint = "" if "pip install" in problem else hint
            self._flaw(path, f"{problem[:1].upper()}{problem[1:]}.", hint, "LM416", at_key)

    def _format(self, value: Any, path: Path, document: Mapping[str, Any]) -> None:
        types = document.get("type", "string")
        if not isinstance(value, str):
            self._flaw(path, "`format` must be a text.")
        elif value in ASSERTED_FORMATS and "string" not in (
            types if isinstance(types, list) else [types]
        ):
            self._flaw(path, f"`{value}` is a format of texts.", "Write type: string beside it.")

    def _core(self, key: str, value: Any, path: Path) -> None:
        if not isinstance(value, str):
            self._flaw(path, f"`{key}` must be a text.")
        elif key == "$anchor":
            if value in self.anchors:
                self._flaw(path, f"There are two anchors `{value}`.", code="LM408")
            self.anchors[value] = path[:-1]
        elif key == "$ref":
            self.references[path[:-1]] = value
        elif len(path) > 1:
            hint = "Name it under `$defs`, and refer to it as #/$defs/NAME."
            self._flaw(path, f"`{key}` stands at the top of a schema only.", hint)
        elif key == "$schema" and value.rstrip("#") != DIALECT:
            hint = f"Remove it once the schema is of that draft, or write {DIALECT}."
            self._flaw(path, "Schemas are read as JSON Schema 2020-12, and this is another.", hint)

    def _json(self, value: Any, path: Path) -> None:
        """Report numbers within a value that JSON readers would change."""
        if isinstance(value, Decimal):
            if not value.is_finite() or Decimal(repr(float(value))) != value:
                self._flaw(path, "This number has more digits than JSON readers keep.", "Round it.")
        elif isinstance(value, float):
            if value != value or value in (float("inf"), float("-inf")):
                self._flaw(path, "This is not a finite number.")
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self._json(inner, (*path, index))
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                self._json(inner, (*path, name))
        elif not (value is None or isinstance(value, str | int)):
            self._flaw(path, "This is no value of JSON.")

    # -- references

    def follow(self) -> None:
        """Resolve every ``$ref``, and find those that go round in place."""
        for path, reference in self.references.items():
            target = self._target(reference, (*path, "$ref"))
            if target is not None:
                self.targets[path] = target
        self._rounds()

    def _target(self, reference: str, path: Path) -> Path | None:
        own = self.root.get("$id") if isinstance(self.root, Mapping) else None
        base, _, fragment = reference.partition("#")
        if base and base.rstrip("#") != str(own or "").rstrip("#"):
            self._flaw(
                path,
                f"`{_cut(reference)}` leads out of this schema, and nothing is fetched.",
                "Copy what it leads to under `$defs`, and refer to it as #/$defs/NAME.",
                "LM408",
            )
            return None
        fragment = unquote(fragment)
        if not fragment.startswith("/") and fragment:
            target: Path | None = self.anchors.get(fragment)
        else:
            parts = [p.replace("~1", "/").replace("~0", "~") for p in fragment.split("/")[1:]]
            target = self._place(parts)
        if target is None:
            known = {f"#/{n[0]}/{n[1]}" for n in self.places if len(n) == 2 and "def" in str(n[0])}
            known |= {f"#{anchor}" for anchor in self.anchors}
            close = suggest(reference, sorted(known))
            listed = ", ".join(sorted(known)[:8])
            hint = f"Known: {listed}." if known else "Name a schema under `$defs`."
            self._flaw(
                path,
                f"`{_cut(reference)}` leads to no schema.",
                f"Did you mean `{close}`?" if close else hint,
                "LM408",
            )
        return target

    def _place(self, parts: list[str]) -> Path | None:
        """The place of a schema that a JSON pointer names: digits may be an index or a name."""
        here: Any = self.root
        path: Path = ()
        for part in parts:
            if isinstance(here, list) and part.isdigit() and int(part) < len(here):
                here, path = here[int(part)], (*path, int(part))
            elif isinstance(here, Mapping) and part in here:
                here, path = here[part], (*path, part)
            else:
                return None
        return path if path in self.places else None

    def _steps(self, path: Path) -> Iterator[Path]:
        """The places that are applied to the same value as the schema at ``path``."""
        if path in self.targets:
            yield self.targets[path]
        document = self.places[path]
        if isinstance(document, Mapping):
            for inner, _ in subschemas(document):
                if inner[0] in IN_PLACE:
                    yield path + inner

    def _rounds(self) -> None:
        """A schema that is applied to one value again and again never comes to an end."""
        state: dict[Path, bool] = {}  # False while it is being looked at
        for start in self.targets:
            if start in state:
                continue
            trail: list[tuple[Path, Iterator[Path]]] = [(start, self._steps(start))]
            state[start] = False
            while trail:
                path, steps = trail[-1]
                onward = next((step for step in steps if state.get(step) is not True), None)
                if onward is None:
                    state[path] = True
                    trail.pop()
                elif onward in state:
                    at = next(p for p, _ in reversed(trail) if p in self.targets)
                    self._flaw(
                        (*at, "$ref"),
                        "This reference leads back to itself, with nothing in between.",
                        "Let it go round through `properties` or `items`.",
                        "LM408",
                    )
                    return
                elif onward in self.places:
                    state[onward] = False
                    trail.append((onward, self._steps(onward)))

    # -- one form

    def schema(self) -> Schema:
        """The document in one form."""
        names: dict[Path, str] = {}
        waiting: list[Path] = []

        def name_of(target: Path) -> str:
            if target not in names:
                known = len(target) == 2 and target[0] in ("$defs", "definitions")
                name = str(target[1]) if known else "_".join(map(str, ("root", *target)))
                while name in names.values():
                    name += "_"
                names[target] = name
                waiting.append(target)
            return names[target]

        root = self._formed((), name_of)
        defs: dict[str, Any] = {}
        while waiting:
            target = waiting.pop()
            defs[names[target]] = self._formed(target, name_of)
        return Schema.of({**root, "$defs": dict(sorted(defs.items()))} if defs else root)

    def _formed(self, path: Path, name_of: Callable[[Path], str]) -> dict[str, Any]:
        document = self.places[path]
        if isinstance(document, bool):
            return {} if document else dict(NOTHING)
        formed: dict[str, Any] = {}
        for key, value in sorted(document.items()):
            kept = self._kept(key, value, (*path, key), name_of)
            if kept is not None or key == "const":
                formed[key] = kept
        return formed

    def _kept(self, key: str, value: Any, path: Path, name_of: Callable[[Path], str]) -> Any:
        """The value of a keyword in one form; None where it says nothing."""
        if key in SCHEMAS:
            return self._formed(path, name_of)
        if key in SCHEMA_LISTS:
            return [self._formed((*path, index), name_of) for index in range(len(value))]
        if key in ("properties", "patternProperties", "dependentSchemas"):
            return {name: self._formed((*path, name), name_of) for name in value}
        match key:
            case "$ref":
                return f"#/$defs/{name_of(self.targets[path[:-1]])}"
            case "type":
                listed = set(value if isinstance(value, list) else [value])
                listed -= {"integer"} if "number" in listed else set()
                return next(iter(listed)) if len(listed) == 1 else sorted(listed)
            case "enum":
                return list({canonical(item): item for item in value}.values())
            case "required":
                return sorted(value) or None
            case "format":
                return value if value in ASSERTED_FORMATS else None
            case "uniqueItems":
                return value or None
            case "const" | "pattern" | "dependentRequired":
                return value
        if key in COUNTS:
            # Without it, `contains` needs one item.
            return int(value) if value or key not in _IDLE_AT_ZERO else None
        return value if key in NUMBERS else None


_IDLE_AT_ZERO = ("minItems", "minLength", "minProperties")


def _is_count(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return isinstance(value, float) and value.is_integer() and 0 <= value <= 2**53
    return 0 <= value <= 2**53 and value == int(value)


_OTHER_TYPES = {
    "str": "string",
    "text": "string",
    "int": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "map": "object",
    "none": "null",
    "any": "",
    "date": "string, with format: date",
    "datetime": "string, with format: date-time",
    "money": "string, with format: money",
}


def _type_hint(name: Any) -> str:
    known = f"Its types are {', '.join(TYPES)}."
    if not isinstance(name, str):
        return known
    other = _OTHER_TYPES.get(name.lower())
    if other == "":
        return "A schema without `type` takes anything."
    if other:
        return f"Write type: {other}."
    close = suggest(name, TYPES)
    return f"Did you mean `{close}`?" if close else known


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "a list"
    return "a map" if isinstance(value, Mapping) else "a number"


def _shown(value: Any) -> str:
    return f"`{_cut(value)}`" if isinstance(value, str) else f"This ({_kind(value)})"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
