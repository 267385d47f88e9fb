"""The rules in force, whether their own tests hold, and what they decided lately."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from leafmesh_nb.deploy.auth import Signed
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.pages.costs import WINDOWS, digests_within
from leafmesh_nb.deploy.pages.rendering import render
from leafmesh_nb.deploy.shelf import Shelf
from leafmesh_nb.policy.trial import try_policies

__all__ = ["show"]


def show(request: Request, who: Signed, shelf: Shelf) -> Response:
    """``/policies?days=N``."""
    days, digests = digests_within(request, shelf, datetime.now(UTC))
    matched: Counter[tuple[str, str]] = Counter()
    outcomes: Counter[tuple[str, str]] = Counter()
    answers: Counter[tuple[str, str, str]] = Counter()
    for digest in digests:
        matched.update(digest.matched)
        outcomes.update(digest.outcomes)
        answers.update(digest.answers)
    spec = context_of(request).mesh.spec
    trials: dict[str, list[object]] = {}
    for trial in try_policies(spec):
        trials.setdefault(trial.policy, []).append(trial)
    return render(
        request,
        "policies.html",
        who,
        policies=list(spec.policies.values()),
        people=spec.people,
        roster=spec.roster,
        trials=trials,
        matched=matched,
        outcomes=outcomes,
        answers=answers,
        window=days,
        windows=WINDOWS,
    )
