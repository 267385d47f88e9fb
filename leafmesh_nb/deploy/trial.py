"""Whether a release runs in a fresh process: asked of one, not guessed.

``python -P -m leafmesh_nb.deploy.trial FOLDER`` imports everything of a release, binds it, and
prints the digests of its functions as JSON, or what went wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from leafmesh_nb.deploy.release import Built
from leafmesh_nb.errors import LeafmeshError, MeshError

__all__ = ["try_release"]

SECONDS = 120


def try_release(built: Built) -> None:
    """Import a release in a fresh process, in an empty folder.

    Raises MeshError naming what cannot be imported, and what a module has as other code than is
    bound here: it was changed after it was imported.
    """
    folder = built.place
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
    here, there = built.mesh.agents().digests(), found["digests"]
    # Not those of the notebook itself: their text is what was carried. (Where it came from a script
    # that %run ran, its code may be another: a script is compiled whole, a cell by statements.)
    other = [owner for owner in built.of_modules if there.get(owner) != here.get(owner)]
    if other:
        names = ", ".join(owner.replace(":", " ") for owner in other)
        raise MeshError(
            f"a fresh process has other code for {names}: reload the modules that define it, bind "
            "it again, then deploy"
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
