"""``python: "module:function"``, read without an import."""

from __future__ import annotations

import inspect
import sys
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest

from leafmesh_nb.compose.hints import Unknown, typed_dict_fields
from leafmesh_nb.compose.references import find

SHOP = '''
"""A shop."""
from __future__ import annotations
import datetime as dt
from decimal import Decimal
from typing import Any, Literal, NotRequired, TypedDict
import somewhere_else

raise SystemExit("importing this module would end the process")

Tier = Literal["basic", "gold"]
LIMIT = 100


class Base(TypedDict):
    amount: Decimal


class Quote(Base, total=False):
    note: str
    day: dt.date


class Record:
    amount: Decimal


class Foreign(somewhere_else.Model):
    amount: Decimal


def plain(ticket: str, amount: Decimal, tier: Tier, *, ctx: Any = None) -> Quote: ...
async def slow(a, /, b: "int" = 3, *rest, c: somewhere_else.Thing, **more: str) -> Record: ...
@somewhere_else.wrapped
def decorated(ticket: str) -> Quote: ...
lazy = somewhere_else.make()
if LIMIT:
    def maybe(ticket: str) -> Quote: ...
def foreign() -> Foreign: ...
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a_shop.py").write_text(SHOP)
    (tmp_path / "a_pack").mkdir()
    (tmp_path / "a_pack" / "__init__.py").write_text("raise SystemExit(1)")
    (tmp_path / "a_pack" / "inner.py").write_text("def go(x: int) -> str: ...\n")
    return tmp_path


def signature(name: str, folder: Path) -> inspect.Signature:
    found = find(name, folder)
    assert found.state == "found", found
    assert found.function is not None
    return inspect.signature(found.function)


def test_a_function_is_found_where_an_import_would_find_it(folder: Path) -> None:
    found = find("a_shop:plain", folder)
    assert found.place == "a_shop.py, line 32"
    read = signature("a_shop:plain", folder)
    assert list(read.parameters) == ["ticket", "amount", "tier", "ctx"]
    assert read.parameters["amount"].annotation is Decimal
    assert read.parameters["tier"].annotation == Literal["basic", "gold"]
    fields = typed_dict_fields(read.return_annotation)
    assert fields is not None
    assert {name: needed for name, (_, needed) in fields.items()} == {
        "amount": True,
        "note": False,
        "day": False,
    }
    assert "a_shop" not in sys.modules


def test_every_kind_of_parameter_is_read(folder: Path) -> None:
    read = signature("a_shop:slow", folder).parameters
    kinds = [p.kind.name for p in read.values()]
    assert kinds == [
        "POSITIONAL_ONLY",
        "POSITIONAL_OR_KEYWORD",
        "VAR_POSITIONAL",
        "KEYWORD_ONLY",
        "VAR_KEYWORD",
    ]
    assert read["b"].default is not inspect.Parameter.empty
    assert read["b"].annotation is int
    assert read["c"].annotation is Unknown
    assert read["more"].annotation is str
    result = signature("a_shop:slow", folder).return_annotation
    assert isinstance(result, type)
    assert result.__name__ == "Record"
    assert signature("a_shop:foreign", folder).return_annotation is Unknown


def test_the_packages_above_a_module_are_not_run(folder: Path) -> None:
    assert list(signature("a_pack.inner:go", folder).parameters) == ["x"]
    assert "a_pack" not in sys.modules


@pytest.mark.parametrize(
    ("name", "state", "why"),
    [
        ("no_such_module_here:go", "absent", "no module no_such_module_here"),
        ("a_pack.nothing:go", "absent", "no module a_pack.nothing"),
        ("a_shop:gone", "broken", "no function `gone`"),
        ("a_shop:Quote", "unread", "no plain function"),
        ("a_shop:lazy", "unread", "no plain function"),
        ("a_shop:maybe", "unread", "no plain function"),
        ("a_shop:decorated", "unread", "decorated"),
        ("a_shop.deeper:go", "absent", "no module a_shop.deeper"),
    ],
)
def test_what_cannot_be_read_says_why(folder: Path, name: str, state: str, why: str) -> None:
    found = find(name, folder)
    assert found.state == state, found
    assert why in found.why
    assert found.function is None


@pytest.mark.parametrize(
    ("text", "state", "why"),
    [
        ("def go(:", "broken", "no valid Python (b_shop.py, line 1"),
        ("x = '\0'", "broken", "no valid Python"),
        ("from elsewhere import *", "unread", "when it is imported"),
        ("def __getattr__(name): ...", "unread", "when it is imported"),
        ("try:\n    from x import go\nexcept ImportError:\n    go = None", "unread", "plain"),
        ("import os as go", "unread", "plain function"),
        ("'invalid \\d escape'\ndef go(): ...", "found", ""),
        ("# coding: latin-1\ndef go(): '\xe4'", "found", ""),
        ("", "broken", "no function `go`"),
    ],
)
def test_modules_of_every_kind(tmp_path: Path, text: str, state: str, why: str) -> None:
    (tmp_path / "b_shop.py").write_bytes(text.encode("latin-1"))
    found = find("b_shop:go", tmp_path)
    assert found.state == state, found
    assert why in found.why


def test_a_module_that_is_there_already_is_looked_at_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c_shop.py").write_text(
        textwrap.dedent(
            """
            def go(x: int) -> str: ...
            NUMBER = 7
            """
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import c_shop  # type: ignore[import-not-found]

    monkeypatch.setitem(sys.modules, "c_shop", c_shop)
    try:
        assert find("c_shop:go").function is c_shop.go
        assert find("c_shop:NUMBER").state == "broken"
        assert find("c_shop:gone").state == "broken"
        c_shop.__getattr__ = lambda name: None
        assert find("c_shop:gone").state == "unread"
    finally:
        sys.modules.pop("c_shop", None)


def test_the_folder_of_a_mesh_stands_before_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, type in (("beside", "str"), ("here", "int"), ("installed", "bytes")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "d_shop.py").write_text(f"def go(x: {type}) -> str: ...\n")
    beside, here, installed = (str(tmp_path / name) for name in ("beside", "here", "installed"))
    monkeypatch.chdir(here)
    outside = [place for place in sys.path if place not in ("", here)]

    def taken(*path: str) -> Any:
        monkeypatch.setattr(sys, "path", [*path, *outside])
        function: Any = find("d_shop:go").function
        return inspect.signature(function).parameters["x"].annotation

    assert taken(beside, here, installed) is str
    assert taken(beside, "") is str
    assert taken("", installed) is int
    assert taken(installed) is int, "a run puts the working directory first"
    assert taken() is int


def test_a_stand_in_is_never_called(folder: Path) -> None:
    function: Any = find("a_shop:plain", folder).function
    with pytest.raises(NotImplementedError, match="never called"):
        function()
