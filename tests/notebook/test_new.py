"""``%mesh new``: what a form makes of what is typed, whatever it is, and the cell it puts below."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import leafmesh_nb as lm
from leafmesh_nb.language import load, parse
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import MappingNode, ScalarNode
from leafmesh_nb.language.overlay import overlay
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.notebook.forms.agent_form import agent_form
from leafmesh_nb.notebook.forms.controls import Form
from leafmesh_nb.notebook.forms.policy_form import policy_form
from leafmesh_nb.notebook.forms.session import FORMS, FormSession, cell_text
from leafmesh_nb.notebook.forms.workflow_form import workflow_form
from leafmesh_nb.notebook.forms.writing import fields_text, type_text, word

Refunds = Callable[[], Any]
REFUNDS = (Path(__file__).parents[1] / "fixtures" / "refunds.yaml").read_text("utf-8")
SMALLEST = "mesh: tiny\nmodels: {q: {provider: offline}}\n"


@cache
def refunds_spec() -> Spec:
    return load(REFUNDS)


@pytest.fixture
def spec() -> Spec:
    return refunds_spec()


def merged(spec: Spec, what: str, form: Form) -> Spec:
    """The mesh with what a form made, which must be good."""
    return load(overlay(spec.text, FORMS[what][0], form.id, form.body).text)


# Where one starts


@pytest.mark.parametrize("what", FORMS)
@pytest.mark.parametrize("text", [REFUNDS, SMALLEST])
def test_what_one_starts_from_is_right_or_says_what_lacks(what: str, text: str) -> None:
    spec = load(text)
    block, draw = FORMS[what]
    form = draw(spec, None)
    parsed = parse(overlay(spec.text, block, form.id, form.body).text)
    assert not any(d.code.startswith("LM1") for d in parsed.diagnostics)
    if text == REFUNDS:
        assert parsed.spec is not None, [str(d) for d in parsed.diagnostics]
        assert form.id not in getattr(spec, block)
    # What the form keeps is what it is: drawn again, it is the same.
    again = draw(spec, form.values)
    assert (again.body, again.values) == (form.body, form.values)


def test_the_next_cell_is_filled_in_every_front_end(refunds: Refunds) -> None:
    cells = refunds()
    cells.good("%mesh new policy")
    text = cells.shell.rl_next_input
    assert text.startswith("%%policy pay_out_limits\nat: tool\n")
    cells.good(text)
    assert "policy pay_out_limits added to mesh refunds" in cells.out
    assert "✓ its 4 tests pass" in cells.out
    cells.good("%mesh new workflow")
    cells.good(cells.shell.rl_next_input)
    assert "workflow new_workflow added" in cells.out
    cells.good("%mesh new agent")
    cells.good(cells.shell.rl_next_input)
    assert "agent new_agent added" in cells.out
    cells.good("%mesh new agent")
    assert cells.shell.rl_next_input.startswith("%%agent new_agent_2\n")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("%mesh new", "usage: %mesh new agent | policy | workflow"),
        ("%mesh new polcy", "did you mean %mesh new policy?"),
        ("%mesh new policy now", "usage: %mesh new"),
    ],
)
def test_bad_input(refunds: Refunds, source: str, said: str) -> None:
    cells = refunds()
    cells.run(source)
    assert said in cells.out
    assert "Traceback" not in cells.out


def test_a_form_needs_a_mesh(cells: Any) -> None:
    cells.run("%mesh new agent")
    assert "no mesh is defined yet" in cells.out


# What is picked


def test_a_policy_of_amounts_people_and_tests(spec: Spec) -> None:
    typed = {
        "id": "large", "at": "tool", "tools": ["pay_out"], "field": "amount",
        "ladder": [{"upto": "50.00", "then": "approve"}, {"upto": "700", "then": "ask"}],
        "above": "deny", "to": "lead", "escalate": ["finance", "nobody"], "within": "45m",
        "reason": "${tool.arguments.amount}: is over # it", "not_requester": True,
    }  # fmt: skip
    form = policy_form(spec, typed)
    changed = merged(spec, "policy", form)
    policy = changed.policies["large"]
    asking = policy.rules[1]
    assert [rule.id for rule in policy.rules] == ["up_to_50_00", "up_to_700"]
    assert (asking.to, asking.escalate, asking.within) == ("lead", ("finance",), 2700.0)
    assert asking.excluded == ("requester",)
    assert asking.reason is not None
    assert asking.reason.text == "${tool.arguments.amount}: is over # it"
    mesh = lm.Mesh(changed)
    tried = [trial for trial in mesh.test() if trial.policy == "large"]
    assert [(t.outcome, t.passed) for t in tried] == [
        ("approve", True), ("ask", True), ("ask", True), ("deny", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ladder", "above", "outcomes"),
    [
        ([("5", "ask"), ("9", "approve")], "ask", ["ask", "approve", "approve", "ask"]),
        ([("0", "deny")], "approve", ["deny", "approve"]),
        ([], "ask", []),
        ([("9", "ask"), ("5", "deny")], "deny", []),
        ([("9", "ask"), ("9", "deny")], "deny", []),
    ],
)
def test_its_tests_hold_at_every_amount(
    spec: Spec, ladder: list[tuple[str, str]], above: str, outcomes: list[str]
) -> None:
    typed = {
        "id": "p", "at": "output", "capabilities": ["refund.propose"], "to": "lead",
        "ladder": [{"upto": upto, "then": then} for upto, then in ladder], "above": above,
    }  # fmt: skip
    changed = merged(spec, "policy", policy_form(spec, typed))
    tried = [t for t in lm.Mesh(changed).test() if t.policy == "p"]
    assert [t.outcome for t in tried] == outcomes
    assert all(t.passed for t in tried)


def test_an_amount_that_is_none_is_told(spec: Spec) -> None:
    form = policy_form(spec, {"id": "p", "at": "tool", "ladder": [{"upto": "1 || true"}]})
    ladder = form.sections[1].controls[1]["rows"][0][0]
    assert ladder["problem"] == "a number, such as 250 or 99.50"
    assert 'when: tool.arguments.amount <= "1 || true"\n' in form.body
    parsed = parse(overlay(spec.text, "policies", "p", form.body).text)
    assert {d.code for d in parsed.errors} == {"LM410"}


def test_an_agent_of_grants_and_a_new_capability(spec: Spec) -> None:
    typed = {
        "id": "night_clerk", "role": "Clerk: at night", "kind": "python",
        "capabilities": ["refund.propose", "no.such"],
        "new": [{"name": "note.keep", "input": "text: string", "output": "kept: money or null"}],
        "read": ["ticket", "tier"], "write": ["precedents", "made_up"], "tools": ["pay_out"],
        "calls": "3", "timeout": "20s", "cost": "0.05",
    }  # fmt: skip
    agent = merged(spec, "agent", agent_form(spec, typed)).agents["night_clerk"]
    assert agent.role == "Clerk: at night"
    assert list(agent.capabilities) == ["refund.propose", "note.keep"]
    own, others = agent.capabilities["refund.propose"], spec.agents["clerk"].capabilities
    assert (own.input, own.output) == (others[own.name].input, others[own.name].output)
    assert (agent.memory.read, agent.memory.write) == (("ticket", "tier"), ("precedents",))
    assert agent.tools == ("pay_out",)
    assert (agent.limits.calls, agent.limits.timeout) == (3, 20.0)


def test_a_model_is_named_or_found_by_its_tier(spec: Spec) -> None:
    for picked, field in (("tier:large", "tier"), ("name:quick", "name")):
        typed = {"id": "a", "role": "A", "capabilities": ["ticket.classify"], "model": picked}
        form = agent_form(spec, typed | {"instructions": "Be kind.\nBe: brief"})
        agent = merged(spec, "agent", form).agents["a"]
        assert agent.model is not None
        assert getattr(agent.model, field) == picked.partition(":")[2]
        assert agent.instructions is not None
        assert agent.instructions.text == "Be kind.\nBe: brief"


def test_steps_are_given_what_fits_by_type(spec: Spec) -> None:
    condition = 'steps.classify.output.category == "refund"'
    typed = {
        "id": "again",
        "steps": [
            {"capability": "ticket.classify"},
            {"capability": "refund.propose", "when": condition},
            {"capability": "refund.pay"},
        ],
    }
    form = workflow_form(spec, typed)
    flow = merged(spec, "workflow", form).workflows["again"]
    assert list(flow.input.names()) == ["ticket", "tier", "ticket_id"]
    given = {name: e.text for name, e in flow.steps["propose"].inputs.items()}
    assert given == {
        "ticket": "input.ticket",
        "amount": "default(steps.classify.output.amount, 0)",
        "tier": "input.tier",
    }
    assert flow.steps["pay"].inputs["amount"].text == "default(steps.propose.output.amount, 0)"
    assert list(flow.output) == ["receipt", "amount"]
    offered = [value for value, _ in form.sections[1].controls[0]["rows"][2][2]["options"]]
    assert condition in offered
    assert all(value.startswith(("default(", "steps.")) for value in offered if value)


def test_two_steps_of_one_capability_have_ids_of_their_own(spec: Spec) -> None:
    steps = [{"capability": "ticket.classify"}, {"capability": "ticket.classify"}]
    output = ["classify.category", "classify_2.category"]
    form = workflow_form(spec, {"id": "w", "steps": steps, "output": output})
    flow = merged(spec, "workflow", form).workflows["w"]
    assert list(flow.steps) == ["classify", "classify_2"]
    assert list(flow.output) == ["classify_category", "classify_2_category"]


# Whatever is typed

WILD = st.one_of(
    st.sampled_from(
        ["", " ", "a: b", "x #y", "]", "}{", "'", '"', "a\nb", "{{x}}", "no", "1e5", "&a", "*b",
         "!c", "- d", "${e", "\u2028", "\t", "|", "null", "? f", "%g", "@h", "`i", "~", "x" * 300]
    ),
    st.text(max_size=15),
)  # fmt: skip
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), WILD),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = (
    *("id", "role", "kind", "capabilities", "new", "instructions", "model", "read", "write"),
    *("tools", "calls", "timeout", "cost", "at", "agents", "field", "ladder", "above", "to"),
    *("escalate", "within", "reason", "steps", "output"),
)
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["name", "input", "output", "upto", "then", "id", "when", "capability"]),
        WILD,
        max_size=6,
    ),
    max_size=3,
)


@settings(max_examples=150)
@given(
    what=st.sampled_from(list(FORMS)),
    typed=st.dictionaries(st.sampled_from(NAMES), st.one_of(WILD, ROWS, JUNK), max_size=12),
)
def test_whatever_is_typed_is_yaml_and_only_values(what: str, typed: dict[str, Any]) -> None:
    spec = refunds_spec()  # no fixture: Hypothesis would print it with each failure
    form = FORMS[what][1](spec, typed)
    source = Source(form.body)
    collector = Collector(source)
    root = read(source, collector)
    assert isinstance(root, MappingNode), form.body
    found = {d.code for d in collector.finish()}
    # A character that no text may have, a half-open template, a name twice, `no` as a name.
    assert found <= {"LM106", "LM108", "LM121", "LM122", "LM124"}, (form.body, found)
    known = {"agent": "role kind instructions capabilities model memory tools limits",
             "policy": "at for rules default on_error tests",
             "workflow": "input steps output"}[what].split()  # fmt: skip
    assert {entry.key.text for entry in root} <= set(known)
    again = FORMS[what][1](spec, form.values)
    assert again.body == form.body
    assert cell_text(FORMS[what][0], form).split("\n")[1:] == form.body.rstrip().split("\n")


@given(text=WILD)
def test_a_text_is_read_back_as_it_is(text: str) -> None:
    for written, wrap in ((word(text), "k: {}"), (word(text, braces=True), "k: {{a: {}, b: 1}}")):
        source = Source(wrap.format(written))
        node = read(source, Collector(source))
        if node is None:
            assert any(c in text for c in "\x00\ud800\ufeff") or not text.isprintable()
            continue
        assert isinstance(node, MappingNode)
        found = node.get("k")
        found = found.get("a") if isinstance(found, MappingNode) else found
        assert isinstance(found, ScalarNode)
        assert found.text == text


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("a: string, b: money or null", "{a: string, b: money or null}"),
        ("{a: {enum: [x, y]}}", "{a: {enum: [x, y]}}"),
        ("", "{}"),
        ("a: {list: string", '"a: {list: string"'),
        ("a: string}, c: {d: e", '"a: string}, c: {d: e"'),
    ],
)
def test_fields_as_they_are_typed(typed: str, written: str) -> None:
    assert fields_text(typed) == written


def test_types_as_they_are_typed() -> None:
    assert type_text("{list: money}") == "{list: money}"
    assert type_text("money or null") == "money or null"
    assert type_text("[a") == '"[a"'


# The page's end of the wire


class Wire:
    """What the kernel sends to a page."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed = False

    def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    def update(self, bundle: dict[str, str], raw: bool) -> None:
        self.bundle = bundle

    def close(self) -> None:
        self.closed = True


def test_a_draft_is_answered_with_what_is_wrong(refunds: Refunds) -> None:
    cells = refunds()
    session = FormSession("policy", cells.shell.user_ns["mesh"])
    session._widget = session._slot = wire = Wire()
    values = {**session.state["values"], "within": "soon"}
    session.receive({"t": "draft", "seq": 1, "values": values})
    state = wire.sent[-1]["state"]
    assert (state["errors"], state["ready"]) == (1, True)
    assert "LM207" in state["told"]
    session.receive({"t": "draft", "seq": 2, "values": {**values, "id": "a b"}})
    state = wire.sent[-1]["state"]
    assert not state["ready"]
    assert "cannot be the name" in state["sections"][0]["controls"][0]["problem"]
    session.receive({"t": "draft", "seq": 3, "values": {**values, "id": "payouts", "within": "1h"}})
    assert wire.sent[-1]["state"]["about"] == "replaces one of mesh refunds"
    # The mesh that is edited is the one that there is by then.
    cells.good("%%policy other\nat: output\nrules: [{id: a, then: approve}]\n")
    session.receive({"t": "draft", "seq": 4, "values": {**values, "id": "other", "within": "1h"}})
    assert wire.sent[-1]["state"]["about"] == "replaces one of mesh refunds"
    session.receive({"t": "nonsense"})
    session.receive({"t": "draft", "seq": "x", "values": []})
    assert len(wire.sent) == 4
    session.receive({"t": "written"})
    assert wire.closed
    assert "%%policy other" in wire.bundle["text/plain"]
