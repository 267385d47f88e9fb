"""Writing a mesh in a real JupyterLab: its colours, Tab and Shift-Tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

LOAD = "%load_ext leafmesh_nb"
MESH = """%%mesh
mesh: refunds
currency: EUR  # of all amounts
models:
  quick: {provider: offline, tier: small}
people:
  lead: {roles: [approver]}
agents:
  triage:
    role: Support analyst
    capabilities:
      ticket.classify:
        input:  {ticket: string}
        output: {category: {enum: [refund, bug]}, confidence: number}
    model: {tier: small}
workflows:
  refund:
    input: {ticket: string}
    steps:
      classify:
        capability: ticket.classify
        with: {ticket: input.ticket}
      answer:
        agent: triage
        when: steps.classify.output.category == "refund"
        with: {ticket: input.ticket}
    output: {category: steps.classify.output.category}
"""
PYTHON = 'for mesh in ["a", "b"]:\n    print(mesh)'

TOKENS = """(index) => {
  const cell = jupyterapp.shell.currentWidget.content.widgets[index];
  const found = {};
  for (const span of cell.node.querySelectorAll(".cm-line span"))
    found[span.textContent.trim()] = getComputedStyle(span).color;
  return found;
}"""
SOURCE = "(index) => jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.source"
PUT = """([index, source, offset]) => {
  const notebook = jupyterapp.shell.currentWidget.content;
  const cell = notebook.widgets[index];
  cell.model.sharedModel.setSource(source);
  notebook.activeCellIndex = index;
  notebook.mode = "edit";
  cell.editor.focus();
  cell.editor.setCursorPosition(cell.editor.getPositionAt(offset));
}"""
CURSOR = "‸"


def tokens(notebook: Any, index: int) -> dict[str, str]:
    """The colour of each token of a cell."""
    found: dict[str, str] = notebook.page.evaluate(TOKENS, index)
    return found


def put(notebook: Any, index: int, old: str, new: str) -> None:
    """Give a cell the mesh with ``old`` replaced by ``new``, and the cursor to where ``‸`` is."""
    assert old in MESH
    before, _, after = MESH.replace(old, new, 1).partition(CURSOR)
    notebook.page.evaluate(PUT, [index, before + after, len(before)])


def offered(notebook: Any) -> list[str]:
    """What the menu of completions shows."""
    menu = notebook.page.locator(".jp-Completer:visible")
    menu.locator(".jp-Completer-item").first.wait_for()
    texts: list[str] = menu.locator(".jp-Completer-match").all_inner_texts()
    return [text.strip() for text in texts]


def press(notebook: Any, keys: str) -> None:
    notebook.page.keyboard.press(keys)


@pytest.fixture
def notebook(open_notebook: Open) -> Any:
    """A notebook with the extension loaded, a mesh in its second cell, Python in its third."""
    opened = open_notebook([LOAD, MESH, PYTHON], height=900)
    opened.errors = []
    opened.page.on(
        "console", lambda said: opened.errors.append(said.text) if said.type == "error" else None
    )
    opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.run_cell(0)
    opened.wait_until_idle()
    return opened


def test_a_mesh_has_the_colours_of_yaml_and_python_those_of_python(notebook: Any) -> None:
    mesh, python = tokens(notebook, 1), tokens(notebook, 2)
    keys = {mesh[key] for key in ("currency", "models", "quick", "provider", "role", "with")}
    assert len(keys) == 1, "every key has one colour"
    assert mesh["# of all amounts"] not in keys
    assert python["for"] not in keys
    assert python["for"] == python["in"], "keywords of Python"
    notebook.shot("editing-colours-light")
    notebook.theme("dark")
    dark = tokens(notebook, 1)
    assert dark["role"] == dark["models"]
    assert dark["role"] != mesh["role"] or dark["# of all amounts"] != mesh["# of all amounts"]
    notebook.shot("editing-colours-dark")
    assert notebook.errors == []


def test_the_first_line_decides_while_it_is_typed(notebook: Any) -> None:
    python = tokens(notebook, 2)["for"]
    notebook.page.evaluate(PUT, [2, PYTHON, 0])
    notebook.page.keyboard.type("%%agent clerk\n")
    notebook.page.keyboard.type("role: Clerk\n")
    assert notebook.page.evaluate(SOURCE, 2).startswith("%%agent clerk\nrole: Clerk\nfor mesh")
    assert tokens(notebook, 2)["role"] == tokens(notebook, 1)["role"]
    assert tokens(notebook, 2).get("for") != python
    for _ in range(3):
        press(notebook, "Control+z")
    press(notebook, "Control+Home")
    press(notebook, "Control+Shift+End")
    notebook.page.keyboard.type(PYTHON.replace("\n    ", "\n"))
    assert tokens(notebook, 2)["for"] == python
    assert notebook.errors == []


def test_a_new_line_keeps_the_indentation_of_yaml(notebook: Any) -> None:
    put(notebook, 1, "model: {tier: small}\n", f"model: {{tier: small}}{CURSOR}\n")
    notebook.page.keyboard.type("\ntools: []")
    assert "    model: {tier: small}\n    tools: []\n" in notebook.page.evaluate(SOURCE, 1)


def test_tab_offers_keys_and_puts_one_in(notebook: Any) -> None:
    put(notebook, 1, "role: Support analyst", f"role: Support analyst\n    m{CURSOR}")
    press(notebook, "Tab")
    assert offered(notebook) == ["memory:"]
    press(notebook, "Enter")
    notebook.page.keyboard.type("{")
    assert "    memory: {\n" in notebook.page.evaluate(SOURCE, 1)
    press(notebook, "Tab")
    assert offered(notebook) == ["read:", "write:"]
    assert notebook.errors == []


def test_tab_offers_what_fits_and_nothing_else(notebook: Any) -> None:
    put(notebook, 1, "capability: ticket.classify", f"capability: {CURSOR}")
    press(notebook, "Tab")
    assert offered(notebook) == ["ticket.classify"]
    press(notebook, "Enter")
    assert "capability: ticket.classify\n" in notebook.page.evaluate(SOURCE, 1)

    put(notebook, 1, "model: {tier: small}", f"model: {{tier: {CURSOR}}}")
    press(notebook, "Tab")
    assert offered(notebook) == ["small", "large", "specialist"]
    notebook.shot("editing-tab-light")

    put(notebook, 1, "output.category ==", f"output.{CURSOR} ==")
    press(notebook, "Tab")
    assert offered(notebook) == ["category", "confidence"]
    press(notebook, "Escape")

    put(notebook, 1, '== "refund"', f"== {CURSOR}")
    press(notebook, "Tab")
    assert offered(notebook)[:3] == ['"refund"', '"bug"', "input"]
    notebook.theme("dark")
    notebook.shot("editing-tab-dark")
    assert notebook.errors == []


def test_tab_on_the_line_of_a_magic(notebook: Any) -> None:
    notebook.run_cell(1)
    notebook.wait_until_idle()
    line = "%mesh run refund "
    notebook.page.evaluate(PUT, [2, line, len(line)])
    press(notebook, "Tab")
    assert offered(notebook)[:2] == ["ticket=", "--step"]
    notebook.page.evaluate(PUT, [2, "imp", 3])
    press(notebook, "Tab")
    assert "import" in offered(notebook), "Python's own completion is as it was"


def tooltip(notebook: Any) -> Any:
    return notebook.page.locator(".jp-Tooltip")


def test_shift_tab_tells_what_a_key_takes(notebook: Any) -> None:
    put(notebook, 1, "    model: {tier", f"    mod{CURSOR}el: {{tier")
    press(notebook, "Shift+Tab")
    expect(tooltip(notebook)).to_contain_text("key of an agent")
    expect(tooltip(notebook)).to_contain_text("model: {tier: small}")
    expect(tooltip(notebook).locator("table")).to_contain_text("the name of a model or a map")
    notebook.shot("editing-shift-tab-light")
    press(notebook, "Escape")

    put(notebook, 1, "agent: triage", f"agent: tri{CURSOR}age")
    press(notebook, "Shift+Tab")
    expect(tooltip(notebook)).to_contain_text("Support analyst")
    expect(tooltip(notebook)).to_contain_text("ticket.classify")
    press(notebook, "Escape")

    put(notebook, 1, "output.category ==", f"output.cate{CURSOR}gory ==")
    press(notebook, "Shift+Tab")
    expect(tooltip(notebook)).to_contain_text("{enum: [refund, bug]}")
    notebook.theme("dark")
    notebook.shot("editing-shift-tab-dark")
    assert notebook.errors == []


def test_shift_tab_elsewhere_is_as_it_was(notebook: Any) -> None:
    notebook.page.evaluate(PUT, [2, "print", 3])
    press(notebook, "Shift+Tab")
    expect(tooltip(notebook)).to_contain_text("Prints the values to a stream")
    press(notebook, "Escape")
    line = "%mesh run"
    notebook.page.evaluate(PUT, [2, line, len(line) - 1])
    press(notebook, "Shift+Tab")
    expect(tooltip(notebook)).to_contain_text("%mesh run WORKFLOW key=EXPR")
