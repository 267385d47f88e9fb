"""What a text must be before it is read as YAML: small enough, clean, and without secrets."""

from __future__ import annotations

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.secret_texts import find_secrets
from leafmesh_nb.language.source import Source, forbidden_characters

__all__ = ["MAX_BYTES", "admit"]

MAX_BYTES = 2_000_000


def admit(source: Source, collector: Collector) -> bool:
    """Whether a text may be read; whatever is wrong with it is reported."""
    for secret in find_secrets(source.text):
        span = source.span(secret.start, secret.end)
        collector.error(
            "LM601",
            f"This looks like {secret.what}: a mesh must not contain a secret.",
            span,
            "Take it out, and withdraw it where it was issued if this text was saved or shared. "
            "Keys belong in environment variables.",
        )
        collector.close(span)
    if source.marked:
        collector.warning(
            "LM106",
            "The text starts with a byte order mark, which is skipped.",
            Span(1, 1, 1, 2),
            "Save it as UTF-8 without BOM.",
        )
    clean = True
    for span, what in forbidden_characters(source):
        collector.error("LM106", f"There is {what} here.", span, "Remove it.")
        clean = False
    if not clean:
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
