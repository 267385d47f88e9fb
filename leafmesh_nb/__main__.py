"""``python -m leafmesh_nb``."""

import sys

from leafmesh_nb.cli import main

sys.exit(main())
