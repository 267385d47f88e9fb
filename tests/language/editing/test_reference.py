"""The reference says of the language what the compiler reads: no more, no less."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import get_args

import pytest

import leafmesh_nb.language
from leafmesh_nb.language.blocks import Block
from leafmesh_nb.language.editing.functions import FUNCTIONS, MACROS, METHODS
from leafmesh_nb.language.editing.inspecting import what_it_takes
from leafmesh_nb.language.editing.reference import (
    Choice,
    Either,
    Key,
    ListOf,
    Maps,
    Section,
    SectionOf,
    Value,
    sections,
)
from leafmesh_nb.language.editing.type_keys import TYPE_NAMES
from leafmesh_nb.language.expressions import functions
from leafmesh_nb.language.types import Kind

SECTIONS = list(sections().values())
KEYS = [(name, key) for name, s in sections().items() for key in s.keys.items()]


def blocks() -> Iterator[tuple[str, Block]]:
    """Every table of keys that the compiler reads a map by."""
    for module in pkgutil.iter_modules(leafmesh_nb.language.__path__):
        found = vars(importlib.import_module(f"leafmesh_nb.language.{module.name}"))
        for name, value in found.items():
            if isinstance(value, Block):
                yield f"{module.name}.{name}", value


@pytest.mark.parametrize(("name", "section"), sections().items())
def test_a_section_has_the_keys_of_its_block(name: str, section: Section) -> None:
    block = section.block
    assert set(section.keys) == {*block.required, *block.optional, *block.later}


def test_every_block_of_the_compiler_has_a_section() -> None:
    known = {id(section.block) for section in SECTIONS}
    missing = sorted({name for name, block in blocks() if id(block) not in known})
    assert missing == []


def test_the_words_of_a_choice_are_not_all_later() -> None:
    for _, (name, key) in KEYS:
        for value in _all_of(key.value):
            if isinstance(value, Choice):
                assert value.available(), name
                assert set(value.later) <= set(value.values), name


@pytest.mark.parametrize(("section", "entry"), KEYS)
def test_a_key_is_told_in_sentences_and_by_what_it_takes(
    section: str, entry: tuple[str, Key]
) -> None:
    name, key = entry
    assert key.doc[0].isupper() or key.doc[0] == "`", (section, name)
    assert key.doc.endswith("."), (section, name)
    assert what_it_takes(key.value), (section, name)
    assert key.doc.count("`") % 2 == 0


def test_every_section_is_within_reach_of_the_mesh() -> None:
    reached = {"mesh", "type", "join", "input"}  # a type, `after` and an input have forms of theirs
    pending = ["mesh", "input"]
    while pending:
        for key in sections()[pending.pop()].keys.values():
            for value in _all_of(key.value):
                if isinstance(value, SectionOf) and value.section not in reached:
                    reached.add(value.section)
                    pending.append(value.section)
    assert reached == set(sections())


def test_every_function_is_documented() -> None:
    assert set(FUNCTIONS) == set(functions.FUNCTIONS) | {"has"}
    assert set(METHODS) == set(functions.METHODS)
    assert set(MACROS) == {"all", "exists", "exists_one", "filter", "map"}


def test_every_named_type_is_documented() -> None:
    composed = {"enum", "list", "map", "object"}
    assert set(get_args(Kind)) - composed == set(TYPE_NAMES)


def _all_of(value: Value) -> Iterator[Value]:
    yield value
    match value:
        case Either(forms):
            for form in forms:
                yield from _all_of(form)
        case ListOf(item, _):
            yield from _all_of(item)
        case Maps(_, inner):
            yield from _all_of(inner)
