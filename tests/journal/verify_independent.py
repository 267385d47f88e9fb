"""Checks a journal by its published format alone (docstring of leafmesh_nb/journal/chain.py)."""

import json
import re
import sqlite3
import sys
import zlib
from hashlib import sha256

FACTS = ("mesh", "workflow", "spec_hash", "requester")


def digest(text):
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def check(path):
    """Whether the journal holds, its number of runs and of events, and its head hash."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    rows = db.execute("SELECT * FROM events ORDER BY stream, seq").fetchall()
    newest = db.execute("SELECT hash FROM events ORDER BY rowid DESC LIMIT 1").fetchone() or ("",)
    blobs = {row[:2]: row[2] for row in db.execute("SELECT stream, digest, data FROM blobs")}
    runs = db.execute(f"SELECT id, ended, status, {', '.join(FACTS)} FROM runs").fetchall()
    extra = db.execute("SELECT 1 FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchone()
    specs = dict(db.execute("SELECT hash, text FROM specs"))
    db.close()
    says = {row[0]: row[2:] for row in runs}
    chains, heads, ended = {row[0]: ["0" * 64] for row in rows}, {}, {r[0] for r in runs if r[1]}
    try:
        ok = not extra and all(digest(specs[r[5]]) == r[5] and chains["run:" + r[0]] for r in runs)
        for row in rows:
            stream, seq, kind, payload, salt, prev, link = row[0], row[1], row[4], *row[7:]
            head = "\x1f".join(map(str, row[:7]))
            ok &= seq == len(chains[stream]) and prev == chains[stream][-1]
            ok &= link == digest(f"{prev}\n{head}\n{digest(salt + payload)}")
            ok &= re.fullmatch("[0-9a-f]{32}", salt) is not None
            chains[stream].append(link)
            text = payload
            if payload.startswith('{"blob":"') and len(payload) == 75:
                text = zlib.decompress(blobs[stream, payload[9:73]])
                ok &= sha256(text).hexdigest() == payload[9:73]
            if stream.startswith("run:") and seq == 1:
                ok &= kind == "run.started"
                started = [json.loads(text)[f].encode("utf-8", "backslashreplace") for f in FACTS]
                ok &= [str(fact).encode() for fact in says[stream[4:]][1:]] == started
            if kind == "run.ended":
                ok &= says[stream[4:]][0] == json.loads(text)["status"]
            if (stream, kind) == ("journal", "run.head"):
                heads.setdefault((end := json.loads(payload))["run"], []).append(end)
            ended |= {stream[4:]} if kind == "run.ended" else set()
        for run, ends in heads.items():
            ok &= all(chains["run:" + run][end["seq"]] == end["hash"] for end in ends)
            ok &= len(chains["run:" + run]) == ends[-1]["seq"] + 1
        ok &= ended == set(heads)
    except (KeyError, IndexError, TypeError, ValueError, zlib.error):
        ok = False
    head = next((row[10] for row in reversed(rows) if row[0] == "journal"), newest[0])
    return ok, sum(name.startswith("run:") for name in chains), len(rows), head


if __name__ == "__main__":
    sys.exit(None if check(sys.argv[1])[0] else "this journal is not what was written")
