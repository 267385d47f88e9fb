"""To a receiver that fails, is away, refuses or goes silent: every span once, and none lost."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest

from leafmesh_nb.errors import JournalError, LeafmeshError
from leafmesh_nb.journal.cursors import Cursors
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.observe.telemetry import delivery
from leafmesh_nb.observe.telemetry.reading import Reader
from leafmesh_nb.observe.telemetry.spans import span_id, trace_id


def expected(journal: SqliteJournal) -> set[bytes]:
    """The ids of every finished span of the journal."""
    reader = Reader(journal, content=False)
    return {
        trace_id(s.run).to_bytes(16, "big") + span_id(s.run, s.seq).to_bytes(8, "big")
        for row in journal.runs()
        for s in reader.spans(row.id)
    }


def decisions(receiver: Any) -> int:
    """How many decisions the newest metrics count."""
    points = receiver.metrics["leafmesh.policy.decisions"].sum.data_points
    return sum(point.as_int for point in points)


def policies(receiver: Any) -> int:
    """How many spans of decisions came, each counted once."""
    return len({s.span_id for s in receiver.spans if s.name.startswith("policy ")})


class TestWhatArrives:
    def test_a_run(self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any) -> None:
        write("r1", runs["approved"])
        done = sent_to(journal, receiver.url)
        assert (done.runs, done.spans, done.already, done.unfinished) == ({"r1"}, 17, 0, 0)
        assert set(receiver.ids) == expected(journal)
        root = receiver.by_name()["invoke_workflow refund"]
        assert root.parent_span_id == b""
        assert root.trace_id == trace_id("r1").to_bytes(16, "big")
        assert root.span_id == span_id("r1", 1).to_bytes(8, "big")
        assert {s.trace_id for s in receiver.spans} == {root.trace_id}
        known = {s.span_id for s in receiver.spans}
        assert all(s.parent_span_id in known for s in receiver.spans if s is not root)
        links = [link for span in receiver.spans for link in span.links]
        assert len(links) == 3
        assert all(k.trace_id == root.trace_id and k.span_id in known for k in links)

    def test_kinds_times_and_status(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        write("r1", runs["rejected"])
        sent_to(journal, receiver.url)
        spans = receiver.by_name()
        chat, root = spans["chat quick"], spans["invoke_workflow refund"]
        assert (chat.kind, root.kind) == (3, 1)  # client, internal
        assert chat.end_time_unix_nano - chat.start_time_unix_nano == 842_000_000
        start = runs["rejected"][0].ts
        assert root.start_time_unix_nano == int(start.timestamp()) * 10**9
        assert (root.status.code, root.status.message) == (2, "")
        assert otlp.attributes(root)["error.type"] == "PolicyDenied"
        assert chat.status.code == 0
        assert otlp.attributes(chat)["openinference.span.kind"] == "LLM"

    def test_who_reports(
        self,
        write: Any,
        runs: Any,
        journal: Any,
        receiver: Any,
        sent_to: Any,
        otlp: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        write("r1", runs["approved"])
        sent_to(journal, receiver.url)
        ours = otlp.attributes(receiver.resources[0])
        assert ours["service.name"] == "leafmesh_nb"
        (scope,) = {scope.scope.name for scope in receiver.scopes}
        assert scope == "leafmesh_nb"
        assert receiver.scopes[0].schema_url == "https://opentelemetry.io/schemas/1.41.0"
        assert otlp.attributes(receiver.scopes[0].scope) == {"leafmesh.mapping.version": 1}
        # Another export goes on with the same series, whatever process it runs in.
        monkeypatch.setenv("OTEL_SERVICE_NAME", "refund-desk")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        sent_to(journal, receiver.url, again=True)
        theirs = otlp.attributes(receiver.resources[-1])
        assert theirs["service.name"] == "refund-desk"
        assert theirs["deployment.environment.name"] == "test"
        assert theirs["service.instance.id"] == ours["service.instance.id"]
        headers = {k.lower(): v for k, v in receiver.requests[-1][2].items()}
        assert headers["authorization"] == "Bearer abc"
        assert headers["content-encoding"] == "gzip"

    def test_metrics(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        write("r1", runs["approved"])
        done = sent_to(journal, receiver.url)
        assert done.points == receiver.points
        tokens = receiver.metrics["gen_ai.client.token.usage"]
        assert tokens.unit == "{token}"
        assert tokens.histogram.aggregation_temporality == 2  # cumulative
        sums = {
            otlp.attributes(p)["gen_ai.token.type"]: p.sum for p in tokens.histogram.data_points
        }
        assert sums == {"input": 310, "output": 42}
        (price,) = receiver.metrics["leafmesh.cost.list_price"].sum.data_points
        assert price.as_double == pytest.approx(0.0001615)
        assert receiver.metrics["leafmesh.run.ended"].sum.is_monotonic
        # They add up over exports.
        write("r2", runs["rejected"])
        sent_to(journal, receiver.url)
        assert decisions(receiver) == policies(receiver) == 4 + 3
        (price,) = receiver.metrics["leafmesh.cost.list_price"].sum.data_points
        assert price.as_double == pytest.approx(2 * 0.0001615)

    def test_the_same_ids_at_two_receivers(
        self, fill: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        fill(4)
        other = otlp.Receiver()
        try:
            sent_to(journal, receiver.url)
            sent_to(journal, other.url)
        finally:
            other.stop()
        assert receiver.ids == other.ids
        assert len(set(receiver.ids)) == len(receiver.ids)


class TestTheCursor:
    def test_what_was_taken_does_not_go_again(
        self, fill: Any, journal: Any, receiver: Any, sent_to: Any
    ) -> None:
        fill(4)
        first = sent_to(journal, receiver.url)
        requests = len(receiver.requests)
        second = sent_to(journal, receiver.url)
        assert (second.spans, second.points, second.already) == (0, 0, first.spans)
        assert len(receiver.requests) == requests

    def test_a_run_that_goes_on_is_taken_piece_by_piece(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any
    ) -> None:
        """Wherever an export stops, what began before it and ended after it goes later, once."""
        events = runs["edited"]
        for count in range(1, len(events) + 1):
            write("r1", events, count)
            sent_to(journal, receiver.url)
            assert set(receiver.ids) == expected(journal)
        assert len(receiver.ids) == len(set(receiver.ids)) == 21
        assert decisions(receiver) == policies(receiver)

    def test_what_is_written_while_it_looks_goes_next_time(
        self,
        write: Any,
        runs: Any,
        journal: Any,
        receiver: Any,
        sent_to: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        write("r1", runs["approved"], 10)
        positions = Cursors.positions

        def and_then_the_run_ends(*args: Any) -> Any:
            found = positions(*args)
            write("r1", runs["approved"])
            return found

        with monkeypatch.context() as patch:
            patch.setattr(Cursors, "positions", and_then_the_run_ends)
            assert sent_to(journal, receiver.url).spans == 2
        assert sent_to(journal, receiver.url).spans == 15
        assert len(receiver.ids) == len(set(receiver.ids)) == 17
        assert decisions(receiver) == policies(receiver) > 0

    def test_every_fourth_request_fails(
        self,
        fill: Any,
        journal: Any,
        receiver: Any,
        sent_to: Any,
        otlp: Any,
        small_chunks: int,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        fill(24)
        receiver.rule = otlp.every_fourth
        done = sent_to(journal, receiver.url)
        statuses = [status for _, status, _ in receiver.requests]
        assert statuses.count(503) >= 5
        assert len(receiver.ids) == len(set(receiver.ids)) == done.spans
        assert set(receiver.ids) == expected(journal)
        assert decisions(receiver) == policies(receiver)
        assert not caplog.records  # what the exporters say of their tries is kept back

    def test_the_exporters_pause_before_they_try_again(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        write("r1", runs["approved"])
        receiver.rule = lambda n, path, body: otlp.Answer(503 if n == 1 else 200)
        assert sent_to(journal, receiver.url).spans == 17
        assert [status for _, status, _ in receiver.requests] == [503, 200, 200]

    def test_a_receiver_that_is_away_for_a_while(
        self, fill: Any, journal: Any, receiver: Any, sent_to: Any, small_chunks: int
    ) -> None:
        fill(8)
        receiver.stop()
        for _ in range(2):
            with pytest.raises(LeafmeshError) as caught:
                sent_to(journal, receiver.url)
            message = str(caught.value)
            assert f"nothing answers at {receiver.url}/v1/traces" in message
            assert "nothing is lost" in message
        assert all(p.seq == 0 for p in Cursors(journal, f"{receiver.url}/v1/traces").positions())
        receiver.start()
        assert sent_to(journal, receiver.url).already == 0
        assert set(receiver.ids) == expected(journal)
        assert len(receiver.ids) == len(set(receiver.ids))

    def test_it_goes_away_in_the_middle(
        self, fill: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any, small_chunks: int
    ) -> None:
        fill(12)
        receiver.rule = lambda n, path, body: otlp.Answer(200 if n <= 3 else 400, b"")
        with pytest.raises(LeafmeshError, match="answers 400"):
            sent_to(journal, receiver.url)
        taken = len(receiver.ids)
        assert taken > 0
        receiver.rule = lambda n, path, body: otlp.Answer()
        done = sent_to(journal, receiver.url)
        assert done.already == taken
        assert len(receiver.ids) == len(set(receiver.ids)) == taken + done.spans
        assert set(receiver.ids) == expected(journal)
        assert decisions(receiver) == policies(receiver)

    def test_an_answer_that_is_lost(
        self, fill: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any, small_chunks: int
    ) -> None:
        """It took the spans and never said so: they go again, under the same ids."""
        fill(4)
        receiver.rule = lambda n, path, body: otlp.Answer(takes=True, drops=n == 2)
        sent_to(journal, receiver.url)
        assert set(receiver.ids) == expected(journal)
        assert len(receiver.ids) > len(set(receiver.ids))
        assert decisions(receiver) == policies(receiver)  # and nothing counts twice

    def test_again(self, fill: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any) -> None:
        fill(4)
        sent_to(journal, receiver.url)
        counted = decisions(receiver)
        done = sent_to(journal, receiver.url, ["r0001"], again=True)
        assert done.runs == {"r0001"}
        assert len(receiver.ids) == len(set(receiver.ids)) + done.spans
        assert decisions(receiver) == counted

    def test_again_that_fails_takes_nothing_back(
        self, fill: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any, small_chunks: int
    ) -> None:
        fill(6)
        sent_to(journal, receiver.url)
        counted, before = decisions(receiver), len(receiver.requests)
        receiver.rule = lambda n, path, body: otlp.Answer(400 if n > before + 2 else 200)
        with pytest.raises(LeafmeshError):
            sent_to(journal, receiver.url, again=True)
        receiver.rule = lambda n, path, body: otlp.Answer()
        assert sent_to(journal, receiver.url).spans == 0
        sent_to(journal, receiver.url, again=True)
        assert decisions(receiver) == counted

    def test_the_journal_still_verifies(
        self, fill: Any, journal: Any, receiver: Any, sent_to: Any
    ) -> None:
        fill(2)
        sent_to(journal, receiver.url)
        assert journal.verify().ok

    def test_no_journal_is_made(self, path: Any, journal: Any, sent_to: Any, receiver: Any) -> None:
        assert sent_to(journal, receiver.url).spans == 0
        assert not path.exists()

    def test_a_journal_that_cannot_be_written_shows_before_anything_is_sent(
        self,
        fill: Any,
        journal: Any,
        receiver: Any,
        sent_to: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        fill(1)

        def full(*args: Any, **more: Any) -> Any:
            raise JournalError("the journal is on a full disk")

        monkeypatch.setattr(journal, "_write", full)
        with pytest.raises(JournalError, match="full disk"):
            sent_to(journal, receiver.url)
        assert receiver.requests == []


EXPORT = """
    import sys
    from leafmesh_nb.journal.sqlite import SqliteJournal
    from leafmesh_nb.observe.telemetry import deliver, delivery, endpoints, receiver, receiver_at

    receiver.CHUNK = delivery.CHUNK = 20
    deliver(SqliteJournal(sys.argv[1]), receiver_at(endpoints(sys.argv[2])))
    """


class TestProcesses:
    def test_killed_in_the_middle_and_continued(
        self, fill: Any, journal: Any, path: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        """Killed between the receiver's yes and the cursor's move, which is the worst moment."""
        fill(24)
        code = textwrap.dedent(EXPORT)
        taken = 0
        for _ in range(3):
            reached, killed = threading.Event(), threading.Event()
            before = len(receiver.requests)

            def hold(
                number: int,
                path: str,
                body: bytes,
                last: int = before + 3,
                reached: threading.Event = reached,
                killed: threading.Event = killed,
            ) -> Any:
                if number == last:
                    reached.set()
                    assert killed.wait(30)
                return otlp.Answer(takes=True, drops=number == last)

            receiver.rule = hold
            process = subprocess.Popen([sys.executable, "-c", code, str(path), receiver.url])
            assert reached.wait(60)
            process.kill()
            assert process.wait(60) == -signal.SIGKILL
            killed.set()
            receiver.wait(lambda before=before: len(receiver.requests) >= before + 3)
            assert len(set(receiver.ids)) > taken
            taken = len(set(receiver.ids))
        receiver.rule = lambda n, path, body: otlp.Answer()
        done = sent_to(journal, receiver.url)
        assert done.already > 0
        assert set(receiver.ids) == expected(journal)
        # Each time the last request went again, and no more than that.
        assert len(receiver.ids) - len(set(receiver.ids)) <= 3 * (20 + 19)
        assert decisions(receiver) == policies(receiver)

    def test_two_at_once(
        self, fill: Any, path: Any, journal: Any, receiver: Any, sent_to: Any, small_chunks: int
    ) -> None:
        fill(24)
        other = SqliteJournal(path)
        failed: list[BaseException] = []

        def export(mine: SqliteJournal) -> None:
            try:
                sent_to(mine, receiver.url)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=export, args=(mine,)) for mine in (journal, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        other.close()
        assert failed == []
        assert set(receiver.ids) == expected(journal)
        sent_to(journal, receiver.url, again=True)
        assert decisions(receiver) == policies(receiver)

    def test_others_that_are_always_quicker(
        self,
        fill: Any,
        journal: Any,
        receiver: Any,
        sent_to: Any,
        otlp: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        fill(1)
        monkeypatch.setattr(delivery, "_PATIENCE", 3)
        cursors = Cursors(journal, f"{receiver.url}/v1/traces")

        def overtake(number: int, path: str, body: bytes) -> Any:
            cursors.move(cursors.open(), {}, "")
            return otlp.Answer()

        receiver.rule = overtake
        with pytest.raises(JournalError, match="other processes keep exporting"):
            sent_to(journal, receiver.url)


class TestRefusals:
    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            ((401, b"who are you?", "text/plain"), "(who are you?): it wants other credentials"),
            ((403, b"", "text/plain"), "OTEL_EXPORTER_OTLP_HEADERS"),
            ((404, b"", "text/plain"), "no OTLP receiver is there; give the base address"),
            ((400, b"bad\nspan", "text/plain"), "answers 400 (bad span): it refuses the request"),
            ((200, b"<h1>hello</h1>", "text/html"), "answers with a web page"),
            ((413, b"", "text/plain"), "a single span is too large"),
        ],
    )
    def test_one_clear_message(
        self,
        write: Any,
        runs: Any,
        journal: Any,
        receiver: Any,
        sent_to: Any,
        otlp: Any,
        answer: Any,
        says: str,
    ) -> None:
        write("r1", runs["skipped"])
        receiver.rule = lambda n, path, body: otlp.Answer(*answer, takes=False)
        with pytest.raises(LeafmeshError) as caught:
            sent_to(journal, receiver.url)
        message = str(caught.value)
        assert says in message
        assert f"{receiver.url}/v1/traces" in message
        assert message.endswith("nothing is lost: what was not taken goes with the next export")
        (position,) = Cursors(journal, f"{receiver.url}/v1/traces").positions()
        assert position.seq == 0
        receiver.rule = lambda n, path, body: otlp.Answer()
        sent_to(journal, receiver.url)
        assert set(receiver.ids) == expected(journal)

    def test_an_overloaded_receiver(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        write("r1", runs["skipped"])
        later = {"Retry-After": "3600"}
        receiver.rule = lambda n, path, body: otlp.Answer(429, headers=later)
        with pytest.raises(LeafmeshError, match=r"answers 429.*overloaded or broken; try later"):
            sent_to(journal, receiver.url)

    def test_a_redirect_is_no_yes(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        """The exporters count a 3xx as a success, and the spans would be gone."""
        write("r1", runs["skipped"])
        where = {"Location": "https://user:secret@sso.example/login?token=1"}
        receiver.rule = lambda n, path, body: otlp.Answer(302, headers=where, takes=False)
        with pytest.raises(LeafmeshError) as caught:
            sent_to(journal, receiver.url)
        assert "redirects to https://sso.example/login: give that address" in str(caught.value)
        assert "secret" not in str(caught.value)

    def test_a_connection_that_breaks_off(
        self,
        write: Any,
        runs: Any,
        journal: Any,
        receiver: Any,
        sent_to: Any,
        otlp: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        write("r1", runs["skipped"])
        receiver.rule = lambda n, path, body: otlp.Answer(drops=True, takes=False)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
        with pytest.raises(LeafmeshError, match="broke the connection off: look whether"):
            sent_to(journal, receiver.url)

    def test_a_receiver_that_never_answers(
        self,
        write: Any,
        runs: Any,
        journal: Any,
        receiver: Any,
        sent_to: Any,
        otlp: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        write("r1", runs["skipped"])
        over = threading.Event()

        def wait(number: int, path: str, body: bytes) -> Any:
            over.wait(20)
            return otlp.Answer(drops=True, takes=False)

        receiver.rule = wait
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
        try:
            with pytest.raises(LeafmeshError, match="did not answer in time"):
                sent_to(journal, receiver.url)
        finally:
            over.set()

    def test_a_status_in_protobuf(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        from google.rpc.status_pb2 import Status

        write("r1", runs["skipped"])
        said = Status(message="span has no name \x1b[31m").SerializeToString()
        receiver.rule = lambda n, path, body: otlp.Answer(400, said)
        with pytest.raises(LeafmeshError, match=r"answers 400 \(span has no name \[31m\)"):
            sent_to(journal, receiver.url)

    def test_smaller_requests_where_they_are_too_large(
        self, fill: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        fill(8)
        receiver.rule = lambda n, path, body: otlp.Answer(413 if len(body) > 9_000 else 200)
        sent_to(journal, receiver.url)
        assert any(status == 413 for _, status, _ in receiver.requests)
        assert len(receiver.ids) == len(set(receiver.ids))
        assert set(receiver.ids) == expected(journal)

    def test_spans_that_the_receiver_rejects_are_told(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        write("r1", runs["approved"])

        def some(number: int, path: str, body: bytes) -> Any:
            traces = path.endswith("traces")
            return otlp.rejecting(2, "too old") if traces else otlp.remarking("use fewer labels")

        receiver.rule = some
        done = sent_to(journal, receiver.url)
        assert done.remarks == [
            "the receiver rejected 2: too old",
            "the receiver remarks: use fewer labels",
        ]

    def test_a_receiver_of_traces_only(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        write("r1", runs["approved"])
        receiver.rule = lambda n, path, body: otlp.Answer(200 if "traces" in path else 404)
        done = sent_to(journal, receiver.url)
        assert (done.spans, done.points) == (17, 0)
        assert done.remarks == ["it answers 404 to metrics: it takes traces only"]
        assert sent_to(journal, receiver.url).remarks == []

    def test_metrics_that_fail_go_with_the_next(
        self, write: Any, runs: Any, journal: Any, receiver: Any, sent_to: Any, otlp: Any
    ) -> None:
        write("r1", runs["approved"])
        receiver.rule = lambda n, path, body: otlp.Answer(200 if "traces" in path else 400)
        with pytest.raises(
            LeafmeshError, match=r"the spans were taken, the metrics were not: .*400"
        ):
            sent_to(journal, receiver.url)
        assert len(receiver.ids) == 17
        receiver.rule = lambda n, path, body: otlp.Answer()
        done = sent_to(journal, receiver.url)
        assert (done.spans, done.points) == (0, receiver.points)
        assert decisions(receiver) == policies(receiver)
        assert len(receiver.ids) == 17

    def test_a_run_that_cannot_be_read_keeps_no_other_back(
        self, fill: Any, journal: Any, path: Any, receiver: Any, sent_to: Any
    ) -> None:
        import sqlite3

        fill(3)
        whole = expected(journal)
        journal.close()
        with sqlite3.connect(path) as conn:
            conn.execute("UPDATE events SET payload = '{' WHERE stream = 'run:r0001' AND seq = 5")
        conn.close()
        again = SqliteJournal(path)
        done = sent_to(again, receiver.url)
        again.close()
        assert list(done.unreadable) == ["r0001"]
        assert "event 5 of run:r0001" in done.unreadable["r0001"]
        assert done.runs == {"r0000", "r0002"}
        assert set(receiver.ids) < whole

    def test_a_lost_mesh_is_not_exported_unmasked(
        self, fill: Any, journal: Any, path: Any, receiver: Any, sent_to: Any
    ) -> None:
        import sqlite3

        fill(1)
        with sqlite3.connect(path) as conn:
            conn.execute("DELETE FROM specs")
        conn.close()
        done = sent_to(journal, receiver.url)
        assert "has lost the mesh of run r0000" in done.unreadable["r0000"]
        assert receiver.ids == []


def test_log_lines_of_other_users_stay(
    caplog: pytest.LogCaptureFixture,
    write: Any,
    runs: Any,
    journal: Any,
    receiver: Any,
    sent_to: Any,
) -> None:
    write("r1", runs["skipped"])
    sent_to(journal, receiver.url)
    log = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    log.warning("somebody else's")
    assert [record.message for record in caplog.records] == ["somebody else's"]
