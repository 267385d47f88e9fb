"""``verify``: what it demands, what it saves, and what it holds a journal against."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from leafmesh_nb.cli import main

Out = pytest.CaptureFixture[str]

JOURNAL = Path(".leafmesh", "journal.db")


def sort(message: str) -> None:
    words = ["run", "triage.yaml", "sort", "--input", f"message={message}"]
    assert main(words) == 0


@pytest.fixture(autouse=True)
def journal(workdir: Path, capsys: Out) -> None:
    """One run that ended, in the working directory."""
    assert main(["new", "triage"]) == 0
    sort("I was charged twice, 20.00 each time")
    capsys.readouterr()


def own_key(capsys: Out) -> str:
    assert main(["verify", "--format", "json"]) == 0
    return str(json.loads(capsys.readouterr().out)["own_key"])


def test_a_key_that_is_demanded(capsys: Out) -> None:
    own = own_key(capsys)
    assert main(["verify", "--key", own]) == 0
    assert main(["verify", "--key", f"{own}="]) == 0, "with the padding of base64"
    capsys.readouterr()
    other = "SHA256:" + "A" * 43
    assert main(["verify", "--key", other]) == 1
    assert f"no key of {other} signed the end of run" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "bad", "SHA256:short"])
def test_a_key_that_is_none_is_a_bad_flag(capsys: Out, text: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["verify", "--key", text])
    assert caught.value.code == 2
    assert "is no fingerprint: SHA256: and 43 characters" in capsys.readouterr().err


def test_a_checkpoint_is_saved_and_held_against(workdir: Path, capsys: Out) -> None:
    assert main(["verify", "--save", "one.txt"]) == 0
    assert "saved     one.txt" in capsys.readouterr().out
    sort("Where is my parcel?")
    assert main(["verify", "--against", "one.txt"]) == 0
    assert "against   one.txt: the journal still holds" in capsys.readouterr().out


def test_what_was_saved_is_no_longer_true(workdir: Path, capsys: Out) -> None:
    """A journal that was put back is whole in itself: the old checkpoint must stay."""
    with sqlite3.connect(JOURNAL) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    shutil.copy(JOURNAL, "before.db")
    sort("Where is my parcel?")
    assert main(["verify", "--save", "kept.txt"]) == 0
    kept = Path("kept.txt").read_text()
    capsys.readouterr()

    assert main(["verify", "before.db"]) == 0, "nothing in the file shows it"
    assert main(["verify", "before.db", "--save", "kept.txt"]) == 1
    assert "the event was deleted: the note, signed by SHA256:" in capsys.readouterr().out
    assert Path("kept.txt").read_text() == kept
    assert main(["verify", "before.db", "--save", "new.txt"]) == 0
    assert main(["verify", "before.db", "--against", "new.txt", "--save", "kept.txt"]) == 1
    assert main(["verify", "--against", "new.txt", "--save", "kept.txt"]) == 0


@pytest.mark.parametrize("flag", ["--against", "--save"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\0"])
def test_a_file_that_is_no_checkpoint(
    workdir: Path, capsys: Out, flag: str, content: bytes
) -> None:
    Path("mine.txt").write_bytes(content)
    assert main(["verify", flag, "mine.txt"]) == 2
    assert "leafmesh-nb: mine.txt: this is no note of a checkpoint" in capsys.readouterr().err
    assert Path("mine.txt").read_bytes() == content
