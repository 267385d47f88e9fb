"""The form of a policy: how much passes, how much is asked about, and who is asked."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from leafmesh_nb.language.spec import VERDICTS, Spec
from leafmesh_nb.language.types import Type
from leafmesh_nb.notebook.forms.catalogue import NUMBERS, Catalogue, free_name
from leafmesh_nb.notebook.forms.controls import (
    Control,
    Form,
    Option,
    Section,
    checks,
    choice,
    rows,
    switch,
    text,
    texts_in,
    typed,
    typed_rows,
)
from leafmesh_nb.notebook.forms.writing import flow_list, indented, word
from leafmesh_nb.notebook.written import quoted

__all__ = ["policy_form"]

POINTS: tuple[Option, ...] = (
    ("tool", "before a tool is called"),
    ("output", "on an agent's answer"),
)
OUTCOMES: tuple[Option, ...] = (
    ("approve", "let it pass"),
    ("ask", "ask a person"),
    ("deny", "deny it"),
)
LOOKED_AT = {"tool": "tool.arguments", "output": "output"}


def policy_form(spec: Spec, values: Any) -> Form:
    """A policy as it was typed; ``values`` None: one to start from."""
    has = Catalogue(spec)
    values = _start(has) if values is None else values
    at = typed(values, "at", "tool")
    kept: dict[str, Any] = {
        "id": typed(values, "id"),
        "at": at if at in LOOKED_AT else "tool",
        "tools": texts_in(values, "tools", spec.tools) if at == "tool" else [],
        "capabilities": texts_in(values, "capabilities", has.offers),
        "agents": texts_in(values, "agents", spec.agents),
        "field": typed(values, "field"),
        "ladder": typed_rows(values, "ladder", _rung),
        "above": _outcome(values, "above"),
        "to": typed(values, "to"),
        "escalate": texts_in(values, "escalate", [name for name, _ in has.roster]),
        "within": typed(values, "within"),
        "reason": typed(values, "reason"),
        "not_requester": values.get("not_requester") is True,
        "tests": values.get("tests") is not False,
    }
    fields = dict(_fields(has, kept))
    if kept["field"] not in fields:
        kept["field"] = next(iter(fields), "")
    return Form(kept["id"], kept, _sections(has, kept, fields), _body(kept, fields))


def _start(has: Catalogue) -> dict[str, Any]:
    """A policy for the first tool with a side effect that has none."""
    covered = {tool for p in has.spec.policies.values() for tool in p.target.tools}
    effects = [tool.name for tool in has.spec.tools.values() if tool.side_effect]
    open_ones = [name for name in effects if name not in covered] or effects
    tools = open_ones[:1] or list(has.spec.tools)[:1]
    people = [name for name, _ in has.roster]
    return {
        "id": free_name(f"{tools[0]}_limits" if tools else "answers", has.spec.policies),
        "at": "tool" if tools else "output",
        "tools": tools,
        "capabilities": [] if tools else [name for name, _ in has.capabilities[:1]],
        "ladder": [{"upto": "100", "then": "approve"}, {"upto": "1000", "then": "ask"}]
        if people
        else [{"upto": "100", "then": "approve"}],
        "above": "deny",
        "to": people[0] if people else "",
        "within": "30m",
    }


def _rung(row: Any) -> dict[str, Any]:
    return {"upto": typed(row, "upto"), "then": _outcome(row, "then")}


def _outcome(values: Any, name: str) -> str:
    found = typed(values, name, "deny")
    return found if found in VERDICTS else "deny"


def _fields(has: Catalogue, values: dict[str, Any]) -> list[tuple[str, Type]]:
    """The numbers that a policy of this target can look at, by the field's name."""
    if values["at"] == "tool":
        named = values["tools"] or list(has.spec.tools)
        types = [has.spec.tools[name].input for name in named]
    else:
        named = values["capabilities"] or list(has.offers)
        types = [has.offers[name].output for name in named]
    return has.shared(NUMBERS, types)


def _asks(values: dict[str, Any]) -> bool:
    return "ask" in (values["above"], *(rung["then"] for rung in _rungs(values)))


def _rungs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return values["ladder"] if values["field"] else []


# -- as it is drawn


def _sections(
    has: Catalogue, values: dict[str, Any], fields: dict[str, Type]
) -> tuple[Section, ...]:
    where: list[Control] = [
        text("id", "Id", values["id"], mono=True, short=True),
        choice("at", "Decides", values["at"], POINTS),
    ]
    if values["at"] == "tool" and has.spec.tools:
        where.append(checks("tools", "Tools", values["tools"], has.tools))
    if values["at"] == "output":
        where.append(
            checks("capabilities", "Capabilities", values["capabilities"], has.capabilities)
        )
    agents = [(id, id) for id in has.spec.agents]
    where.append(checks("agents", "Only of these agents", values["agents"], agents, quiet=True))
    sections = [Section("What it decides about", tuple(where), "Nothing picked: all of them")]
    sections.append(_amounts(values, fields))
    if _asks(values):
        sections.append(_people(has, values))
    tests = switch("tests", "Write tests at each amount, and just above it", values["tests"])
    if _rungs(values):
        sections.append(Section("Proof", (tests,)))
    return tuple(sections)


def _amounts(values: dict[str, Any], fields: dict[str, Type]) -> Section:
    if not fields:
        verdict = choice("above", "Then", values["above"], OUTCOMES)
        return Section("What it says", (verdict,), "There is no number to compare here")
    options = [(name, f"{LOOKED_AT[values['at']]}.{name}") for name in fields]
    ladder = [
        [
            text(f"ladder.{n}.upto", "Up to", rung["upto"], short=True, **_problem(rung["upto"])),
            choice(f"ladder.{n}.then", "Then", rung["then"], OUTCOMES),
        ]
        for n, rung in enumerate(values["ladder"])
    ]
    controls = (
        choice("field", "Looks at", values["field"], options, mono=True),
        rows("ladder", "", ladder, "Add an amount", fresh={"upto": "", "then": "ask"}),
        choice("above", "Above that" if ladder else "Always", values["above"], OUTCOMES),
    )
    return Section("How much passes", controls)


def _people(has: Catalogue, values: dict[str, Any]) -> Section:
    others = [option for option in has.roster if option[0] != values["to"]]
    controls: list[Control] = [
        choice("to", "Ask", values["to"], has.roster or [("", "nobody: this mesh has no people")]),
        text("within", "Answer within", values["within"], short=True, placeholder="30m"),
    ]
    if others:
        controls.append(
            checks("escalate", "Then ask, in this order", values["escalate"], others, ordered=True)
        )
    controls += [
        text(
            "reason", "Reason shown", values["reason"],
            placeholder="${tool.arguments.amount} is over the limit",
        ),
        switch("not_requester", "Not whoever asked for the run", values["not_requester"]),
    ]  # fmt: skip
    return Section("Who is asked", tuple(controls), "Silence to the end of the ladder denies")


def _problem(upto: str) -> dict[str, str]:
    return {} if _amount(upto) is not None else {"problem": "a number, such as 250 or 99.50"}


# -- as it is written


def _amount(upto: str) -> Decimal | None:
    try:
        found = Decimal(upto.strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) < 30 else None


def _body(values: dict[str, Any], fields: dict[str, Type]) -> str:
    lines = [f"at: {values['at']}"]
    target = {name: values[name] for name in ("tools", "capabilities", "agents") if values[name]}
    if target:
        pairs = ", ".join(f"{name}: {flow_list(names)}" for name, names in target.items())
        lines.append(f"for: {{{pairs}}}")
    rules = _rules(values, fields.get(values["field"]))
    lines += ["rules:", *indented(line for rule in rules for line in rule)] if rules else []
    lines.append("default: deny")
    if _asks(values):
        lines.append("on_error: ask")
    tests = _tests(values, fields) if values["tests"] else []
    lines += ["tests:", *indented(tests)] if tests else []
    return "\n".join(lines) + "\n"


def _rules(values: dict[str, Any], type: Type | None) -> list[list[str]]:
    rungs = _rungs(values)
    if type is None or not rungs:
        return [] if values["above"] == "deny" else [_rule("always", "", values["above"], values)]
    looked_at = f"{LOOKED_AT[values['at']]}.{values['field']}"
    if type.nullable:
        looked_at = f"default({looked_at}, 0)"
    rules: list[list[str]] = []
    names: set[str] = set()
    below = ""
    for rung in rungs:
        bound = _bound(rung["upto"])
        over = f"{looked_at} > {below} && " if below else ""
        name = free_name(f"up_to_{_slug(rung['upto'])}", names)
        names.add(name)
        rules.append(_rule(name, f"{over}{looked_at} <= {bound}", rung["then"], values))
        below = bound
    if values["above"] != "deny":
        name = free_name(f"above_{_slug(rungs[-1]['upto'])}", names)
        rules.append(_rule(name, f"{looked_at} > {below}", values["above"], values))
    return rules


def _rule(id: str, when: str, then: str, values: dict[str, Any]) -> list[str]:
    lines = [f"- id: {id}"]
    lines += [f"  when: {word(when)}"] if when else []
    lines.append(f"  then: {then}")
    if then != "ask":
        return lines
    lines += [f"  to: {word(values['to'])}"] if values["to"] else []
    lines += [f"  within: {word(values['within'])}"] if values["within"].strip() else []
    lines += [f"  escalate: {flow_list(values['escalate'])}"] if values["escalate"] else []
    lines += ["  not: [requester]"] if values["not_requester"] else []
    lines += [f"  reason: {word(values['reason'])}"] if values["reason"].strip() else []
    return lines


def _bound(upto: str) -> str:
    """An amount as a number of an expression; anything else as a text, which is told then."""
    amount = _amount(upto)
    return quoted(upto) if amount is None else f"{amount:f}"


def _slug(upto: str) -> str:
    amount = _amount(upto)
    return "limit" if amount is None else f"{abs(amount):f}".replace(".", "_")


def _tests(values: dict[str, Any], fields: dict[str, Type]) -> list[str]:
    """What must happen at each amount, and one step above it."""
    rungs = _rungs(values)
    amounts = [_amount(rung["upto"]) for rung in rungs]
    type = fields.get(values["field"])
    if type is None or None in amounts or amounts != sorted(amounts, key=lambda a: a or 0):
        return []
    lines = []
    for number, (rung, amount) in enumerate(zip(rungs, amounts, strict=True)):
        assert amount is not None
        after = rungs[number + 1]["then"] if number + 1 < len(rungs) else values["above"]
        if number and amount == amounts[number - 1]:
            return []
        step = Decimal(1) if type.kind == "integer" else Decimal("0.01")
        lines.append(_test(values, type, amount, rung["then"]))
        lines.append(_test(values, type, amount + step, after))
    return lines


def _test(values: dict[str, Any], type: Type, amount: Decimal, expect: str) -> str:
    number = f"{amount:f}"
    shown = quoted(number) if type.kind == "money" else number
    given = f"{{{values['field']}: {shown}}}"
    inner = (
        f"{{tool: {{arguments: {given}}}}}" if values["at"] == "tool" else f"{{output: {given}}}"
    )
    return f"- {{given: {inner}, expect: {expect}}}"
