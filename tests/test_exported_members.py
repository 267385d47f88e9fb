"""The public surface: a sorted list, whose every change is a decision."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import leafmesh_nb as lm

MEMBERS = [
    "AgentError",
    "Approval",
    "ApprovalError",
    "BudgetError",
    "ConflictError",
    "InDoubtError",
    "JournalError",
    "LeafmeshError",
    "MemoryScopeError",
    "Mesh",
    "MeshError",
    "NotDoneError",
    "OwnershipError",
    "PolicyDenied",
    "Route",
    "RoutingError",
    "Run",
    "RunError",
    "__version__",
    "approvals",
    "export",
    "resume",
    "runs",
    "testing",
    "verify",
]

MESH = [
    "agent",
    "agents",
    "begin",
    "check",
    "check_bound",
    "from_file",
    "from_yaml",
    "functions",
    "name",
    "of_run",
    "ports",
    "route",
    "start",
    "take",
    "take_functions",
    "test",
    "tool",
    "use",
]

RUN = [
    "abandoned",
    "answer",
    "approvals",
    "audit",
    "calls",
    "cancel",
    "card",
    "carry",
    "chart",
    "costs",
    "decisions",
    "error",
    "events",
    "fork",
    "functions",
    "handoffs",
    "id",
    "is_over",
    "live_owner",
    "masker",
    "memory",
    "origin",
    "output",
    "owned_here",
    "patch",
    "pause",
    "recorded",
    "requester",
    "result",
    "resume",
    "rewind",
    "routing",
    "shared_events",
    "spec",
    "status",
    "step",
    "subscribe",
    "under_way",
    "when_over",
    "workflow",
]

APPROVAL = [
    "approve",
    "due",
    "edit",
    "escalate",
    "id",
    "options",
    "point",
    "policy",
    "reason",
    "reject",
    "roster",
    "rule",
    "step",
    "subject",
    "to",
    "value",
    "values",
]


def public(of: type) -> list[str]:
    return sorted(name for name in dir(of) if not name.startswith("_"))


def test_of_the_package() -> None:
    assert lm.__all__ == MEMBERS
    assert sorted(MEMBERS) == MEMBERS
    assert dir(lm) == MEMBERS
    for name in MEMBERS:
        assert getattr(lm, name) is not None


@pytest.mark.parametrize(
    ("of", "members"), [(lm.Mesh, MESH), (lm.Run, RUN), (lm.Approval, APPROVAL)]
)
def test_of_its_classes(of: type, members: list[str]) -> None:
    assert public(of) == members


def test_of_the_fakes() -> None:
    assert lm.testing.__all__ == ["FixedClock", "ScriptedApprover", "ScriptedModel"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Msh'"):
        lm.Msh  # noqa: B018


@pytest.mark.parametrize("name", [name for name in MEMBERS if name not in ("__version__",)])
def test_every_member_says_what_it_is(name: str) -> None:
    assert (inspect.getdoc(getattr(lm, name)) or "").strip()


def test_every_public_method_says_what_it_does() -> None:
    for of in (lm.Mesh, lm.Run, lm.Approval, *(getattr(lm.testing, n) for n in lm.testing.__all__)):
        for name in public(of):
            assert inspect.getdoc(getattr(of, name)), f"{of.__name__}.{name}"


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, leafmesh_nb\n"
        "heavy = {'pandas', 'plotly', 'lark', 'IPython', 'anywidget', 'opentelemetry', 'sqlite3',\n"
        "         'genai_prices', 'asyncio', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
