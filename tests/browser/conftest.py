"""A JupyterLab of its own, and notebooks in Chromium.

    def test_it(open_notebook):
        notebook = open_notebook(["print(1 + 1)"])
        notebook.run_all()
        expect(notebook.output(0)).to_have_text("2")

One JupyterLab serves the session, with fresh settings; a browser lives as long as a test module,
because Playwright's own event loop would be in the way of other tests. Screenshots go to the
folder that SCREENSHOTS names, else to a temporary one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "live"

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "a-lab-for-tests"
UP_WITHIN = 60
TIMEOUT = 60_000
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

# JupyterLab says "Idle" before the kernel's handshake is over.
KERNEL_READY = """async () => {
  const context = () => window.jupyterapp?.shell.currentWidget?.sessionContext;
  while (!context()) await new Promise((resolve) => setTimeout(resolve, 100));
  await context().ready;
  await context().session.kernel.info;
}"""


# Between two cells of a run-all the kernel is idle for a moment.
KERNEL_IDLE = """async () => {
  const context = jupyterapp.shell.currentWidget.sessionContext;
  for (let idle = 0; idle < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    idle = context.session?.kernel?.status === "idle" ? idle + 1 : 0;
  }
}"""


@dataclass
class Lab:
    """A running JupyterLab. Notebooks live in ``root``."""

    url: str
    root: Path
    log: Path
    process: subprocess.Popen[bytes]
    written: int = 0

    def write(self, cells: Sequence[str | nbformat.NotebookNode], name: str = "") -> str:
        """Write a notebook of code cells; returns its name."""
        self.written += 1
        name = name or f"notebook{self.written}.ipynb"
        made = [nbformat.v4.new_code_cell(c) if isinstance(c, str) else c for c in cells]
        notebook = nbformat.v4.new_notebook(cells=made)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.root / name)
        return name

    def read(self, name: str) -> nbformat.NotebookNode:
        """A notebook as it was saved last."""
        return nbformat.read(self.root / name, as_version=4)

    def end_kernels(self) -> None:
        """Shut down every kernel, so that none takes the next test's time."""
        with self.request("GET", "api/sessions") as reply:
            sessions = json.load(reply)
        for session in sessions:
            self.request("DELETE", f"api/sessions/{session['id']}").close()

    def request(self, method: str, path: str) -> Any:
        """An answer of the server's REST interface, to be closed."""
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{self.url}/{path}", method=method, headers=headers)
        return urllib.request.urlopen(request, timeout=UP_WITHIN)


@dataclass
class Notebook:
    """A notebook open in JupyterLab. ``page`` is Playwright's."""

    lab: Lab
    name: str
    page: Any
    shots: Path

    def run_all(self) -> None:
        """Run every cell. Returns at once: a cell may wait for the click that comes next."""
        self._command("notebook:run-all-cells")

    def run_cell(self, index: int) -> None:
        """Run one cell. Returns at once."""
        self.page.evaluate(
            "(index) => { jupyterapp.shell.currentWidget.content.activeCellIndex = index }", index
        )
        self._command("notebook:run-cell")

    def cell(self, index: int) -> Any:
        """A cell, as a locator. JupyterLab draws only those in view: their count tells nothing."""
        return self.page.locator(
            f'.jp-NotebookPanel:visible .jp-Cell[data-windowed-list-index="{index}"]'
        )

    def output(self, index: int) -> Any:
        """All outputs of a cell, as a locator."""
        return self.cell(index).locator(".jp-OutputArea").first

    def wait_until_idle(self) -> None:
        """Wait until no cell runs or is queued, those that are not drawn included."""
        self.page.evaluate(KERNEL_IDLE)

    def wait_until_ready(self) -> None:
        """Wait until the kernel answers."""
        self.page.evaluate(KERNEL_READY)

    def restart_kernel(self) -> None:
        """Restart the kernel without being asked."""
        self.page.evaluate(
            "async () => { const session = jupyterapp.shell.currentWidget.sessionContext.session;"
            " await session.kernel.restart(); await session.kernel.info }"
        )

    def save(self) -> nbformat.NotebookNode:
        """Save; returns the notebook as it is on disk."""
        self.page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save') }")
        return self.lab.read(self.name)

    def reload(self) -> None:
        """Reload the page, as a reader would."""
        self.page.reload()
        self.wait_until_ready()

    def theme(self, name: str) -> None:
        """Switch to ``light`` or ``dark``."""
        self.page.evaluate(
            "async (theme) => { await jupyterapp.commands.execute("
            "'apputils:change-theme', { theme }) }",
            THEMES[name],
        )
        light = "true" if name == "light" else "false"
        body = self.page.locator(f'body[data-jp-theme-light="{light}"]')
        body.wait_for(state="attached")

    def shot(self, name: str) -> Path:
        """A picture of the page as ``name.png``."""
        path = self.shots / f"{name}.png"
        self.page.screenshot(path=path, animations="disabled")
        return path

    def _command(self, name: str) -> None:
        self.page.evaluate("(name) => { jupyterapp.commands.execute(name) }", name)


@pytest.fixture(scope="session")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a free port, in a folder where notebooks import ``scripted_run``."""
    root = tmp_path_factory.mktemp("lab")
    for module in FIXTURES.glob("*.py"):
        shutil.copy(module, root)
    lab = _start_lab(root, tmp_path_factory.mktemp("lab-config"))
    try:
        _wait_until_up(lab)
        yield lab
    finally:
        os.killpg(lab.process.pid, signal.SIGTERM)
        try:
            lab.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(lab.process.pid, signal.SIGKILL)
            lab.process.wait()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go."""
    named = os.environ.get("SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_notebook(lab: Lab, browser: Any, screenshots: Path) -> Iterator[Callable[..., Notebook]]:
    """Opens notebooks: ``open_notebook(cells)``, or ``open_notebook(name="a.ipynb")``.

    ``width`` and ``height`` are those of the page in CSS pixels. Kernels end with the test.
    """
    contexts = []

    def open_(
        cells: Sequence[str | nbformat.NotebookNode] = (),
        *,
        name: str = "",
        theme: str = "light",
        width: int = 1280,
        height: int = 1000,
    ) -> Notebook:
        name = lab.write(cells, name) if cells else name
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.goto(f"{lab.url}/lab/tree/{name}?reset&token={TOKEN}")
        notebook = Notebook(lab, name, page, screenshots)
        notebook.wait_until_ready()
        page.evaluate("() => jupyterapp.shell.collapseLeft()")
        notebook.theme(theme)
        return notebook

    yield open_
    for context in contexts:
        context.close()
    lab.end_kernels()


def _start_lab(root: Path, config: Path) -> Lab:
    (config / "app").mkdir()
    quiet = {
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        },
        "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
        # The first completion of Python imports jedi, which takes seconds on a busy machine.
        "@jupyterlab/completer-extension:manager": {"providerTimeout": 30_000},
    }
    (config / "app" / "overrides.json").write_text(json.dumps(quiet))
    port = _free_port()
    # The wheel installs the extension; here it is the one of this checkout, whatever is installed.
    (config / "share").mkdir()
    (config / "share" / "labextensions").symlink_to(REPOSITORY / "labextension")
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "JUPYTER_CONFIG_DIR": str(config / "jupyter"),
        "JUPYTER_PATH": str(config / "share"),
        "JUPYTERLAB_WORKSPACES_DIR": str(config / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(config / "settings"),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"),
        *(f"--ServerApp.root_dir={root}", f"--LabApp.app_settings_dir={config / 'app'}"),
        "--LabApp.expose_app_in_browser=True",
    ]
    log = config / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    return Lab(f"http://127.0.0.1:{port}", root, log, process)


def _wait_until_up(lab: Lab) -> None:
    end = time.monotonic() + UP_WITHIN
    while True:
        try:
            lab.request("GET", "api/status").close()
        except OSError:
            if lab.process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"JupyterLab did not start:\n{lab.log.read_text()[-3000:]}")
            time.sleep(0.2)
        else:
            return


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
