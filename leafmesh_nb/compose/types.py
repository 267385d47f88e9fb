"""Layer 2, types: what functions take and return, against what the mesh gives them and expects.

The language has compared what every step is given with what its capability takes, and what is saved
with the fields of memory. What it cannot see are the functions: their arguments and annotations are
compared here with the capability or tool that they stand for. Functions are read, never called, and
no module is imported for it. What is not annotated is checked when the step runs; until then it is
not proven.

In a release (``subject.release``) a function that is missing is an error.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leafmesh_nb.agents.functions import check_signature
from leafmesh_nb.compose.annotations import given, hint_name, python_name, returned
from leafmesh_nb.compose.findings import Findings
from leafmesh_nb.compose.hints import Unknown, lookup_of, resolve
from leafmesh_nb.compose.references import Reference, find
from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.subject import Subject
from leafmesh_nb.errors import AgentError
from leafmesh_nb.language import Spec, Type
from leafmesh_nb.language.fit import Misfit

__all__ = ["check"]

_EMPTY = inspect.Parameter.empty
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Owner:
    """What needs a function: ``kind`` is agent or tool. ``jobs`` are what it does: the place in the
    text, the input and the output."""

    kind: str
    id: str
    python: str | None
    jobs: tuple[tuple[Path, Type, Type], ...]

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def path(self) -> Path:
        return (f"{self.kind}s", self.id)

    def __str__(self) -> str:
        return f"{self.kind} `{self.id}`"


@dataclass(frozen=True, slots=True)
class _Signature:
    """A function as its annotations describe it. ``name`` says which, and where it stands."""

    name: str
    parameters: Mapping[str, Any]
    rest: Any
    result: Any


def check(subject: Subject) -> LayerReport:
    """Compare each function with what it stands for."""
    findings = Findings(subject, "types")
    spec = subject.spec
    assert spec is not None, "the pipeline checks what the language accepted"
    unbound: list[tuple[_Owner, str]] = []
    compared = proven = 0
    for owner in _owners(spec):
        bound = subject.functions.get(owner.key)
        if bound is not None:
            reference = Reference("found", bound, _place_of(bound))
        elif owner.python:
            reference = find(owner.python)
        else:
            reference = Reference("absent")
        if reference.state == "absent":
            unbound.append((owner, reference.why))
        elif reference.function is None:
            _unreadable(subject, findings, owner, reference)
        else:
            compared += 1
            comparison = _Comparison(subject, findings, owner, reference.function)
            proven += comparison.run(reference.place)
    _unbound(subject, findings, unbound)
    doubts = sum(found.code == "LM404" for found in subject.found)
    if doubts:
        flows = "a value that flows fits" if doubts == 1 else f"{doubts} values that flow fit"
        findings.unproven(
            f"Whether {flows} what takes it: the warnings LM404 say which, and what would prove it."
        )
    findings.facts["summary"] = "what flows between steps and memory"
    if compared:
        functions = "1 function" if compared == 1 else f"{compared} functions"
        fits = f"{functions}, {'all' if proven == compared else proven} proven by annotations"
        findings.facts["summary"] += f"; {fits}"
    return findings.report()


def _owners(spec: Spec) -> Iterator[_Owner]:
    """The python agents, and the tools that some agent may use."""
    for agent in spec.agents.values():
        if agent.kind == "python":
            jobs = tuple(
                (("agents", agent.id, "capabilities", c.name), c.input, c.output)
                for c in agent.capabilities.values()
            )
            yield _Owner("agent", agent.id, agent.python, jobs)
    granted = {name for agent in spec.agents.values() for name in agent.tools}
    for tool in spec.tools.values():
        if tool.name in granted:
            job = (("tools", tool.name), tool.input, tool.output)
            yield _Owner("tool", tool.name, tool.python, (job,))


def _unbound(subject: Subject, findings: Findings, missing: Sequence[tuple[_Owner, str]]) -> None:
    """In a release a missing function is an error; before that, something not proven."""
    if not missing:
        return
    named = [f"{owner}{f' ({why})' if why else ''}" for owner, why in missing]
    ways = [f'@mesh.{owner.kind}("{owner.id}")' for owner, _ in missing]
    if subject.release:
        for (owner, _), name, way in zip(missing, named, ways, strict=True):
            findings.error(
                "LM450",
                f"There is no function for {name}.",
                subject.at_key(*owner.path, "python"),
                f'Bind it with {way}, or name it as python: "module:function".',
            )
        return
    findings.unproven(
        f"There is no function yet for {_listed(named)}, so what it takes and returns is not "
        f'known. Bind {_listed(ways)}, or name it as python: "module:function".'
    )


def _unreadable(subject: Subject, findings: Findings, owner: _Owner, reference: Reference) -> None:
    if reference.state == "broken":
        findings.error(
            "LM452",
            f"`{owner.python}` leads to no function for {owner}: {reference.why}.",
            subject.at_value(*owner.path, "python"),
            "Name a function that stands at the top of a module that can be imported.",
        )
        return
    findings.unproven(
        f"Whether `{owner.python}` fits {owner}: {reference.why}. It is compared once it has been "
        "imported, or bound in Python."
    )


class _Comparison:
    """One function against what it stands for."""

    def __init__(
        self, subject: Subject, findings: Findings, owner: _Owner, function: Callable[..., Any]
    ) -> None:
        self._subject = subject
        self._findings = findings
        self._owner = owner
        self._function = function
        self._silent: dict[str, None] = {}
        self._doubts: dict[str, None] = {}

    def run(self, place: str) -> bool:
        """Compare arguments, then annotations; what stays open is said in one sentence.

        True where all of it is proven.
        """
        name = getattr(self._function, "__name__", type(self._function).__name__)
        known = f"`{name}`{f' ({place})' if place else ''}"
        signature = _signature(self._function, known)
        if signature is None:
            self._findings.unproven(
                f"Whether {known} fits {self._owner}: it has no signature that can be read. Wrap "
                "it in a function with annotations."
            )
            return False
        if not self._takes_its_inputs(known):
            return False
        fits = True
        for path, wanted, result in self._owner.jobs:
            fits = self._parameters(signature, path, wanted) and fits
            fits = self._result(signature, path, result) and fits
        return self._proven(signature) and fits

    def _takes_its_inputs(self, known: str) -> bool:
        for path, wanted, _ in self._owner.jobs:
            try:
                owner = f"{self._owner.kind} {self._owner.id}"
                check_signature(owner, self._function, wanted.names())
            except AgentError as error:
                said = str(error)
                self._findings.error(
                    "LM451",
                    f"{said[:1].upper()}{said[1:]}.",
                    self._subject.at_key(*path, "input"),
                    f"It is {known}: give it these parameters, or change the `input` here.",
                )
                return False
        return True

    def _parameters(self, signature: _Signature, path: Path, wanted: Type) -> bool:
        fits = True
        for name, type in wanted.fields:
            hint = signature.parameters.get(name, signature.rest)
            if hint is _EMPTY:
                self._silent.setdefault(f"`{name}`")
                continue
            misfit = given(type, hint)
            if misfit is not None and not misfit.certain:
                self._doubts.setdefault(f"`{name}`: {misfit}")
            elif misfit is not None:
                fits = False
                self._findings.error(
                    "LM453",
                    f"The function for {self._owner} does not take what it is given as `{name}`: "
                    f"{_told(misfit)}.",
                    self._subject.at_key(*path, "input", name),
                    f"{signature.name} says {name}: {hint_name(hint)}; "
                    f"{name}: {python_name(type)} takes it.",
                )
        return fits

    def _result(self, signature: _Signature, path: Path, wanted: Type) -> bool:
        if signature.result is _EMPTY:
            self._silent.setdefault("the result")
            return False
        misfit = returned(signature.result, wanted)
        if misfit is None:
            return True
        if not misfit.certain:
            self._doubts.setdefault(f"the result: {misfit}")
            return False
        field = misfit.path.partition(".")[0].partition("[")[0]
        self._findings.error(
            "LM454",
            f"The function for {self._owner} does not return what `output` says: {_told(misfit)}.",
            self._subject.at_key(*path, "output", field),
            f"{signature.name} says -> {hint_name(signature.result)}; needed is a dict of "
            f"{_fields(wanted)}.",
        )
        return False

    def _proven(self, signature: _Signature) -> bool:
        """Whether nothing is open; else says what is, and what would prove it."""
        said = list(self._doubts)
        if self._silent:
            verb = "is" if len(self._silent) == 1 else "are"
            said.insert(0, f"{_listed(self._silent)} {verb} not annotated")
        if not said:
            return True
        _, wanted, result = self._owner.jobs[0]
        self._findings.unproven(
            f"Whether {signature.name} fits {self._owner}: {'; '.join(said)}. The annotations "
            f"({_fields(wanted)}) -> a TypedDict of {_fields(result)} would prove it; until then "
            "each value is checked when the step runs."
        )
        return False


def _signature(function: Callable[..., Any], name: str) -> _Signature | None:
    try:
        found = inspect.signature(function)
    except Exception:  # a builtin without one, or a foreign `__signature__` that raises
        return None
    look = lookup_of(function)

    def hint(annotation: Any) -> Any:
        return _EMPTY if annotation is _EMPTY else resolve(annotation, look)

    parameters: dict[str, Any] = {}
    rest: Any = Unknown
    for parameter in found.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            rest = hint(parameter.annotation)
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            parameters[parameter.name] = hint(parameter.annotation)
    return _Signature(name, parameters, rest, hint(found.return_annotation))


def _place_of(function: Callable[..., Any]) -> str:
    """File and line of a function; empty where its file is no file, as for a notebook's cell."""
    try:
        code = inspect.unwrap(function).__code__
        file, line = code.co_filename, code.co_firstlineno
    except (AttributeError, ValueError):
        return ""
    known = file.endswith(".py") and "ipykernel" not in file and os.path.exists(file)
    return f"{os.path.basename(file)}, line {line}" if known else ""


def _told(misfit: Misfit) -> str:
    return f"at `{misfit.path}`, {misfit.message}" if misfit.path else misfit.message


def _fields(type: Type) -> str:
    return ", ".join(f"{name}: {python_name(inner)}" for name, inner in type.fields) or "nothing"


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
