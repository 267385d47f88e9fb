"""The process that serves: uvicorn around the application."""

from __future__ import annotations

import uvicorn

from leafmesh_nb.deploy.app import build_app
from leafmesh_nb.deploy.context import ServiceContext

__all__ = ["serve"]


def serve(context: ServiceContext, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = uvicorn.Config(build_app(context), host=host, port=port, log_level="warning")
    uvicorn.Server(config).run()
