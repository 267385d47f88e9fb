"""The continuous-integration script up to the point where make takes over."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci/run"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH without Chromium, whose make and sudo only tell what they were asked."""
    for tool in ("bash", "dirname", "env", "id", "mktemp", "rm"):
        path = shutil.which(tool)
        if path is None:
            pytest.skip(f"no {tool} on PATH")
        (tmp_path / tool).symlink_to(path)
    program(tmp_path / "make", 'echo "make $* LEAFMESH_REQUIRE=$LEAFMESH_REQUIRE"')
    program(tmp_path / "sudo", 'shift; exec "$@"')
    return tmp_path


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def run(machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT)],
        env={"PATH": str(machine)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_missing_chromium_is_installed_before_the_tests(machine: Path) -> None:
    program(machine / "apt-get", 'echo "apt-get $*"')
    done = run(machine)
    assert done.returncode == 0, done.stderr
    update, install, make = (
        line for line in done.stdout.splitlines() if line.startswith(("apt-get", "make"))
    )
    assert update.startswith("apt-get update")
    assert " chromium " in install
    assert make.startswith("make test ")
    assert make.endswith(" LEAFMESH_REQUIRE=browser")


def test_a_failed_installation_says_what_to_do(machine: Path) -> None:
    program(machine / "apt-get", "exit 100")
    done = run(machine)
    assert done.returncode == 1
    assert "Could not install: " in done.stderr
    assert "apt-get update" in done.stderr
    assert "make test" not in done.stdout


def test_a_chromium_that_is_there_is_not_installed_again(machine: Path) -> None:
    program(machine / "chromium", "exit 0")
    program(machine / "apt-get", 'echo "apt-get $*"')
    done = run(machine)
    assert done.returncode == 0, done.stderr
    assert "chromium" not in done.stdout


def test_failing_tests_fail_the_script(machine: Path) -> None:
    program(machine / "chromium", "exit 0")
    program(machine / "apt-get", "exit 0")
    program(machine / "make", "exit 2")
    assert run(machine).returncode == 2
