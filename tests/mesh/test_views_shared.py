"""What views show of memory of scope mesh: its writes, and no secret that another run wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest

import leafmesh_nb as lm

TEXT = """
    mesh: office
    memory:
      vault: {type: string or null, sensitivity: secret, scope: mesh}
      motto: {type: string or null, scope: mesh}
    agents:
      reader:
        role: Reader
        kind: python
        capabilities:
          vault.read: {input: {}, output: {said: string}}
        memory: {read: [vault]}
    workflows:
      put:
        input: {key: string, motto: string}
        save: {vault: input.key, motto: input.motto}
        steps:
          a: {capability: vault.read}
        output: {said: steps.a.output.said}
      get:
        steps:
          a: {capability: vault.read}
        output: {said: steps.a.output.said}
    """
KEY = "SuperSecretVaultKey-42"


@pytest.fixture
def runs(desk: Any) -> tuple[Any, Any]:
    """A run that wrote the vault, and one that read it."""
    mesh = desk.mesh(TEXT)
    mesh.agent("reader")(lambda ctx: {"said": f"the vault is {ctx.memory.vault}"})
    put = desk.start(mesh, "put", key=KEY, motto="be kind")
    put.result(20)
    get = desk.start(mesh, "get")
    assert get.result(20)["said"] == f"the vault is {KEY}"
    return put, get


def shown(run: Any) -> dict[str, str]:
    """Every view, as text."""
    bundle = run._repr_mimebundle_()
    frames = ("events", "calls", "decisions", "memory", "audit", "handoffs", "routing", "costs")
    return {
        **{name: getattr(run, name)().to_csv() for name in frames},
        "chart": run.chart("timeline").to_json(),
        "card": json.dumps(run.card(), default=str),
        "html": bundle["text/html"] + bundle["text/plain"],
    }


def test_a_secret_that_another_run_wrote_is_masked(runs: tuple[Any, Any]) -> None:
    _, get = runs
    views = shown(get)
    assert [name for name, text in views.items() if KEY in text] == []
    assert "the vault is •••" in views["html"]


def test_a_live_card_learns_it_while_it_runs(runs: tuple[Any, Any]) -> None:
    from leafmesh_nb.observe.card import CardState

    _, get = runs
    late: list[Any] = []
    card = CardState(get.spec, get.workflow, get.id, shared=lambda after: late[after:])
    *first, last = get.recorded()
    card.apply(first)
    assert KEY in json.dumps(card.snapshot())
    late.extend(get.shared_events())
    card.apply([last])
    assert KEY not in json.dumps(card.snapshot())


def test_writes_of_scope_mesh_stand_in_the_memory_view(runs: tuple[Any, Any]) -> None:
    put, get = runs
    rows = {row["field"]: row for row in put.memory().to_dict("records")}
    assert rows["motto"]["value"] == "be kind"
    assert rows["vault"]["value"] == "•••"
    assert len(put.memory()) == 2
    assert get.memory().empty


def test_a_long_error_is_masked_before_it_is_shortened(desk: Any) -> None:
    mesh = desk.mesh(TEXT)

    def fails(ctx: Any) -> Any:
        raise ValueError("x" * 990 + ctx.memory.vault)

    mesh.agent("reader")(fails)
    run = desk.start(mesh, "put", key=KEY, motto="be kind")
    with pytest.raises(lm.RunError, match="x•••") as failed:
        run.result(20)
    texts = {**shown(run), "raised": str(failed.value)}
    assert [name for name, text in texts.items() if "SuperSec" in text] == []


def test_an_error_that_says_much_is_raised_short(desk: Any) -> None:
    mesh = desk.mesh(TEXT)

    def fails(ctx: Any) -> Any:
        raise ValueError("y" * 50_000)

    mesh.agent("reader")(fails)
    run = desk.start(mesh, "put", key=KEY, motto="be kind")
    with pytest.raises(lm.RunError, match="more characters") as failed:
        run.result(20)
    assert len(str(failed.value)) < 10_000
    assert 20_000 <= len(run.error["message"]) < 21_000
