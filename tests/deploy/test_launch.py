"""What surrounds a service: its announcement, what is recorded, and what is missing."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

import leafmesh_nb as lm
from leafmesh_nb.deploy import background, services
from leafmesh_nb.deploy.access import Access
from leafmesh_nb.deploy.launch import Announcement
from leafmesh_nb.deploy.records import record
from leafmesh_nb.deploy.release import hash_of
from leafmesh_nb.engine.events import PersonSignedIn
from leafmesh_nb.journal.sqlite import SqliteJournal


def announcement(**more: Any) -> Announcement:
    return Announcement(
        mesh="refunds",
        url="http://127.0.0.1:8420",
        token="lm_secret",
        release="ab" * 32,
        journal="/srv/journal.db",
        pid=812,
        **more,
    )


def test_the_token_is_told_once_and_not_shown_otherwise() -> None:
    told = announcement(notes=("put a proxy in front",))
    lines = str(told).splitlines()
    assert "token    lm_secret" in lines
    assert "url      http://127.0.0.1:8420" in lines
    assert "note     put a proxy in front" in lines
    assert "lm_secret" not in repr(told)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_a_hash_is_that_of_what_sha256sum_prints(tmp_path: Path) -> None:
    for name in ("b.py", "a.yaml"):
        (tmp_path / name).write_text(name)
    digests = {n: hashlib.sha256(n.encode()).hexdigest() for n in ("b.py", "a.yaml")}
    printed = subprocess.run(
        ["sha256sum", "a.yaml", "b.py"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    assert hash_of(digests) == hashlib.sha256(printed).hexdigest()


def test_what_is_recorded_stands_behind_what_others_wrote(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    for number in range(1, 40):
        assert record(journal, PersonSignedIn(f"p{number}", "service", False)).seq == number
    assert [e.seq for e in journal.read("journal")] == list(range(1, 40))
    assert journal.verify().ok


def test_two_processes_that_record_at_once_both_get_through(tmp_path: Path) -> None:
    def write(name: str) -> None:
        journal = SqliteJournal(tmp_path / "journal.db")
        for _ in range(10):
            record(journal, PersonSignedIn(name, "service", False))
        journal.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    journal = SqliteJournal(tmp_path / "journal.db")
    people = [e.body.person for e in journal.read("journal") if isinstance(e.body, PersonSignedIn)]
    assert sorted(people) == ["ada"] * 10 + ["bob"] * 10
    assert journal.verify().ok


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "jinja2"])
def test_a_missing_extra_is_named_with_the_command(tmp_path: Path, package: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
from leafmesh_nb.deploy.launch import deploy
from leafmesh_nb.errors import LeafmeshError
try:
    deploy("refunds.yaml")
except LeafmeshError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.strip() == (
        f"deploying needs the package {package}: pip install 'leafmesh-nb[deploy]'"
    )


def test_a_service_that_does_not_start_says_why_and_leaves_no_process(folder: Path) -> None:
    mesh = folder / "work.yaml"
    mesh.write_text(mesh.read_text().replace("to: lead", "to: nobody"))
    log, database = folder / "log.txt", str(folder / "journal.db")
    with pytest.raises(lm.LeafmeshError, match="nobody"):
        background.start(mesh, log, database=database, host="127.0.0.1", port=0)
    assert log.read_text() == ""


def test_a_service_in_the_background_is_stopped_in_an_orderly_way(folder: Path) -> None:
    log, database = folder / "log.txt", str(folder / "journal.db")
    service = background.start(
        folder / "work.yaml", log, database=database, host="127.0.0.1", port=0
    )
    access = Access(database)
    try:
        running = services.running(access, "work")
        assert running is not None
        assert (running.url, running.pid) == (service.url, service.pid)
        assert running.people == ("lead", "finance")
        assert service.token not in repr(service)
        with httpx.Client(trust_env=False) as client:
            for path in ("/metrics", "/sign-in", "/static/pages.js"):
                answer = client.get(service.url + path, headers={"Host": "evil.example"})
                assert answer.status_code == 421
                assert "--allow-host" in answer.text
                assert client.get(service.url + path).status_code == 200
        service.stop()
        assert services.running(access, "work") is None
        assert service.process.wait(10) == 0
        service.stop()  # once more is no harm
    finally:
        access.close()


def test_an_address_for_other_machines_comes_with_a_warning(folder: Path) -> None:
    code = f"""
from leafmesh_nb.deploy.launch import deploy
class Enough(Exception): pass
def announce(told):
    print(told)
    raise Enough
try:
    deploy({str(folder / "work.yaml")!r}, database={str(folder / "journal.db")!r},
           host="0.0.0.0", port=0, announce=announce)
except Enough:
    pass
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True
    )
    assert "http://127.0.0.1:" in done.stdout
    assert "put a proxy with TLS in front" in done.stdout
