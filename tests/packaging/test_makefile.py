"""The Makefile before anything is installed: which Python it takes, what it says without one."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("make", "sh", "echo", "touch", "cp", "mkdir", "rm")

# Answers as an interpreter would; an install is written to a log with the proxies it would see.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
  *version_info\\ *) exit {too_old} ;;
  *print*) echo {version} ;;
  *"import pip") exit 0 ;;
  *ensurepip*) exit {no_venv} ;;
  *"-m venv"*) shift 3; rm -rf "$1"; mkdir -p "$1/bin" && cp "$0" "$1/bin/python" ;;
  *"-m pip"*) echo "$* no_proxy=$no_proxy NO_PROXY=$NO_PROXY" >> installs.log ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
"""


@dataclass(frozen=True)
class Checkout:
    folder: Path
    tools: Path

    def python(
        self, name: str, *, version: str = "3.12.4", too_old: bool = False, venv: bool = True
    ) -> None:
        text = FAKE_PYTHON.format(version=version, too_old=int(too_old), no_venv=int(not venv))
        self.executable(name, text)

    def executable(self, name: str, text: str) -> None:
        path = self.tools / name
        path.write_text(text)
        path.chmod(0o755)

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={"PATH": str(self.tools), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def installs(self) -> list[str]:
        log = self.folder / "installs.log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder, tools = tmp_path / "checkout", tmp_path / "bin"
    folder.mkdir()
    tools.mkdir()
    for tool in TOOLS:
        path = shutil.which(tool)
        if path is None:
            pytest.skip(f"no {tool} on PATH")
        (tools / tool).symlink_to(path)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return Checkout(folder, tools)


def test_help_is_the_default_and_installs_nothing(checkout: Checkout) -> None:
    done = checkout.make()
    assert done.returncode == 0
    for target in ("demo", "lab", "test", "bench", "clean"):
        assert f"make {target}" in done.stdout
    assert not (checkout.folder / ".venv").exists()


def test_no_python_at_all_names_the_remedies(checkout: Checkout) -> None:
    done = checkout.make("demo")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    for remedy in ("sudo apt install python3 python3-venv", "brew install python", "Windows"):
        assert remedy in done.stderr
    assert not (checkout.folder / ".venv").exists()


def test_an_old_python_is_named_with_its_version(checkout: Checkout) -> None:
    checkout.python("python3", version="3.9.2", too_old=True)
    done = checkout.make("demo")
    assert done.returncode != 0
    assert "too old: python3 (3.9.2)" in done.stderr
    assert checkout.installs() == []


def test_a_python_without_ensurepip_names_the_debian_package(checkout: Checkout) -> None:
    checkout.python("python3.12", venv=False)
    done = checkout.make("demo")
    assert done.returncode != 0
    assert "python3.12 cannot make virtual environments" in done.stderr
    assert "sudo apt install python3.12-venv" in done.stderr
    assert checkout.installs() == []


def test_names_that_do_not_work_are_passed_over(checkout: Checkout) -> None:
    checkout.executable("python3.13", "#!/bin/sh\necho 'not installed' >&2\nexit 127\n")
    checkout.python("python3.12", venv=False)
    checkout.python("python3.11")
    done = checkout.make(".venv/.stamp-run")
    assert done.returncode == 0, done.stderr
    assert "Making .venv with python3.11" in done.stdout


def test_the_chosen_python_is_the_only_candidate(checkout: Checkout) -> None:
    checkout.python("python3")
    checkout.python("mine")
    done = checkout.make(".venv/.stamp-run", "PYTHON=mine")
    assert done.returncode == 0, done.stderr
    assert "Making .venv with mine" in done.stdout


def test_the_second_run_installs_nothing(checkout: Checkout) -> None:
    checkout.python("python3")
    assert checkout.make(".venv/.stamp-run").returncode == 0
    assert checkout.make(".venv/.stamp-run").returncode == 0
    (install,) = checkout.installs()
    assert " -e .[deploy] " in install


def test_the_test_environment_serves_a_run_too(checkout: Checkout) -> None:
    checkout.python("python3")
    assert checkout.make(".venv/.stamp-test").returncode == 0
    assert checkout.make(".venv/.stamp-run").returncode == 0
    (install,) = checkout.installs()
    assert " -e .[test,lab] " in install


def test_changed_dependencies_are_installed_again(checkout: Checkout) -> None:
    checkout.python("python3")
    assert checkout.make(".venv/.stamp-run").returncode == 0
    stamp = (checkout.folder / ".venv/.stamp-run").stat()
    later = stamp.st_mtime + 5
    os.utime(checkout.folder / "pyproject.toml", (later, later))
    assert checkout.make(".venv/.stamp-run").returncode == 0
    assert len(checkout.installs()) == 2


def test_an_environment_that_is_already_there_is_kept(checkout: Checkout) -> None:
    checkout.python("python3")
    own = checkout.folder / ".venv/bin"
    own.mkdir(parents=True)
    shutil.copy(checkout.tools / "python3", own / "python")
    (own / "mine").touch()
    done = checkout.make(".venv/.stamp-run")
    assert done.returncode == 0, done.stderr
    assert "Making" not in done.stdout
    assert (own / "mine").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    checkout.python("python3")
    assert checkout.make(".venv/.stamp-run").returncode == 0
    python = checkout.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to(checkout.folder / "upgraded-away")
    done = checkout.make(".venv/.stamp-run")
    assert done.returncode == 0, done.stderr
    assert "Making .venv" in done.stdout
    assert len(checkout.installs()) == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"no_proxy": "corp"}, "corp,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "corp"}, "corp,127.0.0.1,localhost,::1"),
        ({"no_proxy": "a,127.0.0.1,localhost,::1"}, "a,127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_loopback_joins_what_the_user_set(
    checkout: Checkout, given: dict[str, str], expected: str
) -> None:
    checkout.python("python3")
    done = checkout.make(".venv/.stamp-run", **given)
    assert done.returncode == 0, done.stderr
    (install,) = checkout.installs()
    assert install.endswith(f" no_proxy={expected} NO_PROXY={expected}")


@pytest.mark.parametrize(
    "name", ["Makefile", ".ci/run", "binder/requirements.txt", "pyproject.toml"]
)
def test_no_index_is_ever_overridden(name: str) -> None:
    text = (ROOT / name).read_text()
    for flag in ("index-url", "trusted-host", "find-links", "--proxy", "--cert"):
        assert flag not in text
