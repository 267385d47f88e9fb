"""What binder/ says makes an environment in which every notebook runs, and opens the quickstart."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))

LEFTOVERS = (".git", ".*_cache", ".venv*", "__pycache__", ".leafmesh", "build", "dist", "*.db*")

# What a notebook asks in between is answered from outside, as everywhere in the tests.
EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, path)
"""


@dataclass(frozen=True)
class Session:
    """A copy of the repository as repo2docker has it, and the environment made for it."""

    repository: Path
    bin: Path
    env: dict[str, str]

    def run(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=cwd or self.repository,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The steps of repo2docker's Python buildpack: interpreter, requirements, postBuild."""
    folder = tmp_path_factory.mktemp("binder")
    repository = folder / "repository"
    shutil.copytree(ROOT, repository, ignore=shutil.ignore_patterns(*LEFTOVERS))
    home = folder / "home"
    home.mkdir()
    bin = folder / "environment" / "bin"
    env = {name: os.environ[name] for name in ("no_proxy", "NO_PROXY") if name in os.environ}
    env |= {"PATH": f"{bin}{os.pathsep}{os.defpath}", "HOME": str(home), "LC_ALL": "C.UTF-8"}
    made = Session(repository, bin, env)
    subprocess.run([interpreter(), "-m", "venv", str(bin.parent)], check=True)
    # pip keeps its own configuration: an index of the machine's own is honoured.
    pip = ["-m", "pip", "install", "-q", "-r", "binder/requirements.txt"]
    subprocess.run([str(bin / "python"), *pip], cwd=repository, check=True)
    assert os.access(repository / "binder" / "postBuild", os.X_OK)
    subprocess.run(["./binder/postBuild"], cwd=repository, env=env, check=True, capture_output=True)
    return made


def interpreter() -> str:
    """The Python that runtime.txt names."""
    wanted = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    if wanted == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{wanted}")
    if found is None:
        pytest.skip(f"binder/runtime.txt says Python {wanted}, which is not on PATH here")
    return found


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_runs(session: Session, name: str) -> None:
    session.env["LEAFMESH_ANSWERS"] = str(session.repository / "tests/fixtures/answers.json")
    folder = session.repository / "notebooks"
    session.run("python", "-c", EXECUTE, name, cwd=folder)
    cells = json.loads((folder / name).read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code if "".join(cell["source"]).strip())


@pytest.fixture
def server(session: Session) -> Iterator[str]:
    """The server as Binder starts it: its command, behind binder/start."""
    start = session.repository / "binder" / "start"
    assert os.access(start, os.X_OK)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lab = ["jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root"]
    child = subprocess.Popen(
        [str(start), *lab, "--IdentityProvider.token="],
        cwd=session.repository,
        env=session.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}"
    child.terminate()
    child.wait(60)


def test_it_opens_the_quickstart(server: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while True:
        try:
            with opener.open(server) as page:
                assert page.geturl().endswith("/lab/tree/notebooks/quickstart.ipynb")
                assert re.search(r"<title>.*JupyterLab", page.read().decode(), re.DOTALL)
            return
        except OSError:
            assert time.monotonic() < deadline, "the server did not come up in 60 s"
            time.sleep(0.2)
