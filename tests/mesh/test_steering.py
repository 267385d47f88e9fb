"""Steps one at a time, pauses, and what listens meanwhile."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.mesh import settings
from leafmesh_nb.mesh.run import Run


class TestPaused:
    def test_result_of_a_paused_run_says_how_to_go_on(self, desk: Any, door: Any) -> None:
        door.open.set()
        mesh = desk.mesh(desk.SLOW)
        mesh.agent("slow")(door)
        run = desk.start(mesh, "go", n=1, step=True)
        assert run.status == "paused"
        with pytest.raises(lm.RunError) as caught:
            run.result(20)
        assert "is paused; go on with run.resume(), or one step with run.step()" in str(
            caught.value
        )

        async def wait() -> Any:
            return await run

        with pytest.raises(lm.RunError, match="is paused"):
            asyncio.run(wait())
        run.resume()
        assert run.result(20) == {"n": 1}

    def test_one_step_at_a_time(self, desk: Any, door: Any) -> None:
        door.open.set()
        mesh = desk.mesh(desk.SLOW)
        mesh.agent("slow")(door)
        run = desk.start(mesh, "go", n=1, step=True)
        ends = []
        for _ in range(2):
            run.step()
            ends.append((run.status, len(desk.bodies(run, "step.ended"))))
        assert ends == [("paused", 1), ("done", 2)]
        assert run.result(20) == {"n": 1}
        with pytest.raises(lm.RunError, match=r"cannot step: it has ended \(done\)"):
            run.step()

    def test_pause_lets_a_step_end_and_starts_no_other(
        self, desk: Any, slow: Run, door: Any
    ) -> None:
        assert door.reached.wait(20)
        slow.pause()
        door.open.set()
        desk.until(lambda: len(desk.bodies(slow, "step.ended")) == 1)
        assert slow.status == "paused"
        slow.resume()
        assert slow.result(20) == {"n": 1}

    @pytest.mark.parametrize("verb", ["pause", "cancel"])
    def test_what_has_ended_cannot_be_steered(self, slow: Run, door: Any, verb: str) -> None:
        door.open.set()
        slow.result(20)
        with pytest.raises(lm.RunError, match=rf"cannot {verb}: it has ended \(done\)"):
            getattr(slow, verb)()
        slow.resume()
        assert slow.status == "done"


class TestListeners:
    @pytest.mark.faulty
    def test_a_listener_that_fails_stops_no_run(
        self, slow: Run, door: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(_: Any) -> None:
            raise ValueError("a view is broken")

        slow.subscribe(broken)
        door.open.set()
        assert slow.result(20) == {"n": 1}
        assert "a view is broken" in caplog.text

    @pytest.mark.faulty
    def test_a_run_that_cannot_be_shown_goes_on(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(_: Run) -> None:
            raise ValueError("no front end")

        monkeypatch.setattr(settings, "_on_start", [broken])
        assert desk.refund("50").result(20)["paid"] == Decimal(50)
        assert "no front end" in caplog.text

    def test_a_listener_cannot_wait_for_its_run(self, slow: Run, door: Any) -> None:
        said: list[str] = []

        def waits(_: Any) -> None:
            for wait in (slow.result, slow.cancel):
                try:
                    wait()
                except lm.RunError as error:
                    said.append(str(error))

        stop = slow.subscribe(waits)
        door.open.set()
        assert slow.result(20) == {"n": 1}
        stop()
        assert "from inside the engine" in said[0]
        assert "from inside the engine" in said[1]
