"""The package is there at once; the parsers come with the first text."""

from __future__ import annotations

import subprocess
import sys

import pytest

import leafmesh_nb.language as language

CODE = """
import sys
import leafmesh_nb.language as language
loaded = {"lark", "yaml", "leafmesh_nb.language.build"} & set(sys.modules)
assert not loaded, loaded
assert language.parse("mesh: a").spec.mesh == "a"
assert "yaml" in sys.modules
assert callable(language.parse), "a submodule must not hide the function"
assert callable(language.load)
"""


def test_nothing_is_imported_before_a_text() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True)


def test_the_public_names() -> None:
    assert list(dir(language)) == sorted(language.__all__)
    for name in language.__all__:
        assert getattr(language, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = language.nothing
