"""A crew of crewai, built from its ``agents.yaml`` and ``tasks.yaml`` as crewai's template does.

Reads ``{number: [agents, tasks]}`` as JSON, writes ``{"version": …, "answers": {number: text}}``.
Nothing is run: a crew is built, which is when crewai reads its YAML.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import json
import logging
import os
import sys
import tempfile
from pathlib import Path

CREW = """
from crewai import Agent, Crew, Process, Task
from crewai.project import CrewBase, agent, crew, task


@CrewBase
class Support:
    agents_config = "config/agents.yaml"
    tasks_config = "config/tasks.yaml"

    @agent
    def analyst(self) -> Agent:
        return Agent(config=self.agents_config["analyst"])

    @agent
    def clerk(self) -> Agent:
        return Agent(config=self.agents_config["clerk"])

    @task
    def classify(self) -> Task:
        return Task(config=self.tasks_config["classify"])

    @task
    def propose(self) -> Task:
        return Task(config=self.tasks_config["propose"])

    @crew
    def crew(self) -> Crew:
        return Crew(agents=self.agents, tasks=self.tasks, process=Process.sequential)
"""


def answer(folder: Path, agents: str, tasks: str) -> str:
    """What is said of two files; empty where they are taken as they are."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "agents.yaml").write_text(agents, encoding="utf-8")
    (folder / "config" / "tasks.yaml").write_text(tasks, encoding="utf-8")
    (folder / "crew.py").write_text(CREW, encoding="utf-8")
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            spec = importlib.util.spec_from_file_location(folder.name, folder / "crew.py")
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[folder.name] = module
            spec.loader.exec_module(module)
            module.Support().crew()
    except Exception as error:
        said.write(f"\n{type(error).__name__}: {error}")
    finally:
        logging.getLogger().removeHandler(handler)
    return said.getvalue().strip()


if __name__ == "__main__":
    os.environ |= {
        "CREWAI_DISABLE_TELEMETRY": "true",
        "OTEL_SDK_DISABLED": "true",
        "OPENAI_API_KEY": "none",
    }
    files = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as name:
        answers = {
            number: answer(Path(name) / f"crew_{number}", *pair) for number, pair in files.items()
        }
    version = f"crewai {importlib.metadata.version('crewai')}"
    json.dump({"version": version, "answers": answers}, sys.stdout)
