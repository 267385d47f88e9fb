"""The process that serves: uvicorn around the application, up to the last run that is given up.

SIGTERM and SIGINT drain: nothing new is accepted, streams end, answers in flight are waited for,
and every run is given up once its calls came back. What takes longer than ``GRACE`` is abandoned:
a call without a side effect is made again at the next start, one with a side effect is in doubt.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

import anyio
import uvicorn
from starlette.applications import Starlette

from leafmesh_nb.deploy.app import build_app
from leafmesh_nb.deploy.context import ServiceContext
from leafmesh_nb.deploy.keeper import Keeper
from leafmesh_nb.engine.runner.host import host

__all__ = ["GRACE", "Pump", "serve"]

LAST_ANSWERS = 5
GRACE = 15.0
LAST_EXPORT = 5.0
"""Seconds, one after the other, when the service is stopped: for requests in flight, for calls in
flight, for telemetry. Supervisors wait 30 altogether."""

THREADS = 100
"""For requests that read the journal or wait for a run's owner in another process."""

logger = logging.getLogger(__name__)


class Pump(Protocol):
    """What exports telemetry while the service runs."""

    def start(self) -> object: ...

    def stop(self, timeout: float) -> None: ...


def serve(
    context: ServiceContext,
    listener: socket.socket,
    *,
    pump: Pump | None = None,
    grace: float = GRACE,
) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT, then drain. Runs on the main thread."""
    app = build_app(context, lifespan=lambda app: _life(app, context, pump, grace))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=LAST_ANSWERS,
    )
    server = _Server(config, context)
    with _signals_that_end(server):
        server.run([listener])


@contextlib.asynccontextmanager
async def _life(
    app: Starlette, context: ServiceContext, pump: Pump | None, grace: float
) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    # The first page should not wait until every run was folded.
    await anyio.to_thread.run_sync(context.shelf.questions)
    keeper = Keeper(context)
    keeper.start()
    if pump is not None:
        await anyio.to_thread.run_sync(pump.start)
    context.standing.ready.set()
    try:
        yield
    finally:
        context.standing.draining.set()
        await anyio.to_thread.run_sync(keeper.stop)
        late = await anyio.to_thread.run_sync(host().drain, grace)
        for run in late:
            logger.warning("run %s had calls in flight for longer than %g s", run, grace)
        if pump is not None:
            await anyio.to_thread.run_sync(pump.stop, LAST_EXPORT)


class _Server(uvicorn.Server):
    """Says at once that it is stopping, so that streams end and do not hold the rest up."""

    def __init__(self, config: uvicorn.Config, context: ServiceContext) -> None:
        super().__init__(config)
        self._context = context

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._context.standing.draining.set()
        super().handle_exit(sig, frame)


@contextlib.contextmanager
def _signals_that_end(server: _Server) -> Iterator[None]:
    """A signal ends the service before uvicorn listens to it, too; and uvicorn, which raises it
    once more when it is done, does not end the process by it: that was an orderly end."""
    ending = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, server.handle_exit) for number in ending}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
