"""What other tools say of the same twenty mistakes: writes ``leafmesh_nb/docs/messages.md``.

    python tests/side_by_side/side_by_side.py PYTHON_WITH_CREWAI DOCKER_COMPOSE…

Both are real: the first is an interpreter that has crewai (and so pydantic and PyYAML), the rest of
the line is the command that starts docker compose, which is asked for ``config`` and needs no
daemon. An answer is quoted as it is, cut short with …; nothing is written for a tool by hand.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from leafmesh_nb.language import parse

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PAGE = REPOSITORY / "leafmesh_nb" / "docs" / "messages.md"
REFERENCE = HERE.parent / "fixtures" / "refunds.yaml"

NOTHING = "*nothing*"
NOT_THERE = "–"
LONGEST = 150
KEY = "sk-" + "Ab3dEfGh1jKlMn0pQrStUvWx"
"""Put together here, so that no scanner takes this file for a leak."""

HEAD = """\
# Twenty mistakes, and what you are told

The same twenty mistakes, made in a mesh and in what people write for tools that they know: a model
of the mesh in pydantic (fed by PyYAML, without validators written for it), a crew of crewai
(`agents.yaml` and `tasks.yaml`), and a compose file. Each answer is what the tool said when it read
the file, shortened with …; *nothing* means that it took the file as it was, – that it has no such
thing. `82:13` is line 82, column 13.

Asked were {versions},
the last with `docker-compose config`. What pydantic and crewai say of YAML itself is PyYAML's.
`python tests/side_by_side/side_by_side.py` asks them all again.

| | asked | took it in silence | named a line |
|---|---|---|---|
"""
TOOLS = ("a mesh", "pydantic", "crewai", "docker compose")
_LINE = re.compile(r"`\d+:\d+`|\bline \d+")


def load(name: str) -> ModuleType:
    """A file beside this one, which is no module of a package."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def slipped(text: str, slip: tuple[str, str]) -> str:
    """A text with a slip in it; the word KEY becomes a key that nobody ever had."""
    old, new = slip
    assert old in text, old
    return text.replace(old, new.replace(" KEY", f" {KEY}"), 1)


def ours(slip: tuple[str, str]) -> str:
    """What this package says of the reference mesh with a slip: all of it."""
    text = slipped(REFERENCE.read_text(encoding="utf-8"), slip)
    told = parse(text, source="cell").diagnostics
    return " · ".join(
        f"`{d.span.line}:{d.span.column}` {d.code} {d.message} {_hint(d.hint)}".strip()
        for d in told
    )


def _hint(hint: str) -> str:
    first, _, line = hint.partition("\n")
    shown = f"{first} `{line.strip()}`" if line else first
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1].rstrip() + "…"


def cell(text: str) -> str:
    """A text within a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def quoted(answer: str) -> str:
    """The essence of another tool's answer, verbatim, cut short."""
    if not answer.strip():
        return NOTHING
    lines = answer.strip().splitlines()
    if lines[0].startswith("Traceback"):
        answer = f"{lines[0]} … {lines[-1]}"
    text = re.sub(r"\[type=[^\n]*", "…", answer)
    text = re.sub(r"\s*For further information visit \S+", "", text)
    text = re.sub(r"[^\s'\"]*/(?=[\w.-]+\.(?:ya?ml|py))", "…/", text)
    text = " ".join(text.replace(KEY, "sk-…").split())
    if len(text) > LONGEST:
        text = text[: LONGEST - 1].rstrip() + "…"
    return f"`{text.replace('`', chr(39))}`"


def ask(command: list[str], questions: dict[str, object]) -> tuple[str, dict[str, str]]:
    """The version and the answers of a peer that reads JSON."""
    done = subprocess.run(
        command, input=json.dumps(questions), capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return told["version"], told["answers"]


def ask_compose(command: list[str], text: str) -> str:
    """What docker compose says of a file."""
    with tempfile.TemporaryDirectory() as name:
        Path(name, "docker-compose.yml").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [*command, "config"],
            cwd=name,
            capture_output=True,
            text=True,
            env={**os.environ, "TAG": "1"},
        )
    return done.stderr


def page(
    versions: str, answers: Callable[[int], tuple[str, str, str]], mistakes: ModuleType
) -> str:
    """The page; ``answers`` gives those of pydantic, crewai and docker compose by number."""
    told = [(m.what, (ours(m.mesh), *answers(n))) for n, m in enumerate(mistakes.MISTAKES, 1)]
    counts = []
    for at, tool in enumerate(TOOLS):
        said = [row[at] for _, row in told if row[at] != NOT_THERE]
        silent = sum(answer == NOTHING for answer in said)
        lines = sum(bool(_LINE.search(answer)) for answer in said)
        counts.append(f"| {tool} | {len(said)} | {silent} | {lines} |\n")
    parts = [HEAD.format(versions=versions), *counts]
    for number, (what, row) in enumerate(told, 1):
        parts.append(f"\n## {number}. {what}\n\n| | |\n|---|---|\n")
        parts += [f"| {tool} | {cell(said)} |\n" for tool, said in zip(TOOLS, row, strict=True)]
    return "".join(parts)


def main(python: str, *compose: str) -> None:
    """Ask everybody, and write the page."""
    mistakes = load("mistakes")
    reference = REFERENCE.read_text(encoding="utf-8")
    numbered = {str(number): m for number, m in enumerate(mistakes.MISTAKES, 1)}
    first, validated = ask(
        [python, str(HERE / "peer_pydantic.py")],
        {"0": reference, **{n: slipped(reference, m.mesh) for n, m in numbered.items()}},
    )
    files: dict[str, object] = {"0": [mistakes.AGENTS, mistakes.TASKS]}
    for number, m in numbered.items():
        if m.crew is not None:
            pair = (mistakes.AGENTS, mistakes.TASKS)
            files[number] = [slipped(t, m.crew) if m.crew[0] in t else t for t in pair]
    second, built = ask([python, str(HERE / "peer_crewai.py")], files)
    version = subprocess.run([*compose, "version", "--short"], capture_output=True, text=True)
    composed = {
        number: ask_compose([*compose], slipped(mistakes.COMPOSE, m.compose))
        for number, m in numbered.items()
        if m.compose is not None
    }
    # A file without a mistake must please everybody, or the answers mean nothing.
    plain = (validated["0"], built["0"], ask_compose([*compose], mistakes.COMPOSE))
    assert plain == ("", "", ""), plain

    def answers(number: int) -> tuple[str, str, str]:
        found = (told.get(str(number)) for told in (validated, built, composed))
        one, two, three = (NOT_THERE if told is None else quoted(told) for told in found)
        return one, two, three

    versions = f"{first}, {second} and docker compose {version.stdout.strip()}"
    PAGE.write_text(page(versions, answers, mistakes), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
