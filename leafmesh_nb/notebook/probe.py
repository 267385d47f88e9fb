"""Asking the page that shows a cell whether it runs widgets, and whether our extension is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leafmesh_nb.mesh.waiting import GRACE

if TYPE_CHECKING:
    from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["Answer", "ask_front_end"]

SCRIPT = """
export default {
  render({ model, el }) {
    const event = new CustomEvent("leafmesh:hello", { bubbles: true, cancelable: true });
    setTimeout(() => model.send({ t: "hello", extension: !el.dispatchEvent(event) }), 0);
  },
};
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the front end said; ``milliseconds`` None: nothing, in ``waited`` seconds."""

    asked: bool = False
    milliseconds: int | None = None
    extension: bool = False
    waited: float = 0.0


def ask_front_end(bench: Workbench) -> tuple[Answer, Callable[[Mapping[str, str]], None]]:
    """Show a widget of no size and wait for its hello.

    Returns the answer, and what shows a bundle in the widget's place.
    """
    from IPython.display import display

    def plain(bundle: Mapping[str, str]) -> None:
        bench.show_html(bundle["text/html"], bundle["text/plain"])

    if getattr(bench.shell, "kernel", None) is None:
        return Answer(), plain
    said: list[Mapping[str, Any]] = []
    heard = threading.Event()

    def receive(message: Mapping[str, Any]) -> None:
        said.append(message)
        heard.set()

    widget = _widget(receive)
    started = time.monotonic()
    slot = display(widget, display_id=True)
    heard.wait(GRACE)  # a page answers within a tenth of a second, once it has loaded widgets
    waited = time.monotonic() - started
    took = round(waited * 1000) if said else None
    extension = bool(said and said[0].get("extension"))

    def replace(bundle: Mapping[str, str]) -> None:
        slot.update(dict(bundle), raw=True)
        widget.close()

    return Answer(True, took, extension, waited), replace


def _widget(receive: Callable[[Mapping[str, Any]], None]) -> Any:
    import anywidget

    class Probe(anywidget.AnyWidget):
        _esm = SCRIPT

    probe = Probe()
    # As for the live card: ipykernel 7.4 then delivers messages while this cell runs.
    if hasattr(probe.comm, "_reply_subshell_for"):
        probe.comm._reply_subshell_for = lambda _data, subshell: subshell
    probe.on_msg(lambda _widget, content, _buffers: receive(content))
    return probe
