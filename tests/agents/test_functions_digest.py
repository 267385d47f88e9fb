"""The digest of a function's code: it changes with what the function does, and only with that."""

from __future__ import annotations

import functools
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.agents.code import code_digest


def made(text: str) -> Callable[..., Any]:
    """The function ``f`` of a piece of code."""
    scope: dict[str, Any] = {"functools": functools}
    exec(compile(textwrap.dedent(text), "<test>", "exec"), scope)
    found: Callable[..., Any] = scope["f"]
    return found


BASE = "def f(a, b=1):\n    return a + b\n"


@pytest.mark.parametrize(
    "same",
    [
        "\n\n# a comment\ndef f(a, b=1):\n    # another\n    return a + b\n",
        "def f(a, b=1):\n\n    return (a +\n        b)\n",
        "def f(a: int, b: int = 1) -> int:\n    return a + b\n",
    ],
    ids=["comments and lines", "layout", "annotations"],
)
def test_what_does_not_change_it(same: str) -> None:
    assert code_digest(made(BASE)) == code_digest(made(same))


@pytest.mark.parametrize(
    "other",
    [
        "def f(a, b=1):\n    return a - b\n",
        "def f(a, b=2):\n    return a + b\n",
        "def f(a, *, b=1):\n    return a + b\n",
        "def f(a, b=(1, 2)):\n    return a + b\n",
        "def f(a, c=1):\n    return a + c\n",
        "def f(a, b=1):\n    return max(a, b)\n",
        "def f(a, b=1):\n    return (lambda: a + b + 0)()\n",
        "def f(a, b=1):\n    try:\n        return a + b\n    except ValueError: pass\n",
        "async def f(a, b=1):\n    return a + b\n",
        "def f(a, b=1.0):\n    return a + b\n",
        "def f(a, b=True):\n    return a + b\n",
    ],
)
def test_what_changes_it(other: str) -> None:
    assert code_digest(made(BASE)) != code_digest(made(other))


def test_a_nested_function_counts() -> None:
    text = "def f():\n    def g():\n        return {}\n    return g\n"
    assert code_digest(made(text.format(1))) != code_digest(made(text.format(2)))


def test_a_decorator_counts_and_so_does_what_it_wraps() -> None:
    text = """
    def around(g):
        @functools.wraps(g)
        def wrapper(*a):
            return g(*a) {}
        return wrapper

    @around
    def f(a):
        return a {}
    """
    digests = {code_digest(made(text.format(x, y))) for x in ("+ 1", "+ 2") for y in ("* 1", "* 2")}
    assert len(digests) == 4


def test_partials_methods_objects_and_builtins() -> None:
    def add(a: int, b: int) -> int:
        return a + b

    class Adder:
        def __call__(self, a: int) -> int:
            return a + 1

        def add(self, a: int) -> int:
            return a + 2

    one, two = functools.partial(add, 1), functools.partial(add, 2)
    assert code_digest(one) == code_digest(functools.partial(add, 1))
    assert code_digest(one) != code_digest(two)
    assert code_digest(functools.partial(add, b=1)) != code_digest(functools.partial(add, b=2))
    assert code_digest(Adder()) == code_digest(Adder())
    assert len({code_digest(f) for f in (Adder(), Adder().add, add, one, print, len)}) == 6


PROGRAM = """
from leafmesh_nb.agents.code import code_digest

class Thing: ...

def f(a, b=Thing(), c={"x", "y", "z"}, d={"k": [1, 2.5]}, e=len, *, g=print):
    return a in {"p", "q", "r"}

print(code_digest(f))
"""


def test_it_is_the_same_in_every_process() -> None:
    """No address in memory and no order of a set gets into it."""
    found = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 16
