"""Checks a journal's chains by their published format alone (leafmesh_nb/journal/chain.py)."""

import json
import sqlite3
import zlib
from hashlib import sha256


def check(path):  # → whether it holds, and its runs, events and head
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    rows = db.execute("SELECT * FROM events ORDER BY stream = 'journal', rowid").fetchall()
    blobs = {row[:2]: row[2] for row in db.execute("SELECT stream, digest, data FROM blobs")}
    chains, heads, ended, ok = {row[0]: ["0" * 64] for row in rows}, {}, set(), True
    try:
        for stream, seq, ts, epoch, kind, path, v, payload, salt, prev, link in sorted(rows):
            signed = "\x1f".join(map(str, (stream, seq, ts, epoch, kind, path, v)))
            one = sha256((salt + payload).encode("utf-8", "surrogateescape")).hexdigest()
            two = sha256(f"{prev}\n{signed}\n{one}".encode("utf-8", "surrogateescape")).hexdigest()
            ok &= (seq, prev, link) == (len(chains[stream]), chains[stream][-1], two)
            ok &= len(salt) == 32 and set(salt) <= set("0123456789abcdef")
            chains[stream].append(link)
            if payload.startswith('{"blob":"') and len(payload) == 75:
                blob = zlib.decompress(blobs[stream, payload[9:73]])
                ok &= sha256(blob).hexdigest() == payload[9:73]
            ended |= {stream} if kind == "run.ended" else set()
            said = json.loads(payload) if kind in ("run.head", "run.pruned") else {}
            if stream == "journal" and said:
                heads["run:" + said["run"]] = (kind, [said["seq"], said["hash"]])
    except (KeyError, TypeError, ValueError, zlib.error):
        ok = False
    there = {run: ("run.head", [len(chains[run]) - 1, chains[run][-1]]) for run in ended}
    ok &= there == {run: head for run, head in heads.items() if head[0] == "run.head"}
    return ok, sum("run:" in name for name in chains), len(rows), rows[-1][-1] if rows else ""
