"""The quickstart that travels with the package: a notebook and its tickets."""

from leafmesh_nb.quickstart.files import tickets

__all__ = ["tickets"]
