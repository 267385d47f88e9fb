"""Editing one entry of a mesh's text: nothing else changes, and mistakes are told in the cell."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leafmesh_nb.errors import MeshError
from leafmesh_nb.language import load, parse
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import MappingNode
from leafmesh_nb.language.overlay import OverlayBlock, entry_text, overlay, tree_of
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source

GATE = "at: output\nrules:\n  - {id: all, then: approve}  # for now\ndefault: deny\n"


def root_of(text: str) -> MappingNode:
    source = Source(text)
    node = read(source, Collector(source))
    assert isinstance(node, MappingNode), text
    return node


def entries(text: str) -> dict[tuple[str, str], Any]:
    """Every entry of every block that has entries, and every other block as a whole."""
    found: dict[tuple[str, str], Any] = {}
    for entry in root_of(text):
        if isinstance(entry.value, MappingNode):
            for inner in entry.value:
                found[entry.key.text, inner.key.text] = tree_of(inner.value)
        else:
            found[entry.key.text, ""] = tree_of(entry.value)
    return found


def test_a_policy_is_added_below_the_last_of_its_block(refunds: str) -> None:
    changed = overlay(refunds, "policies", "outputs", GATE)
    assert not changed.replaced
    above, below = refunds.split("\n\nbudgets:")
    written = "".join(f"    {line}\n" for line in GATE.splitlines())
    assert changed.text == f"{above}\n  outputs:\n{written}\nbudgets:{below}"
    assert changed.text.split("\n")[changed.key - 1] == "  outputs:"
    spec = load(changed.text)
    assert list(spec.policies) == ["payouts", "outputs"]
    assert overlay(changed.text, "policies", "outputs", GATE).text == changed.text


def test_an_entry_is_replaced_where_it_stands(refunds: str) -> None:
    body = entry_text(refunds, "agents", "clerk")
    assert body is not None
    changed = overlay(refunds, "agents", "clerk", body.replace("Refund clerk", "Night clerk"))
    assert changed.replaced
    assert changed.text == refunds.replace("Refund clerk", "Night clerk")


def test_a_block_that_is_missing_goes_where_it_belongs() -> None:
    text = "mesh: a\n\nmodels:\n  quick: {provider: offline}\n\n# the way\nworkflows: {}\n"
    changed = overlay(text, "agents", "one", "role: One\ncapabilities: {}")
    assert changed.text == (
        "mesh: a\n\nmodels:\n  quick: {provider: offline}\n\n"
        "agents:\n  one:\n    role: One\n    capabilities: {}\n\n# the way\nworkflows: {}\n"
    )
    assert (
        overlay("mesh: a", "policies", "p", "at: tool").text
        == "mesh: a\npolicies:\n  p:\n    at: tool\n"
    )


def test_braces_are_opened_and_their_entries_kept_word_for_word() -> None:
    text = (
        "mesh: a\n"
        "agents: {  # all of them\n"
        "  a: {role: x,   capabilities: {}},   # first\n"
        "  # second\n"
        '  "b": {role: "y, z", capabilities: {}}\n'
        "}  # end\n"
        "budgets: {run: 1}\n"
    )
    changed = overlay(text, "agents", "c", "role: z\ncapabilities: {}")
    assert changed.text == (
        "mesh: a\n"
        "agents:  # all of them  # end\n"
        "  a: {role: x,   capabilities: {}}  # first\n"
        "  # second\n"
        '  "b": {role: "y, z", capabilities: {}}\n'
        "  c:\n"
        "    role: z\n"
        "    capabilities: {}\n"
        "budgets: {run: 1}\n"
    )


def test_json_is_a_mesh_too() -> None:
    text = '{"mesh": "a", "agents": {"a": {"role": "x", "capabilities": {}}}}\n'
    changed = overlay(text, "agents", "a", "role: z\ncapabilities: {}")
    assert changed.text == '"mesh": "a"\n"agents":\n  "a":\n    role: z\n    capabilities: {}\n'


@pytest.mark.parametrize(
    ("text", "result"),
    [
        # A comment above the next entry is that one's; one that is indented deeper is this one's.
        (
            "mesh: m\npolicies:\n  a: # why\n    at: tool  # x\n    # inner\n\n"
            "  # of b\n  b: {at: tool}\n",
            "mesh: m\npolicies:\n  a: # why\n    at: output\n\n  # of b\n  b: {at: tool}\n",
        ),
        (
            "mesh: m\npolicies:\n  a: {at: tool}  # why\n",
            "mesh: m\npolicies:\n  a:\n    at: output\n",
        ),
        # A last line that does not end gets its end.
        ("mesh: m\npolicies:\n  a:\n    at: tool", "mesh: m\npolicies:\n  a:\n    at: output\n"),
        # Windows' line ends.
        (
            "mesh: m\r\npolicies:\r\n  a:\r\n    at: tool\r\nrouting: {}\r\n",
            "mesh: m\r\npolicies:\r\n  a:\r\n    at: output\r\nrouting: {}\r\n",
        ),
        # A block scalar at the end, and blanks below it that it keeps.
        (
            "mesh: m\npolicies:\n  a:\n    at: |+\n      x\n\n\n  b: {at: tool}\n",
            "mesh: m\npolicies:\n  a:\n    at: output\n  b: {at: tool}\n",
        ),
        (
            "mesh: m\npolicies:\n  a:\n    at: |\n      x\n\n# of routing\nrouting: {}\n",
            "mesh: m\npolicies:\n  a:\n    at: output\n\n# of routing\nrouting: {}\n",
        ),
        # Trailing blanks, odd indentation, a byte order mark, the end of a document.
        (
            "\ufeffmesh: m   \npolicies:  \n      a:   \n       at: tool   \n...\n",
            "\ufeffmesh: m   \npolicies:  \n      a:\n        at: output\n...\n",
        ),
    ],
)
def test_what_surrounds_the_entry_stays(text: str, result: str) -> None:
    assert overlay(text, "policies", "a", "at: output\n\n").text == result


@pytest.mark.parametrize(
    "text",
    [
        "mesh: m\npolicies:\n  ? a\n  : {at: tool}\n",
        "mesh: m\npolicies: nothing\n",
        "--- {mesh: m}\n",
        "- a\n",
        "mesh: [\n",
    ],
)
def test_what_cannot_be_edited_is_refused(text: str) -> None:
    with pytest.raises(MeshError, match=r"edited in place|cannot be read"):
        overlay(text, "policies", "a", "at: tool")


def test_an_entry_that_keeps_blank_lines_does_not_take_more(refunds: str) -> None:
    text = "mesh: m\nagents:\n  a:\n    role: |+\n      x\n\n\nbudgets: {run: 1}\n"
    changed = overlay(text, "agents", "b", "role: y")
    assert entries(changed.text)["agents", "a"] == entries(text)["agents", "a"]


# Told where it was typed


def told(text: str, block: OverlayBlock, id: str, body: str) -> list[Any]:
    changed = overlay(text, block, id, body)
    parsed = parse(changed.text, source="mesh refunds")
    return list(changed.in_cell(parsed.diagnostics, "cell", f"%%policy {id}"))


def test_a_mistake_is_shown_in_the_cell(refunds: str) -> None:
    body = (
        "at: tool\nfor: {tools: [pay_uot]}\nrules:\n"
        "  - id: a\n    when: tool.argumens.x > 1\n    then: ask\n    to: lead\n"
    )
    lines = ["%%policy payouts", *body.split("\n")]
    found = told(refunds, "policies", "payouts", body)
    places = [(d.code, d.source, d.span.line, d.span.column, d.line_text) for d in found]
    assert ("LM304", "cell", 3, 15, lines[2]) in places
    assert all(d.line_text == lines[d.span.line - 1] for d in found if d.source == "cell")


def test_what_is_missing_is_shown_under_the_id(refunds: str) -> None:
    (found, *_) = told(refunds, "policies", "second", "default: deny\n")
    assert (found.source, found.span.line, found.line_text) == ("cell", 1, "%%policy second")
    marked = found.line_text[found.span.column - 1 : found.span.end_column - 1]
    assert marked == "second"


def test_what_breaks_elsewhere_is_told_there(refunds: str) -> None:
    """Without the capability, a workflow has nobody to ask: the mistake stands in its step."""
    body = "role: x\nkind: python\ncapabilities: {other.thing: {input: {}, output: {}}}\n"
    found = told(refunds, "agents", "clerk", body)
    assert found
    assert {d.source for d in found if d.severity == "error"} == {"mesh refunds"}


def test_two_places_are_kept_apart(refunds: str) -> None:
    body = (
        "role: x\nkind: python\ncapabilities:\n"
        "  refund.pay: {input: {}, output: {receipt: integer}}\n"
    )
    found = [d for d in told(refunds, "agents", "second", body) if d.related]
    for diagnostic in found:
        for related in diagnostic.related:
            assert related.message.startswith("in ") or diagnostic.source != "cell"


# Whatever the text looks like

IDS = ["a", "b", "c"]
VALUES = [
    "{role: x}",
    "{role: x}  # note",
    "\n{i}  role: x",
    "\n{i}  role: x  # note\n{i}  # inner",
    "\n{i}  role: |\n{i}    two\n\n{i}    lines",
    "\n{i}  role: |+\n{i}    kept\n\n",
    "\n{i}  role: >-\n{i}    folded\n{i}    text",
    '\n{i}  role: "a\n\n{i}    b"',
    "\n\n{i}  # first\n{i}  list:\n{i}  - 1\n{i}  - {k: [v,\n{i}     w]}",
    "\n{i} deep:\n{i}  deeper: |2\n{i}      x\n{i}     y",
]
GAPS = ["", "\n", "# of what follows\n", "  # odd\n", "\n\n# x\n\n", "   \n"]


@st.composite
def meshes(draw: Any) -> str:
    """Texts of three blocks, in any order and style, with comments and blanks between."""
    text = draw(st.sampled_from(["mesh: m\n", "# top\nmesh: m  # name\n", "mesh: 'm'\n\n"]))
    for block in draw(st.permutations(["agents", "policies", "memory"])):
        ids = draw(st.lists(st.sampled_from(IDS), min_size=1, unique=True))
        if draw(st.booleans()):
            comma = draw(st.sampled_from([", ", ",\n   ", ",  # c\n  "]))
            inner = comma.join(f"{id}: {{role: x, n: [1, 2]}}" for id in ids)
            end = draw(st.sampled_from(["}", "\n  }", ",}", "  # last\n  }"]))
            text += f"{block}: {{{inner}{end}\n"
        else:
            pad = " " * draw(st.integers(1, 4))
            text += f"{block}:{draw(st.sampled_from(['', '  # b']))}\n"
            for id in ids:
                value = draw(st.sampled_from(VALUES)).replace("{i}", pad)
                text += f"{pad}{id}:{'' if value[0] == chr(10) else ' '}{value}\n"
        text += draw(st.sampled_from(GAPS))
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


BODIES = [
    "role: new\nn: 1",
    "role: new  # note\n# last\n",
    "\n\nrole: |\n  a\n\n  b\n\n",
    "{role: new}",
    "role: 'a\n\n b'\nx:\n- 1\n- 2\n",
    "role: new\r\nx: 1\r\n",
    "   role: x\n   y: |-\n     t  \n",
]


@settings(max_examples=100)
@given(
    meshes(),
    st.sampled_from(["agents", "policies", "workflows"]),
    st.sampled_from([*IDS, "z"]),
    st.sampled_from(BODIES),
)
def test_only_the_entry_changes(text: str, block: OverlayBlock, id: str, body: str) -> None:
    before = entries(text if text.endswith("\n") else text + "\n")
    changed = overlay(text, block, id, body)
    after = entries(changed.text)
    assert after.pop((block, id)) == tree_of(root_of(body))
    before.pop((block, id), None)
    assert after == before
    # Again, it is what it is.
    assert overlay(changed.text, block, id, body).text == changed.text
    # What follows where stands in the result what was typed.
    lines = Source(changed.text).lines
    typed = Source(body).lines
    assert lines[changed.key - 1].strip().split(":")[0] == id
    for number in range(changed.count):
        assert lines[changed.key + number][changed.indent :] == typed[number]
    # Comments that were not the entry's are all there still.
    gone = set(re.findall(r"# \w+", text)) - set(re.findall(r"# \w+", changed.text))
    assert gone <= {"# note", "# inner", "# first", "# c", "# last", "# odd"}
    ends = set(re.findall(r"\r\n|\n|\r", changed.text))
    assert len(ends) <= 1
