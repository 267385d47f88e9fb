"""The chain's format, against values computed by hand from its description."""

from __future__ import annotations

import hashlib

from leafmesh_nb.journal import chain


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_first_event_of_a_chain():
    head = chain.header("run:a", 1, "2026-03-01T12:00:00.000000Z", 1, "run.started", "", 1)
    digest = chain.payload_digest("00" * 16, '{"a":"é"}')

    assert head == "run:a\x1f1\x1f2026-03-01T12:00:00.000000Z\x1f1\x1frun.started\x1f\x1f1"
    assert digest == sha("0" * 32 + '{"a":"é"}')
    assert chain.link(chain.GENESIS, head, digest) == sha("0" * 64 + "\n" + head + "\n" + digest)
    # Computed with sha256sum(1): a change of the format breaks every journal there is.
    assert (
        chain.link(chain.GENESIS, head, digest)
        == "9d1567ea5e7bbef8c1c056105d9e56e2de04818db2e82424473b6c9dba94ef2f"
    )


def test_what_is_stored_is_what_was_hashed(journal, query, scribe):
    scribe.start(journal, "a")
    scribe.say(journal, "a", 1, {"text": "zwölf € \N{PILE OF POO}"}, {"big": "x" * 9000})
    events = journal.read("run:a")

    rows = query("SELECT * FROM events ORDER BY seq")
    prev = "0" * 64
    for row, event in zip(rows, events, strict=True):
        *header, payload, salt, stored_prev, stored = row
        text = "\x1f".join(map(str, header))
        assert stored_prev == prev
        assert stored == event.hash == sha(f"{prev}\n{text}\n{sha(salt + payload)}")
        prev = stored
    assert len({row[8] for row in rows}) == 3, "each event has a salt of its own"
    assert rows[2][7] == f'{{"blob":"{rows[2][7][9:73]}"}}'
