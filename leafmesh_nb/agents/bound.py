"""The agents of one mesh behind the engine's port: its functions and its models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from leafmesh_nb.agents.functions import Functions
from leafmesh_nb.engine.ports import Model
from leafmesh_nb.errors import RoutingError
from leafmesh_nb.language.spec import Spec

__all__ = ["BoundAgents"]


class BoundAgents(Functions):
    """Functions, and models by name. ``models`` replaces what the mesh declares, by name."""

    def __init__(
        self,
        spec: Spec,
        bound: Mapping[str, Callable[..., Any]],
        models: Mapping[str, Model] | None = None,
    ) -> None:
        super().__init__(spec, bound)
        self._models: dict[str, Model] = dict(models or {})

    def model(self, name: str) -> Model:
        """The model of that name; one that only other versions can run is an error."""
        known = self._models.get(name)
        if known is None:
            declared = self._spec.models[name]
            if declared.provider != "offline":
                raise RoutingError(f"model {name}: provider {declared.provider} is not available")
            from leafmesh_nb.agents.offline_model import OfflineModel

            known = self._models[name] = OfflineModel()
        return known
