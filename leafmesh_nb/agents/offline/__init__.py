"""The offline model: an honest, deterministic reader of text that needs no network and no key."""

from leafmesh_nb.agents.offline.reader import read
from leafmesh_nb.agents.offline.reading import Example, Reading, UnreadableFieldError, describe
from leafmesh_nb.agents.offline.tokens import count_tokens

__all__ = ["Example", "Reading", "UnreadableFieldError", "count_tokens", "describe", "read"]
