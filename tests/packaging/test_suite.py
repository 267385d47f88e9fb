"""The rules every test runs under (tests/conftest.py), tried in a suite of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


def run(suite: Path, test: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (suite / "test_it.py").write_text(test)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider"],
        cwd=suite,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


NEEDS_CHROMIUM = "def test_it(chromium): assert chromium\n"


def without_chromium(suite: Path) -> dict[str, str]:
    if sys.platform == "darwin":
        pytest.skip("on macOS Chromium is also looked for outside PATH")
    return {"PATH": str(suite)}


def test_without_chromium_a_browser_test_is_skipped_with_the_remedy(suite: Path) -> None:
    done = run(suite, NEEDS_CHROMIUM, LEAFMESH_REQUIRE="", **without_chromium(suite))
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "no Chromium on PATH (Debian: apt install chromium" in done.stdout


@pytest.mark.parametrize("required", ["browser", "else, browser"])
def test_a_required_chromium_that_is_missing_fails(suite: Path, required: str) -> None:
    done = run(suite, NEEDS_CHROMIUM, LEAFMESH_REQUIRE=required, **without_chromium(suite))
    assert done.returncode == 1
    assert "LEAFMESH_REQUIRE=browser, but no Chromium on PATH" in done.stdout


def test_a_chromium_on_path_is_handed_to_the_test(suite: Path) -> None:
    program = suite / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    test = f"def test_it(chromium): assert chromium == {str(program)!r}\n"
    assert run(suite, test, PATH=str(suite)).returncode == 0


def test_the_network_is_refused_and_loopback_is_not(suite: Path) -> None:
    # 192.0.2.1 is reserved for documentation: no host answers there.
    test = """
import socket
import pytest

def test_remote():
    with socket.socket() as client, pytest.raises(RuntimeError, match="loopback only"):
        client.connect(("192.0.2.1", 80))

def test_loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
"""
    done = run(suite, test)
    assert "2 passed" in done.stdout, done.stdout


def test_the_users_journal_and_keys_are_out_of_reach(suite: Path) -> None:
    test = """
import os

def test_it(workdir):
    assert "LEAFMESH_JOURNAL" not in os.environ and os.listdir(workdir) == []

def test_default():
    assert "mine" not in os.environ["LEAFMESH_JOURNAL"] and "OPENAI_API_KEY" not in os.environ
"""
    done = run(suite, test, LEAFMESH_JOURNAL="/mine/journal.db", OPENAI_API_KEY="sk-mine")
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("given", "expected"),
    [("corp", "corp,127.0.0.1,localhost,::1"), ("*", "*"), ("", "127.0.0.1,localhost,::1")],
)
def test_loopback_bypasses_proxies(suite: Path, given: str, expected: str) -> None:
    test = f"""
import os

def test_it():
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == {expected!r}
"""
    done = run(suite, test, no_proxy=given, NO_PROXY="")
    assert "1 passed" in done.stdout, done.stdout
