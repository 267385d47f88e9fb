"""Signed checkpoints: what a chain without a key cannot show."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys

import pytest

from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import chain, signing
from leafmesh_nb.journal.checkpoints import from_note
from leafmesh_nb.journal.sqlite import SqliteJournal

posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@pytest.fixture(autouse=True)
def key(tmp_path, monkeypatch):
    """A key of this test's own, which is not there yet."""
    place = tmp_path / "keys" / "signing-key.pem"
    monkeypatch.setenv("LEAFMESH_SIGNING_KEY", str(place))
    return place


@pytest.fixture
def written(path, scribe):
    """Runs a and b, ended, and c, which goes on."""
    journal = SqliteJournal(path)
    for run in ("a", "b", "c"):
        scribe.start(journal, run)
        scribe.say(journal, run, 1, "two", {"amount": "12.50"})
    scribe.end(journal, "a", 3)
    scribe.end(journal, "b", 3)
    journal.close()
    return path


def rewrite(path, stream, change=lambda kind, payload: payload, only=lambda kind: True):
    """Write a stream anew so that its chain holds: what somebody does who knows the format."""
    with sqlite3.connect(path) as conn:
        rows = conn.execute(
            "SELECT * FROM events WHERE stream = ? ORDER BY seq", (stream,)
        ).fetchall()
        conn.execute("DELETE FROM events WHERE stream = ?", (stream,))
        prev, seq = chain.GENESIS, 0
        for _, _, ts, epoch, kind, where, v, payload, salt, _, _ in rows:
            if not only(kind):
                continue
            seq += 1
            text = change(kind, payload)
            head = chain.header(stream, seq, ts, epoch, kind, where, v)
            hash = chain.link(prev, head, chain.payload_digest(salt, text))
            conn.execute(
                f"INSERT INTO events VALUES ({', '.join('?' * 11)})",
                (stream, seq, ts, epoch, kind, where, v, text, salt, prev, hash),
            )
            prev = hash
    conn.close()
    return prev


def rewrite_run(path, run, only=lambda kind: True):
    """Raise an amount in a run and make every hash of the file agree with it."""
    head = rewrite(path, f"run:{run}", lambda kind, text: text.replace("12.50", "92.50"))

    def follow(kind, payload):
        said = json.loads(payload)
        mine = kind == "run.head" and said["run"] == run
        return json.dumps(said | {"hash": head}) if mine else payload

    rewrite(path, "journal", follow, only)


def test_every_end_of_a_run_is_signed(written, check):
    found = SqliteJournal(written).verify()
    assert found.ok, found
    assert found.keys == {found.own_key: 2}
    assert found.unsigned == 0
    assert check(str(written))[0]


def test_the_signature_is_one_that_anybody_can_check(written, query):
    """By the published text, with nothing of ours."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    payloads = query("SELECT payload FROM events WHERE kind = 'checkpoint.signed' ORDER BY seq")
    for size, (payload,) in zip((1, 3), payloads, strict=True):
        said = json.loads(payload)
        ((hash,),) = query(f"SELECT hash FROM events WHERE stream = 'journal' AND seq = {size}")
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(said["public_key"]))
        text = f"leafmesh checkpoint 1\njournal\n{size}\n{hash}\n"
        public.verify(bytes.fromhex(said["signature"]), text.encode())


def test_the_fingerprint_is_that_of_ssh_keygen(written, key, tmp_path):
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    tool = shutil.which("ssh-keygen")
    if tool is None:
        pytest.skip("no ssh-keygen on PATH to compare with")
    private = load_pem_private_key(key.read_bytes(), None)
    public = tmp_path / "key.pub"
    public.write_bytes(private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    said = subprocess.run([tool, "-l", "-f", public], capture_output=True, text=True, check=True)
    assert said.stdout.split()[1] == SqliteJournal(written).verify().own_key


def test_a_run_that_was_written_anew_with_all_its_hashes(written):
    rewrite_run(written, "a")
    found = SqliteJournal(written).verify()
    assert (found.ok, found.bad) == (False, "journal seq 1")
    assert "the journal was rewritten: key SHA256:" in found.reason


def test_the_first_run_that_was_written_anew_is_named(written):
    rewrite_run(written, "b")
    assert SqliteJournal(written).verify().bad == "journal seq 3"


def test_a_signature_by_nobody(written):
    def forged(kind, payload):
        said = json.loads(payload) | {"signature": "00" * 64}
        return json.dumps(said) if kind == "checkpoint.signed" else payload

    rewrite(written, "journal", forged)
    found = SqliteJournal(written).verify()
    assert found.bad == "journal seq 2"
    assert "the signature is not that of key SHA256:" in found.reason


@pytest.mark.parametrize(
    "change",
    [{"size": 9}, {"size": "1"}, {"stream": "run:a"}, {"key": "SHA256:x"}, {"public_key": "zz"}],
    ids=str,
)
def test_a_checkpoint_that_no_journal_wrote(written, change):
    def odd(kind, payload):
        said = json.loads(payload) | change
        return json.dumps(said) if kind == "checkpoint.signed" else payload

    rewrite(written, "journal", odd)
    found = SqliteJournal(written).verify()
    assert (found.bad, found.reason) == (
        "journal seq 2",
        "it holds a checkpoint that no journal wrote",
    )


def test_checkpoints_that_were_taken_away(written):
    """Without them the ends are unsigned: said always, and broken where a key is demanded."""
    own = SqliteJournal(written).verify().own_key
    rewrite_run(written, "a", only=lambda kind: kind != "checkpoint.signed")
    found = SqliteJournal(written).verify()
    assert (found.ok, found.unsigned, found.keys) == (True, 2, {})
    found = SqliteJournal(written).verify(keys=[own])
    assert found.bad == "journal seq 1"
    assert found.reason == f"no key of {own} signed the end of run a"


def test_another_key_vouches_for_nothing_where_ours_is_demanded(written, monkeypatch, key):
    own = SqliteJournal(written).verify().own_key
    monkeypatch.setenv("LEAFMESH_SIGNING_KEY", str(key.with_name("other.pem")))
    other = signing.own_key(create=True)
    assert other is not None

    def signed_anew(kind, payload):
        if kind != "checkpoint.signed":
            return payload
        said = json.loads(payload)
        text = f"leafmesh checkpoint 1\njournal\n{said['size']}\n{said['head']}\n"
        named = {"key": other.fingerprint, "public_key": other.public}
        return json.dumps(said | named | {"signature": other.sign(text)})

    with sqlite3.connect(written) as conn:  # the newest only: what is signed by it stays
        conn.execute("DELETE FROM events WHERE stream = 'journal' AND seq > 2")
        conn.execute("DELETE FROM events WHERE stream IN ('run:b')")
        conn.execute("DELETE FROM runs WHERE id = 'b'")
    conn.close()
    rewrite(written, "journal", signed_anew)
    journal = SqliteJournal(written)
    assert journal.verify().keys == {other.fingerprint: 1}
    assert journal.verify(keys=[other.fingerprint]).ok
    assert not journal.verify(keys=[own]).ok


def test_a_note_kept_elsewhere_shows_a_journal_that_was_cut_back(written, scribe):
    note = SqliteJournal(written).verify().note
    assert from_note(note).size == 3
    scribe.end(SqliteJournal(written), "c", 3)
    assert SqliteJournal(written).verify(note=note).ok, "more may follow"

    with sqlite3.connect(written) as conn:
        conn.execute("DELETE FROM events WHERE stream = 'journal' AND seq > 2")
        conn.execute("DELETE FROM events WHERE stream IN ('run:b', 'run:c')")
        conn.execute("DELETE FROM runs WHERE id IN ('b', 'c')")
    conn.close()
    assert SqliteJournal(written).verify().ok, "nothing in the file itself shows it"
    found = SqliteJournal(written).verify(note=note)
    assert found.bad == "journal seq 3"
    assert "the event was deleted: the note, signed by SHA256:" in found.reason


def test_a_note_of_another_journal(written, tmp_path, scribe):
    journal = SqliteJournal(tmp_path / "other.db")
    scribe.start(journal, "a")
    scribe.end(journal, "a", 1)
    found = SqliteJournal(written).verify(note=journal.verify().note)
    assert found.bad == "journal seq 1"
    assert "or is not the one of the note" in found.reason


def test_a_note_that_is_none_or_was_changed(written):
    journal = SqliteJournal(written)
    note = journal.verify().note
    for text in ("", "hello", note.replace("\n3\n", "\nthree\n")):
        with pytest.raises(JournalError, match="no note of a checkpoint"):
            from_note(text)
    with pytest.raises(JournalError, match="the note was changed"):
        journal.verify(note=note.replace("\n3\n", "\n2\n"))


@posix
def test_the_key_is_its_owners_alone(written, key):
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [file.name for file in key.parent.iterdir()] == [key.name], "no draft is left"


MAKES_A_KEY = "from leafmesh_nb.journal.signing import own_key; print(own_key(create=True).public)"


def test_processes_that_make_the_key_at_once_get_one(tmp_path, monkeypatch, run_child):
    children = [
        subprocess.Popen([sys.executable, "-c", MAKES_A_KEY], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    assert len({child.communicate(timeout=60)[0] for child in children}) == 1


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_is_no_key_stops_a_run_before_it_starts(path, key, scribe, content):
    key.parent.mkdir()
    key.write_bytes(content)
    journal = SqliteJournal(path)
    with pytest.raises(JournalError, match=r"signing-key.pem cannot be used: .*Name an Ed25519"):
        scribe.start(journal, "a")
    assert journal.runs() == []


def test_a_key_of_another_kind(path, key, scribe):
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key.parent.mkdir()
    key.write_bytes(pem)
    with pytest.raises(JournalError, match=r"it holds a .*key"):
        scribe.start(SqliteJournal(path), "a")


def test_a_key_that_is_lost_in_the_middle_of_a_run_loses_no_end(path, key, scribe, monkeypatch):
    journal = SqliteJournal(path)
    scribe.start(journal, "a")
    broken = key.with_name("broken.pem")
    broken.write_text("no key")
    monkeypatch.setenv("LEAFMESH_SIGNING_KEY", str(broken))
    scribe.end(journal, "a", 1)
    found = journal.verify()
    assert (found.ok, found.unsigned, found.own_key) == (True, 1, "")


def test_without_a_place_for_a_key_the_ends_are_unsigned(path, scribe, monkeypatch, tmp_path):
    """A home that cannot be written is nobody's fault; a key that was named must be there."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LEAFMESH_SIGNING_KEY", str(tmp_path / "file" / "key.pem"))
    with pytest.raises(JournalError, match="it cannot be made"):
        scribe.start(SqliteJournal(path), "a")

    monkeypatch.delenv("LEAFMESH_SIGNING_KEY")
    monkeypatch.setattr(signing, "place_of_key", lambda: tmp_path / "file" / "key.pem")
    journal = SqliteJournal(path)
    scribe.start(journal, "a")
    scribe.end(journal, "a", 1)
    assert (journal.verify().ok, journal.verify().unsigned) == (True, 1)


@posix
@pytest.mark.parametrize("odd", ["pipe", "folder", "device", "nowhere"])
def test_a_key_that_is_no_file_hangs_nothing(path, key, scribe, odd):
    key.parent.mkdir()
    if odd == "pipe":
        os.mkfifo(key)
    elif odd == "folder":
        key.mkdir()
    else:
        key.symlink_to("/dev/zero" if odd == "device" else key.with_name("nothing"))
    journal = SqliteJournal(path)
    with pytest.raises(JournalError, match=r"signing-key.pem cannot be used: (it|Is) "):
        scribe.start(journal, "a")
    assert journal.runs() == []
    assert not key.with_name("nothing").exists()


def test_a_key_behind_a_link(path, key, scribe):
    real = key.with_name("real.pem")
    made = signing.own_key(create=True)
    key.rename(real)
    key.symlink_to(real)
    signing._loaded.clear()
    journal = SqliteJournal(path)
    scribe.start(journal, "a")
    scribe.end(journal, "a", 1)
    assert journal.verify().keys == {made.fingerprint: 1}


@pytest.mark.parametrize("named", ["key.pem", "../key.pem", " ", "~nobody-of-this-name/key.pem"])
def test_a_key_is_named_by_its_whole_path(path, scribe, monkeypatch, tmp_path, named):
    """A relative one would make another key in each folder that a process goes to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEAFMESH_SIGNING_KEY", named)
    with pytest.raises(JournalError, match="write the whole path of the key"):
        scribe.start(SqliteJournal(path), "a")
    assert not (tmp_path / "key.pem").exists()


def test_a_fingerprint_in_other_spellings(written):
    journal = SqliteJournal(written)
    own = journal.verify().own_key
    for spelt in (own, f" {own}\n", f"{own}="):
        assert journal.verify(keys=[spelt]).ok, spelt
    for spelt in ("", "bad", own.lower(), own.removeprefix("SHA256:"), own[:-1], "MD5:aa:bb"):
        with pytest.raises(JournalError, match=r"is no fingerprint: SHA256: and 43 characters"):
            journal.verify(keys=[spelt])


def signed_anew(said, size, head):
    """A checkpoint of this test's own key over another place."""
    own = signing.own_key()
    text = f"leafmesh checkpoint 1\njournal\n{size}\n{head}\n"
    return said | {"size": size, "head": head, "signature": own.sign(text)}


@pytest.mark.parametrize("size", [0, -1, 1, True, 4, 10**30], ids=str)
def test_a_checkpoint_of_the_key_over_another_place(written, size):
    """Each vouches for the event right before it, so that none can be repeated elsewhere."""

    def moved(kind, payload):
        said = json.loads(payload)
        mine = kind == "checkpoint.signed" and said["size"] == 3
        return json.dumps(signed_anew(said, size, said["head"])) if mine else payload

    rewrite(written, "journal", moved)
    found = SqliteJournal(written).verify()
    assert (found.bad, found.reason) == (
        "journal seq 4",
        "it holds a checkpoint that no journal wrote",
    )


def test_a_checkpoint_that_was_repeated(written):
    with sqlite3.connect(written) as conn:
        conn.execute(
            "INSERT INTO events SELECT stream, 5, ts, epoch, kind, path, v, payload, salt, prev, "
            "hash FROM events WHERE stream = 'journal' AND seq = 4"
        )
    conn.close()
    assert not SqliteJournal(written).verify().ok
    rewrite(written, "journal")
    found = SqliteJournal(written).verify()
    assert (found.bad, found.reason) == (
        "journal seq 5",
        "it holds a checkpoint that no journal wrote",
    )


def test_checkpoints_of_another_journal(written, tmp_path, scribe, query):
    other = SqliteJournal(tmp_path / "other.db")
    scribe.start(other, "a")
    scribe.end(other, "a", 1)
    other.close()
    with sqlite3.connect(tmp_path / "other.db") as conn:
        ((taken,),) = conn.execute("SELECT payload FROM events WHERE kind = 'checkpoint.signed'")
    conn.close()

    def swapped(kind, payload):
        mine = kind == "checkpoint.signed" and json.loads(payload)["size"] == 1
        return taken if mine else payload

    rewrite(written, "journal", swapped)
    found = SqliteJournal(written).verify()
    assert found.bad == "journal seq 1"
    assert "signed another hash here" in found.reason


@pytest.mark.parametrize("field", ["signature", "public_key"])
def test_a_signature_is_spelt_in_one_way(written, field):
    def shouted(kind, payload):
        said = json.loads(payload)
        return json.dumps(said | {field: said[field].upper()}) if field in said else payload

    rewrite(written, "journal", shouted)
    assert SqliteJournal(written).verify().bad == "journal seq 2"


def test_a_note_that_came_by_mail(written):
    note = SqliteJournal(written).verify().note
    assert from_note("\r\n" + note.replace("\n", "\r\n") + "\r\n") == from_note(note)
    for size in ("9" * 5000, "0", "-3", "٣"):
        with pytest.raises(JournalError, match="no note of a checkpoint"):
            from_note(note.replace("\n3\n", f"\n{size}\n"))


@pytest.fixture
def shared(path, scribe):
    """Three events in the mesh's own stream, and a run that ended behind them."""
    journal = SqliteJournal(path)
    journal.commit(scribe.shared("refunds", 0, 1, 2, 3)).result(10)
    scribe.start(journal, "a")
    scribe.end(journal, "a", 1)
    journal.close()
    return path


def test_the_shared_stream_is_signed_too(shared, check):
    found = SqliteJournal(shared).verify()
    assert found.ok, found
    assert found.keys == {found.own_key: 2}
    assert from_note(found.note).stream == "journal"
    assert check(str(shared))[0]


def test_a_tail_that_was_cut_off_the_shared_stream(shared):
    with sqlite3.connect(shared) as conn:
        conn.execute("DELETE FROM events WHERE stream = 'mesh:refunds' AND seq = 3")
    conn.close()
    found = SqliteJournal(shared).verify()
    assert found.bad == "mesh:refunds seq 3"
    assert "the event was deleted: key SHA256:" in found.reason


def test_a_shared_stream_that_was_written_anew_with_all_its_hashes(shared):
    rewrite(shared, "mesh:refunds", lambda kind, text: text.replace("2", "9"))
    found = SqliteJournal(shared).verify()
    assert found.bad == "mesh:refunds seq 3"
    assert "the journal was rewritten" in found.reason
