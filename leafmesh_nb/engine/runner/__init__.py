"""The part of the engine that touches time: it performs effects and appends what came of them."""

from leafmesh_nb.engine.runner.execution import Execution
from leafmesh_nb.engine.runner.host import Host, host

__all__ = ["Execution", "Host", "host"]
