"""``/metrics`` in Prometheus's text format (version 0.0.4): counts, and nothing about anybody."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from leafmesh_nb.deploy.context import ServiceContext, context_of
from leafmesh_nb.deploy.operations import Operation

__all__ = ["OPERATIONS"]

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[dict[str, str], float]


def _metrics(request: Request) -> Response:
    return Response(_text(context_of(request)), media_type=MEDIA_TYPE)


def _text(context: ServiceContext) -> str:
    lines: list[str] = []
    for name, kind, help, samples in _families(context):
        lines += [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{_labels(labels)} {value:.16g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _families(context: ServiceContext) -> Iterable[tuple[str, str, str, list[Sample]]]:
    rows, questions = context.shelf.rows(), context.shelf.questions()
    runs = Counter((row.workflow, row.status) for row in rows)
    now = datetime.now(UTC)
    oldest = max(((now - q.asked.asked_at).total_seconds() for q in questions), default=0.0)
    release = {"mesh": context.mesh.name, "release": context.release.hash}
    yield "leafmesh_release_info", "gauge", "What is deployed.", [(release, 1)]
    yield (
        "leafmesh_runs",
        "gauge",
        "Runs of the mesh in the journal, by workflow and status.",
        [({"workflow": w, "status": s}, n) for (w, s), n in sorted(runs.items())],
    )
    yield (
        "leafmesh_open_questions",
        "gauge",
        "Questions that wait for a person.",
        [({}, len(questions))],
    )
    yield (
        "leafmesh_oldest_open_question_seconds",
        "gauge",
        "How long the oldest of them waits.",
        [({}, oldest)],
    )
    yield (
        "leafmesh_http_answers_total",
        "counter",
        "Requests answered, by method and status.",
        [
            ({"method": method, "status": str(status)}, n)
            for (method, status), n in sorted(context.standing.answered.items())
        ],
    )
    yield (
        "process_start_time_seconds",
        "gauge",
        "When the service started, in seconds since 1970.",
        [({}, context.started.timestamp())],
    )
    resident = _resident()
    if resident is not None:
        yield (
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory.",
            [({}, resident)],
        )


def _resident() -> int | None:
    """Bytes; None where the system does not say."""
    if not sys.platform.startswith("linux"):
        return None
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    import resource

    return int(pages) * resource.getpagesize()


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


OPERATIONS = (
    Operation(
        "GET",
        "/metrics",
        _metrics,
        "Counts in Prometheus's text format",
        {200: ("The counts", "text/plain", {"type": "string"})},
        problems=(503,),
        open=True,
    ),
)
