"""Runs of any process: found again, gone on with, rebound, and left to a live owner."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.journal import open_journal
from leafmesh_nb.mesh import registry
from leafmesh_nb.notebook.overview import status_html, status_text


class TestFinding:
    def test_an_ended_run_comes_back_as_it_is(self, desk: Any) -> None:
        run = desk.refund("50")
        run.result(20)
        count = len(run.recorded())
        for name in (run.id, run.id[:6], f" {run.id} "):
            again = lm.resume(name)
            assert again is run
        registry._handles.clear()
        again = lm.resume(run.id)
        assert again is not run
        assert again.status == "done"
        assert again.result() == {"category": "refund", "paid": Decimal(50)}
        assert again.requester == run.requester
        assert len(again.recorded()) == count
        assert len(again.costs()) == len(run.costs())

    def test_a_failed_run_too(self, desk: Any) -> None:
        run = desk.refund("9000")
        registry._handles.clear()
        again = lm.resume(run.id)
        with pytest.raises(lm.RunError, match="pay_out was denied"):
            again.result()

    @pytest.mark.parametrize("name", ["zzz", "", "  ", None, 7.5, "%", "run:"])
    def test_runs_that_are_not_there(self, desk: Any, name: Any) -> None:
        run = desk.refund("50")
        with pytest.raises(lm.RunError, match="has no run") as caught:
            lm.resume(name)
        assert run.id in str(caught.value)

    def test_a_beginning_of_several(self, desk: Any) -> None:
        runs = [desk.refund("50") for _ in range(18)]
        firsts = [run.id[0] for run in runs]
        double = next(c for c in firsts if firsts.count(c) > 1)
        with pytest.raises(lm.RunError, match="is the beginning of several runs"):
            lm.resume(double)

    def test_an_empty_journal(self, desk: Any) -> None:
        with pytest.raises(lm.RunError, match="it has none yet"):
            lm.resume("abc")
        assert lm.approvals() == []
        assert len(lm.runs()) == 0
        assert lm.runs()["interrupted"].dtype == "bool"
        assert not Path(desk.journal).exists()
        with pytest.raises(lm.JournalError, match="there is no journal at"):
            lm.verify()

    def test_runs_as_a_frame(self, desk: Any) -> None:
        runs = [desk.refund(amount) for amount in ("50", "620", "9000")]
        frame = lm.runs()
        assert list(frame["run"]) == [run.id for run in reversed(runs)]
        assert list(frame["status"]) == ["failed", "waiting", "done"]
        assert {str(t) for t in frame.dtypes[:5]} == {"string"}
        assert "UTC" in str(frame["created"].dtype)
        assert list(frame["ended"].isna()) == [False, True, False]
        assert len(lm.runs(journal=desk.folder / "other.db")) == 0

    def test_questions_by_run_oldest_first(self, desk: Any) -> None:
        runs = [desk.refund("620") for _ in range(3)]
        found = lm.approvals()
        assert [q.run.id for q in found] == [run.id for run in runs]
        found[1].reject(by="lead")
        desk.settled(runs[1])
        assert [q.run.id for q in lm.approvals()] == [runs[0].id, runs[2].id]

    def test_verify_names_what_was_changed(self, desk: Any) -> None:
        run = desk.refund("50")
        run.result(20)
        found = lm.verify()
        assert (found.ok, found.runs) == (True, 1)
        import sqlite3

        with sqlite3.connect(desk.journal) as conn:
            conn.execute(
                "UPDATE events SET payload = replace(payload, '50', '51') "
                "WHERE stream = ? AND kind = 'call.finished'",
                (f"run:{run.id}",),
            )
        found = lm.verify()
        assert not found.ok
        assert run.id in found.bad


class TestAfterADeath:
    def test_an_answer_takes_the_run_over_at_once(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere(ending="at once")
        model = lm.testing.ScriptedModel([])
        desk.mesh(models={"quick": model, "deep": model})
        began = time.monotonic()
        (question,) = lm.approvals()
        question.approve(by="lead", note="after the crash")
        run = desk.keep(question.run)
        assert run.id == other.run
        assert run.result(20) == {"category": "refund", "paid": Decimal(620)}
        assert time.monotonic() - began < 10
        assert model.requests == []
        assert desk.paid() == [Decimal(620)]
        assert [r.recovered for r in desk.bodies(run, "run.resumed")] == [True]
        assert lm.verify().ok

    def test_resume_waits_for_the_answer_again(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere(ending="at once")
        desk.mesh()
        run = desk.keep(lm.resume(other.run))
        assert run.owned_here
        assert run.status == "waiting"
        assert lm.resume(other.run) is run
        run.approvals()[0].reject(by="lead")
        with pytest.raises(lm.RunError, match="lead rejected it"):
            run.result(20)
        assert desk.paid() == []

    def test_a_payout_in_doubt_is_asked_about_and_never_repeated_by_itself(
        self, desk: Any, elsewhere: Any
    ) -> None:
        other = elsewhere(amount="50", ending="in the tool")
        desk.mesh()
        run = desk.settled(desk.keep(lm.resume(other.run)))
        (question,) = run.approvals()
        assert (question.point, question.subject) == ("in_doubt", "pay_out")
        assert question.options == ("approve", "edit", "reject")
        assert "its result never arrived" in question.reason
        assert desk.paid() == [Decimal(50)]
        question.edit({"receipt": "R-0001"}, by=question.roster[0])
        assert run.result(20)["paid"] == Decimal(50)
        assert desk.paid() == [Decimal(50)]
        finished = [c for c in desk.bodies(run, "call.finished") if not c.live]
        assert [c.result for c in finished] == [{"receipt": "R-0001"}]

    def test_a_script_for_the_action_does_not_answer_a_doubt(
        self, desk: Any, elsewhere: Any
    ) -> None:
        other = elsewhere(amount="50", ending="in the tool")
        desk.mesh(approver=lm.testing.ScriptedApprover([{"answer": "approve"}]))
        run = desk.settled(desk.keep(lm.resume(other.run)))
        assert run.status == "waiting"
        assert desk.paid() == [Decimal(50)]

    def test_a_run_whose_owner_died_is_shown_as_interrupted(
        self, desk: Any, elsewhere: Any
    ) -> None:
        dead, alive = elsewhere(amount="50", ending="in the tool"), elsewhere()
        ended, own = desk.refund("50"), desk.settled(desk.refund("620"))
        ended.result(20)
        frame = lm.runs().set_index("run")
        assert frame["interrupted"].dtype == "bool"
        assert dict(frame["interrupted"]) == {
            dead.run: True,
            alive.run: False,
            ended.id: False,
            own.id: False,
        }
        assert frame["status"][dead.run] == "running"
        shown = [registry.find(name, own.journal) for name in (dead.run, alive.run, own.id)]
        hint = f"running, interrupted: %mesh resume {dead.run}"
        for status in (status_text(None, shown), status_html(None, shown)):
            assert hint in status
            assert status.count("interrupted") == 1
        desk.keep(lm.resume(dead.run))
        assert not lm.runs()["interrupted"].any()

    def test_a_wait_on_an_abandoned_run_says_so(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere(amount="50", ending="in the tool")
        run = registry.find(other.run, open_journal())
        assert run.abandoned()
        with pytest.raises(lm.RunError) as caught:
            run.result(20)
        assert f"nobody drives run {run.id}" in str(caught.value)
        assert f"lm.resume('{run.id}')" in str(caught.value)


class TestARowThatWasChanged:
    """What a run goes by stands in its chain; the row beside it cannot give it other rules."""

    def test_laxer_rules_in_the_row_are_refused(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere(ending="at once")
        with sqlite3.connect(desk.journal) as conn:
            ((text,),) = conn.execute("SELECT text FROM specs").fetchall()
            laxer = text.replace("<= 100", "<= 10000")
            assert laxer != text
            digest = hashlib.sha256(laxer.encode()).hexdigest()
            conn.execute("INSERT INTO specs VALUES (?, ?)", (digest, laxer))
            conn.execute("UPDATE runs SET spec_hash = ?", (digest,))
        conn.close()
        desk.mesh()
        with pytest.raises(lm.JournalError, match=rf"row of run {other.run} .* spec_hash is not"):
            lm.resume(other.run)
        assert desk.paid() == []
        assert lm.verify().bad == f"row of run {other.run}"

    @pytest.mark.parametrize("column", ["mesh", "workflow", "requester"])
    def test_so_is_another(self, desk: Any, column: str) -> None:
        run = desk.settled(desk.refund("620"))
        with sqlite3.connect(desk.journal) as conn:
            conn.execute(f"UPDATE runs SET {column} = 'other'")
        conn.close()
        registry._handles.clear()
        with pytest.raises(lm.JournalError, match=f"{column} is not the one"):
            registry.find(run.id, run.journal)

    def test_a_run_without_its_first_event_is_not_found(self, desk: Any) -> None:
        run = desk.refund("50")
        run.result(20)
        with sqlite3.connect(desk.journal) as conn:
            conn.execute("DELETE FROM events WHERE stream = ?", (f"run:{run.id}",))
        conn.close()
        registry._handles.clear()
        with pytest.raises(lm.JournalError, match=r"has no run\.started"):
            registry.find(run.id, run.journal)


class TestJournalsBesideEachOther:
    def test_an_answer_in_a_copy_of_the_journal_is_not_one_to_the_original(
        self, desk: Any, tmp_path: Path
    ) -> None:
        run = desk.settled(desk.refund("620"))
        place = tmp_path / "copy.db"
        with sqlite3.connect(desk.journal) as conn, sqlite3.connect(place) as copied:
            conn.backup(copied)
            copied.execute("UPDATE runs SET owner = '', lease_until = NULL")
        conn.close()
        copied.close()
        copy = registry.find(run.id, open_journal(place))
        assert copy is not run
        assert run.owned_here
        assert not copy.owned_here
        copy.cancel()
        assert copy.status == "cancelled"
        assert run.status == "waiting"
        run.approvals()[0].approve(by="lead")
        assert run.result(20)["paid"] == Decimal(620)
        assert desk.paid() == [Decimal(620)]
        assert copy.status == "cancelled"

    def test_a_message_that_cannot_be_read_is_refused_and_stops_nobody(self, desk: Any) -> None:
        first, second = (desk.settled(desk.refund("620")) for _ in range(2))
        with sqlite3.connect(desk.journal) as conn:
            ((row,),) = conn.execute(
                "INSERT INTO inbox (run, kind, body, posted) "
                "VALUES (?, 'answer', '{bad json', '2026-01-01T00:00:00.000000Z') RETURNING id",
                (first.id,),
            ).fetchall()
        conn.close()
        for run in (second, first):
            run.approvals()[0].approve(by="lead")
            assert run.result(20)["paid"] == Decimal(620)
        verdict = run.journal.message(row).verdict
        assert verdict is not None
        assert not verdict.accepted
        assert verdict.reason == "a run takes no message 'unreadable'"

    def test_a_journal_that_raises_does_not_end_the_host(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = desk.settled(desk.refund("620"))
        asked = threading.Event()

        def broken(runs: Any) -> Any:
            asked.set()
            raise ValueError("no such row")

        with monkeypatch.context() as patch:
            patch.setattr(run.journal, "inbox", broken)
            assert asked.wait(20)
        run.approvals()[0].approve(by="lead")
        assert run.result(20)["paid"] == Decimal(620)


class TestFunctions:
    def test_without_the_functions_a_run_cannot_be_driven(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere(ending="at once")
        with pytest.raises(lm.RunError) as caught:
            lm.resume(other.run)
        message = str(caught.value)
        assert "needs functions that this process does not have: agent:clerk, agent:teller" in (
            message
        )
        assert "Run the cells that define mesh refunds" in message
        (question,) = lm.approvals()
        with pytest.raises(lm.ApprovalError, match="the answer could not be given: run"):
            question.approve(by="lead")
        assert question.run.status == "waiting"

    def test_without_them_it_can_still_be_cancelled(self, desk: Any, elsewhere: Any) -> None:
        waiting, doubtful = elsewhere(ending="at once"), elsewhere("50", "in the tool")
        for other in (waiting, doubtful):
            run = registry.find(other.run, open_journal())
            run.cancel()
            assert run.status == "cancelled"
            assert desk.bodies(run, "run.rebound") == []
        assert lm.approvals() == []
        assert desk.paid() == [Decimal(50)]
        assert lm.verify().ok

    def changed(self, desk: Any) -> lm.Mesh:
        mesh: lm.Mesh = desk.mesh()

        @mesh.agent("teller")
        def teller(ticket_id: str, amount: Decimal, *, ctx: Any) -> dict[str, Any]:
            paid = ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
            return {"receipt": "changed " + paid["receipt"], "amount": amount}

        return mesh

    def test_a_changed_function_stops_a_resume(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere(ending="at once")
        self.changed(desk)
        count = len(open_journal().read(f"run:{other.run}"))
        with pytest.raises(lm.RunError) as caught:
            lm.resume(other.run)
        message = str(caught.value)
        assert "was started with another version of agent:teller. Bind" in message
        assert f"lm.resume('{other.run}', rebind=True)" in message
        assert len(open_journal().read(f"run:{other.run}")) == count

    def test_rebind_accepts_it_as_an_event(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere(ending="at once")
        self.changed(desk)
        run = desk.keep(lm.resume(other.run, rebind=True))
        desk.until(lambda: desk.bodies(run, "run.rebound"))
        (rebound,) = desk.bodies(run, "run.rebound")
        assert set(rebound.functions) >= {"agent:teller", "tool:pay_out"}
        assert rebound.by
        run.approvals()[0].approve(by="lead")
        run.result(20)
        receipts = [
            c.result["receipt"]
            for c in desk.bodies(run, "call.finished")
            if isinstance(c.result, dict) and "amount" in c.result and "receipt" in c.result
        ]
        assert receipts == ["changed R-0001"]

    def test_the_mesh_to_take_them_from_can_be_given(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere(ending="at once")
        mine = desk.mesh()
        registry._defined.clear()
        run = desk.keep(lm.resume(other.run, mine))
        assert run.status == "waiting"

    def test_another_mesh_is_refused(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere(ending="at once")
        wrong = lm.Mesh.from_yaml("mesh: wrong\n")
        with pytest.raises(lm.RunError, match="belongs to mesh refunds, and wrong was given"):
            lm.resume(other.run, wrong)

    def test_a_run_keeps_its_rules(self, desk: Any, elsewhere: Any, refunds_text: str) -> None:
        other = elsewhere(ending="at once")
        desk.mesh(refunds_text.replace("to: lead", "to: finance").replace("[finance]", "[lead]"))
        run = desk.keep(lm.resume(other.run))
        (question,) = run.approvals()
        assert question.to == "lead"
        assert run.spec.text == refunds_text
