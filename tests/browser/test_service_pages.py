"""The service's pages in a real browser: live, with a notebook beside them, and without scripts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

import leafmesh_nb as lm
from leafmesh_nb.deploy import tokens
from leafmesh_nb.deploy.access import Access
from leafmesh_nb.deploy.app import build_app
from leafmesh_nb.deploy.context import Release, ServiceContext
from leafmesh_nb.engine import events as ev
from leafmesh_nb.journal import open_journal
from leafmesh_nb.quickstart import shop

pytestmark = pytest.mark.browser

REFUNDS = Path(__file__).parent.parent / "fixtures" / "refunds.yaml"
TICKET = "On 3 March you charged us twice. I would like the full $620.00 back, please."
HOSTILE = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1> refund $620.00"
TIMEOUT = 60_000
PHONE = {"width": 390, "height": 844}

NOTEBOOK = """
%load_ext leafmesh_nb
import leafmesh_nb as lm
from leafmesh_nb.quickstart import shop
%config MeshMagics.journal = {journal!r}
mesh = lm.Mesh.from_file({mesh!r})
mesh.agent("clerk")(shop.clerk); mesh.agent("teller")(shop.teller)
mesh.tool("pay_out")(shop.pay_out);
"""

# The sum of unexpected layout shifts (web.dev/articles/cls), from the first paint on.
SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 400);
})"""


class Service:
    """A service of the reference mesh in this process, and pages of it in Chromium."""

    def __init__(self, folder: Path, browser: Any) -> None:
        self.browser = browser
        self.mesh = lm.Mesh.from_file(REFUNDS)
        self.mesh.agent("clerk")(shop.clerk)
        self.mesh.agent("teller")(shop.teller)
        self.mesh.tool("pay_out")(shop.pay_out)
        self.journal = open_journal(folder / "journal.db")
        self.access = Access(self.journal.location)
        self.operator = tokens.create(self.access, self.mesh.name, "ada", operator=True)
        now = datetime.now(UTC)
        release = Release(self.mesh.name, self.mesh.spec.hash, now)
        self.context = ServiceContext(self.mesh, self.journal, release, self.access, now)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(build_app(self.context), log_level="warning")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), daemon=True
        )
        self._thread.start()
        until(lambda: self._server.started)
        self.context.standing.ready.set()
        self.complaints: list[str] = []
        self._contexts: list[Any] = []
        self._runs: list[Any] = []

    def token(self, person: str) -> str:
        return tokens.create(self.access, self.mesh.name, person)

    def start(self, ticket: str = TICKET) -> Any:
        """A run of this process, up to its question."""
        run = self.mesh.start(
            "refund", journal=self.journal.location, ticket_id="7", ticket=ticket, tier="gold"
        )
        self._runs.append(run)
        until(lambda: run.status != "running")
        return run

    def page(self, token: str, path: str = "/", **options: Any) -> Any:
        """A page of a browser that is signed in."""
        options.setdefault("viewport", {"width": 1280, "height": 860})
        context = self.browser.new_context(base_url=self.url, **options)
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto("/sign-in")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "sign-in" not in url)
        if path != "/":
            page.goto(path)
        return page

    def _hear(self, message: Any) -> None:
        # An answer that is refused is a status that the browser reports; that is no complaint.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def close(self) -> None:
        self.context.standing.draining.set()
        self._server.should_exit = True
        for context in self._contexts:
            context.close()
        for run in self._runs:
            if run.status == "waiting":
                run.cancel()
        self._thread.join(20)
        self._listener.close()
        self.access.close()


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        threading.Event().wait(0.02)


@pytest.fixture
def service(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("SHOP_LEDGER", str(tmp_path / "payouts.jsonl"))
    service = Service(tmp_path, browser)
    yield service
    service.close()
    # Nothing on any page was refused by the content security policy, and no script failed.
    assert service.complaints == []


def approve(scope: Any) -> Any:
    return scope.get_by_role("button", name="Approve", exact=True)


def told(page: Any, text: str) -> None:
    """Wait until the page shows a text, beside what it says to those who do not see it."""
    page.locator("main").get_by_text(text).wait_for()


def recorded(service: Service, run: str, kind: type) -> datetime:
    """When an event of a run was recorded."""
    events = service.journal.read(f"run:{run}")
    return next(event.ts for event in events if isinstance(event.body, kind))


def test_a_notebooks_run_is_answered_in_the_inbox(
    service: Service, open_notebook: Callable[..., Any], screenshots: Path
) -> None:
    setup = NOTEBOOK.format(journal=service.journal.location, mesh=str(REFUNDS))
    start = f'%mesh run refund ticket_id="7" ticket={TICKET!r} tier="gold" -o run'
    page = service.page(service.token("lead"))
    told(page, "Nothing waits for you")
    notebook = open_notebook([setup, start])
    notebook.run_all()
    approve(notebook.output(1)).wait_for()

    # The inbox was open all the time, and shows the question by itself.
    page.get_by_role("heading", name="Let teller call pay_out?").wait_for()
    page.screenshot(path=screenshots / "service-inbox-from-notebook.png")
    page.get_by_role("textbox", name="Note").fill("checked in the inbox")
    approve(page).click()
    told(page, "You approved")
    told(page, "is done: category refund")

    notebook.output(1).get_by_text("✓ Done").wait_for()
    shown = notebook.output(1).inner_text().replace("signed_in", "signed in")
    for text in ("lead", "service", "signed in", "checked in the inbox"):
        assert text in shown, text


def test_a_run_over_http_is_answered_in_the_notebook(
    service: Service, open_notebook: Callable[..., Any]
) -> None:
    setup = NOTEBOOK.format(journal=service.journal.location, mesh=str(REFUNDS))
    notebook = open_notebook([setup, "%mesh approvals"])
    notebook.run_cell(0)
    notebook.wait_until_idle()
    headers = {"Authorization": f"Bearer {service.operator}"}
    body = {"workflow": "refund", "input": {"ticket_id": "7", "ticket": TICKET, "tier": "gold"}}
    answer = httpx.post(f"{service.url}/api/runs", json=body, headers=headers, timeout=20)
    run = answer.json()["id"]
    page = service.page(service.operator, f"/runs/{run}")
    told(page, "Waiting for lead")
    page.evaluate(
        """() => new MutationObserver(() => {
          const pill = document.querySelector(".run-title .pill").textContent;
          if (pill === "Done") window.doneAt ??= Date.now();
        }).observe(document, { childList: true, subtree: true, characterData: true })"""
    )

    notebook.run_cell(1)
    approve(notebook.output(1)).click()
    notebook.output(1).get_by_text("✓ Done").wait_for()
    page.wait_for_function("() => window.doneAt")
    shown = page.evaluate("() => window.doneAt") / 1000
    assert shown - recorded(service, run, ev.RunEnded).timestamp() < 1.0
    told(page, "notebook, asserted")


def test_what_somebody_types_outlives_what_others_do(service: Service) -> None:
    first = service.start()
    page = service.page(service.token("lead"))
    note = page.get_by_role("textbox", name="Note")
    note.fill("half a thought")
    page.get_by_text("Edit before approving…").click()
    page.get_by_label("amount").fill("250.00")
    diff = page.get_by_role("region", name="Your changes")
    assert diff.inner_text().split() == ["amount", "620.00", "(old)", "amount", "250.00", "(new)"]
    assert not approve(page).is_visible()
    service.start()
    told(page, "2 questions wait for you")
    assert page.title().startswith("(2) Approvals")
    assert note.input_value() == "half a thought"
    assert page.get_by_label("amount").input_value() == "250.00"
    assert page.evaluate("() => document.activeElement.name") == "field.amount"

    # Somebody else is quicker: that is shown, and nothing can be sent any more.
    (question,) = first.approvals()
    page.get_by_role("button", name="Approve with edits").wait_for()
    question.reject(by="lead", note="too late for you")
    told(page, "“too late for you”")
    assert page.get_by_role("button", name="Approve with edits").count() == 0


def test_an_edit_that_is_refused_can_be_mended(service: Service) -> None:
    run = service.start()
    page = service.page(service.token("lead"))
    page.get_by_text("Edit before approving…").click()
    page.get_by_label("amount").fill("6000")
    page.get_by_role("button", name="Approve with edits").click()
    page.get_by_role("alert").get_by_text("the edited value is denied").wait_for()
    assert page.get_by_label("amount").input_value() == "6000"
    page.get_by_label("amount").fill("99.50")
    page.get_by_role("button", name="Approve with edits").click()
    outcome = page.get_by_role("status").filter(has_text="You approved")
    outcome.wait_for()
    assert page.evaluate("() => document.activeElement.id") == "decided"
    until(lambda: run.status == "done")
    assert str(run.output["paid"]) == "99.50"


def test_questions_are_answered_from_the_keyboard(service: Service) -> None:
    runs = [service.start(), service.start()]
    page = service.page(service.token("lead"))
    first = page.url
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press("k")
    page.get_by_role("textbox", name="Note").focus()
    page.keyboard.type("jk")
    page.keyboard.press("Enter")  # in a field it answers nothing
    assert page.get_by_role("textbox", name="Note").input_value() == "jk"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.value") == "approve":
            break
    page.keyboard.press("Enter")
    told(page, "You approved")
    until(lambda: sorted(run.status for run in runs) == ["done", "waiting"])


def test_it_all_works_without_scripts(service: Service) -> None:
    run = service.start(HOSTILE)
    page = service.page(service.token("lead"), java_script_enabled=False)
    page.get_by_text("Edit before approving…").click()
    page.get_by_label("amount").fill("250.00")
    page.get_by_role("textbox", name="Note").fill("by hand")
    page.get_by_role("button", name="Approve with edits").click()
    told(page, "You approved")
    until(lambda: run.status == "done")
    assert str(run.output["paid"]) == "250.00"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_and_stays_where_it_is(
    service: Service, scheme: str, screenshots: Path
) -> None:
    waits, done = service.start(HOSTILE), service.start("How do I change my address?")
    until(lambda: done.status == "done")
    (question,) = waits.approvals()
    paths = {
        "runs": "/runs",
        "start": "/runs/new",
        "run": f"/runs/{waits.id}",
        "run-routing": f"/runs/{waits.id}/routing",
        "run-events": f"/runs/{done.id}/events",
        "inbox": "/approvals",
        "question": f"/approvals/{waits.id}/{question.id}",
        "costs": "/costs",
        "routing": "/routing",
        "policies": "/policies",
        "audit": "/audit?verify=1",
    }
    for size, options in (("wide", {}), ("phone", {"viewport": PHONE, "has_touch": True})):
        page = service.page(service.operator, color_scheme=scheme, **options)
        for name, path in paths.items():
            page.goto(path)
            assert page.evaluate(SHIFTS) < 0.02, (name, size)
            across = "() => document.documentElement.scrollWidth - window.innerWidth"
            assert page.evaluate(across) <= 0, (name, size)
            page.screenshot(path=screenshots / f"service-{name}-{size}-{scheme}.png")
        assert page.evaluate("() => window.hacked") is None
        assert page.locator("img").count() == 0
