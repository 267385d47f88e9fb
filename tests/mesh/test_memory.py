"""Memory in runs: granted fields only, snapshots, and what other runs and processes write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine.ports import ModelRequest
from leafmesh_nb.testing import ScriptedModel

CARD = "4111 1111 1111 1111"
PHRASE = "the-ungranted-phrase"


def everything(request: ModelRequest) -> str:
    """All that a model is sent, as one text."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(k): plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        return str(value)

    return json.dumps(plain(asdict(request)))


class TestGrants:
    TEXT = f"""
        mesh: office
        models: {{quick: {{provider: offline, tier: small}}}}
        memory:
          open: string
          hidden: string
          card: {{type: string or null, sensitivity: secret}}
        agents:
          reader:
            role: Reader
            instructions: "Read ${{memory.open}} in ${{input.text}}"
            capabilities:
              text.read: {{input: {{text: string}}, output: {{kind: {{enum: [a, b]}}}}}}
            model: quick
            memory: {{read: [open]}}
          peeker:
            role: Peeker
            kind: python
            capabilities:
              text.peek: {{input: {{field: string}}, output: {{value: string or null}}}}
            memory: {{read: [open], write: [open]}}
        workflows:
          read:
            input: {{text: string, open: string, card: string}}
            save: {{open: input.open, hidden: '"{PHRASE}"', card: input.card}}
            steps:
              one: {{capability: text.read, with: {{text: input.text}}}}
          peek:
            input: {{field: string, hidden: string}}
            save: {{open: '"seen"', hidden: input.hidden}}
            steps:
              one: {{capability: text.peek, with: {{field: input.field}}}}
            output: {{value: steps.one.output.value}}
        """

    def test_a_models_request_holds_granted_fields_only(self, desk: Any) -> None:
        model = ScriptedModel([{"kind": "a"}])
        run = desk.start(
            desk.mesh(self.TEXT, models={"quick": model}),
            "read",
            text="some text",
            open="an open word",
            card=CARD,
        )
        run.result(20)
        (request,) = model.requests
        assert request.memory == {"open": "an open word"}
        assert request.instructions == "Read an open word in some text"
        text = everything(request)
        assert "an open word" in text
        assert "some text" in text
        for secret in (PHRASE, CARD, "hidden", "card"):
            assert secret not in text
        written = {b.field: b.value for b in desk.bodies(run, "memory.written")}
        assert written == {"open": "an open word", "hidden": PHRASE, "card": CARD}

    def test_the_reference_mesh_shows_nobody_the_card(self, desk: Any, refunds_text: str) -> None:
        model = ScriptedModel(lambda _: {"category": "refund", "amount": "50", "confidence": 1})
        text = refunds_text.replace(
            "input: {ticket_id: string, ticket: string,",
            "input: {card: string, ticket_id: string, ticket: string,",
        ).replace(
            "save: {ticket: input.ticket,",
            "save: {card: input.card, ticket: input.ticket,",
        )
        mesh = desk.mesh(text, models={"quick": model, "deep": model})
        run = desk.start(
            mesh,
            "refund",
            ticket_id="7",
            ticket="money back",
            tier="gold",
            card="4000 0012 3456 7899",
        )
        run.result(20)
        (request,) = model.requests
        assert request.memory == {"ticket": "money back"}
        assert "7899" not in everything(request)
        for shown in (run.memory(), run.events(), run.audit(), run.calls()):
            assert "7899" not in shown.to_csv()

    def peek(self, desk: Any, field: str, *, write: bool = False, caught: bool = False) -> Any:
        mesh = desk.mesh(self.TEXT)

        @mesh.agent("peeker")
        def peeker(field: str, *, ctx: Any) -> dict[str, Any]:
            try:
                if write:
                    ctx.memory[field] = "mine"
                    return {"value": None}
                return {"value": ctx.memory[field]}
            except lm.MemoryScopeError:
                if caught:
                    return {"value": "was refused"}
                raise

        return desk.start(mesh, "peek", field=field, hidden=PHRASE)

    def test_a_granted_field_is_read_and_noted(self, desk: Any) -> None:
        run = self.peek(desk, "open")
        assert run.result(20) == {"value": "seen"}
        (finished,) = desk.bodies(run, "call.finished")
        assert finished.reads == ("open",)
        assert desk.bodies(run, "memory.denied") == []

    @pytest.mark.parametrize("write", [False, True])
    @pytest.mark.parametrize("field", ["hidden", "card", "nonsense"])
    def test_a_refusal_is_an_event_and_an_error(self, desk: Any, field: str, write: bool) -> None:
        run = self.peek(desk, field, write=write)
        with pytest.raises(lm.RunError) as caught:
            run.result(20)
        assert caught.value.cause == "MemoryScopeError"
        access = "write" if write else "read"
        assert f"agent peeker may not {access} memory.{field}" in str(caught.value)
        assert f"agents.peeker.memory.{access}: [{field}]" in str(caught.value)
        (denied,) = desk.bodies(run, "memory.denied")
        assert (denied.field, denied.agent, denied.access) == (field, "peeker", access)
        assert "denied" in run.memory().to_csv()

    def test_a_refusal_that_the_agent_swallows_is_an_event_all_the_same(self, desk: Any) -> None:
        run = self.peek(desk, "hidden", caught=True)
        assert run.result(20) == {"value": "was refused"}
        assert len(desk.bodies(run, "memory.denied")) == 1


SHARED = """
    mesh: ledger
    memory:
      last: {type: string or null, scope: mesh}
      all: {type: {list: string}, scope: mesh, merge: append}
      own: {type: {list: string}, merge: append}
    agents:
      writer:
        role: Writer
        kind: python
        capabilities:
          it.note: {input: {text: string}, output: {last: string or null, all: {list: string}}}
        memory: {read: [last, all], write: [last, all, own]}
    workflows:
      note:
        input: {text: string}
        steps:
          one: {capability: it.note, with: {text: input.text}}
        output: {last: steps.one.output.last, all: steps.one.output.all}
      twice:
        input: {text: string}
        steps:
          one: {capability: it.note, with: {text: input.text}}
          two: {capability: it.note, with: {text: input.text}, after: one}
        output: {all: steps.two.output.all}
      beside:
        input: {text: string}
        steps:
          one: {capability: it.note, with: {text: input.text + "1"}}
          two: {capability: it.note, with: {text: input.text + "2"}}
        output: {one: steps.one.output.all, two: steps.two.output.all}
    """


def note(text: str, *, ctx: Any) -> dict[str, Any]:
    found = {"last": ctx.memory.last, "all": ctx.memory.all}
    if text != "silent":
        ctx.memory.last = text
        ctx.memory.append("all", text)
        ctx.memory.append("own", text)
    if text == "broken":
        raise ValueError("after it wrote")
    return found


def ledger(desk: Any) -> lm.Mesh:
    mesh: lm.Mesh = desk.mesh(SHARED)
    mesh.agent("writer")(note)
    return mesh


class TestAcrossRuns:
    def test_a_run_sees_what_the_one_before_it_wrote(self, desk: Any) -> None:
        mesh = ledger(desk)
        found = [desk.start(mesh, "note", text=t).result(20) for t in ("a", "b", "silent")]
        assert found == [
            {"last": None, "all": []},
            {"last": "a", "all": ["a"]},
            {"last": "b", "all": ["a", "b"]},
        ]

    def test_a_later_step_of_the_same_run_sees_it_too(self, desk: Any) -> None:
        assert desk.start(ledger(desk), "twice", text="a").result(20) == {"all": ["a"]}

    def test_memory_of_a_run_is_its_own(self, desk: Any) -> None:
        mesh = ledger(desk)
        for text in ("a", "b"):
            run = desk.start(mesh, "note", text=text)
            run.result(20)
            own = [b.value for b in desk.bodies(run, "memory.written") if b.field == "own"]
            assert own == [text]
            assert run.memory().set_index("field")["value"]["own"] == f'["{text}"]'

    def test_a_step_that_fails_writes_nothing(self, desk: Any) -> None:
        mesh = ledger(desk)
        run = desk.start(mesh, "note", text="broken")
        with pytest.raises(lm.RunError, match="after it wrote"):
            run.result(20)
        assert desk.bodies(run, "memory.written") == []
        assert desk.start(mesh, "note", text="silent").result(20) == {"last": None, "all": []}

    def test_a_step_whose_output_is_denied_writes_nothing(self, desk: Any) -> None:
        policy = "policies:\n  p: {at: output, rules: [{id: never, then: deny}]}\n"
        text = textwrap.dedent(SHARED) + policy
        mesh = desk.mesh(text)
        mesh.agent("writer")(note)
        run = desk.start(mesh, "note", text="a")
        with pytest.raises(lm.RunError, match="the output of one was denied"):
            run.result(20)
        assert desk.bodies(run, "memory.written") == []
        assert desk.start(ledger(desk), "note", text="silent").result(20)["all"] == []

    def test_many_runs_at_once_lose_nothing(self, desk: Any) -> None:
        mesh = ledger(desk)
        runs = [desk.start(mesh, "note", text=f"t{n}") for n in range(20)]
        for run in runs:
            run.result(30)
        found = desk.start(mesh, "note", text="silent").result(20)
        assert sorted(found["all"]) == sorted(f"t{n}" for n in range(20))
        assert lm.verify().ok

    def test_steps_side_by_side_read_as_of_their_start(self, desk: Any) -> None:
        mesh = desk.mesh(
            SHARED.replace(
                "last: {type: string or null, scope: mesh}", "last: string or null"
            ).replace("write: [last, all, own]", "write: [all, own]")
        )
        meet = threading.Barrier(2)

        @mesh.agent("writer")
        def writer(text: str, *, ctx: Any) -> dict[str, Any]:
            before = ctx.memory.all
            meet.wait(20)
            ctx.memory.append("all", text)
            meet.wait(20)
            assert ctx.memory.all == before
            return {"last": None, "all": ctx.memory.all}

        run = desk.start(mesh, "beside", text="x")
        assert run.result(20) == {"one": [], "two": []}
        written = [b for b in desk.bodies(run, "memory.written") if b.field == "all"]
        assert sorted(b.version for b in written) == [1, 2]

    def test_changing_what_was_given_changes_nothing(self, desk: Any) -> None:
        mesh = ledger(desk)
        desk.start(mesh, "note", text="a").result(20)

        @mesh.agent("writer")
        def writer(text: str, *, ctx: Any) -> dict[str, Any]:
            ctx.memory.all.append("smuggled")
            ctx.memory["all"].clear()
            return {"last": None, "all": ctx.memory.all}

        assert desk.start(mesh, "note", text="x").result(20)["all"] == ["a"]
        assert desk.start(ledger(desk), "note", text="silent").result(20)["all"] == ["a"]


class TestAcrossProcesses:
    CHILD = """
        import sys
        import leafmesh_nb as lm

        mesh = lm.Mesh.from_file(sys.argv[1])

        @mesh.agent("writer")
        def note(text, *, ctx):
            ctx.memory.append("all", text)
            return {"last": ctx.memory.last, "all": ctx.memory.all}

        print("ready", flush=True)
        for line in sys.stdin:
            print(len(mesh.start("note", text=line.strip()).result(60)["all"]), flush=True)
        """

    @pytest.fixture
    def child(self, desk: Any, tmp_path: Path) -> Any:
        file = tmp_path / "ledger.yaml"
        file.write_text(textwrap.dedent(SHARED), encoding="utf-8")
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(self.CHILD), str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LEAFMESH_JOURNAL": desk.journal},
        )
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        yield child
        child.stdin.close()
        child.stdout.close()
        child.wait(60)

    def ask(self, child: Any, text: str) -> int:
        child.stdin.write(text + "\n")
        child.stdin.flush()
        return int(child.stdout.readline())

    def test_each_sees_what_the_other_wrote(self, desk: Any, child: Any) -> None:
        mesh = ledger(desk)
        assert desk.start(mesh, "note", text="mine 1").result(20)["all"] == []
        assert self.ask(child, "theirs 1") == 1
        assert desk.start(mesh, "note", text="mine 2").result(20)["all"] == ["mine 1", "theirs 1"]
        assert self.ask(child, "theirs 2") == 3

    def test_a_step_sees_what_was_written_while_its_run_was_under_way(
        self, desk: Any, child: Any
    ) -> None:
        mesh = ledger(desk)
        run = mesh.start("twice", text="mine", step=True)
        desk.keep(run).step()
        assert self.ask(child, "theirs") == 1
        run.resume()
        assert run.result(20) == {"all": ["mine", "theirs"]}

    def test_writing_at_once_loses_nothing(self, desk: Any, child: Any) -> None:
        mesh = ledger(desk)
        count = 25
        seen: list[int] = []

        def theirs() -> None:
            seen.extend(self.ask(child, f"theirs {n}") for n in range(count))

        thread = threading.Thread(target=theirs)
        thread.start()
        for n in range(count):
            desk.start(mesh, "note", text=f"mine {n}").result(60)
        thread.join(100)
        found = desk.start(mesh, "note", text="silent").result(20)["all"]
        assert sorted(found) == sorted(
            f"{who} {n}" for who in ("mine", "theirs") for n in range(count)
        )
        for who in ("mine", "theirs"):
            own = [int(t.split()[1]) for t in found if t.startswith(who)]
            assert own == list(range(count))
        assert seen == sorted(seen)
        assert lm.verify().ok


def test_money_in_memory_stays_exact(desk: Any) -> None:
    mesh = desk.mesh(
        """
        mesh: till
        memory: {sum: {type: money or null, scope: mesh}}
        agents:
          till:
            role: Till
            kind: python
            capabilities: {it.add: {input: {amount: money}, output: {sum: money}}}
            memory: {read: [sum], write: [sum]}
        workflows:
          add:
            input: {amount: money}
            steps: {one: {capability: it.add, with: {amount: input.amount}}}
            output: {sum: steps.one.output.sum}
        """
    )

    @mesh.agent("till")
    def till(amount: Decimal, *, ctx: Any) -> dict[str, Decimal]:
        ctx.memory.sum = (ctx.memory.sum or Decimal(0)) + amount
        return {"sum": (ctx.memory.sum or Decimal(0)) + amount}

    for _ in range(3):
        last = desk.start(mesh, "add", amount="0.10").result(20)
    assert last == {"sum": Decimal("0.30")}


class TestAdditions:
    TEXT = """
        mesh: callers
        memory:
          book: {type: {list: {map: string}}, scope: mesh, merge: append, sensitivity: pii}
          notes: {type: {list: string}, scope: mesh, merge: append}
        agents:
          clerk:
            role: Clerk
            kind: python
            capabilities: {it.note: {input: {n: integer}, output: {said: string}}}
            memory: {read: [book, notes], write: [book, notes]}
        workflows:
          note:
            input: {n: integer}
            steps: {one: {capability: it.note, with: {n: input.n}}}
            output: {said: steps.one.output.said}
        """

    def runs(self, desk: Any) -> list[Any]:
        mesh = desk.mesh(self.TEXT)

        @mesh.agent("clerk")
        def clerk(n: int, *, ctx: Any) -> dict[str, str]:
            ctx.memory.append("book", {f"Caller-{n}-Jansen": "555"})
            ctx.memory.append("notes", f"note {n}")
            return {"said": f"Caller-{n}-Jansen rang"}

        runs = [desk.start(mesh, "note", n=n) for n in range(3)]
        for run in runs:
            run.result(20)
        return runs

    def test_an_event_holds_what_was_added_and_a_frame_what_was_there(self, desk: Any) -> None:
        for run in self.runs(desk):
            body = next(
                e.body
                for e in run.shared_events()
                if e.body.run == run.id and e.body.field == "notes"
            )
            assert isinstance(body.value, str)
            row = run.memory().set_index("field").loc["notes"]
            shown = json.loads(row["value"])
            assert (len(shown), shown[-1]) == (row["version"], body.value)
        told = run.audit()["story"].tolist()
        assert any(line.startswith("clerk added to shared notes, version ") for line in told)

    def test_what_is_added_to_a_sensitive_field_is_masked_everywhere(self, desk: Any) -> None:
        for run in self.runs(desk):
            for shown in (run.memory(), run.events(), run.audit(), run.calls(), run.handoffs()):
                assert "Jansen" not in shown.to_csv()
            assert "Jansen" not in str(run._repr_mimebundle_())
