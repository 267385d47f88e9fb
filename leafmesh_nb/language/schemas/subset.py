"""Whether every value that fits one JSON Schema fits another: a proof, or what is in its way.

Each keyword of the target is an obligation of its own, met with what the keywords of the source
say together. Unions of the source are told apart, recursive schemas are met by assuming what is
being proved: every step between two such meetings goes into a part of the value. What no rule
proves is a misfit, so that a new keyword can make the answer less certain, never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from leafmesh_nb.language.schemas.document import NOTHING, canonical, exact
from leafmesh_nb.language.schemas.facts import Document, Facts, Given, same
from leafmesh_nb.language.schemas.patterns import search
from leafmesh_nb.language.schemas.validate import Fault, compile_schema

__all__ = ["Obstacle", "Prover"]

_MOST_STEPS = 3000
_TYPES = ("null", "boolean", "number", "string", "array", "object")
_ONLY: dict[str, Document] = {name: {"type": name} for name in _TYPES}
_WORDS = {
    "null": "null", "boolean": "true or false", "number": "a number", "string": "text",
    "array": "a list", "object": "a map",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a proof fails, and where (``items[].amount``).

    ``refuted`` says that the source has values of a kind, a name or a field that the target
    excludes, unless it has no values there at all. Bounds, lengths and patterns never refute.
    """

    path: str
    message: str
    refuted: bool = False


class Prover:
    """Proves that the values of linked schemas are values of others.

    ``amounts``: a number is taken for an amount of money.
    """

    def __init__(self, amounts: bool = False) -> None:
        self._amounts = amounts
        self._steps = 0
        self._assumed: set[tuple[frozenset[int], int, frozenset[int]]] = set()
        self._checks: dict[int, tuple[Document, Callable[[Any], Fault | None]]] = {}

    def prove(
        self, given: Given, wanted: Document, path: str = "", spent: frozenset[int] = frozenset()
    ) -> Obstacle | None:
        """None where every value that fits all of ``given`` fits ``wanted``."""
        if not wanted or any(doc is wanted for doc in given):
            return None
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return Obstacle(path, "the schemas are too large to compare")
        key = (frozenset(map(id, given)), id(wanted), spent)
        if key in self._assumed:
            return None
        self._assumed.add(key)
        try:
            return self._proof(given, wanted, path, spent)
        finally:
            self._assumed.discard(key)

    def _proof(
        self, given: Given, wanted: Document, path: str, spent: frozenset[int]
    ) -> Obstacle | None:
        facts = self.facts(given, spent)
        if facts.values is not None:
            return self._values(facts.values, wanted, path)
        chosen = wanted.keys() & {"anyOf", "oneOf", "if"}
        found = None
        if not facts.unions or not chosen:
            found = self._obligations(facts, given, wanted, path, spent)
            if found is None:
                return None
        if facts.empty(self.facts):
            return None
        if facts.unions:
            union = facts.unions[0]
            told = spent | {id(union)}
            return _first(self.prove((*given, form), wanted, path, told) for form in union)
        if len(facts.types) > 1 and chosen:
            return _first(
                self.prove((*given, _ONLY[name]), wanted, path, spent)
                for name in _TYPES
                if name in facts.types
            )
        return found

    def facts(self, given: Given, spent: frozenset[int] = frozenset()) -> Facts:
        """What is known of the values that fit all of ``given``."""
        return Facts(given, spent, self._fits)

    def _check(self, document: Document) -> Callable[[Any], Fault | None]:
        if id(document) not in self._checks:
            self._checks[id(document)] = document, compile_schema(document)
        return self._checks[id(document)][1]

    def _fits(self, document: Document, value: Any) -> bool:
        if document.keys() == {"const"}:
            return canonical(document["const"]) == canonical(value)
        return self._check(document)(value) is None

    def _values(self, values: list[Any], wanted: Document, path: str) -> Obstacle | None:
        for value in values:
            if wanted.keys() == {"const"} and self._fits(wanted, value):
                continue
            fault = self._check(wanted)(value)
            if fault is not None:
                shown = canonical(value)
                shown = shown if len(shown) <= 40 else shown[:39] + "…"
                return Obstacle(path, f"it may be {shown}, which {fault.message}", True)
        return None

    def _apart(self, facts: Facts, document: Document) -> bool:
        """Whether it is certain that no value fits a schema, too."""
        return self.facts((*facts.docs, document)).empty(self.facts)

    # -- obligations

    def _obligations(
        self, facts: Facts, given: Given, wanted: Document, path: str, spent: frozenset[int]
    ) -> Obstacle | None:
        def found() -> Iterable[Obstacle | None]:
            yield self._types(facts, wanted, path)
            if "enum" in wanted or "const" in wanted:
                listed = wanted["enum"] if "enum" in wanted else [wanted["const"]]
                yield _not_listed(facts, listed, path)
            money = wanted.get("format") == "money"
            if "number" in facts.types or (money and "money" in facts.formats):
                yield _numbers(facts, wanted, path)
            if "string" in facts.types:
                yield _texts(facts, wanted, path)
            if "array" in facts.types:
                yield self._lists(facts, wanted, path)
            if "object" in facts.types:
                yield self._maps(facts, wanted, path)
            if "$ref" in wanted:
                yield self.prove(given, wanted["$ref"], path, spent)
            for form in wanted.get("allOf", ()):
                yield self.prove(given, form, path, spent)
            yield self._forms(facts, given, wanted, path, spent)

        return _first(found())

    def _types(self, facts: Facts, wanted: Document, path: str) -> Obstacle | None:
        said = wanted.get("type")
        if said is None:
            return None
        names = set(said if isinstance(said, list) else [said])
        needs = " or ".join(
            "a whole number" if n == "integer" else _WORDS[n]
            for n in (said if isinstance(said, list) else [said])
        )
        if self._amounts and wanted.get("format") == "money":
            # Numbers are taken for amounts.
            names.add("number")
            needs = "an amount of money"
        whole = "integer" in names and "number" not in names
        allowed = {"number" if name == "integer" else name for name in names}
        extra = [name for name in _TYPES if name in facts.types - allowed]
        if extra:
            if len(facts.types) == len(_TYPES):
                return Obstacle(path, f"it may be anything, and {needs} is needed")
            told = " or ".join(_WORDS[name] for name in extra)
            verb = "is" if facts.types == set(extra) else "may be"
            return Obstacle(path, f"it {verb} {told}, and {needs} is needed", True)
        steps = any(exact(step) % 1 == 0 for step in facts.said("multipleOf"))
        if whole and "number" in facts.types and not facts.whole and not steps:
            return Obstacle(path, "it is a number, and a whole number is needed", True)
        if "string" in facts.types and "string" in names:
            formats = facts.formats - {wanted.get("format")}
            if formats and "format" not in wanted:
                # An amount or a date is a value of its own in Python, and no text.
                return Obstacle(path, f"it is {' or '.join(sorted(formats))}, and text is needed")
        return None

    def _forms(
        self, facts: Facts, given: Given, wanted: Document, path: str, spent: frozenset[int]
    ) -> Obstacle | None:
        """The keywords that apply schemas to the same value."""
        if "anyOf" in wanted and not any(same(wanted["anyOf"], u) for u in facts.said("anyOf")):
            tried = []
            for form in wanted["anyOf"]:
                tried.append(self.prove(given, form, path, spent))
                if tried[-1] is None:
                    break
            else:
                return _none_of(tried, path)
        if "oneOf" in wanted and not any(same(wanted["oneOf"], u) for u in facts.said("oneOf")):
            tried = []
            for form in wanted["oneOf"]:
                tried.append(self.prove(given, form, path, spent))
                if tried[-1] is None:
                    break
            else:
                return _none_of(tried, path)
            taken = wanted["oneOf"][len(tried) - 1]
            if not all(form is taken or self._apart(facts, form) for form in wanted["oneOf"]):
                return Obstacle(path, "it may be of two of the forms of `oneOf` at once")
        if "not" in wanted and not any(same(wanted["not"], said) for said in facts.said("not")):
            if not wanted["not"]:
                return Obstacle(path, "nothing is allowed here", True)
            if not self._apart(facts, wanted["not"]):
                return Obstacle(path, "it may be what `not` excludes")
        if "if" in wanted:
            when = wanted["if"]
            if "then" in wanted and self.prove((*given, when), wanted["then"], path, spent):
                return Obstacle(path, "what `then` asks for is not proved")
            otherwise = "else" in wanted and self.prove(given, when, path, spent)
            if otherwise and self.prove(given, wanted["else"], path, spent):
                return Obstacle(path, "what `else` asks for is not proved")
        return None

    # -- lists and maps

    def _lists(self, facts: Facts, wanted: Document, path: str) -> Obstacle | None:
        def found() -> Iterable[Obstacle | None]:
            first = wanted.get("prefixItems", ())
            longest = facts.longest
            yield _size(facts, wanted, "minItems", "maxItems", "items", path, most=longest)
            rest = wanted.get("items")
            for index in range(max(len(first), facts.prefix)):
                needed = first[index] if index < len(first) else rest
                if needed and (longest is None or index < longest):
                    yield self.prove(facts.item(index), needed, f"{path}[{index}]")
            after = max(len(first), facts.prefix)
            if rest and (longest is None or longest > after):
                if rest == NOTHING:
                    yield Obstacle(path, f"it may have more than {len(first)} items", True)
                else:
                    yield self.prove(facts.item(after), rest, f"{path}[]")
            several = longest is None or longest > 1
            if wanted.get("uniqueItems") and several and not facts.said("uniqueItems"):
                yield Obstacle(path, "it is not known to have each item once")
            if "contains" in wanted and not _says(facts, wanted, *_ABOUT_CONTAINS):
                yield Obstacle(path, "`contains` is not proved")
            if "unevaluatedItems" in wanted and not _repeated(facts, wanted):
                yield Obstacle(path, "`unevaluatedItems` is not proved")

        return _first(found())

    def _maps(self, facts: Facts, wanted: Document, path: str) -> Obstacle | None:
        def found() -> Iterable[Obstacle | None]:
            for name in wanted.get("required", ()):
                if name not in facts.required:
                    # What is not described may be there all the same.
                    named = name in facts.names or facts.field(name) is None
                    yield Obstacle(path, f"its field `{name}` may be missing", named)
            yield from self._fields(facts, wanted, path)
            closed = len(facts.names) if facts.others() is None else None
            yield _size(
                facts, wanted, "minProperties", "maxProperties", "fields", path,
                least=len(facts.required), most=closed,
            )  # fmt: skip
            for name, others in wanted.get("dependentRequired", {}).items():
                missing = not facts.required.issuperset(others)
                missing = missing and not _says(facts, wanted, "dependentRequired")
                if missing and facts.field(name) is not None:
                    yield Obstacle(path, f"what goes with `{name}` may be missing")
            for name, form in wanted.get("dependentSchemas", {}).items():
                if facts.field(name) is not None:
                    there: Document = {"required": [name]}
                    yield self.prove((*facts.docs, there), form, path)
            if "propertyNames" in wanted and not self._named_well(facts, wanted):
                yield Obstacle(path, "the names of its fields are not known to be allowed")
            if "unevaluatedProperties" in wanted and not _repeated(facts, wanted):
                yield Obstacle(path, "`unevaluatedProperties` is not proved")

        return _first(found())

    def _named_well(self, facts: Facts, wanted: Document) -> bool:
        if _says(facts, wanted, "propertyNames"):
            return True
        if facts.others() is not None:
            return False
        return all(self._fits(wanted["propertyNames"], name) for name in facts.names)

    def _fields(self, facts: Facts, wanted: Document, path: str) -> Iterable[Obstacle | None]:
        named = wanted.get("properties", {})
        patterns = wanted.get("patternProperties", {})
        rest = wanted.get("additionalProperties")
        if not named and not patterns and rest is None:
            return
        for name in dict.fromkeys([*facts.names, *named]):
            said = facts.field(name)
            if said is None:
                continue
            needed = [named[name]] if name in named else []
            needed += [schema for p, schema in patterns.items() if search(p, name)]
            if not needed and rest is not None:
                if rest == NOTHING:
                    listed = f"the fields are {', '.join(named)}" if named else "there are none"
                    message = f"it may have a field `{name}`, and {listed}"
                    yield Obstacle(path, message, name in facts.names)
                    continue
                needed = [rest]
            for schema in needed:
                yield self.prove(said, schema, _under(path, name))
        others = facts.others()
        if others is None or _says(facts, wanted, "patternProperties", "additionalProperties"):
            return
        for schema in patterns.values():
            yield self.prove(others, schema, _under(path, "*"))
        if rest == NOTHING:
            yield Obstacle(path, f"it may have other fields than {', '.join(named) or 'none'}")
        elif rest is not None:
            yield self.prove(others, rest, _under(path, "*"))


_ABOUT_CONTAINS = ("contains", "minContains", "maxContains")


def _says(facts: Facts, wanted: Document, *keywords: str) -> bool:
    """Whether one schema of the source says the same under all of these keywords."""
    return any(
        all(
            (keyword in doc) == (keyword in wanted)
            and (keyword not in wanted or same(doc[keyword], wanted[keyword]))
            for keyword in keywords
        )
        for doc in facts.docs
    )


def _repeated(facts: Facts, wanted: Document) -> bool:
    """Whether one schema of the source is the same: any other keyword may evaluate more."""
    return any(same(doc, wanted) for doc in facts.docs)


def _not_listed(facts: Facts, values: list[Any], path: str) -> Obstacle:
    shown = ", ".join(canonical(value) for value in values[:8])
    kinds = _known_types(facts)
    return Obstacle(path, f"it is {kinds}, and one of {shown} is needed", kinds != "anything")


def _known_types(facts: Facts) -> str:
    if len(facts.types) == len(_TYPES):
        return "anything"
    return " or ".join(_WORDS[name] for name in _TYPES if name in facts.types)


def _numbers(facts: Facts, wanted: Document, path: str) -> Obstacle | None:
    low, high = facts.low(), facts.high()
    for keyword, excluded in (("minimum", False), ("exclusiveMinimum", True)):
        if keyword in wanted:
            bound = exact(wanted[keyword])
            least = _whole_low(low) if low and facts.whole else low
            if not least or least[0] < bound or (least[0] == bound and excluded > least[1]):
                said = "more than" if excluded else "at least"
                return Obstacle(path, f"it is not known to be {said} {canonical(bound)}")
    for keyword, excluded in (("maximum", False), ("exclusiveMaximum", True)):
        if keyword in wanted:
            bound = exact(wanted[keyword])
            most = _whole_high(high) if high and facts.whole else high
            if not most or most[0] > bound or (most[0] == bound and excluded > most[1]):
                said = "less than" if excluded else "at most"
                return Obstacle(path, f"it is not known to be {said} {canonical(bound)}")
    if "multipleOf" in wanted:
        step = Fraction(exact(wanted["multipleOf"]))
        known = [Fraction(exact(s)) for s in facts.said("multipleOf")]
        known += [Fraction(1)] if facts.whole else []
        if not any(one % step == 0 for one in known):
            shown = canonical(wanted["multipleOf"])
            return Obstacle(path, f"it is not known to be a multiple of {shown}")
    return None


def _whole_low(bound: tuple[Any, bool]) -> tuple[Any, bool]:
    """The least whole number within a bound."""
    value = -(-bound[0] // 1)
    return (value + 1 if bound[1] and value == bound[0] else value), False


def _whole_high(bound: tuple[Any, bool]) -> tuple[Any, bool]:
    value = bound[0] // 1
    return (value - 1 if bound[1] and value == bound[0] else value), False


def _texts(facts: Facts, wanted: Document, path: str) -> Obstacle | None:
    found = _size(facts, wanted, "minLength", "maxLength", "characters", path)
    if found is not None:
        return found
    if "pattern" in wanted and wanted["pattern"] not in facts.said("pattern"):
        shown = wanted["pattern"] if len(wanted["pattern"]) <= 60 else "…"
        return Obstacle(path, f"it is not known to match the pattern {shown}")
    if "format" in wanted and wanted["format"] not in facts.formats:
        return Obstacle(path, f"it is text that is not known to be of format {wanted['format']}")
    return None


def _size(
    facts: Facts, wanted: Document, low: str, high: str, noun: str, path: str,
    least: int = 0, most: int | None = None,
) -> Obstacle | None:  # fmt: skip
    if low in wanted and max(facts.least(low) or 0, least) < wanted[low]:
        return Obstacle(path, f"it is not known to have at least {wanted[low]} {noun}")
    if high in wanted:
        bounds = [bound for bound in (facts.most(high), most) if bound is not None]
        if not bounds or min(bounds) > wanted[high]:
            return Obstacle(path, f"it is not known to have at most {wanted[high]} {noun}")
    return None


def _none_of(tried: list[Obstacle | None], path: str) -> Obstacle:
    """Why a value may be of none of several forms: by the one that goes deepest."""
    known = [obstacle for obstacle in tried if obstacle is not None]
    deepest = max(known, key=lambda obstacle: (len(obstacle.path), not obstacle.refuted))
    refuted = all(obstacle.refuted for obstacle in known)
    if len(known) == 1 or len(deepest.path) > len(path):
        return Obstacle(deepest.path, deepest.message, refuted)
    needs = [known_.message.rpartition(", and ")[2] for known_ in known]
    gives = known[0].message.rpartition(", and ")[0]
    if gives and all(need.endswith(" is needed") for need in needs):
        listed = " or ".join(dict.fromkeys(need.removesuffix(" is needed") for need in needs))
        return Obstacle(path, f"{gives}, and {listed} is needed", refuted)
    return Obstacle(path, f"it is not known to be one of the {len(known)} allowed forms", refuted)


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _first(obstacles: Iterable[Obstacle | None]) -> Obstacle | None:
    """One that refutes if there is one, else the first."""
    doubtful: Obstacle | None = None
    for obstacle in obstacles:
        if obstacle is not None:
            if obstacle.refuted:
                return obstacle
            doubtful = doubtful or obstacle
    return doubtful
