"""The types layer: functions against what they stand for. A fault and its clean twin each."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest

from leafmesh_nb.language import Diagnostic


class Proposal(TypedDict):
    amount: Decimal
    reason: str


class Receipt(TypedDict):
    receipt: str


class Paid(TypedDict):
    receipt: str
    amount: Decimal


def propose(
    ticket: str, amount: Decimal, tier: Literal["basic", "gold"], *, ctx: Any
) -> Proposal: ...


def pay(ticket_id: str, amount: Decimal, *, ctx: Any) -> Paid: ...


def pay_out(ticket_id: str, amount: Decimal) -> Receipt: ...


GOOD = {"agent:clerk": propose, "agent:teller": pay, "tool:pay_out": pay_out}


def test_with_annotated_functions_the_layer_is_green(refunds: str, look: Any) -> None:
    layer = look.at("types", refunds, functions=GOOD)
    assert layer.colour == "green"
    assert layer.summary == (
        "what flows between steps and memory; 3 functions, all proven by annotations"
    )


def the_one(found: tuple[Diagnostic, ...]) -> Diagnostic:
    (diagnostic,) = found
    return diagnostic


def amount_as_float(ticket: str, amount: float, tier: str, *, ctx: Any) -> Proposal: ...
def tier_too_narrow(ticket: str, amount: Decimal, tier: Literal["gold"]) -> Proposal: ...
def no_reason(ticket: str, amount: Decimal, tier: str) -> Receipt: ...
def nothing(ticket: str, amount: Decimal, tier: str) -> None: ...
def maybe(ticket: str, amount: Decimal, tier: str) -> Proposal | None: ...
def numbers(ticket: str, amount: Decimal, tier: str) -> dict[str, int]: ...


@pytest.mark.parametrize(
    ("function", "code", "line", "says"),
    [
        (amount_as_float, "LM453", "input:", "given as Decimal, and float is asked for"),
        (tier_too_narrow, "LM453", "input:", "it may be basic"),
        (no_reason, "LM454", "output:", "Receipt has no field `amount`"),
        (nothing, "LM454", "output:", "it may be None"),
        (maybe, "LM454", "output:", "it may be None"),
        (numbers, "LM454", "output:", "at `reason`, it is int"),
    ],
)
def test_annotations_that_do_not_fit(
    refunds: str, look: Any, function: Any, code: str, line: str, says: str
) -> None:
    layer = look.at("types", refunds, functions={**GOOD, "agent:clerk": function})
    found = the_one(layer.diagnostics)
    assert (found.code, found.severity) == (code, "error")
    assert says in found.message
    assert "agent `clerk`" in found.message
    assert found.line_text.strip().startswith(line)
    assert f"`{function.__name__}` (test_types.py, line " in found.hint
    assert layer.colour == "red"


def test_a_tool_is_compared_too(refunds: str, look: Any) -> None:
    def wrong(ticket_id: int, amount: Decimal) -> Receipt: ...

    layer = look.at("types", refunds, functions={**GOOD, "tool:pay_out": wrong})
    found = the_one(layer.diagnostics)
    assert found.code == "LM453"
    assert "tool `pay_out`" in found.message
    assert found.line_text.strip().startswith("input:  {ticket_id")


def test_the_finding_points_at_the_field(refunds: str, look: Any) -> None:
    found = the_one(
        look.at("types", refunds, functions={**GOOD, "agent:clerk": amount_as_float}).diagnostics
    )
    start = found.span.column - 1
    assert found.line_text[start:].startswith("amount: money, tier")


def unannotated(ticket, amount, tier): ...
def half(ticket: str, amount: Decimal, tier) -> dict[str, Any]: ...
def keywords(**more: str) -> Proposal: ...


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (unannotated, "`ticket`, `amount`, `tier` and the result are not annotated"),
        (half, "`tier` is not annotated; the result: dict[str, Any] does not say which fields"),
        (lambda ticket, amount, tier: None, "`<lambda>` (test_types.py, line "),
    ],
)
def test_what_is_not_annotated_is_not_proven(
    refunds: str, look: Any, function: Any, says: str
) -> None:
    layer = look.at("types", refunds, functions={**GOOD, "agent:clerk": function})
    assert layer.colour == "not proven"
    (text,) = layer.unproven
    assert says in text
    assert "(ticket: str, amount: Decimal, tier: Literal['basic', 'gold']) -> a TypedDict" in text
    assert layer.summary.endswith("3 functions, 2 proven by annotations")


def test_keywords_of_one_type_take_one_type(refunds: str, look: Any) -> None:
    layer = look.at("types", refunds, functions={**GOOD, "agent:clerk": keywords})
    found = the_one(layer.diagnostics)
    assert "as `amount`: it is given as Decimal, and str is asked for" in found.message


def test_objects_partials_and_methods_are_functions_too(refunds: str, look: Any) -> None:
    import functools

    class Clerk:
        def __call__(self, ticket: str, amount: Decimal, tier: str) -> Proposal: ...

        def wrong(self, ticket: str, amount: int, tier: str) -> Proposal: ...

    def with_more(ticket: str, amount: Decimal, tier: str, rate: int) -> Proposal: ...

    good = (Clerk(), functools.partial(with_more, rate=3))
    for function in good:
        layer = look.at("types", refunds, functions={**GOOD, "agent:clerk": function})
        assert layer.colour == "green", layer
    layer = look.at("types", refunds, functions={**GOOD, "agent:clerk": Clerk().wrong})
    assert the_one(layer.diagnostics).code == "LM453"


def test_a_function_without_a_signature_is_not_proven(refunds: str, look: Any) -> None:
    class Odd:
        @property
        def __signature__(self) -> Any:
            raise RuntimeError("not for you")

        def __call__(self, *_: Any, **__: Any) -> Any: ...

    layer = look.at("types", refunds, functions={**GOOD, "agent:clerk": Odd()})
    assert layer.colour == "not proven"
    assert "no signature that can be read" in layer.unproven[0]


def test_no_function_is_called(refunds: str, look: Any) -> None:
    def never(ticket: str, amount: Decimal, tier: str) -> Proposal:
        raise AssertionError("a check of types runs nothing")

    layer = look.at("types", refunds, functions={**GOOD, "agent:clerk": never})
    assert layer.colour == "green"


# -- functions that are missing


def test_unbound_is_not_proven_in_a_check_and_an_error_in_a_release(
    refunds: str, look: Any
) -> None:
    rest = {name: f for name, f in GOOD.items() if name != "agent:clerk"}
    layer = look.at("types", refunds, functions=rest)
    assert layer.colour == "not proven"
    assert "no function yet for agent `clerk`, so" in layer.unproven[0]
    assert '@mesh.agent("clerk")' in layer.unproven[0]
    found = the_one(look.at("types", refunds, functions=rest, release=True).diagnostics)
    assert (found.code, found.severity) == ("LM450", "error")
    assert found.line_text == "  clerk:"
    assert look.at("types", refunds, functions=GOOD, release=True).colour == "green"


def test_a_tool_that_nobody_may_use_needs_no_function(changed: Any, look: Any) -> None:
    text = changed("    tools: [pay_out]\n", "")
    functions = {"agent:clerk": propose, "agent:teller": pay}
    assert look.at("types", text, functions=functions, release=True).unproven == ()


# -- functions that are named


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module ``types_shop`` in the working directory, which must not be imported."""
    monkeypatch.chdir(tmp_path)
    module = tmp_path / "types_shop.py"
    module.write_text(
        "from decimal import Decimal\nfrom typing import TypedDict\n"
        "raise SystemExit(1)\n"
        "class Receipt(TypedDict):\n    receipt: str\n"
        "def pay_out(ticket_id: str, amount: Decimal) -> Receipt: ...\n"
        "def other(ticket: str, amount: Decimal) -> Receipt: ...\n"
        "def wrong(ticket_id: str, amount: float) -> Receipt: ...\n"
    )
    return module


def named(changed: Any, look: Any, name: str, **more: Any) -> Any:
    functions = {"agent:clerk": propose, "agent:teller": pay}
    text = changed('python: "shop:pay_out"', f'python: "{name}"')
    return look.at("types", text, functions=functions, **more)


def test_a_named_function_is_read_without_an_import(shop: Path, changed: Any, look: Any) -> None:
    for release in (False, True):
        assert named(changed, look, "types_shop:pay_out", release=release).colour == "green"
    assert "types_shop" not in sys.modules


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("types_shop:other", "LM451", "it lacks ticket_id and it asks for ticket"),
        ("types_shop:wrong", "LM453", "given as Decimal, and float is asked for"),
        ("types_shop:gone", "LM452", "module types_shop has no function `gone`"),
    ],
)
def test_faults_of_named_functions(
    shop: Path, changed: Any, look: Any, name: str, code: str, says: str
) -> None:
    found = the_one(named(changed, look, name).diagnostics)
    assert found.code == code
    assert says in found.message


def test_a_module_that_is_not_here_is_no_function(shop: Path, changed: Any, look: Any) -> None:
    layer = named(changed, look, "elsewhere_shop:pay_out")
    assert layer.colour == "not proven"
    assert "tool `pay_out` (there is no module elsewhere_shop here)" in layer.unproven[0]
    found = the_one(named(changed, look, "elsewhere_shop:pay_out", release=True).diagnostics)
    assert found.code == "LM450"
    assert found.line_text.strip() == 'python: "elsewhere_shop:pay_out"'


def test_what_is_decorated_is_not_proven(shop: Path, changed: Any, look: Any) -> None:
    shop.write_text("import x\n@x.y\ndef pay_out(a): ...\n")
    layer = named(changed, look, "types_shop:pay_out")
    assert layer.colour == "not proven"
    assert "is decorated" in layer.unproven[0]
