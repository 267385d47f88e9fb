"""A run that waits for a person costs nothing meanwhile."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine.runner.clock import SystemClock


class CountingClock(SystemClock):
    """Counts how often somebody went to sleep by it."""

    def __init__(self) -> None:
        self.sleeps = 0

    async def sleep_until(self, when: datetime) -> None:
        self.sleeps += 1
        await super().sleep_until(when)


def test_a_waiting_run_takes_no_turns(desk: Any) -> None:
    clock = CountingClock()
    run = desk.refund("620", mesh=desk.mesh().use(clock=clock))
    assert run.status == "waiting"
    with pytest.raises(lm.ApprovalError, match="refused"):
        run.approvals()[0].approve(by="mallory")  # news: the run looks, and goes back to sleep
    began, before = time.process_time(), clock.sleeps
    time.sleep(1)
    assert clock.sleeps - before <= 3
    assert time.process_time() - began < 0.5
