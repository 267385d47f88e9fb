"""What several tests of expressions need: the writer of random ones."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def writing() -> ModuleType:
    """``expression_writer.py``, which is no module of a package."""
    path = Path(__file__).with_name("expression_writer.py")
    spec = importlib.util.spec_from_file_location("expression_writer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
