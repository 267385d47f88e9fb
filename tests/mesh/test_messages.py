"""Messages to a run's owner: none is told that its run is over while it is not."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from leafmesh_nb.engine.runner.host import host


def test_one_that_is_posted_while_the_inbox_is_read_gets_its_verdict(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.refund("620")
    journal, read = run.journal, run.journal.inbox
    refused: list[BaseException] = []
    armed = threading.Event()

    def pause() -> None:
        try:
            run.pause()
        except BaseException as error:
            refused.append(error)

    def inbox(runs: Any) -> Any:
        """What the inbox held, handed over only when another message is in it."""
        found = read(runs)
        if armed.is_set():
            sender.start()
            desk.until(lambda: host()._waiting)
            armed.clear()
        return found

    sender = threading.Thread(target=pause)
    monkeypatch.setattr(journal, "inbox", inbox)
    armed.set()
    desk.until(lambda: not armed.is_set())
    sender.join(20)
    assert refused == []
    assert desk.bodies(run, "run.paused")
