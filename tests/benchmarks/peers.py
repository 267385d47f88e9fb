"""The engines of ``bench_peers.py``, each in a process of its own: ``python peers.py ROW FOLDER``.

A row is something to do once more and a number that comes of it. Its process gets ready, says so,
does it for every line on its standard input, and prints the number. So no engine's threads, imports
or garbage slow another, and one that is not installed only says that.

Every engine does what its documentation shows, in the quickest of the ways that it shows: graphs
are built once, and a run has an id of its own. "NORMAL" is a write-ahead log with synchronous
NORMAL, where a commit survives the end of the process; "default" is what one gets who sets nothing.
"""

from __future__ import annotations

import asyncio
import json
import operator
import random
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from ten_steps import STEPS, bare, mesh_text, opened, two_rows

Measure = Callable[[], float]

CONCURRENT = 200
PIECES, PIECE = 50, 2_000
"""The growing state: so many steps, each of which adds so many characters."""


def main() -> None:
    """Serve one row until standard input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever an engine prints is no number

    def say(**what: Any) -> None:
        print(json.dumps(what), file=answers, flush=True)

    try:
        measure = ROWS[sys.argv[1]](Path(sys.argv[2]))
        say(ready=True)
        for _ in sys.stdin:
            say(number=measure())
    except ImportError as error:
        say(absent=f"{error.name} is not installed")
    except Exception as error:
        say(absent=f"failed: {type(error).__name__}: {error}")


def timed(work: Callable[[], None]) -> Measure:
    """Seconds that ``work`` takes."""

    def measure() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return measure


def grown(file: Path, work: Callable[[], None]) -> Measure:
    """Bytes by which one more run makes the file longer, the write-ahead log brought into it."""

    def size() -> int:
        conn = sqlite3.connect(file, timeout=30)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages: int = conn.execute("PRAGMA page_count").fetchone()[0]
        free: int = conn.execute("PRAGMA freelist_count").fetchone()[0]
        bytes_a_page: int = conn.execute("PRAGMA page_size").fetchone()[0]
        conn.close()
        return (pages - free) * bytes_a_page

    def measure() -> float:
        before = size()
        work()
        return size() - before

    work()  # the tables are there
    return measure


def piece(step: int) -> str:
    """Text that shrinks to about half, as prose does."""
    return random.Random(step).randbytes(PIECE // 2).hex()


# Ours


def ours(folder: Path, durability: Literal["normal", "full"], runs: int = 1) -> Measure:
    """Everything on: routing, policies, memory, the hash chain, the signed end of the run."""
    import leafmesh_nb as lm

    mesh = lm.Mesh.from_yaml(mesh_text())

    @mesh.agent("adder")
    def add(n: int) -> dict[str, int]:
        return {"n": n + 1}

    def go() -> None:
        place = folder / "journal.db"
        started = [
            mesh.start("line", n=0, journal=place, durability=durability) for _ in range(runs)
        ]
        for run in started:
            assert run.result(120) == {"n": STEPS}

    return timed(go)


def ours_growing(folder: Path) -> Measure:
    """Each step reads all notes and writes one more."""
    import leafmesh_nb as lm

    steps = [
        f"      s{i}: {{capability: note, {f'after: s{i - 1}, ' if i else ''}with: {{n: {i}}}, "
        "save: {notes: output.text}}"
        for i in range(PIECES)
    ]
    text = [
        "mesh: bench",
        "memory:",
        "  notes: {type: {list: string}, merge: append}",
        "agents:",
        "  writer:",
        "    role: Writes",
        "    kind: python",
        "    capabilities: {note: {input: {n: integer}, output: {text: string}}}",
        "    memory: {read: [notes], write: [notes]}",
        "workflows:",
        "  grow:",
        "    steps:",
        *steps,
        "    output: {notes: size(memory.notes)}",
    ]
    mesh = lm.Mesh.from_yaml("\n".join(text))

    @mesh.agent("writer")
    def write(n: int, ctx: Any) -> dict[str, str]:
        assert len(ctx.memory["notes"] or ()) == n
        return {"text": piece(n)}

    def go() -> None:
        output = mesh.start("grow", journal=folder / "journal.db").result(120)
        assert output == {"notes": PIECES}

    return grown(folder / "journal.db", go)


def commits_handed(folder: Path) -> Measure:
    """Two rows a step in one commit, which is handed to a thread that writes, and waited for."""
    conn: sqlite3.Connection | None = None

    def connected() -> sqlite3.Connection:
        nonlocal conn
        conn = conn or opened(folder)
        return conn

    writer = ThreadPoolExecutor(1)

    def go() -> None:
        for _ in range(STEPS):
            writer.submit(lambda: two_rows(connected())).result()

    return timed(go)


# LangGraph


class Number(TypedDict):
    """The state of the line of steps."""

    n: int


class Notes(TypedDict):
    """The state that grows."""

    notes: Annotated[list[str], operator.add]


Durability = Literal["sync", "async", "exit"] | None


def langgraph(folder: Path, synchronous: str = "", durability: Durability = None) -> Measure:
    """``durability`` None is the default, async: a step is written while the next one runs;
    "sync" is written before, as ours is."""
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import StateGraph

    conn = sqlite3.connect(folder / "langgraph.db", check_same_thread=False)
    if synchronous:
        conn.execute(f"PRAGMA synchronous = {synchronous}")
    graph = StateGraph(Number)
    graph.add_sequence([(f"s{i}", lambda state: {"n": state["n"] + 1}) for i in range(STEPS)])
    graph.set_entry_point("s0")
    app = graph.compile(checkpointer=SqliteSaver(conn))

    def go() -> None:
        config: Any = {"configurable": {"thread_id": uuid.uuid4().hex}}
        assert app.invoke({"n": 0}, config, durability=durability) == {"n": STEPS}

    return timed(go)


def langgraph_many(folder: Path, synchronous: str = "", durability: Durability = None) -> Measure:
    """On one event loop, with its saver for that."""
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    from langgraph.graph import StateGraph

    async def add(state: Number) -> Number:
        return {"n": state["n"] + 1}

    runner = asyncio.Runner()

    async def make() -> Any:
        conn = await aiosqlite.connect(folder / "langgraph.db")
        if synchronous:
            await conn.execute(f"PRAGMA synchronous = {synchronous}")
        graph = StateGraph(Number)
        graph.add_sequence([(f"s{i}", add) for i in range(STEPS)])
        graph.set_entry_point("s0")
        return graph.compile(checkpointer=AsyncSqliteSaver(conn))

    app = runner.run(make())

    async def all_of_them() -> None:
        configs = [{"configurable": {"thread_id": uuid.uuid4().hex}} for _ in range(CONCURRENT)]
        runs = (app.ainvoke({"n": 0}, config, durability=durability) for config in configs)
        assert await asyncio.gather(*runs) == [{"n": STEPS}] * CONCURRENT

    return timed(lambda: runner.run(all_of_them()))


def langgraph_growing(folder: Path, delta: bool = False) -> Measure:
    """``delta``: with its channel for changes, which is in beta."""
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import StateGraph

    schema: Any = Notes
    if delta:
        from langgraph.channels import DeltaChannel

        kind: Any = Annotated[list[str], DeltaChannel(lambda notes, new: sum(new, notes))]
        typed_dict: Any = TypedDict  # an annotation in a class would be a text here
        schema = typed_dict("Changes", {"notes": kind})
    conn = sqlite3.connect(folder / "langgraph.db", check_same_thread=False)
    graph = StateGraph(schema)

    def write(i: int, state: Any) -> Any:
        assert len(state["notes"]) == i
        return {"notes": [piece(i)]}

    graph.add_sequence([(f"s{i}", partial(write, i)) for i in range(PIECES)])
    graph.set_entry_point("s0")
    app = graph.compile(checkpointer=SqliteSaver(conn))

    def go() -> None:
        config: Any = {"configurable": {"thread_id": uuid.uuid4().hex}}
        config["recursion_limit"] = PIECES + 5
        assert len(app.invoke({"notes": []}, config)["notes"]) == PIECES

    return grown(folder / "langgraph.db", go)


# burr


def burr_app(conn: sqlite3.Connection, graph: Any, state: dict[str, Any]) -> Any:
    """An application, which burr makes anew for each run."""
    from burr.core import ApplicationBuilder
    from burr.core.persistence import SQLitePersister

    persister = SQLitePersister("", connection=conn)
    persister.initialize()

    def build() -> Any:
        builder = ApplicationBuilder().with_graph(graph).with_entrypoint("s0")
        builder = builder.with_state(**state).with_identifiers(app_id=uuid.uuid4().hex)
        return builder.with_state_persister(persister).build()

    return build


def burr_graph(steps: int, function: Callable[[int, Any], Any], field: str) -> Any:
    """``steps`` actions in a row."""
    from burr.core import action
    from burr.core.graph import GraphBuilder

    def step(i: int) -> Any:
        def act(state: Any) -> Any:
            return function(i, state)

        return action(reads=[field], writes=[field])(act)

    names = [f"s{i}" for i in range(steps)]
    graph = GraphBuilder().with_actions(**{name: step(i) for i, name in enumerate(names)})
    return graph.with_transitions(*pairwise(names)).build()


def burr(folder: Path, normal: bool = False) -> Measure:
    """Its default is a rollback journal with synchronous FULL."""
    conn = sqlite3.connect(folder / "burr.db")
    if normal:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = NORMAL")
    graph = burr_graph(STEPS, lambda _, state: state.update(n=state["n"] + 1), "n")
    build = burr_app(conn, graph, {"n": 0})

    def go() -> None:
        _, _, state = build().run(halt_after=[f"s{STEPS - 1}"])
        assert state["n"] == STEPS

    return timed(go)


def burr_growing(folder: Path) -> Measure:
    """All of the state is stored with every step."""
    conn = sqlite3.connect(folder / "burr.db")
    graph = burr_graph(PIECES, lambda i, state: state.append(notes=piece(i)), "notes")
    build = burr_app(conn, graph, {"notes": []})

    def go() -> None:
        _, _, state = build().run(halt_after=[f"s{PIECES - 1}"])
        assert len(state["notes"]) == PIECES

    return grown(folder / "burr.db", go)


# DBOS


def dbos(folder: Path, normal: bool = False) -> Measure:
    """Steps of a workflow. Its default is a rollback journal with synchronous FULL."""
    import sqlalchemy
    from dbos import DBOS

    if normal:

        def pragmas(conn: Any, _: Any) -> None:
            conn.execute("PRAGMA journal_mode = WAL")
            conn.execute("PRAGMA synchronous = NORMAL")

        sqlalchemy.event.listen(sqlalchemy.Engine, "connect", pragmas)
    url = f"sqlite:///{folder / 'dbos.db'}"
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})

    def add(n: int) -> int:
        return n + 1

    step = DBOS.step()(add)

    def line(n: int) -> int:
        for _ in range(STEPS):
            n = step(n)
        return n

    workflow = DBOS.workflow()(line)
    DBOS.launch()

    def go() -> None:
        assert workflow(0) == STEPS

    return timed(go)


ROWS: dict[str, Callable[[Path], Measure]] = {
    "ours": partial(ours, durability="normal"),
    "ours_full": partial(ours, durability="full"),
    "ours_many": partial(ours, durability="normal", runs=CONCURRENT),
    "ours_growing": ours_growing,
    "langgraph": langgraph,
    "langgraph_normal": partial(langgraph, synchronous="NORMAL"),
    "langgraph_normal_sync": partial(langgraph, synchronous="NORMAL", durability="sync"),
    "langgraph_many": langgraph_many,
    "langgraph_many_normal": partial(langgraph_many, synchronous="NORMAL"),
    "langgraph_growing": langgraph_growing,
    "langgraph_growing_delta": partial(langgraph_growing, delta=True),
    "burr": burr,
    "burr_normal": partial(burr, normal=True),
    "burr_growing": burr_growing,
    "dbos": dbos,
    "dbos_normal": partial(dbos, normal=True),
    "commits": bare,
    "commits_handed": commits_handed,
}

if __name__ == "__main__":
    main()
