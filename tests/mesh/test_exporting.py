"""``lm.export`` of real runs: to a receiver, as lines that verify, to the console."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import leafmesh_nb as lm

CARD = "4111 1111 1111 1111"
SECRET = "SuperSecretVaultKey-42"
MODULE = Path(__file__).parent.parent / "observe" / "telemetry" / "receiver.py"

VAULT = """
    mesh: office
    memory:
      vault: {type: string or null, sensitivity: secret, scope: mesh}
    agents:
      reader:
        role: Reader
        kind: python
        capabilities:
          vault.read: {input: {note: string}, output: {said: string}}
        memory: {read: [vault]}
    workflows:
      put:
        input: {key: string, note: string}
        save: {vault: input.key}
        steps:
          a: {capability: vault.read, with: {note: input.note}}
        output: {said: steps.a.output.said}
      get:
        input: {note: string}
        steps:
          a: {capability: vault.read, with: {note: input.note}}
        output: {said: steps.a.output.said}
    """


@pytest.fixture(autouse=True)
def _no_telemetry_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def otlp() -> ModuleType:
    spec = importlib.util.spec_from_file_location("telemetry_receiver", MODULE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def receiver(otlp: ModuleType) -> Iterator[Any]:
    found = otlp.Receiver()
    yield found
    found.stop()


@pytest.fixture
def paid(desk: Any) -> Any:
    """A refund that lead approved, and that was paid."""
    run = desk.refund("620")
    (question,) = run.approvals()
    question.approve(by="lead", note="a good customer")
    run.result(timeout=20)
    return run


@pytest.fixture
def office(desk: Any) -> Any:
    mesh = desk.mesh(VAULT)

    @mesh.agent("reader")
    def reader(note: str, *, ctx: Any) -> dict[str, str]:
        return {"said": f"{note}: {ctx.memory['vault']}"}

    return mesh


class TestOtlp:
    def test_a_run_of_the_quickstart(self, paid: Any, receiver: Any, otlp: Any) -> None:
        done = lm.export(paid, endpoint=receiver.url)
        assert (done.format, done.runs, done.spans, done.unfinished) == ("otlp", 1, 17, 0)
        assert repr(done) == (
            f"Exported 17 spans of 1 run and {done.points} points of metrics to "
            f"{receiver.url}/v1/traces."
        )
        kinds = {otlp.attributes(s)["openinference.span.kind"] for s in receiver.spans}
        assert kinds == {"CHAIN", "AGENT", "LLM", "TOOL", "GUARDRAIL"}
        operations = {otlp.attributes(s).get("gen_ai.operation.name") for s in receiver.spans}
        assert {"invoke_workflow", "invoke_agent", "chat", "execute_tool"} <= operations
        known = {span.span_id for span in receiver.spans}
        assert sum(span.parent_span_id not in known for span in receiver.spans) == 1
        spans = receiver.by_name()
        approval = otlp.attributes(spans["approval pay_out"])
        assert approval["leafmesh.approval.person"] == "lead"
        assert approval["leafmesh.approval.waited_seconds"] > 0
        root = otlp.attributes(spans["invoke_workflow refund"])
        assert root["leafmesh.run.id"] == paid.id
        assert root["leafmesh.run.status"] == "done"
        shown = str([otlp.attributes(span) for span in receiver.spans])
        for said in ("money back", "a good customer", "'620'", "gold customer"):
            assert said not in shown

    def test_twice(self, paid: Any, receiver: Any) -> None:
        lm.export(paid, endpoint=receiver.url)
        second = lm.export(paid.id[:6], endpoint=f"{receiver.url}/v1/traces")
        assert (second.spans, second.already) == (0, 17)
        assert "17 spans went before" in repr(second)
        assert lm.export(endpoint=receiver.url, again=True).spans == 17
        assert len(receiver.ids) == 34
        assert len(set(receiver.ids)) == 17

    def test_a_run_that_waits_and_then_ends(self, desk: Any, receiver: Any) -> None:
        run = desk.refund("620")
        first = lm.export(run, endpoint=receiver.url)
        assert first.unfinished == 1
        assert "1 run has not ended: what is open there follows" in repr(first)
        assert "invoke_workflow refund" not in receiver.by_name()
        run.approvals()[0].reject(by="lead", note="no")
        with pytest.raises(lm.RunError):
            run.result(timeout=20)
        lm.export(run, endpoint=receiver.url)
        root = receiver.by_name()["invoke_workflow refund"]
        assert root.status.code == 2
        assert len(receiver.ids) == len(set(receiver.ids))

    def test_all_runs_by_the_environment(
        self, desk: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert desk.refund("40").status == "done"
        assert desk.refund("50").status == "done"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        assert lm.export().runs == 2
        assert len({span.trace_id for span in receiver.spans}) == 2

    def test_secrets_are_masked_with_content_on(
        self, desk: Any, office: Any, receiver: Any
    ) -> None:
        note = f"card {CARD}, key {SECRET}"
        assert desk.settled(desk.start(office, "put", key=SECRET, note=note)).status == "done"
        # This run was never given the key: it read what the other one left in the mesh.
        assert desk.settled(desk.start(office, "get", note=note)).status == "done"
        done = lm.export(endpoint=receiver.url, content=True)
        assert done.runs == 2
        shown = str(receiver.spans) + str(receiver.metrics)
        assert SECRET not in shown
        assert "4111 1111" not in shown
        assert "gen_ai.input.messages" in shown
        assert "card " in shown

    def test_a_receiver_of_traces_only(self, paid: Any, receiver: Any, otlp: Any) -> None:
        receiver.rule = lambda n, path, body: otlp.Answer(200 if "traces" in path else 404)
        done = lm.export(paid, endpoint=receiver.url)
        assert done.points == 0
        assert repr(done).endswith(". It answers 404 to metrics: it takes traces only.")

    def test_one_run_that_cannot_be_read(self, paid: Any, desk: Any, receiver: Any) -> None:
        with sqlite3.connect(desk.journal) as conn:
            conn.execute("DELETE FROM specs")
        conn.close()
        with pytest.raises(lm.JournalError, match="has lost the mesh of run"):
            lm.export(paid, endpoint=receiver.url)
        done = lm.export(endpoint=receiver.url)
        assert f"Run {paid.id} was left out" in repr(done)
        assert receiver.ids == []

    def test_errors_say_what_where_and_what_to_do(self, paid: Any, otlp: Any) -> None:
        receiver = otlp.Receiver()
        receiver.stop()
        with pytest.raises(lm.LeafmeshError) as caught:
            lm.export(paid, endpoint=receiver.url)
        assert f"nothing answers at {receiver.url}/v1/traces: start a collector" in str(
            caught.value
        )
        receiver.start()
        assert lm.export(paid, endpoint=receiver.url).spans == 17
        receiver.stop()

    def test_nowhere_to_go(self, paid: Any) -> None:
        with pytest.raises(lm.LeafmeshError, match="nobody says where to export to"):
            lm.export(paid, format="otlp")


class TestWhatWasMeant:
    def test_a_run_that_is_not_there(self, paid: Any) -> None:
        with pytest.raises(lm.RunError, match="has no run 'zzz'"):
            lm.export("zzz", endpoint="http://127.0.0.1:4318")

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"format": "csv"}, "no format 'csv'; there are otlp, jsonl, console"),
            ({"format": "jsonl", "endpoint": "http://x"}, "goes to no endpoint"),
            ({"format": "console", "endpoint": "http://x"}, "goes to no endpoint"),
            ({"to": "x.jsonl"}, 'add format="jsonl"'),
            ({"endpoint": "127.0.0.1:4318"}, "is no address"),
        ],
    )
    def test_what_contradicts_itself(self, paid: Any, given: Any, says: str) -> None:
        with pytest.raises(lm.LeafmeshError) as caught:
            lm.export(paid, **given)
        assert says in str(caught.value)

    def test_no_journal_yet(self, desk: Any, receiver: Any) -> None:
        assert lm.export(endpoint=receiver.url).spans == 0
        assert lm.export(format="jsonl").lines == 0
        assert not Path(desk.journal).exists()


def verified(lines: list[dict[str, Any]]) -> int:
    """Checks lines as a stranger would, by the format's words alone; how many were whole."""
    prev, whole = "0" * 64, 0
    for number, line in enumerate(lines, 1):
        columns = ("stream", "seq", "ts", "epoch", "kind", "path", "v")
        head = "\x1f".join(str(line[name]) for name in columns)
        assert line["seq"] == number
        assert line["prev"] == prev
        prev = hashlib.sha256(f"{prev}\n{head}\n{line['digest']}".encode()).hexdigest()
        assert line["hash"] == prev
        if "salt" in line:
            stored = line["payload"]
            if line.get("blob"):
                stored = f'{{"blob":"{hashlib.sha256(stored.encode()).hexdigest()}"}}'
            assert hashlib.sha256((line["salt"] + stored).encode()).hexdigest() == line["digest"]
            whole += 1
        else:
            assert line["masked"] is True
        assert isinstance(json.loads(line["payload"]), dict)
    return whole


class TestLines:
    def test_they_verify_against_the_journal(self, paid: Any, tmp_path: Path) -> None:
        file = tmp_path / "run.jsonl"
        done = lm.export(paid, format="jsonl", to=file)
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        events = paid.recorded()
        assert done.lines == len(lines) == len(events)
        assert repr(done) == f"Exported {len(events)} events of 1 run to {file}."
        assert verified(lines) == len(lines)
        assert [line["hash"] for line in lines] == [event.hash for event in events]
        heads = [e.body for e in paid.journal.read("journal") if e.kind == "run.head"]
        assert (heads[-1].seq, heads[-1].hash) == (lines[-1]["seq"], lines[-1]["hash"])

    def test_a_change_shows(self, paid: Any, tmp_path: Path) -> None:
        file = tmp_path / "run.jsonl"
        lm.export(paid, format="jsonl", to=file)
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines()
        for changed in (
            text.replace("620", "621"),
            "\n".join(lines[:5] + lines[6:]),
            "\n".join([lines[1], lines[0], *lines[2:]]),
        ):
            with pytest.raises(AssertionError):
                verified([json.loads(line) for line in changed.splitlines()])

    def test_what_is_masked_still_verifies(self, desk: Any, office: Any) -> None:
        note = f"card {CARD}, key {SECRET}"
        run = desk.settled(desk.start(office, "put", key=SECRET, note=note))
        out = io.StringIO()
        lm.export(run, format="jsonl", to=out)
        assert SECRET not in out.getvalue()
        assert "4111 1111" not in out.getvalue()
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        assert 0 < verified(lines) < len(lines)
        assert [line["hash"] for line in lines] == [event.hash for event in run.recorded()]

    def test_large_payloads_and_strange_texts(self, desk: Any, office: Any) -> None:
        note = "\u2028 line\u0085 ☃ " + "x" * 20_000
        run = desk.settled(desk.start(office, "get", note=note))
        out = io.StringIO()
        lm.export(run, format="jsonl", to=out)
        assert len(out.getvalue().splitlines()) == len(run.recorded())
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        assert any(line.get("blob") for line in lines)
        verified(lines)
        assert note in json.loads(lines[0]["payload"])["input"]["note"]

    def test_all_runs_oldest_first_to_the_console(
        self, desk: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        first, second = desk.refund("40"), desk.refund("50")
        done = lm.export(format="jsonl")
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert (done.runs, done.lines, done.to) == (2, len(lines), "the console")
        assert list(dict.fromkeys(line["stream"] for line in lines)) == [
            f"run:{first.id}",
            f"run:{second.id}",
        ]

    def test_a_file_that_cannot_be_written(self, paid: Any, tmp_path: Path) -> None:
        with pytest.raises(lm.LeafmeshError, match="cannot be written: Is a directory; name"):
            lm.export(paid, format="jsonl", to=tmp_path)


class TestConsole:
    def test_it_needs_no_receiver(self, paid: Any, capsys: pytest.CaptureFixture[str]) -> None:
        done = lm.export(paid)
        out = capsys.readouterr().out
        assert (done.format, done.to, done.spans) == ("console", "the console", 17)
        assert out.count('"trace_id"') == 17 + 3  # spans, and links between them
        assert '"name": "invoke_workflow refund"' in out
        assert "gen_ai.client.token.usage" in out
        assert "money back" not in out

    def test_no_cursor_is_kept(self, paid: Any, receiver: Any) -> None:
        lm.export(paid, format="console")
        assert lm.export(paid, endpoint=receiver.url).already == 0
