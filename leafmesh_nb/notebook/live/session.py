"""A run's live card in a notebook: shown, kept up to date, and static once the run has ended."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from leafmesh_nb.engine.events import RunEnded
from leafmesh_nb.errors import ApprovalError, JournalError, LeafmeshError
from leafmesh_nb.notebook.live.hellos import Hello, Hellos
from leafmesh_nb.observe.card import CardState

if TYPE_CHECKING:
    from leafmesh_nb.engine.events import Event
    from leafmesh_nb.language.spec import Spec
    from leafmesh_nb.notebook.live.widget import RunWidget

__all__ = ["LiveSession", "RunHandle"]

logger = logging.getLogger(__name__)

# Seconds between two patches at least, and after how many the whole state is sent again.
PATCH_EVERY = 0.1
KEYFRAME_EVERY = 5.0
# Seconds between two looks at a run that another process drives.
LOOK_EVERY = 0.25
# How long the commit that ends a run waits for its card to be static, in seconds.
END_SHOWN_WITHIN = 2.0
LONGEST_NOTE = 2_000

ANSWERS = ("approve", "reject", "edit", "escalate")


class RunHandle(Protocol):
    """What a card needs of a run."""

    @property
    def id(self) -> str: ...

    @property
    def spec(self) -> Spec: ...

    @property
    def workflow(self) -> str: ...

    @property
    def status(self) -> str: ...

    def recorded(self) -> list[Event]:
        """All events so far."""
        ...

    def subscribe(self, callback: Callable[[Sequence[Event]], None]) -> Callable[[], None]:
        """Call back after each commit, on the runner's thread; returns what ends that."""
        ...

    def answer(
        self,
        approval: str,
        answer: str,
        *,
        person: str | None,
        channel: str,
        identity: str,
        note: str = "",
        value: Any = None,
    ) -> None:
        """Answer a question; blocks until the owner's verdict, raises ApprovalError on refusal."""
        ...

    def step(self, *, wait: bool = True) -> None: ...

    def resume(self, *, wait: bool = True) -> None: ...

    def pause(self) -> None: ...

    def cancel(self) -> None: ...


class LiveSession:
    """Connects a run to the views of its card.

    ``person`` is who sits at this notebook, if they said so. ``on_reveal`` is called with the
    source of a masked value (``QUESTION/inputs/FIELD``) before it is shown: it records the event,
    and raises a LeafmeshError to refuse. Without it nothing is revealed. ``shared`` is
    handed on to the card's state.
    """

    def __init__(
        self,
        run: RunHandle,
        *,
        person: str | None = None,
        on_reveal: Callable[[str], object] | None = None,
        shared: Callable[[int], Sequence[Event]] | None = None,
    ) -> None:
        self._run = run
        self._on_reveal = on_reveal
        self._card = CardState(run.spec, run.workflow, run.id, person=person, shared=shared)
        self._hellos = Hellos()
        self._widget: RunWidget | None = None
        self._slots: list[Any] = []
        self._arrived: list[Event] = []
        self._arriving = threading.Lock()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._pumping: threading.Thread | None = None
        self._over = threading.Event()

    def show(self) -> None:
        """Display the card in the running cell and keep it up to date from a thread of its own."""
        from IPython.display import display

        from leafmesh_nb.notebook.live.widget import RunWidget, static_bundle

        # Subscribing first: an event between the two comes twice, which does no harm.
        unsubscribe = self._run.subscribe(self._arrive)
        self._card.apply(self._run.recorded())
        if self._card.ended:
            unsubscribe()
            display(static_bundle(self._card.snapshot()), raw=True)
            self._over.set()
            return
        self._widget = RunWidget(self._card.snapshot, self._receive)
        self._slots.append(display(self._widget, display_id=True))
        # Not in a copy of this cell's context: the last update then belongs to the cell that is
        # running when the run ends, and nbclient listens to no other.
        self._pumping = threading.Thread(
            target=self._pump,
            args=(self._widget, unsubscribe),
            name=f"leafmesh-card-{self._run.id}",
            daemon=True,
        )
        self._pumping.start()

    def redisplay(self) -> None:
        """Show the card again, under the cell that is running now."""
        from IPython.display import display

        if self._widget is not None and not self._over.is_set():
            self._slots.append(display(self._widget, display_id=True))

    def ping(self, timeout: float) -> list[Hello]:
        """Ask every page who is looking. Blocks for up to ``timeout`` seconds: call it from the
        kernel's own loop only where that loop can run meanwhile (``asyncio.to_thread``)."""
        if self._widget is None or self._over.is_set():
            return []
        number = self._hellos.next_ping()
        self._send({"t": "ping", "n": number})
        return self._hellos.wait(number, timeout)

    def views(self, timeout: float) -> int | None:
        """How many attached views answer a ping; None when no page answers at all."""
        hellos = self.ping(timeout)
        return sum(hello.views for hello in hellos) if hellos else None

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the card is static; False when ``timeout`` seconds were not enough."""
        return self._over.wait(timeout)

    def _arrive(self, events: Sequence[Event]) -> None:
        """Take note, on the runner's thread; of the end, until it is shown.

        Whoever waits for the run goes on only after that, so the static card is part of the
        notebook before the waiting cell, perhaps the last, is over.
        """
        with self._arriving:
            self._arrived.extend(events)
        ending = any(isinstance(event.body, RunEnded) for event in events)
        if ending:
            self._ending.set()
        self._wake.set()
        if ending and self._pumping not in (None, threading.current_thread()):
            self._over.wait(END_SHOWN_WITHIN)

    def _pump(self, widget: RunWidget, unsubscribe: Callable[[], None]) -> None:
        try:
            self._keep_up_to_date()
            self._finish(widget)
        except Exception:
            logger.exception("the live card of run %s stopped", self._run.id)
        finally:
            self._over.set()
            unsubscribe()

    def _keep_up_to_date(self) -> None:
        whole_due: float | None = None
        while not self._card.ended:
            self._wait(whole_due)
            self._wake.clear()
            self._carry_on()
            patch = self._card.take()
            if patch is not None:
                self._send(patch)
                if whole_due is None:
                    whole_due = time.monotonic() + KEYFRAME_EVERY
            if whole_due is not None and time.monotonic() >= whole_due:
                self._send_whole()
                whole_due = None
            self._ending.wait(PATCH_EVERY)

    def _wait(self, whole_due: float | None) -> None:
        """Wait for events, or until the whole state is due.

        Nobody calls back for what another process commits, be it the run's owner: whoever asks for
        the status reads it from the journal, and the run's listeners are told.
        """
        while not self._wake.wait(LOOK_EVERY):
            if whole_due is not None and time.monotonic() >= whole_due:
                return
            with contextlib.suppress(LeafmeshError):  # a journal that is away may come back
                _ = self._run.status

    def _carry_on(self) -> None:
        with self._arriving:
            events, self._arrived = self._arrived, []
        try:
            self._card.apply(events)
        except JournalError:
            # An event was missed or came out of order: the journal has them all.
            self._card.reread(self._run.recorded())

    def _finish(self, widget: RunWidget) -> None:
        from leafmesh_nb.notebook.live.widget import static_bundle

        bundle = static_bundle(self._card.snapshot())
        # First, so that pages which no update of the display reaches keep the card.
        self._send({"t": "final", "html": bundle["text/html"]})
        for slot in self._slots:
            slot.update(bundle, raw=True)
        widget.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        from leafmesh_nb.notebook.live.widget import stamped

        if self._widget is not None:
            self._widget.send(stamped(message))

    def _send_whole(self) -> None:
        self._send({"t": "state", "state": self._card.snapshot()})

    def _receive(self, message: Mapping[str, Any]) -> None:
        """A message from a page. Whatever may block goes to a thread: this one is the kernel's."""
        match message:
            case {"t": "hello"}:
                if self._hellos.note(message).seq != self._card.seq:
                    self._send_whole()
            case {"t": "sync"}:
                self._send_whole()
            case {"t": "answer", "req": str(req), "card": str(card)}:
                self._work(req, card, lambda: self._answer(card, message))
            case {"t": "act", "req": str(req), "action": str(action)}:
                self._work(req, "", lambda: self._act(action))
            case {"t": "reveal", "req": str(req), "card": str(card), "what": str(what)}:
                self._work(req, card, lambda: self._reveal(what))

    def _work(self, req: str, card: str, work: Callable[[], Mapping[str, Any] | None]) -> None:
        def run() -> None:
            verdict: dict[str, Any] = {"ok": True, "message": ""}
            try:
                verdict |= work() or {}
            except (LeafmeshError, ValueError) as error:
                verdict = {"ok": False, "message": str(error)}
            except Exception as error:
                logger.exception("a message to the card of run %s failed", self._run.id)
                verdict = {"ok": False, "message": f"{type(error).__name__}: {error}"}
            self._send({"t": "verdict", "req": req, "card": card, **verdict})

        threading.Thread(target=run, name=f"leafmesh-answer-{req}", daemon=True).start()

    def _answer(self, card: str, message: Mapping[str, Any]) -> None:
        given, person = message.get("answer"), message.get("person")
        note, changes = message.get("note", ""), message.get("changes", {})
        if given not in ANSWERS or not isinstance(note, str) or len(note) > LONGEST_NOTE:
            raise ApprovalError("this is no answer to the question")
        if not isinstance(person, str | None):
            raise ApprovalError("the answer does not say who gives it")
        value = None
        if given == "edit":
            if not _is_changes(changes):
                raise ApprovalError("the edit does not say what changes")
            value = self._card.edited(card, changes)
        self._run.answer(
            card,
            given,
            person=person or None,
            channel="notebook",
            identity="asserted",
            note=note,
            value=value,
        )

    def _act(self, action: str) -> None:
        match action:
            case "step":
                self._run.step(wait=False)
            case "resume":
                self._run.resume(wait=False)
            case "pause":
                self._run.pause()
            case "cancel":
                self._run.cancel()
            case _:
                raise ValueError(f"a run cannot {action}")

    def _reveal(self, what: str) -> Mapping[str, Any]:
        if self._on_reveal is None:
            raise ApprovalError("nothing can be revealed here")
        try:
            value = self._card.behind_mask(what)
        except KeyError:
            raise ApprovalError("this value is no longer there") from None
        self._on_reveal(what)
        return {"value": value}


def _is_changes(changes: Any) -> bool:
    return isinstance(changes, Mapping) and all(
        isinstance(name, str) and isinstance(text, str | None) for name, text in changes.items()
    )
