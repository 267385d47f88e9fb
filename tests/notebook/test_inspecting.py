"""Shift-Tab as a kernel is asked for it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from leafmesh_nb.language.editing.inspecting import Doc
from leafmesh_nb.notebook.inspecting import add_inspector, doc_html, doc_text, inspected

CURSOR = "‸"


class Kernel:
    """The part of a kernel that answers inspect requests."""

    def do_inspect(self, code: str, cursor_pos: int, detail_level: int = 0, **more: Any) -> Any:
        return {"status": "ok", "found": True, "data": {"text/plain": f"python {detail_level}"}}


@pytest.fixture
def kernel() -> Kernel:
    kernel = Kernel()
    add_inspector(SimpleNamespace(kernel=kernel))  # type: ignore[arg-type]
    return kernel


def shift_tab(kernel: Kernel, code: str, detail: int = 0) -> Any:
    before, _, after = code.partition(CURSOR)
    return kernel.do_inspect(before + after, len(before), detail)


def plain(kernel: Kernel, code: str) -> str:
    reply = shift_tab(kernel, code)
    assert reply["status"] == "ok"
    text: str = reply["data"].get("text/plain", "")
    assert reply["found"] == bool(text)
    return text


def test_a_key(kernel: Kernel) -> None:
    reply = shift_tab(kernel, "%%mesh\nmesh: a\nbudg‸ets: {run: 1}")
    assert set(reply["data"]) == {"text/plain", "text/html"}
    assert reply["metadata"] == {}
    assert "budgets  (key of a mesh)" in reply["data"]["text/plain"]
    assert "<b" in reply["data"]["text/html"]


def test_nothing_to_say(kernel: Kernel) -> None:
    assert shift_tab(kernel, "%%mesh\n\n‸\n")["found"] is False
    assert plain(kernel, "%%mesh\nmesh: a # comm‸ent") == ""


def test_the_line_of_a_magic(kernel: Kernel) -> None:
    assert "bind it, and say what it holds" in plain(kernel, "%%me‸sh -o a\nmesh: a")
    assert "%mesh run WORKFLOW key=EXPR" in plain(kernel, "x = 1\n%mesh ru‸n refund")
    assert "What is defined" in plain(kernel, "%mesh ‸")
    assert "LM302: an unknown capability" in plain(kernel, "%mesh explain LM30‸2")
    assert plain(kernel, "%mesh nonse‸nse") == ""


def test_everything_else_is_as_it_was(kernel: Kernel) -> None:
    for code in ("pri‸nt", "%%bash\nec‸ho", "mesh.st‸art", "%meshes‸", "‸"):
        assert plain(kernel, code) == "python 0"
    assert shift_tab(kernel, "pri‸nt", detail=1)["data"]["text/plain"] == "python 1"


def test_loading_again_wraps_once() -> None:
    kernel = Kernel()
    shell = SimpleNamespace(kernel=kernel)
    add_inspector(shell)  # type: ignore[arg-type]
    once = kernel.do_inspect
    add_inspector(shell)  # type: ignore[arg-type]
    assert kernel.do_inspect is once
    add_inspector(SimpleNamespace())  # type: ignore[arg-type]  # a terminal has no kernel


def test_a_cursor_out_of_the_text() -> None:
    assert inspected("%%mesh\nmesh: a", 10_000) is not None
    assert inspected("%%mesh\nmesh: a", -3) is not None
    assert inspected("", 5) is None


def test_names_of_a_mesh_are_text_and_no_markup() -> None:
    doc = Doc("<b>x</b>", "agent", "costs $5 or $6 `<i>`", (("`a<`", "<script>"),), "a: <x>")
    html = doc_html(doc)
    assert "<script>" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "$5" not in html, "JupyterLab would typeset what is between two dollars"
    assert "<b>x</b>  (agent)" in doc_text(doc)


def test_the_mesh_in_force(refunds: Callable[[], Any]) -> None:
    refunds()
    code = "%%policy payouts\nat: tool\nfor: {tools: [pay_out]}"
    found = inspected(code, len(code) - 4)
    assert found is not None
    assert "pay_out  (tool)" in found["text/plain"]
    assert "A policy must let each call pass." in found["text/plain"]
