"""The distributions as a user gets them: built, looked into, installed and run away from the tree.

When root runs these tests, an ordinary user (`nobody`) runs the installed package: permissions do
not stop root, so a read-only folder would prove nothing.
"""

from __future__ import annotations

import configparser
import email.message
import email.parser
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
EXTRAS = {
    "anthropic",
    "bench",
    "deploy",
    "docs",
    "fast",
    "google",
    "lab",
    "mcp",
    "openai",
    "otlp",
    "safety",
    "test",
}

MESH = """\
mesh: letters
models:
  quick: {provider: offline, tier: small}
agents:
  reader:
    role: Reads letters
    capabilities:
      letter.sort:
        input:  {letter: string}
        output: {kind: {enum: [complaint, praise]}}
        examples: [{text: "This is broken", output: {kind: complaint}}]
    model: quick
workflows:
  sort:
    input: {letter: string}
    steps:
      read:
        capability: letter.sort
        with: {letter: input.letter}
    output: {kind: steps.read.output.kind}
"""


@dataclass(frozen=True)
class User:
    """Who runs the installed package: ourselves, or `nobody` when we are root."""

    uid: int
    gid: int

    def owns(self, path: Path) -> Path:
        os.chown(path, self.uid, self.gid)
        return path

    def run(
        self, command: list[str], *, cwd: Path, env: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        root = os.getuid() == 0
        return subprocess.run(
            command,
            cwd=cwd,
            env=env,
            user=self.uid if root else None,
            group=self.gid if root else None,
            extra_groups=[] if root else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


@dataclass(frozen=True)
class Desk:
    """A folder to work in, with the installed package on PATH and an empty home."""

    cwd: Path
    home: Path
    bin: Path
    user: User

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": f"{self.bin}{os.pathsep}{os.defpath}", "HOME": str(self.home)}
        env |= {name: os.environ[name] for name in ("no_proxy", "NO_PROXY") if name in os.environ}
        # UTF-8 whatever the machine's locale: mesh texts are.
        env["LC_ALL"] = "C.UTF-8"
        return self.user.run([str(self.bin / program), *arguments], cwd=self.cwd, env=env)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="leafmesh-wheel-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def distributions(place: Path) -> Path:
    """Both distributions; `build` makes the wheel from the unpacked sdist."""
    folder = place / "dist"
    finished([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)])
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return email.parser.Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def user() -> User:
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        return User(nobody.pw_uid, nobody.pw_gid)
    return User(os.getuid(), os.getgid())


@pytest.fixture(scope="module")
def installed(place: Path, wheel: Path, user: User) -> Path:
    """The programs of a clean environment in which the wheel was installed."""
    environment = place / "environment"
    finished([python_for(user), "-m", "venv", str(environment)])
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet"]
    finished([*pip, "--disable-pip-version-check", str(wheel)])
    return environment / "bin"


@pytest.fixture(params=["empty", "read-only"])
def desk(
    request: pytest.FixtureRequest, place: Path, installed: Path, user: User
) -> Iterator[Desk]:
    folder = Path(tempfile.mkdtemp(dir=place))
    folder.chmod(0o755)
    cwd, home = folder / "cwd", folder / "home"
    for path in (cwd, home):
        path.mkdir()
        user.owns(path)
    if request.param == "read-only":
        cwd.chmod(0o555)
        probe = user.run(["/bin/sh", "-c", ": > written"], cwd=cwd, env={})
        assert probe.returncode != 0, "the folder does not stop the user from writing"
    yield Desk(cwd, home, installed, user)
    cwd.chmod(0o755)


def finished(command: list[str]) -> None:
    """Run `command` for its effect; its output is the message if it fails."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, umask=0o022
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}", pytrace=False)


def python_for(user: User) -> str:
    """An interpreter that `user` may run: ours may lie in root's home."""
    probe = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    installed = [f"/usr/{place}bin/python3{minor}"
                 for minor in ("", ".13", ".12", ".11") for place in ("", "local/")]  # fmt: skip
    for candidate in (os.path.realpath(sys.executable), *installed):
        try:
            done = user.run([candidate, "-c", probe], cwd=Path("/"), env={})
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    pytest.fail(
        "no Python of 3.11 or newer, with venv, that an ordinary user may run; "
        "on Debian: apt install python3-venv",
        pytrace=False,
    )


def passed(done: subprocess.CompletedProcess[str]) -> str:
    """The standard output of a run that must have gone well."""
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


def test_wheel_holds_every_file_of_the_package(names: set[str]) -> None:
    package = ROOT / "leafmesh_nb"
    files = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.is_file() and not {"__pycache__", ".leafmesh"}.intersection(path.parts)
    }
    assert files - names == set()


@pytest.mark.parametrize("kind", [".css", ".csv", ".ipynb", ".js", ".lark"])
def test_wheel_holds_data_of_each_kind(names: set[str], kind: str) -> None:
    assert kind in {PurePosixPath(name).suffix for name in names}


def test_wheel_holds_the_quickstart(wheel: Path, names: set[str]) -> None:
    quickstart = {f"leafmesh_nb/quickstart/{name}" for name in ("shop.py", "tickets.csv")}
    assert quickstart | {"leafmesh_nb/py.typed"} <= names
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        with zipfile.ZipFile(wheel) as archive:
            packed = archive.read(f"leafmesh_nb/quickstart/{notebook.name}")
        assert packed == notebook.read_bytes()


def test_wheel_holds_the_extension_of_jupyterlab(wheel: Path, names: set[str]) -> None:
    """Where an installer puts it, word for word, and of the package's own version."""
    source = ROOT / "labextension" / "leafmesh-nb"
    placed = "share/jupyter/labextensions/leafmesh-nb/"
    held = {name.partition(placed)[2]: name for name in names if ".data/data/" in name}
    files = [path for path in source.rglob("*") if path.is_file()]
    assert set(held) == {path.relative_to(source).as_posix() for path in files}
    with zipfile.ZipFile(wheel) as archive:
        for path in files:
            packed = archive.read(held[path.relative_to(source).as_posix()])
            assert packed == path.read_bytes()
    described = json.loads((source / "package.json").read_text(encoding="utf-8"))
    assert described["version"] == wheel.name.split("-")[1]
    assert (source / described["jupyterlab"]["_build"]["load"]).is_file()


def test_wheel_holds_nothing_else(names: set[str]) -> None:
    tops = {PurePosixPath(name).parts[0] for name in names}
    own = {top for top in tops if not top.endswith((".dist-info", ".data"))}
    assert own == {"leafmesh_nb"}
    assert not [name for name in names if "test_" in name or "__pycache__" in name]


def test_sdist_holds_what_building_and_testing_need(distributions: Path) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    own = Path(__file__).relative_to(ROOT).as_posix()
    expected = {"pyproject.toml", "Makefile", "LICENSE", "README.md", "CHANGELOG.md", ".ci/run"}
    assert expected | {own, "notebooks/quickstart.ipynb", "leafmesh_nb/py.typed"} <= held
    assert "labextension/leafmesh-nb/static/remoteEntry.js" in held
    assert not [name for name in held if name.startswith((".venv", ".git/", "dist"))]


def test_metadata(metadata: email.message.Message) -> None:
    assert metadata["Name"] == "leafmesh-nb"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra", [])) == EXTRAS


def test_every_requirement_has_a_lower_bound(metadata: email.message.Message) -> None:
    loose = [line for line in metadata.get_all("Requires-Dist", []) if ">=" not in line]
    assert loose == []


def test_entry_points(wheel: Path, names: set[str]) -> None:
    (name,) = (n for n in names if n.endswith(".dist-info/entry_points.txt"))
    scripts = configparser.ConfigParser()
    with zipfile.ZipFile(wheel) as archive:
        scripts.read_string(archive.read(name).decode())
    assert dict(scripts["console_scripts"]) == {
        "leafmesh-nb": "leafmesh_nb.cli:main",
        "jupyter-mesh": "leafmesh_nb.cli:main",
    }


def test_import(desk: Desk, metadata: email.message.Message) -> None:
    code = "import leafmesh_nb as lm; print(lm.__version__, lm.__file__)"
    version, origin = passed(desk.run("python", "-c", code)).split()
    assert version == metadata["Version"]
    assert Path(origin).is_relative_to(desk.bin.parent)
    assert list(desk.cwd.iterdir()) == []


def test_the_extension_loads(desk: Desk) -> None:
    code = "%load_ext leafmesh_nb\nprint(sorted(get_ipython().magics_manager.magics['cell']))"
    assert "'mesh'" in passed(desk.run("ipython", "--no-banner", "-c", code))
    assert list(desk.cwd.iterdir()) == []


@pytest.mark.parametrize("program", [("leafmesh-nb",), ("jupyter", "mesh")])
def test_check(desk: Desk, program: tuple[str, ...]) -> None:
    file = desk.home / "letters.yaml"
    file.write_text(MESH)
    passed(desk.run(*program, "check", str(file)))
    assert list(desk.cwd.iterdir()) == []


def test_jupyterlab_finds_the_extension(desk: Desk) -> None:
    """Without a build, and without a program that could make one."""
    done = desk.run("jupyter", "labextension", "list")
    assert done.returncode == 0, done.stderr
    listed = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    (line,) = (line for line in listed.splitlines() if "leafmesh-nb v" in line)
    assert line.split()[2:4] == ["enabled", "OK"]
    assert "(python, leafmesh-nb)" in line


def test_schema(desk: Desk) -> None:
    schema = json.loads(passed(desk.run("leafmesh-nb", "schema")))
    assert schema["$schema"].endswith("2020-12/schema")
    assert "agents" in schema["properties"]


def test_check_of_a_broken_mesh(desk: Desk) -> None:
    file = desk.home / "letters.yaml"
    file.write_text(MESH.replace("role:", "rôle:"))
    done = desk.run("leafmesh-nb", "check", str(file))
    assert done.returncode == 1
    assert "LM2" in done.stdout
    assert "rôle" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_check_of_a_missing_file(desk: Desk) -> None:
    done = desk.run("leafmesh-nb", "check", str(desk.home / "missing.yaml"))
    assert done.returncode == 2
    assert "missing.yaml" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_demo(desk: Desk) -> None:
    out = desk.home / "out"
    printed = passed(desk.run("leafmesh-nb", "demo", "--out", str(out)))
    pages = [path for path in out.rglob("*.html") if path.name in printed]
    assert pages
    assert all("<html" in path.read_text(encoding="utf-8") for path in pages)
    # The second payout is answered by the script, and the record says so.
    assert "script" in printed
