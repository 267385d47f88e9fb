"""The table of transitions as Markdown and as a Mermaid diagram, for the page ``docs/runs.md``.

``python -m leafmesh_nb.engine.fold.drawing`` prints both; a test holds the page against them.
"""

from __future__ import annotations

import sys

from leafmesh_nb.engine.fold.transitions import LEGAL, OF_RUN

__all__ = ["PHASES", "diagram", "table"]

PHASES = ("pending", "resolved", "routed", "ended")
"""The phases of a step, in their order."""


def table() -> str:
    """A row a kind of event of a step: the phases in which it may happen, and where it leads; then
    the kinds that happen to the run as a whole."""
    rows = [f"| event | {' | '.join(PHASES)} |", f"|---|{'---|' * len(PHASES)}"]
    for body, (phases, leads_to) in LEGAL.items():
        cells = [_cell(phase in phases, leads_to) for phase in PHASES]
        rows.append(f"| `{body.kind}` | {' | '.join(cells)} |")
    others = ", ".join(f"`{body.kind}`" for body in OF_RUN if body not in LEGAL)
    return "\n".join([*rows, "", f"To the run as a whole, or to a question of it: {others}."])


def _cell(legal: bool, leads_to: str | None) -> str:
    if not legal:
        return ""
    return f"→ {leads_to}" if leads_to else "stays"


def diagram() -> str:
    """The phases and what leads from one to another, as Mermaid's ``stateDiagram-v2``."""
    lines = ["stateDiagram-v2", f"    [*] --> {PHASES[0]}"]
    for body, (phases, leads_to) in LEGAL.items():
        if leads_to:
            lines += [
                f"    {phase} --> {leads_to}: {body.kind}" for phase in PHASES if phase in phases
            ]
    return "\n".join([*lines, f"    {PHASES[-1]} --> [*]"])


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n\n```mermaid\n{diagram()}\n```\n")
