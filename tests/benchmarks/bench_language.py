"""Milliseconds from a text to a checked mesh: ``python tests/benchmarks/bench_language.py``.

A mesh of 200 agents and 40 workflows of four steps is generated, each agent and workflow about as
large as those of the reference mesh (150 KB, 3,900 lines), and read and checked in full: every
name, type, expression, policy and join. Medians over runs in one warm process. A cell that is run
again after a change finds the syntax trees of its expressions, which are kept by their text; the
row "first time" is without them. Then the same mesh with a mistake in every workflow, and with one
of YAML, where quoting is tried until the line reads.
"""

from __future__ import annotations

import gc
import statistics
import time

from leafmesh_nb.language import render_html, render_text
from leafmesh_nb.language.build import build
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Collector, Diagnostic
from leafmesh_nb.language.expressions import expression, parser
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source

AGENTS, WORKFLOWS, STEPS = 200, 40, 4
RUNS, WARM = 30, 3

HEAD = """\
mesh: generated
description: A mesh as large as they get.
models:
  quick: {provider: offline, tier: small, priced_as: "openai:gpt-5-mini"}
  deep:  {provider: offline, tier: large, priced_as: "anthropic:claude-sonnet-4-5"}
memory:
  ticket: string
  tier: {enum: [basic, gold]}
  notes: {type: {list: string}, scope: mesh, merge: append}
people:
  lead: {roles: [approver]}
  finance: {roles: [approver]}
tools:
  pay_out:
    python: "shop:pay_out"
    side_effect: true
    input: {ticket_id: string, amount: money}
    output: {receipt: string}
policies:
  payouts:
    at: tool
    for: {tools: [pay_out]}
    rules:
      - {id: small, when: tool.arguments.amount <= 100, then: approve}
      - id: large
        when: tool.arguments.amount > 100 && tool.arguments.amount <= 5000
        then: ask
        to: lead
        within: 30m
        escalate: [finance]
        reason: "${tool.arguments.amount} is over the limit"
    default: deny
agents:
"""
AGENT = """\
  agent_{i}:
    role: Handles requests of kind {i}
    instructions: Read the ticket and say what the customer wants, in one word.
    capabilities:
      kind_{i}.handle:
        input: {{ticket: string, amount: money or null}}
        output: {{category: {{enum: [refund, bug, question]}}, amount: money or null}}
        examples:
          - {{text: "I was charged twice", output: {{category: refund}}}}
        proficiency: 0.8
    model: {{tier: small}}
    memory: {{read: [ticket, tier, notes], write: [notes]}}
    limits: {{calls: 3, timeout: 20s, cost: 0.05}}
"""
WORKFLOW = """\
  flow_{w}:
    input: {{ticket_id: string, ticket: string, tier: {{enum: [basic, gold]}}}}
    save: {{ticket: input.ticket, tier: input.tier}}
    steps:
      first:
        capability: kind_{a}.handle
        with: {{ticket: input.ticket}}
        complexity: routine
"""
STEP = """\
      step_{s}:
        capability: kind_{a}.handle
        when: steps.{before}.output.category == "refund" && size(input.ticket) > {a}
        with:
          ticket: input.ticket
          amount: default(steps.{before}.output.amount, 0) + {a}.50
        timeout: 30s
"""
OUTPUT = """\
    output:
      category: steps.first.output.category
      amount: default(steps.{before}.output.amount, 0)
"""


def generated() -> str:
    """The text of the mesh."""
    parts = [HEAD, *(AGENT.format(i=i) for i in range(AGENTS)), "workflows:\n"]
    for w in range(WORKFLOWS):
        parts.append(WORKFLOW.format(w=w, a=w))
        before = "first"
        for s in range(1, STEPS):
            parts.append(STEP.format(s=s, before=before, a=(w * STEPS + s) % AGENTS))
            before = f"step_{s}"
        parts.append(OUTPUT.format(before=before))
    return "".join(parts)


def mistaken(text: str) -> str:
    """The mesh with a misspelt step in the output of every workflow."""
    return text.replace("      category: steps.first.output", "      category: steps.frist.output")


def unreadable(text: str) -> str:
    """The mesh with one line that YAML cannot read."""
    return text.replace("        timeout: 30s\n", '        domain: "a" == input.tier\n', 1)


def phases(text: str) -> tuple[dict[str, float], tuple[Diagnostic, ...]]:
    """Milliseconds of each phase of one pass over ``text``, and what it was told."""
    began = time.perf_counter()
    source = Source(text, "cell")
    collector = Collector(source)
    node = read(source, collector)
    seen = time.perf_counter()
    if node is not None:
        build(Context(source, collector), node, text, None)
    built = time.perf_counter()
    diagnostics = collector.finish()
    finished = time.perf_counter()
    render_text(diagnostics)
    render_html(diagnostics)
    shown = time.perf_counter()
    took = {
        "all": shown - began,
        "read": seen - began,
        "check": built - seen,
        "finish": finished - built,
        "render": shown - finished,
    }
    return {name: seconds * 1000 for name, seconds in took.items()}, diagnostics


def main() -> None:
    """Print the medians."""
    text = generated()
    size = f"{len(text):,} bytes, {len(text.splitlines()):,} lines"
    print(f"{AGENTS} agents, {WORKFLOWS} workflows: {size}")
    rows = {
        "run again": (text, 0, False),
        "first time": (text, 0, True),
        f"{WORKFLOWS} mistakes": (mistaken(text), WORKFLOWS, False),
        "no YAML": (unreadable(text), 1, False),
    }
    times: dict[str, list[dict[str, float]]] = {name: [] for name in rows}
    for run in range(-WARM, RUNS):
        for name, (written, errors, cold) in rows.items():
            if cold:
                parser.parse.cache_clear()
                expression._measured.cache_clear()
            gc.collect()
            took, told = phases(written)
            assert len(told) == errors, [str(d) for d in told]
            if run >= 0:
                times[name].append(took)
    print(f"{'ms':14}" + "".join(f"{phase:>9}" for phase in times["run again"][0]) + f"{'p90':>9}")
    for name, found in times.items():
        medians = [statistics.median(took[phase] for took in found) for phase in found[0]]
        tenths = statistics.quantiles([took["all"] for took in found], n=10)
        print(f"{name:14}" + "".join(f"{ms:9.1f}" for ms in (*medians, tenths[-1])))


if __name__ == "__main__":
    main()
