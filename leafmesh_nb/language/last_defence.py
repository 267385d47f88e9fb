"""The last line of defence: an exception that nobody foresaw, as one message."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from leafmesh_nb.language.diagnostics import Diagnostic
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.secret_texts import mask

__all__ = ["fault", "fault_of"]

_PACKAGE = Path(__file__).parents[1]
_LONGEST = 300
_REPORT = (
    "Please report it, with the text that shows it. LEAFMESH_DEBUG=1 shows the traceback in a "
    'shell; logging.basicConfig(level="DEBUG") in a notebook.'
)


def fault_of(error: Exception) -> str:
    """What to say of ``error`` where it would else be a traceback: a sentence without its end."""
    # A user gets a sentence; who mends it turns the log on for the traceback.
    logging.getLogger("leafmesh_nb").debug("a fault of leafmesh_nb", exc_info=error)
    said = str(error).strip().split("\n")[0][:_LONGEST]
    ours = [
        f"{Path(frame.filename).relative_to(_PACKAGE.parent).as_posix()}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    what = ": ".join(filter(None, (type(error).__name__, said)))
    where = f" ({ours[-1]})" if ours else ""
    return mask(f"This is a fault of leafmesh_nb, not of what you wrote: {what}{where}")


def fault(error: Exception, source: str) -> Diagnostic:
    """The same about a text, named by ``source``, that was being looked at."""
    return Diagnostic("LM198", "error", f"{fault_of(error)}.", Span(1, 1, 1, 2), _REPORT, source)
