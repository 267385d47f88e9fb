"""Several rosters: each must approve."""

from __future__ import annotations

from typing import Any

import pytest

import leafmesh_nb as lm


class TestRosters:
    TEXT = """
        mesh: vault
        people:
          ann: {roles: [keeper]}
          bob: {roles: [keeper]}
          eve: {roles: [auditor]}
        tools:
          unlock: {side_effect: true, input: {door: string}, output: {open: boolean}}
        agents:
          guard:
            role: Guard
            kind: python
            capabilities: {door.open: {input: {door: string}, output: {open: boolean}}}
            tools: [unlock]
        policies:
          keepers:
            at: tool
            rules:
              - {id: always, then: ask, to: keeper, within: 20m, reason: doors are shut}
          auditors:
            at: tool
            rules:
              - {id: always, then: ask, to: auditor, within: 5m, reason: doors are watched}
        workflows:
          enter:
            input: {door: string}
            steps:
              go: {capability: door.open, with: {door: input.door}}
            output: {open: steps.go.output.open}
        """

    @pytest.fixture
    def opened(self) -> list[str]:
        return []

    @pytest.fixture
    def run(self, desk: Any, opened: list[str]) -> Any:
        mesh = desk.mesh(self.TEXT)

        @mesh.agent("guard")
        def guard(door: str, *, ctx: Any) -> dict[str, bool]:
            return {"open": ctx.tool("unlock", door=door)["open"]}

        @mesh.tool("unlock")
        def unlock(door: str) -> dict[str, bool]:
            opened.append(door)
            return {"open": True}

        return desk.settled(desk.start(mesh, "enter", door="north"))

    def test_every_roster_must_approve(self, desk: Any, run: Any, opened: list[str]) -> None:
        first, second = run.approvals()
        assert (first.roster, second.roster) == (("ann", "bob"), ("eve",))
        assert {a.within for a in desk.bodies(run, "approval.asked")} == {300.0}
        first.approve(by="bob")
        assert run.status == "waiting"
        assert opened == []
        with pytest.raises(lm.ApprovalError, match="bob is not among those asked"):
            second.approve(by="bob")
        second.approve(by="eve")
        assert run.result(20) == {"open": True}
        assert opened == ["north"]

    def test_one_rejection_denies(self, run: Any, opened: list[str]) -> None:
        first, second = run.approvals()
        first.approve(by="ann")
        second.reject(by="eve")
        with pytest.raises(lm.RunError, match="eve rejected it"):
            run.result(20)
        assert opened == []
