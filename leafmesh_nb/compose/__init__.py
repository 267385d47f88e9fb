"""Is a mesh ready to ship? Six layers look at it, each a module, and say so in one report.

    report = mesh.check()        Report(layers=(schema, types, policy, safety, cost, output))
    report.ok                    no error; warnings and what is not proven are shown

Layers 1 to 5 read the text and the signatures of bound functions; they run nothing of the mesh and
import none of its modules. Only ``output`` runs something, through the ``run_sample`` that it is
handed. What a layer could not prove it says, with what would prove it: it is then ``not proven``,
never green.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leafmesh_nb.compose.pipeline import check as check
    from leafmesh_nb.compose.report import LAYERS as LAYERS
    from leafmesh_nb.compose.report import LayerReport as LayerReport
    from leafmesh_nb.compose.report import Report as Report
    from leafmesh_nb.compose.subject import SampleRun as SampleRun
    from leafmesh_nb.compose.subject import Subject as Subject

_HOMES = {
    "LAYERS": "report",
    "LayerReport": "report",
    "Report": "report",
    "SampleRun": "subject",
    "Subject": "subject",
    "check": "pipeline",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
