"""The same verbs from a shell: ``leafmesh-nb``, ``jupyter mesh``, ``python -m leafmesh_nb``.

Exit codes: 0 it went well, 1 it did not (errors in a mesh, a run that failed or waits, a broken
chain), 2 a bad flag or a file that cannot be read, 130 interrupted.
"""

from leafmesh_nb.cli.main import main

__all__ = ["main"]
