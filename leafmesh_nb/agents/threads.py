"""Where agents' functions run: daemon threads, reused and never waited for, and one event loop.

Starting a thread costs more than a step (100 µs and more). A function that hangs keeps its thread
and nothing else: daemon threads do not block the interpreter's exit, as an executor's would.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

from leafmesh_nb.agents.inside import agent_thread

__all__ = ["agents_loop", "doubt_loop", "run_on_thread"]

IDLE = 16
"""Threads kept for later; more are started when more functions run at once."""

_guard = threading.Lock()
_idle: list[_Worker] = []


class _Worker:
    """A thread that runs what it is handed, one piece after the other."""

    def __init__(self) -> None:
        self._mail: SimpleQueue[Callable[[], None]] = SimpleQueue()
        agent_thread(self._serve, "leafmesh-agent").start()

    def hand(self, work: Callable[[], None]) -> None:
        self._mail.put(work)

    def _serve(self) -> None:
        while True:
            work = self._mail.get()
            work()
            del work  # what it holds must not wait for the next piece
            with _guard:
                if len(_idle) >= IDLE:
                    return
                _idle.append(self)


def run_on_thread(work: Callable[[], None]) -> None:
    """Run ``work``, which must not raise, on a thread that nobody waits for."""
    with _guard:
        worker = _idle.pop() if _idle else None
    (worker or _Worker()).hand(work)


class _Loop:
    """The loop of coroutine functions. ``doubted``: one of them was given up, and may block it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.doubted = False
        agent_thread(self.loop.run_forever, "leafmesh-agents").start()

    def trust(self) -> None:
        self.doubted = False


_loop: _Loop | None = None


def agents_loop() -> asyncio.AbstractEventLoop:
    """The loop for coroutine functions: a new one when the last may be blocked for good."""
    global _loop
    with _guard:
        if _loop is None or _loop.doubted:
            _loop = _Loop()
        return _loop.loop


def doubt_loop(loop: asyncio.AbstractEventLoop) -> None:
    """A coroutine on ``loop`` was given up: trust the loop again only once it shows life."""
    with _guard:
        if _loop is not None and _loop.loop is loop:
            _loop.doubted = True
            loop.call_soon_threadsafe(_loop.trust)


def _in_child() -> None:
    """Threads do not survive a fork."""
    global _guard, _loop
    _guard = threading.Lock()
    _idle.clear()
    _loop = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
