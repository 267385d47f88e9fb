"""Sentence by sentence, what the language says of the YAML that it reads."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.language import parse
from leafmesh_nb.language.diagnostics import Collector, Diagnostic
from leafmesh_nb.language.nodes import Node
from leafmesh_nb.language.plain import plain
from leafmesh_nb.language.reader import MAX_DEPTH, MAX_NODES, read
from leafmesh_nb.language.source import Source


def tree(text: str) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    collector = Collector(Source(text, "cell"))
    return read(collector.source, collector), collector.finish()


def told(text: str) -> list[tuple[str, int, int]]:
    return [(d.code, d.span.line, d.span.column) for d in tree(text)[1]]


def value(text: str) -> Any:
    node, found = tree(text)
    assert node is not None
    assert [str(d) for d in found if d.severity == "error"] == []
    return plain(node)


# -- "YAML is read as 1.2: `no` is text (with a warning), `12:30` is text, `010` is ten."


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("no", "no"), ("12:30", "12:30"), ("010", 10), ("0o10", 8), ("0x10", 16), ("=", "="),
        ("+.5", Decimal("0.5")), ("-.5e-3", Decimal("-0.0005")), ("1E+5", Decimal("1E+5")),
        (".e5", ".e5"), ("++1", "++1"), ("0o8", "0o8"), ("0x", "0x"), ("+0x1F", "+0x1F"), ("00", 0),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"), ("1_000", "1_000"),
        ("2001-12-14", "2001-12-14"), ("١٢", "١٢"), ("y", "y"), ("tRue", "tRue"), ("NULL", None),
        ("nUll", "nUll"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(written: str, read_as: object) -> None:
    got = value(f"a: {written}")["a"]
    assert (type(got), got) == (type(read_as), read_as)


def test_keys_are_texts_as_they_are_written() -> None:
    text = "1: a\n01: b\n~: c\ntrue: d\nno: e\n"
    assert value(text) == {"1": "a", "01": "b", "~": "c", "true": "d", "no": "e"}


@pytest.mark.parametrize("number", [".inf", "+.Inf", "-.INF", ".nan", ".NaN", "1e301", "1" * 301])
def test_what_is_no_number_of_a_mesh(number: str) -> None:
    assert told(f"a: {number}") == [("LM123", 1, 4)]


# -- "Duplicate keys, tags, anchors, aliases, tabs as indentation, more than 50 levels, 2 MB or
#     100,000 nodes are errors with a position."


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("a: 1\n'a': 2", [("LM108", 2, 1)]),
        ("{a: 1, a: 2, a: 3}", [("LM108", 1, 8), ("LM108", 1, 14)]),
        ("!x a: 1", [("LM109", 1, 1)]),
        ("!!str a: 1", [("LM109", 1, 1)]),
        ("a: !<tag:x> b", [("LM109", 1, 4)]),
        ("a: !!set {b}", [("LM109", 1, 4)]),
        ("a: &x {b: 1}", [("LM120", 1, 4)]),
        ("&x a: 1", [("LM120", 1, 1)]),
        ("*x : 1", [("LM120", 1, 1)]),
        ("a: &x 1\nb: *x", [("LM120", 1, 4), ("LM120", 2, 4)]),
        ("a: &x *y", [("LM120", 1, 4)]),
        ("<<: *x", [("LM120", 1, 1)]),
        ("<<: [*x, {a: *y}]", [("LM120", 1, 1)]),
        ("{a: b, <<: c}", [("LM120", 1, 8)]),
        ("\ta: b", [("LM107", 1, 1)]),
        ("a:\n \tb: 1", [("LM107", 2, 2)]),
        ("a: [\n\t1,\n\t2]", [("LM107", 2, 1), ("LM107", 3, 1)]),
        ("%TAG ! tag:x\n---\na: 1", [("LM105", 1, 1)]),
        ("a: 1\n---\nb: 1", [("LM105", 2, 1)]),
        ("a: 1\n...\nb: 1", [("LM101", 3, 1)]),
        ("? [a]\n: b", [("LM121", 1, 3)]),
        (": b", [("LM101", 1, 1)]),
    ],
)
def test_what_is_refused_is_told_with_its_place(
    text: str, codes: list[tuple[str, int, int]]
) -> None:
    assert told(text) == codes


def test_a_merge_key_with_quotes_is_a_key() -> None:
    assert value("'<<': 1") == {"<<": 1}


def test_tabs_that_are_no_indentation_are_left_alone() -> None:
    assert value("a:\tb\t# c\nc: 'x\n\ty'") == {"a": "b", "c": "x y"}


def test_as_deep_as_allowed_and_one_more() -> None:
    deep = "".join("  " * i + "a:\n" for i in range(MAX_DEPTH - 1))
    at = "  " * (MAX_DEPTH - 1)
    assert told(f"{deep}{at}a: 1\n") == []
    assert told(f"{deep}{at}a:\n{at}  a: 1\n") == [("LM103", MAX_DEPTH + 1, 2 * MAX_DEPTH + 1)]


def test_as_many_as_allowed_and_one_more() -> None:
    assert told("[" + "1," * (MAX_NODES - 1) + "]") == []
    assert [code for code, _, _ in told("[" + "1," * MAX_NODES + "]")] == ["LM104"]


def test_two_million_bytes_and_one_more() -> None:
    assert told("a: " + "b" * 1_999_997) == []
    assert told("a: " + "b" * 1_999_998) == [("LM102", 1, 1)]


# -- What may surround it, and where things are


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "# x", "---", "~", "null\n", "\ufeff"])
def test_nothing_is_not_a_mesh(text: str) -> None:
    assert [d.code for d in tree(text)[1] if d.severity == "error"] == ["LM100"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(end: str) -> None:
    text = end.join(["# c", "a: 1", "b: |", "  x", "  y", "c: *z", ""])
    node, found = tree(text)
    assert node is not None
    assert plain(node)["b"] == "x\ny\n"
    assert [(d.code, d.span.line, d.span.column) for d in found] == [("LM120", 6, 4)]


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_other_line_separators_are_refused(separator: str) -> None:
    assert told(f"a: b{separator}c: d") == [("LM106", 1, 5)]


def test_columns_count_characters_also_beyond_the_first_plane() -> None:
    assert told("a: [🙂🙂, 漢字, *x]") == [("LM120", 1, 13)]


def test_a_line_of_a_megabyte() -> None:
    text = "a: [" + "xyz, " * 20_000 + "'" + "y" * 900_000 + "', *x]"
    assert told(text) == [("LM120", 1, text.index("*x") + 1)]


def test_block_texts_keep_what_yaml_says() -> None:
    text = "a: |2-\n    x\n   y\nb: >\n  one\n  two\n\n  three\nc: |+\n  z\n\n"
    assert value(text) == {"a": "  x\n y", "b": "one two\nthree\n", "c": "z\n\n"}


# -- Files in other encodings


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-16", "This is UTF-16"),
        ("utf-16-le", "This is UTF-16"),
        ("utf-16-be", "This is UTF-16"),
        ("latin-1", "a byte that is not UTF-8"),
    ],
)
def test_another_encoding_is_told_once(
    refunds: str, tmp_path: Path, encoding: str, said: str
) -> None:
    path = tmp_path / "refunds.yaml"
    path.write_bytes((refunds + "# é\n").encode(encoding))
    with pytest.raises(lm.MeshError) as caught:
        lm.Mesh.from_file(path)
    (found,) = caught.value.diagnostics
    assert found.code == "LM106"
    assert said in found.message


def test_what_is_no_text_is_told_once() -> None:
    data = bytes(range(256)) * 40
    (found,) = parse(data.decode("utf-8", "surrogateescape")).diagnostics
    assert found.code == "LM106"
    assert "not a text in UTF-8" in found.message


def test_a_few_characters_are_told_each() -> None:
    assert told("a: \x01\nb: \x02\n") == [("LM106", 1, 4), ("LM106", 2, 4)]
