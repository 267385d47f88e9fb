"""Rows to a DataFrame whose columns and dtypes are the same with and without rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leafmesh_nb.observe.standing import caption_of

if TYPE_CHECKING:
    import pandas as pd

    from leafmesh_nb.engine.state import RunState

__all__ = ["BOOLEAN", "COUNT", "MONEY", "NUMBER", "TEXT", "TIME", "Kind", "table"]

Kind = str | tuple[str, ...]
"""The dtype of a column; a tuple is a category with these values (others are added as met)."""

TEXT: Kind = "string"
TIME: Kind = "datetime64[us, UTC]"
COUNT: Kind = "Int64"
NUMBER: Kind = "float64"
BOOLEAN: Kind = "boolean"
MONEY: Kind = "object"  # Decimal, exact; None where it is not known


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Kind],
    runs: Mapping[str, RunState] | None = None,
) -> pd.DataFrame:
    """A frame of these rows; a key that a row lacks is a missing value.

    ``runs`` puts ``status`` (of the one run, or None) into ``attrs``, and for unfinished runs
    ``as_of`` (the time of the last event, aware UTC) and ``caption``.
    """
    import pandas as pd

    frame = pd.DataFrame(
        {name: _series(pd, [row.get(name) for row in rows], kind) for name, kind in columns.items()}
    )
    if runs is not None:
        _stamp(frame, dict(runs))
    return frame


def _series(pd: Any, values: list[Any], kind: Kind) -> Any:
    if isinstance(kind, tuple):
        met = dict.fromkeys([*kind, *(value for value in values if value is not None)])
        return pd.Series(pd.Categorical(values, categories=list(met)))
    return pd.Series(values, dtype=kind)


def _stamp(frame: pd.DataFrame, runs: dict[str, RunState]) -> None:
    statuses = {state.status for state in runs.values()}
    frame.attrs["status"] = statuses.pop() if len(runs) == 1 else None
    caption = caption_of(runs)
    if caption:
        frame.attrs["as_of"] = max(state.last_at for state in runs.values())
        frame.attrs["caption"] = caption
