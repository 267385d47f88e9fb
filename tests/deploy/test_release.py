"""What a notebook's functions become in a release, and what cannot be carried."""

from __future__ import annotations

import hashlib
import json
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.agents.code import code_digest
from leafmesh_nb.deploy import release
from leafmesh_nb.deploy.carry import Carried, carry

MESH = """
mesh: trade
agents:
  maker:
    role: Makes
    kind: python
    capabilities: {it.make: {input: {n: integer}, output: {n: integer}}}
workflows:
  go:
    input: {n: integer}
    steps:
      one: {capability: it.make, with: {n: input.n}}
    output: {n: steps.one.output.n}
"""


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A notebook in a process of its own: its cells, and then what became of the release."""

    def run(*sources: str, files: Mapping[str, str] | None = None) -> dict[str, Any]:
        for name, text in (files or {}).items():
            place = tmp_path / name
            place.parent.mkdir(exist_ok=True)
            place.write_text(text, encoding="utf-8")
        cells = ["%load_ext leafmesh_nb", f"%%mesh\n{MESH}", *sources]
        script = tmp_path / "cells.json"
        script.write_text(json.dumps(cells), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", NOTEBOOK, str(script)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return told

    return run


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Carried]]:
    """Run cells in a shell of this process; what was carried of the functions they bind."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    shell = InteractiveShell()
    mesh = shell.user_ns["mesh"] = lm.Mesh.from_yaml(MESH)

    def run(*sources: str) -> Carried:
        for source in sources:
            with capture_output() as shown:
                ran = shell.run_cell(source)
            assert ran.success, shown.stdout
        return carry(mesh.functions)

    yield run
    shell.history_manager.end_session()


NOTEBOOK = """
import json, sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

sys.path.insert(0, "")  # as a kernel's does
shell = InteractiveShell.instance()
for cell in json.loads(Path(sys.argv[1]).read_text()):
    with capture_output() as shown:
        ran = shell.run_cell(cell)
    if ran.error_before_exec or ran.error_in_exec:
        sys.exit(shown.stdout)
mesh = shell.user_ns["mesh"]

from leafmesh_nb.deploy import release, trial
from leafmesh_nb.errors import LeafmeshError

try:
    built = release.written_by(mesh, Path("releases"))
    trial.try_release(built)
    told = {"folder": str(built.place.resolve()), "hash": built.hash}
except LeafmeshError as error:
    told = {"error": str(error)}
print()
print(json.dumps(told))
"""

MAKER = '@mesh.agent("maker")\ndef maker(n):\n'


def call(folder: str, n: int) -> int:
    """What the released function gives for ``n``, in a process that knows nothing else."""
    code = f"""
import asyncio
from leafmesh_nb.deploy import release
mesh = release.at({folder!r}).mesh
print(mesh.functions["agent:maker"](n={n})["n"])
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


class TestCarried:
    @pytest.mark.parametrize(
        ("before", "body", "result"),
        [
            ("", "return {'n': n + 1}", 2),
            ("STEP = 5", "return {'n': n + STEP}", 6),
            (
                "from decimal import Decimal\nSTEP = Decimal('5.00')",
                "return {'n': n + int(STEP)}",
                6,
            ),
            ("TABLE = {'a': [1, (2, None)]}", "return {'n': n + TABLE['a'][0]}", 2),
            ("import math as m", "return {'n': m.floor(n + 1.5)}", 2),
            ("import os.path", "return {'n': n + len(os.path.basename('a/bc'))}", 3),
            ("from math import floor as down, pi", "return {'n': n + down(pi)}", 4),
            (
                "import re\nWORD = re.compile(r'(b+)', re.I)",
                "return {'n': len(WORD.findall('BbAb'))}",
                2,
            ),
            ("def twice(x):\n    return 2 * x", "return {'n': twice(n)}", 2),
            (
                "def even(x):\n    return x == 0 or odd(x - 1)\n"
                "def odd(x):\n    return x != 0 and even(x - 1)",
                "return {'n': int(even(n + 1))}",
                1,
            ),
            (
                "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Pair:\n"
                "    a: int\n    b: int = 7\n    def sum(self):\n        return self.a + self.b",
                "return {'n': Pair(n).sum()}",
                8,
            ),
            ("class Empty:\n    WORTH = 9", "return {'n': Empty.WORTH}", 9),
            (
                "from enum import Enum\nclass Kind(Enum):\n    A = 4",
                "return {'n': Kind.A.value}",
                4,
            ),
            (
                "import numpy as np\nfrom numpy import sqrt",
                "return {'n': int(sqrt(np.int64(9)))}",
                3,
            ),
            ("", "later = lambda x: x + 3\n    return {'n': later(n)}", 4),
            ("", "return {'n': sum(x for x in range(n + 2))}", 3),
        ],
    )
    def test_a_function_comes_with_what_it_names(
        self,
        carried: Callable[..., Carried],
        tmp_path: Path,
        before: str,
        body: str,
        result: int,
    ) -> None:
        found = carried(before, f"{MAKER}    {body}")
        assert not found.refused
        assert found.names == {"agent:maker": "functions:maker"}
        (tmp_path / "functions.py").write_text(found.source, encoding="utf-8")
        module = runpy.run_path(str(tmp_path / "functions.py"), run_name="functions")
        assert module["maker"](1) == {"n": result}

    def test_modules_of_ones_own_come_along_and_installed_ones_do_not(
        self, cells: Callable[..., Any]
    ) -> None:
        told = cells(
            "import numpy\nfrom mine import start",
            f"{MAKER}    return {{'n': int(numpy.int64(start(n)))}}",
            files={
                "mine.py": "import helpers.sums\ndef start(n):\n    return helpers.sums.add(n)\n",
                "helpers/__init__.py": "",
                "helpers/sums.py": "import json\ndef add(n):\n    return n + 40\n",
            },
        )
        folder = Path(told["folder"])
        names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        assert [name for name in names if "__pycache__" not in name] == [
            "functions.py",
            "helpers/__init__.py",
            "helpers/sums.py",
            "manifest.json",
            "mesh.yaml",
            "mine.py",
        ]
        assert call(told["folder"], 1) == 41

    def test_a_function_of_a_module_is_taken_from_there(self, cells: Callable[..., Any]) -> None:
        told = cells(
            "import mine\nmesh.agent('maker')(mine.make)",
            files={"mine.py": "def make(n):\n    return {'n': n + 2}\n"},
        )
        assert not (Path(told["folder"]) / "functions.py").exists()
        assert call(told["folder"], 1) == 3

    @pytest.mark.parametrize(
        ("imports", "body", "result"),
        [
            ("import json", "return json.loads(json.dumps({'n': n}))", 1),
            ("import json as j", "return j.loads(j.dumps({'n': n}))", 1),
            ("from decimal import Decimal", "return {'n': int(Decimal.from_float(n + 0.5))}", 1),
            ("import os.path", "return {'n': len(os.path.basename('a/bc'))}", 2),
            ("import datetime as dt", "return {'n': dt.date.fromisoformat('2026-01-02').day}", 2),
        ],
    )
    @pytest.mark.parametrize("apart", [True, False])
    def test_the_code_of_what_was_carried_is_the_notebooks(
        self,
        carried: Callable[..., Carried],
        tmp_path: Path,
        imports: str,
        body: str,
        result: int,
        apart: bool,
    ) -> None:
        cell = f"{MAKER}    {body}"
        carried(*([imports, cell] if apart else [f"{imports}\n{cell}"]))
        made = sys.modules["__main__"].maker  # type: ignore[attr-defined]
        (tmp_path / "functions.py").write_text(carried().source, encoding="utf-8")
        module = runpy.run_path(str(tmp_path / "functions.py"), run_name="functions")
        assert module["maker"](1) == made(1) == {"n": result}
        assert code_digest(module["maker"]) == code_digest(made)

    def test_submodules_that_are_reached_come_along(self, cells: Callable[..., Any]) -> None:
        told = cells(
            "import xml\nimport xml.dom.minidom",
            f"{MAKER}    return {{'n': len(xml.dom.minidom.parseString('<a/>').childNodes)}}",
        )
        assert call(told["folder"], 0) == 1

    def test_the_manifest_says_what_is_bound_and_every_digest(
        self, cells: Callable[..., Any]
    ) -> None:
        told = cells(f"{MAKER}    return {{'n': n}}")
        folder = Path(told["folder"])
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["functions"] == {"agent:maker": "functions:maker"}
        digests = {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in ("functions.py", "mesh.yaml")
        }
        assert manifest["files"] == digests
        whole = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
        assert told["hash"] == release.hash_of({**digests, "manifest.json": whole})
        assert folder.name == f"trade-{told['hash'][:12]}"

    def test_the_same_notebook_is_the_same_release(self, cells: Callable[..., Any]) -> None:
        cell = f"import json\n{MAKER}    return json.loads(json.dumps({{'n': n}}))"
        first = cells(cell)["hash"]
        assert cells(cell)["hash"] == first
        assert cells(cell.replace("'n': n", "'n': n + 1"))["hash"] != first


class TestRefused:
    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("mesh.agent('maker')(lambda n: {'n': n})", "it is a lambda; write it with def"),
            (
                "def make(step):\n    def maker(n):\n        return {'n': n + step}\n"
                "    return maker\nmesh.agent('maker')(make(3))",
                "it holds variables of the function around it: step (int)",
            ),
            (
                "import sqlite3\ndb = sqlite3.connect(':memory:')\n"
                f"{MAKER}    return {{'n': db.total_changes}}",
                "it uses db, a Connection that lives in this kernel",
            ),
            (
                "import pandas as pd\nframe = pd.DataFrame({'n': [1]})\n"
                f"{MAKER}    return {{'n': int(frame.n[0])}}",
                "it uses frame, a DataFrame that lives in this kernel",
            ),
            (
                "import sqlite3\ndb = sqlite3.connect(':memory:')\n"
                f"def deep(n):\n    return db\n{MAKER}    return deep(n)",
                "it uses db, a Connection",
            ),
            (
                f"double = lambda x: 2 * x\n{MAKER}    return {{'n': double(n)}}",
                "double is a lambda; write it with def",
            ),
            (
                "class Maker:\n    def __call__(self, n):\n        return {'n': n}\n"
                "mesh.agent('maker')(Maker())",
                "it is a Maker, not a function",
            ),
            (
                "class Maker:\n    def make(self, n):\n        return {'n': n}\n"
                "mesh.agent('maker')(Maker().make)",
                "it is a method, not a function",
            ),
            (
                "import functools\ndef base(n, step):\n    return {'n': n + step}\n"
                "mesh.agent('maker')(functools.partial(base, step=1))",
                "partial",
            ),
            (
                f"{MAKER}    return {{'n': nowhere(n)}}",
                "maker uses nowhere, which is not defined",
            ),
            (
                "exec('def maker(n):\\n    return {\"n\": n}')\nmesh.agent('maker')(maker)",
                "the source of maker is not known",
            ),
            (
                "if True:\n    def maker(n):\n        return {'n': n}\nmesh.agent('maker')(maker)",
                "define it at the top of a cell",
            ),
            (
                f"big = list(range(100_000))\n{MAKER}    return {{'n': big[n]}}",
                "it uses big, a list that lives in this kernel",
            ),
        ],
    )
    def test_what_lives_in_the_kernel_only_is_named(
        self, carried: Callable[..., Carried], source: str, said: str
    ) -> None:
        found = carried(source)
        assert said in found.refused["agent:maker"]

    def test_each_is_named_with_its_reason(self, cells: Callable[..., Any]) -> None:
        told = cells("mesh.agent('maker')(lambda n: {'n': n})")
        assert told["error"].splitlines() == [
            "mesh trade cannot be deployed: another process could not import",
            "  agent maker: it is a lambda; write it with def",
        ]

    def test_a_module_that_does_not_import_elsewhere_is_named(
        self, cells: Callable[..., Any]
    ) -> None:
        told = cells(
            "import mine",
            f"{MAKER}    return mine.make(n)",
            files={
                "mine.py": "import sys\nif '' not in sys.path:\n"
                "    raise RuntimeError('only at home')\ndef make(n):\n    return {'n': n}\n"
            },
        )
        assert "only at home" in told["error"]

    def test_a_module_that_was_changed_after_its_import_is_named(
        self, cells: Callable[..., Any]
    ) -> None:
        told = cells(
            "import mine\nmesh.agent('maker')(mine.make)",
            "from pathlib import Path\n"
            "Path('mine.py').write_text('def make(n):\\n    return {\"n\": n + 2}\\n')",
            files={"mine.py": "def make(n):\n    return {'n': n + 1}\n"},
        )
        assert "other code for agent maker" in told["error"]
        assert "reload the modules" in told["error"]

    def test_a_module_of_the_releases_own_name_is_refused(self, cells: Callable[..., Any]) -> None:
        told = cells(
            "import functions",
            f"{MAKER}    return functions.make(n)",
            files={"functions.py": "def make(n):\n    return {'n': n}\n"},
        )
        assert "a module of yours is called functions" in told["error"]


class TestFolder:
    def test_one_that_was_changed_is_refused(self, cells: Callable[..., Any]) -> None:
        folder = Path(cells(f"{MAKER}    return {{'n': n}}")["folder"])
        source = folder / "functions.py"
        source.write_text(source.read_text().replace("return", "return 1 and"))
        with pytest.raises(lm.MeshError, match="is not what was released") as caught:
            release.at(folder)
        assert "functions.py" in str(caught.value)

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"files": {}}', '{"files": 1}'])
    def test_one_with_a_broken_manifest_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(lm.MeshError, match="cannot be read"):
            release.at(tmp_path)
