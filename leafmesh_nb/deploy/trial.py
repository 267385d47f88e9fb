"""Whether a release runs in a fresh process: asked of one, not guessed.

``python -P -m leafmesh_nb.deploy.trial FOLDER`` imports everything of a release, binds it, and
prints the digests of its functions as JSON, or what went wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from leafmesh_nb.errors import LeafmeshError, MeshError

__all__ = ["try_release"]

SECONDS = 120


def try_release(folder: Path, digests: Mapping[str, str]) -> None:
    """Import a release in a fresh process, in an empty folder.

    ``digests`` are those of the functions as they are bound here. Raises MeshError naming what
    cannot be imported, and what came out as other code than it is here.
    """
    with tempfile.TemporaryDirectory(prefix="leafmesh-") as empty:
        try:
            tried = subprocess.run(
                [sys.executable, "-P", "-m", __name__, str(folder.resolve())],
                capture_output=True,
                text=True,
                cwd=empty,
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MeshError(
                f"importing the release {folder} takes longer than {SECONDS} s; a module must not "
                "wait when it is imported"
            ) from None
    lines = tried.stdout.strip().splitlines()
    try:
        found = json.loads(lines[-1])
    except (IndexError, ValueError):
        said = tried.stderr.strip()[-500:] or f"exit {tried.returncode}"
        raise MeshError(f"the release {folder} cannot be tried: {said}") from None
    if "error" in found:
        raise MeshError(f"a fresh process cannot import the release: {found['error']}")
    other = sorted(owner for owner, was in digests.items() if found["digests"].get(owner) != was)
    if other:
        names = ", ".join(owner.replace(":", " ") for owner in other)
        raise MeshError(
            f"a fresh process has other code for {names}: run the cells or reload the modules that "
            "define it, then deploy again"
        )


def _main(folder: str) -> int:
    from leafmesh_nb.deploy.release import at

    try:
        found: dict[str, object] = {"digests": at(folder).mesh.agents().digests()}
    except LeafmeshError as error:
        found = {"error": str(error)}
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
