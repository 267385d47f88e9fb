"""What a text must be before it is read as YAML: small enough, clean, and without secrets."""

from __future__ import annotations

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.source import Source, forbidden_characters

__all__ = ["MAX_BYTES", "admit"]

MAX_BYTES = 2_000_000

_MOST_TOLD = 20
_UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")
"""The byte order marks of UTF-16, as text that was read as UTF-8 shows them."""


def admit(source: Source, collector: Collector) -> bool:
    """Whether a text may be read; whatever is wrong with it is reported."""
    for secret in source.secrets:
        span = source.span(secret.start, secret.end)
        collector.error(
            "LM601",
            f"This looks like {secret.what}: a mesh must not contain a secret.",
            span,
            "Put it into an environment variable and write that one's name, as in `api_key_env: "
            "OPENAI_API_KEY`. Withdraw it where it was issued if this text was saved or shared.",
        )
        collector.close(span)
        if secret.owner >= 0:  # a key that there is none of would be a second error of one cause
            collector.close(source.span(secret.owner, secret.end))
    if source.marked:
        collector.warning(
            "LM106",
            "The text starts with a byte order mark, which is skipped.",
            Span(1, 1, 1, 2),
            "Save it as UTF-8 without BOM.",
        )
    forbidden = list(forbidden_characters(source))
    if len(forbidden) > _MOST_TOLD:
        _no_text(source, collector, forbidden[0][0], len(forbidden))
        return False
    for span, what in forbidden:
        collector.error("LM106", f"There is {what} here.", span, "Remove it.")
    if forbidden:
        return False
    if len(source.text) > MAX_BYTES or len(source.text.encode()) > MAX_BYTES:
        collector.error(
            "LM102",
            f"The text is larger than {MAX_BYTES // 1_000_000} MB.",
            Span(1, 1, 1, 2),
            "A mesh describes agents and rules; long texts belong in files that they read.",
        )
        return False
    return True


def _no_text(source: Source, collector: Collector, first: Span, count: int) -> None:
    """Say once of all of it that it is written in another encoding, or is no text at all."""
    zeros = source.text.count("\0")
    if source.text.startswith(_UTF_16) or 3 * zeros > len(source.text):
        collector.error("LM106", "This is UTF-16, and a mesh is UTF-8.", first, "Save it as UTF-8.")
        return
    collector.error(
        "LM106",
        f"This is not a text in UTF-8: {count:,} characters are none that a mesh may hold, the "
        "first of them here.",
        first,
        "Save it as UTF-8, or take the file that was meant.",
    )
