"""A service from its start to its end: real processes, real signals, real HTTP."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import leafmesh_nb as lm
from leafmesh_nb.deploy.release import hash_of
from leafmesh_nb.engine import events as ev
from leafmesh_nb.journal import open_journal
from leafmesh_nb.mesh import messages


def calls(folder: Path) -> list[str]:
    file = folder / "calls.txt"
    return file.read_text().split() if file.exists() else []


def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        threading.Event().wait(0.01)


class TestStarting:
    def test_the_release_is_recorded_with_the_hash_of_its_files(
        self, folder: Path, deployed: Any
    ) -> None:
        service = deployed()
        (event,) = open_journal(folder / "journal.db").read("journal", 0, 1)
        assert isinstance(event.body, ev.ReleaseRecorded)
        digests = {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in ("work.yaml", "work.py")
        }
        assert event.body.files == digests
        assert event.body.release == hash_of(digests) == service.told["release"]
        assert service.client.get("/readyz").json()["release"] == event.body.release

    def test_modules_are_those_beside_the_file(self, folder: Path, deployed: Any) -> None:
        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        for name in ("work.yaml", "work.py"):
            (folder / name).rename(elsewhere / name)
        (folder / "work.py").write_text("raise RuntimeError('the wrong module')")
        service = deployed(elsewhere / "work.yaml")
        (elsewhere / "open").touch()
        id = service.start("wait", n=1)
        until(lambda: service.run(id)["status"] == "done")
        assert calls(elsewhere) == ["1", "2"]

    def test_the_token_is_kept_as_a_hash_in_a_file_of_the_owner(
        self, folder: Path, deployed: Any
    ) -> None:
        service = deployed()
        kept = folder / "journal.db.access"
        assert kept.stat().st_mode & 0o777 == 0o600
        for file in folder.iterdir():
            if file.is_file():
                assert service.token.encode() not in file.read_bytes(), file

    def test_a_port_in_use_is_named_with_the_remedy(self, folder: Path, deployed: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            service = deployed(port=port)
        assert f"port {port} on 127.0.0.1 is in use" in service.error
        assert "--port" in service.error
        assert service.process.wait(20) == 1
        assert not (folder / "journal.db").exists()

    def test_a_second_deploy_says_what_runs(self, deployed: Any) -> None:
        first = deployed()
        second = deployed()
        assert f"mesh work is served at {first.url}" in second.error
        assert f"kill {first.told['pid']}" in second.error
        assert first.client.get("/readyz").status_code == 200

    def test_one_that_was_killed_does_not_stand_in_the_way(self, deployed: Any) -> None:
        first = deployed()
        first.stop(signal.SIGKILL)
        assert not deployed().error

    def test_what_is_not_bound_is_refused_by_name(self, folder: Path, deployed: Any) -> None:
        mesh = folder / "work.yaml"
        text = mesh.read_text().replace('    python: "work:wait"\n', "")
        mesh.write_text(text.replace('    python: "work:send"\n', ""))
        service = deployed()
        assert "nothing is bound to agent waiter, tool send" in service.error
        assert not (folder / "journal.db").exists()

    def test_a_red_check_is_refused_with_what_it_found(self, folder: Path, deployed: Any) -> None:
        mesh = folder / "work.yaml"
        mesh.write_text(mesh.read_text().replace("to: lead", "to: nobody"))
        service = deployed()
        assert "nobody" in service.error
        assert "work.yaml:" in service.error
        assert not (folder / "journal.db").exists()

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda text: "raise OSError('no license')", "no license"),
            (lambda text: text.replace("def wait", "def weight"), "no function 'wait'"),
            (lambda text: text + "\n)", "importing work:"),
        ],
    )
    def test_a_module_that_cannot_be_imported_is_named(
        self, folder: Path, deployed: Any, change: Callable[[str], str], said: str
    ) -> None:
        module = folder / "work.py"
        module.write_text(change(module.read_text()))
        service = deployed()
        assert said in service.error
        assert "Traceback" not in service.said()

    def test_a_file_that_is_not_there(self, folder: Path, deployed: Any) -> None:
        assert "no-such.yaml" in deployed(folder / "no-such.yaml").error

    def test_a_folder_that_is_no_release(self, folder: Path, deployed: Any) -> None:
        assert "no release" in deployed(folder).error


class TestStopping:
    def test_sigterm_lets_a_call_in_flight_end_and_the_next_start_goes_on(
        self, folder: Path, deployed: Any
    ) -> None:
        service = deployed()
        id = service.start("wait", n=1)
        until(lambda: calls(folder) == ["1"])
        threading.Timer(0.5, (folder / "open").touch).start()
        assert service.stop() == 0
        row = open_journal(folder / "journal.db").run(id)
        assert row is not None
        assert (row.status, row.owner) == ("running", "")
        assert calls(folder) == ["1"], "no further step was begun"
        again = deployed()
        until(lambda: again.run(id)["status"] == "done")
        assert again.run(id)["output"] == {"n": 2}
        assert calls(folder) == ["1", "2"], "what had returned is not called again"

    def test_a_run_that_waits_is_given_up_and_taken_up_with_its_question(
        self, folder: Path, deployed: Any
    ) -> None:
        service = deployed()
        id = service.start("send", n=5)
        question = service.question(id)
        assert service.stop(signal.SIGINT) == 0
        again = deployed()
        assert again.question(id) == question
        assert again.answer(question["id"], again.token, answer="approve").status_code == 200
        until(lambda: again.run(id)["status"] == "done")
        assert (folder / "sent.txt").read_text().split() == ["5"]

    def test_after_a_kill_the_next_start_goes_on(self, folder: Path, deployed: Any) -> None:
        service = deployed()
        id = service.start("wait", n=1)
        until(lambda: calls(folder) == ["1"])
        service.stop(signal.SIGKILL)
        (folder / "open").touch()
        again = deployed()
        until(lambda: again.run(id)["status"] == "done")
        assert lm.verify(folder / "journal.db").ok

    def test_a_stream_ends_when_the_service_does(self, folder: Path, deployed: Any) -> None:
        service = deployed()
        id = service.start("send", n=5)
        service.question(id)
        began = time.monotonic()
        with service.client.stream("GET", f"/api/runs/{id}/events") as stream:
            lines = stream.iter_lines()
            next(lines)
            service.process.send_signal(signal.SIGTERM)
            for _ in lines:
                pass
        assert service.process.wait(20) == 0
        assert time.monotonic() - began < 10

    def test_a_key_means_the_same_run_after_a_restart(self, folder: Path, deployed: Any) -> None:
        def send(service: Any, n: int) -> httpx.Response:
            body = {"workflow": "send", "input": {"n": n}}
            answer: httpx.Response = service.client.post(
                "/api/runs", json=body, headers={"Idempotency-Key": "a key"}
            )
            return answer

        service = deployed()
        first = send(service, 5)
        service.stop()
        again = deployed()
        assert send(again, 5).json()["id"] == first.json()["id"]
        assert send(again, 6).status_code == 409


class TestMeeting:
    """A notebook and a service meet in the journal."""

    def test_a_run_of_another_process_is_answered_over_http(
        self, folder: Path, deployed: Any, kernel: Any
    ) -> None:
        service = deployed()
        token = lm_token("lead", folder)
        id = kernel("""
            run = mesh.start("send", n=7)
            say(run.id)
            result = run.result(60)
            say(result["n"], time.time())
        """)
        question = service.question(id)
        assert "process" in service.run(id)["owner"]
        assert service.answer(question["id"], token, answer="approve").status_code == 200
        answered = time.time()
        n, seen = kernel.line().split()
        assert n == "7"
        assert float(seen) - answered < 1
        until(lambda: service.run(id)["status"] == "done", 1)
        (body,) = [
            e.body
            for e in open_journal(folder / "journal.db").read(f"run:{id}")
            if e.kind == "approval.answered"
        ]
        assert isinstance(body, ev.ApprovalAnswered)
        assert (body.person, body.channel, body.identity) == ("lead", "service", "signed_in")

    def test_a_run_of_the_service_is_answered_from_another_process(
        self, folder: Path, deployed: Any, kernel: Any
    ) -> None:
        service = deployed()
        kernel("""
            say("here")
            while not lm.approvals():
                time.sleep(0.01)
            say(time.time())
            question, = lm.approvals()
            question.approve(by="lead")
            say(time.time())
        """)
        id = service.start("send", n=8)
        seen, accepted = float(kernel.line()), float(kernel.line())
        until(lambda: service.run(id)["status"] == "done", 5)
        events = open_journal(folder / "journal.db").read(f"run:{id}")
        times = {event.kind: event.ts.timestamp() for event in events}
        assert seen - times["approval.asked"] < 1
        assert times["run.ended"] - accepted < 1
        assert (folder / "sent.txt").read_text().split() == ["8"]

    def test_a_run_that_is_held_is_left_alone_and_taken_up_when_its_owner_is_gone(
        self, folder: Path, deployed: Any, kernel: Any
    ) -> None:
        id = kernel("""
            run = mesh.start("send", n=9)
            say(run.id)
            time.sleep(60)
        """)
        service = deployed()
        question = service.question(id)
        owner = service.run(id)["owner"]
        assert f"process {kernel.process.pid}" in owner
        kernel.process.kill()
        kernel.process.wait(20)
        until(lambda: service.run(id)["owner"] == "this service")
        assert service.answer(question["id"], service.token, answer="approve").status_code == 200
        until(lambda: service.run(id)["status"] == "done")

    def test_a_run_of_another_text_is_not_taken_up_by_itself(
        self, folder: Path, deployed: Any, kernel: Any
    ) -> None:
        id = kernel("""
            text = mesh.spec.text.replace("to: lead", "to: finance")
            run = lm.Mesh.from_yaml(text).start("send", n=9)
            say(run.id)
            time.sleep(60)
        """)
        kernel.process.kill()
        kernel.process.wait(20)
        service = deployed()
        first = service.start("send", n=1)
        assert service.question(first)["roster"] == ["lead"]
        service.stop(signal.SIGKILL)
        again = deployed()
        until(lambda: again.run(first)["owner"] == "this service")
        assert again.run(id)["owner"] is None

    def test_an_answer_to_a_run_whose_owner_does_not_read_waits_and_says_so(
        self, folder: Path, serve: Any, kernel: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(messages, "VERDICT_TIMEOUT", 0.5)
        client = (service := serve((folder / "work.yaml").read_text())).client(service.operator)
        kernel("""
            run = mesh.start("send", n=3)
            say(run.id)
            say(run.result(60)["n"])
        """)
        until(lambda: client.get("/api/approvals").json()["approvals"])
        (question,) = client.get("/api/approvals").json()["approvals"]
        kernel.process.send_signal(signal.SIGSTOP)
        answer = client.post(f"/api/approvals/{question['id']}", json={"answer": "approve"})
        assert answer.status_code == 202
        body = answer.json()
        assert body["accepted"] is False
        assert f"process {kernel.process.pid}" in body["message"]
        kernel.process.send_signal(signal.SIGCONT)
        assert kernel.line() == "3"

    def test_an_answer_to_a_run_that_nobody_here_can_drive_waits_and_says_so(
        self, folder: Path, deployed: Any, kernel: Any
    ) -> None:
        id = kernel("""
            mesh.agent("sender")(lambda n, *, ctx: {"n": ctx.tool("send", n=n + 0)["n"]})
            run = mesh.start("send", n=3)
            say(run.id)
            time.sleep(60)
        """)
        service = deployed()
        question = service.question(id)
        kernel.process.kill()
        kernel.process.wait(20)
        answer = service.answer(question["id"], service.token, answer="approve")
        assert answer.status_code == 202
        assert "another version of agent:sender" in answer.json()["message"]
        assert service.run(id)["owner"] is None
        until(lambda: f"run {id} is left alone" in service.said())


class TestRunning:
    def test_blocking_agents_do_not_hold_up_the_service(self, folder: Path, deployed: Any) -> None:
        service = deployed()
        ids = [service.start("wait", n=n) for n in range(20)]
        until(lambda: len(calls(folder)) == 20)
        began = time.monotonic()
        for _ in range(20):
            assert service.client.get("/healthz").status_code == 200
        assert time.monotonic() - began < 2
        (folder / "open").touch()
        until(lambda: all(service.run(id)["status"] == "done" for id in ids))

    def test_a_collector_that_cannot_be_reached_holds_nothing_up(
        self, folder: Path, deployed: Any
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        service = deployed(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
        (folder / "open").touch()
        id = service.start("wait", n=1)
        until(lambda: service.run(id)["status"] == "done")
        until(lambda: f"127.0.0.1:{port}" in service.said())
        assert "telemetry waits" in service.said()
        assert "Traceback" not in service.said()
        assert service.stop() == 0

    def test_an_address_of_a_collector_that_is_none_is_refused_at_once(
        self, folder: Path, deployed: Any
    ) -> None:
        service = deployed(OTEL_EXPORTER_OTLP_ENDPOINT="nowhere")
        assert "nowhere" in service.error

    def test_a_script_of_answers_does_not_answer_what_a_service_asks(
        self, folder: Path, deployed: Any
    ) -> None:
        service = deployed(LEAFMESH_ANSWERS="deny")
        id = service.start("send", n=1)
        assert service.question(id)["roster"] == ["lead"]
        threading.Event().wait(0.3)
        assert service.run(id)["status"] == "waiting"

    def test_a_connection_that_sends_half_a_request_holds_nothing_up(
        self, folder: Path, deployed: Any
    ) -> None:
        service = deployed()
        address = httpx.URL(service.url)
        with socket.create_connection((address.host, address.port or 0)) as half:
            half.sendall(b"POST /api/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            assert service.client.get("/healthz").status_code == 200
            assert service.stop() == 0


def lm_token(person: str, folder: Path) -> str:
    from leafmesh_nb.deploy.launch import create_token

    return create_token(person, database=folder / "journal.db")


KERNEL = """
import sys, time
import leafmesh_nb as lm

def say(*words):
    print(*words, flush=True)

sys.path.insert(0, FOLDER)
mesh = lm.Mesh.from_file(FOLDER + "/work.yaml")
"""


class Kernel:
    """A notebook's process, as far as the journal can tell."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.process: Any = None

    def __call__(self, code: str) -> str:
        """Run some code after the mesh was defined; the first line that it says."""
        whole = KERNEL.replace("FOLDER", repr(str(self._folder))) + textwrap.dedent(code)
        self.process = subprocess.Popen(
            [sys.executable, "-c", whole],
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._folder,
            env={**os.environ, "LEAFMESH_JOURNAL": str(self._folder / "journal.db")},
        )
        return self.line()

    def line(self) -> str:
        line: str = self.process.stdout.readline().strip()
        return line


@pytest.fixture
def kernel(folder: Path) -> Iterator[Kernel]:
    found = Kernel(folder)
    yield found
    if found.process is not None:
        found.process.kill()
        found.process.wait(20)
        found.process.stdout.close()
