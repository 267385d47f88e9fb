"""What the demo tells in a terminal: decisions, costs, and the verified chain."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leafmesh_nb.journal import open_journal
from leafmesh_nb.mesh import registry

if TYPE_CHECKING:
    from leafmesh_nb.mesh.run import Run
    from leafmesh_nb.quickstart.demo import Demo

__all__ = ["report"]

OUTCOMES = {"approve": "approved", "edited": "approved as edited", "deny": "denied"}


def report(demo: Demo) -> str:
    """The demo's story as text, from its journal alone."""
    journal = open_journal(demo.journal)
    rows = [row for row in journal.runs() if row.created >= demo.began]
    runs = [registry.find(row.id, journal) for row in reversed(rows)]
    found = journal.verify()
    state = f"verified, head {found.head[:16]}" if found.ok else f"BROKEN at {found.bad}"
    return "\n".join(
        [
            "",
            "Decisions",
            *_table(("run", "ticket", "what", "outcome", "why", "by"), _decisions(runs)),
            "",
            "Costs (the offline reader is free; beside it, what the same tokens cost elsewhere)",
            *_table(("run", "ticket", "result", "tokens", "spent", "list price"), _costs(runs)),
            "",
            f"Journal   {found.runs} runs, {found.events:,} events: {state}",
            f"          leafmesh-nb verify {demo.journal}",
            f"Notebook  {demo.html}",
        ]
    )


def _decisions(runs: Sequence[Run]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for run in runs:
        for decision in run.decisions().to_dict("records"):
            if not decision["governed"]:
                continue
            by = "policy"
            if isinstance(decision["person"], str) and decision["person"]:
                by = f"{decision['person']} ({decision['channel']})"
            rows.append(
                (
                    run.id,
                    _ticket(run),
                    f"{decision['subject']} {decision['value']}",
                    _outcome(decision),
                    decision["why"] or decision["reason"],
                    by,
                )
            )
    return rows


def _outcome(decision: Mapping[Hashable, Any]) -> str:
    final = OUTCOMES.get(str(decision["final"]), str(decision["final"]))
    return f"asked, {final}" if decision["outcome"] == "ask" else final


def _costs(runs: Sequence[Run]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for run in runs:
        costs = run.costs()
        output = run.masker.value(run.output)
        result = ", ".join(f"{k} {v}" for k, v in output.items()) if output else _ended(run)
        rows.append(
            (
                run.id,
                _ticket(run),
                result,
                str(int(costs[["tokens_in", "tokens_out"]].sum().sum())),
                f"${costs['spent'].sum():.2f}",
                f"${costs['list_price'].sum():.6f}",
            )
        )
    return rows


def _ended(run: Run) -> str:
    denied = run.error is not None and run.error.get("kind") == "PolicyDenied"
    return "denied" if denied else run.status


def _ticket(run: Run) -> str:
    given = run.recorded()[0].body.input  # type: ignore[attr-defined]
    return run.masker.text(str(given.get("ticket_id", "")))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return ["  none"]
    clipped = [[_clip(cell) for cell in row] for row in rows]
    widths = [max(len(r[i]) for r in [list(heads), *clipped]) for i in range(len(heads))]
    lines = ["  " + "  ".join(h.ljust(w) for h, w in zip(heads, widths, strict=True)).rstrip()]
    lines.append("  " + "  ".join("─" * w for w in widths))
    lines += [
        "  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in clipped
    ]
    return lines


def _clip(text: str, longest: int = 48) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
