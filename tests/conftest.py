"""What every test stands on: no network, no state of the user's, Chromium where needed."""

from __future__ import annotations

import ipaddress
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_CHROMIUM = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def pytest_configure(config: pytest.Config) -> None:
    _bypass_proxies_for_loopback()
    # A test that reaches for the network is slow, flaky and none of this package's business.
    sys.addaudithook(_refuse_remote_connections)
    # A deadline per example measures the neighbours on a shared core; `timeout` bounds the test.
    settings.register_profile("no-deadline", deadline=None)
    settings.load_profile("no-deadline")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the browser tests on one worker: two JupyterLabs at once starve two cores."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session", autouse=True)
def _no_state_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Point what a notebook would read from, or write to, the user's home at an empty folder."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("LEAFMESH_") and name != "LEAFMESH_REQUIRE":
                patch.delenv(name)
            if name.endswith("_API_KEY"):
                patch.delenv(name)
        patch.setenv("LEAFMESH_JOURNAL", str(home / "journal.db"))
        patch.setenv("LEAFMESH_SIGNING_KEY", str(home / "signing-key.pem"))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("JUPYTER_CONFIG_DIR", str(home / "jupyter"))
        patch.setenv("JUPYTER_DATA_DIR", str(home / "jupyter-data"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(home / "jupyter-runtime"))
        yield


@pytest.fixture(autouse=True)
def _modules_of_a_test_go_with_it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A mesh's ``shop`` in a test's folder: the next test would take it for its own."""
    path, known = [*sys.path], {*sys.modules}
    yield
    sys.path[:] = path
    folder = tmp_path_factory.getbasetemp()
    for name in [name for name in sys.modules if name not in known]:
        file = getattr(sys.modules[name], "__file__", None)
        if isinstance(file, str) and Path(file).is_relative_to(folder):
            del sys.modules[name]


class _Faults(logging.Handler):
    """Keeps what the package logs of its own faults."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is not None:
            self.told.append(record.getMessage())


@pytest.fixture(autouse=True)
def faults(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Where a user is told a fault of the package in a sentence, the test fails.

    A test that brings one about on purpose is marked ``faulty``.
    """
    log, handler = logging.getLogger("leafmesh_nb"), _Faults()
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    yield handler.told
    log.removeHandler(handler)
    log.setLevel(before)
    intended = request.node.get_closest_marker("faulty") is not None
    assert intended or not handler.told, (
        "see the log: the package met an exception that it did not foresee"
    )


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, where the journal is the default `.leafmesh/journal.db`."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LEAFMESH_JOURNAL", raising=False)
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one the test is skipped, or fails where it is required."""
    for name in (*CHROMIUM_NAMES, *MAC_CHROMIUM):
        if path := shutil.which(name):
            return path
    remedy = "Debian: apt install chromium; macOS: brew install --cask chromium"
    return unavailable("browser", f"no Chromium on PATH ({remedy})")


def unavailable(requirement: str, reason: str) -> NoReturn:
    """Skip for `reason`, unless LEAFMESH_REQUIRE (words joined by commas) names `requirement`."""
    required = {word.strip() for word in os.environ.get("LEAFMESH_REQUIRE", "").split(",")}
    if requirement in required:
        pytest.fail(f"LEAFMESH_REQUIRE={requirement}, but {reason}", pytrace=False)
    pytest.skip(reason)


def _bypass_proxies_for_loopback() -> None:
    """Both spellings get the same value: libraries differ in which one they read first."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host for host in given.split(",") if host]
    if "*" not in hosts:
        hosts += [host for host in LOOPBACK if host not in hosts]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(hosts)


def _refuse_remote_connections(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = args[1]
        # Unix sockets have a path for an address.
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            raise RuntimeError(f"a test tried to reach {address[0]}; tests use loopback only")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
