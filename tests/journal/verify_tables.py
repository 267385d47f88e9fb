"""Checks what stands beside the chains: rows of runs, texts of specs, and nothing that acts."""

import json
import sqlite3
import zlib
from hashlib import sha256

FACTS = ("mesh", "workflow", "spec_hash", "requester")


def bodies(rows):
    return {name: json.loads(zlib.decompress(data) if data else text) for name, text, data in rows}


def check(path):
    """Whether the tables say of every run what its first and its last events say."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    ok = not db.execute("SELECT 1 FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchall()
    specs = dict(db.execute("SELECT hash, text FROM specs"))
    runs = {
        "run:" + row[0]: row[1:]
        for row in db.execute(f"SELECT id, status, ended, {', '.join(FACTS)} FROM runs")
    }
    # A payload above 8,192 bytes stands in a blob.
    told = """
        SELECT e.stream, e.payload, b.data FROM events e
        LEFT JOIN blobs b ON b.stream = e.stream AND e.payload = '{"blob":"' || b.digest || '"}'
        WHERE e.stream LIKE 'run:%' AND e.kind = ?
    """
    starts = bodies(db.execute(told + "AND e.seq = 1", ("run.started",)))
    ends = bodies(db.execute(told + "ORDER BY e.seq", ("run.ended",)))
    streams = db.execute("SELECT DISTINCT stream FROM events WHERE stream LIKE 'run:%'")
    ok &= {name for (name,) in streams} == set(runs) == set(starts)
    for name, (status, ended, *facts) in runs.items():
        text = specs.get(facts[2], "")
        ok &= sha256(text.encode("utf-8", "surrogateescape")).hexdigest() == facts[2]
        said = starts.get(name, {})
        first = [str(said.get(fact)).encode("utf-8", "backslashreplace") for fact in FACTS]
        ok &= [str(fact).encode() for fact in facts] == first
        ok &= bool(ended) == (name in ends)
        ok &= name not in ends or ends[name]["status"] == status
    return ok
