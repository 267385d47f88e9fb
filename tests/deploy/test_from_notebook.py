"""``%mesh deploy`` in a real kernel, which is then killed: the service goes on without it."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from leafmesh_nb.deploy import services
from leafmesh_nb.deploy.access import Access
from leafmesh_nb.engine.events import ReleaseRecorded
from leafmesh_nb.journal import open_journal

FIXTURES = Path(__file__).parent.parent / "fixtures"

FUNCTIONS = """
import json
from pathlib import Path

LEDGER = Path("payouts.jsonl")

def receipt(number):
    return f"R-{number:04d}"

@mesh.agent("clerk")
def clerk(ticket, amount, tier, *, ctx):
    return {"amount": amount, "reason": f"a {tier} customer"}

@mesh.agent("teller")
def teller(ticket_id, amount, *, ctx):
    paid = ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
    return {"receipt": paid["receipt"], "amount": paid.arguments["amount"]}

@mesh.tool("pay_out")
def pay_out(ticket_id, amount):
    with LEDGER.open("a") as book:
        book.write(json.dumps({"ticket": ticket_id, "amount": str(amount)}) + "\\n")
    return {"receipt": receipt(1)}
"""


class Notebook:
    """A kernel. ``run`` executes a cell and returns what it printed, or raises with its error."""

    def __init__(self, folder: Path) -> None:
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager(kernel_name="python3")
        if sys.platform != "win32":
            self.manager.transport, self.manager.ip = "ipc", str(folder / "kernel")
        env = {**os.environ, "LEAFMESH_JOURNAL": str(folder / "journal.db")}
        self.manager.start_kernel(cwd=str(folder), env=env)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, source: str) -> str:
        printed: list[str] = []

        def keep(message: Any) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                printed.append(content["text"])
            elif message["msg_type"] in ("display_data", "execute_result"):
                printed.append(content["data"].get("text/plain", ""))

        reply = self.client.execute_interactive(source, timeout=120, output_hook=keep)
        content = reply["content"]
        assert content["status"] == "ok", f"{content.get('evalue')}\n{''.join(printed)}"
        return "\n".join(printed)

    def kill(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    found = Notebook(tmp_path)
    yield found
    found.kill()
    access = Access(tmp_path / "journal.db")
    running = services.running(access, "refunds")
    if running is not None:
        services.stop(access, running)
    access.close()


@pytest.fixture
def defined(notebook: Notebook, tmp_path: Path) -> Notebook:
    text = (FIXTURES / "refunds.yaml").read_text().replace('    python: "shop:pay_out"\n', "")
    notebook.run("%load_ext leafmesh_nb")
    notebook.run(f"%%mesh\n{text}")
    notebook.run(textwrap.dedent(FUNCTIONS))
    return notebook


def test_the_service_outlives_its_kernel(defined: Notebook, tmp_path: Path) -> None:
    shown = defined.run("%mesh deploy --port 0")
    url, token = json.loads(
        defined.run("import json\nprint(json.dumps([service.url, service.token]))")
    )
    assert url in shown
    assert token not in shown, "the output of a cell is saved"
    assert token not in defined.run("service")
    assert token not in defined.run("print(service)")
    defined.manager.shutdown_kernel(now=True)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        ticket = {"ticket_id": "7", "ticket": "charged twice, refund 50.00", "tier": "gold"}
        body = {"workflow": "refund", "input": ticket}
        id = client.post("/api/runs", json=body).json()["id"]
        with client.stream("GET", f"/api/runs/{id}/events", timeout=30) as stream:
            for _ in stream.iter_lines():
                pass
        run = client.get(f"/api/runs/{id}").json()
    assert (run["status"], run["output"]["paid"]) == ("done", "50.00")
    assert json.loads((tmp_path / "payouts.jsonl").read_text()) == {
        "ticket": "7",
        "amount": "50.00",
    }
    (released,) = [
        event.body
        for event in open_journal(tmp_path / "journal.db").read("journal")
        if isinstance(event.body, ReleaseRecorded)
    ]
    assert set(released.files) == {"functions.py", "mesh.yaml", "manifest.json"}
    assert (tmp_path / "releases" / f"refunds-{released.release[:12]}").is_dir()


def test_deploying_again_says_what_runs_and_stopping_stops_it(defined: Notebook) -> None:
    defined.run("%mesh deploy --port 0 -o first")
    assert "that is the mesh as it is defined here" in defined.run("%mesh deploy")
    defined.run("import httpx")
    both = """
for s in (first, service):
    sent = {"Authorization": f"Bearer {s.token}"}
    print(s.url, httpx.get(f"{s.url}/api/runs", headers=sent).status_code)
"""
    one, two = defined.run(both).split("\n")[:2]
    assert one == two
    assert one.endswith(" 200")
    defined.run(
        "@mesh.tool('pay_out')\ndef pay_out(ticket_id, amount):\n    return {'receipt': 'x'}"
    )
    with pytest.raises(AssertionError, match="mesh refunds is served at http"):
        defined.run("%mesh deploy")
    assert "has stopped" in defined.run("%mesh deploy --stop")
    assert defined.run("print(first, service)").count("stopped") == 2
    assert "is not served" in defined.run("%mesh deploy --stop")
    defined.run("%mesh deploy --port 0")


def test_a_run_of_the_service_goes_on_in_the_notebook_with_the_same_functions(
    defined: Notebook, tmp_path: Path
) -> None:
    defined.run("%mesh deploy --port 0")
    started = """
import httpx
ticket = {"ticket_id": "7", "ticket": "charged twice, refund 480.00", "tier": "gold"}
with httpx.Client(base_url=service.url, headers={"Authorization": f"Bearer {service.token}"}) as c:
    id = c.post("/api/runs", json={"workflow": "refund", "input": ticket}).json()["id"]
    while not c.get("/api/approvals").json()["approvals"]:
        pass
"""
    defined.run(started)
    defined.run("%mesh deploy --stop")
    answered = """
run = lm.resume(id)
(asked,) = run.approvals()
asked.approve(by="lead")
print(run.result(30)["paid"], [event.kind for event in run.recorded() if "rebound" in event.kind])
"""
    assert "480.00 []" in defined.run(f"import leafmesh_nb as lm\n{answered}")
    assert "480.00" in (tmp_path / "payouts.jsonl").read_text()


def test_what_cannot_be_deployed_is_said_without_a_traceback(
    notebook: Notebook, tmp_path: Path
) -> None:
    text = (FIXTURES / "refunds.yaml").read_text().replace('    python: "shop:pay_out"\n', "")
    notebook.run("%load_ext leafmesh_nb")
    with pytest.raises(AssertionError, match="no mesh is defined yet"):
        notebook.run("%mesh deploy")
    notebook.run(f"%%mesh\n{text}")
    with pytest.raises(AssertionError, match="nothing is bound to agent clerk, agent teller"):
        notebook.run("%mesh deploy")
    notebook.run(textwrap.dedent(FUNCTIONS))
    notebook.run("mesh.agent('clerk')(lambda ticket, amount, tier: {'amount': 1, 'reason': ''})")
    with pytest.raises(AssertionError, match="agent clerk: it is a lambda"):
        notebook.run("%mesh deploy")
    for line in ("--port x", "--prot 1", "-o 1a", "here"):
        with pytest.raises(AssertionError, match=r"usage: %mesh deploy|-o takes"):
            notebook.run(f"%mesh deploy {line}")
    assert not (tmp_path / "releases").exists()
