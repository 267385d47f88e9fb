"""Pings and hellos: who is looking at a card."""

from __future__ import annotations

import threading
import time

import pytest

from leafmesh_nb.notebook.live.hellos import Hellos


def test_a_hello_with_views_ends_the_wait_at_once() -> None:
    hellos = Hellos()
    number = hellos.next_ping()
    threading.Timer(0.02, hellos.note, [{"n": number, "views": 2, "tab": "a", "seq": 7}]).start()
    began = time.monotonic()
    (hello,) = hellos.wait(number, 20)
    assert time.monotonic() - began < 10
    assert (hello.views, hello.tab, hello.seq, hello.hidden) == (2, "a", 7, False)


def test_nobody_answers() -> None:
    hellos = Hellos()
    assert hellos.wait(hellos.next_ping(), 0.01) == []


def test_a_page_without_views_leaves_time_for_another() -> None:
    hellos = Hellos()
    number = hellos.next_ping()
    hellos.note({"n": number, "views": 0})
    threading.Timer(0.05, hellos.note, [{"n": number, "views": 1}]).start()
    assert [hello.views for hello in hellos.wait(number, 20)] == [0, 1]


def test_a_page_without_views_is_not_waited_for_long() -> None:
    hellos = Hellos()
    number = hellos.next_ping()
    hellos.note({"n": number, "views": 0})
    began = time.monotonic()
    assert [hello.views for hello in hellos.wait(number, 20)] == [0]
    assert time.monotonic() - began < 10


def test_answers_to_an_older_ping_do_not_count() -> None:
    hellos = Hellos()
    first = hellos.next_ping()
    second = hellos.next_ping()
    hellos.note({"n": first, "views": 1})
    assert hellos.wait(second, 0.01) == []


@pytest.mark.parametrize("message", [{}, {"n": "1"}, {"n": 1, "views": "many", "seq": None}])
def test_a_strange_hello_counts_no_views(message: dict[str, object]) -> None:
    hellos = Hellos()
    hellos.next_ping()
    hello = hellos.note(message)
    assert (hello.views, hello.seq) == (0, 0)
