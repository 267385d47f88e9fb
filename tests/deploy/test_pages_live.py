"""Pages are told when to read themselves again: in time, after a lost connection, and only they."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx


class Told:
    """What one page hears."""

    def __init__(self, response: httpx.Response) -> None:
        self.ids: list[int] = []
        self.news = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=(response,), daemon=True)
        self._thread.start()

    def _listen(self, response: httpx.Response) -> None:
        try:
            for line in response.iter_lines():
                if line.startswith("id: "):
                    self.ids.append(int(line.removeprefix("id: ")))
                    self.news.set()
        except httpx.HTTPError:
            return  # the test is over

    def ended(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


@contextmanager
def listening(client: httpx.Client, path: str, **headers: str) -> Iterator[Told]:
    with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Told(response)
        # Closing it would not wake the thread that waits for more.
        stream = response.extensions["network_stream"]
        with suppress(OSError):
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def signed_in(service: Any, token: str) -> httpx.Client:
    client = service.client()
    client.post("/sign-in", data={"token": token})
    return client


def cursor(service: Any) -> int:
    return int(service.context.shelf.refresh())


def test_a_page_hears_of_a_run_within_a_second(service: Any) -> None:
    client = signed_in(service, service.operator)
    with listening(client, f"/live?since={cursor(service)}") as told:
        assert not told.news.wait(0.6)
        begun = time.monotonic()
        run = service.refund()
        assert told.news.wait(5)
        service.until(lambda: told.ids and told.ids[-1] >= cursor(service))
        assert run.status == "waiting"
        assert time.monotonic() - begun < 10


def test_a_page_that_lost_its_connection_misses_nothing(service: Any) -> None:
    client = signed_in(service, service.operator)
    before = cursor(service)
    run = service.refund()
    with listening(client, "/live?since=999999", **{"Last-Event-ID": str(before)}) as told:
        assert told.news.wait(5)
    with listening(client, f"/live?run={run.id}&since={before}") as told:
        assert told.news.wait(5)


def test_the_page_of_one_run_hears_of_that_run_only(service: Any) -> None:
    client = signed_in(service, service.operator)
    mine, since = service.refund(), 0
    since = cursor(service)
    with listening(client, f"/live?run={mine.id}&since={since}") as told:
        service.refund("50")
        assert not told.news.wait(0.6)
        mine.cancel()
        assert told.news.wait(5)


def test_a_reviewer_hears_of_their_questions_only(service: Any) -> None:
    finance = signed_in(service, service.token("finance"))
    with listening(finance, f"/live?since={cursor(service)}") as told:
        run = service.refund()
        # The first event that it cannot judge is told once; nothing that follows is theirs.
        service.until(lambda: run.status == "waiting")
        threading.Event().wait(0.5)
        told.news.clear()
        service.refund("50")
        assert not told.news.wait(0.6)
        (question,) = run.approvals()
        question.escalate(by="lead")
        assert told.news.wait(5)


def test_a_reviewer_cannot_follow_a_run_that_never_asked_them(service: Any) -> None:
    finance = signed_in(service, service.token("finance"))
    run = service.refund()
    with listening(finance, f"/live?run={run.id}&since={cursor(service)}") as told:
        service.refund("50")
        told.news.wait(0.5)
        told.news.clear()
        run.cancel()
        assert not told.news.wait(0.6)


def test_numbers_that_are_none_start_from_the_beginning(service: Any) -> None:
    client = signed_in(service, service.operator)
    service.refund("50")
    for since in ("", "x", "-1", "9" * 60):
        with listening(client, f"/live?since={since}") as told:
            assert told.news.wait(5)


def test_a_service_that_stops_lets_its_pages_go(service: Any) -> None:
    client = signed_in(service, service.operator)
    with listening(client, "/live") as told:
        service.context.standing.draining.set()
        assert told.ended(5)
