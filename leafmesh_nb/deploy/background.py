"""A service as a process of its own, which outlives the one that starts it.

``python -P -m leafmesh_nb.deploy.background PLACE …`` serves what ``launch.deploy`` would, and says
on the first line of its output, as JSON, where it is or why it is not. From then on it writes to
its log only: whoever reads the output may be gone.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import httpx

from leafmesh_nb.deploy import services, tokens
from leafmesh_nb.deploy.access import Access
from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.mesh.person import this_person

__all__ = ["Background", "attach", "start"]

SECONDS_TO_START = 60.0


@dataclass(frozen=True, slots=True, repr=False)
class Background:
    """A service that runs in the background. ``token`` is the operator's: whoever shows it may do
    everything, so it is not part of what this shows of itself."""

    mesh: str
    url: str
    token: str
    release: str
    journal: str
    pid: int
    log: str
    process: subprocess.Popen[str] | None = field(default=None, compare=False)
    """None where another program started it."""

    def stop(self) -> None:
        """Stop it in an orderly way: its runs go on at the next start. Raises LeafmeshError when
        it takes longer than it should."""
        access = Access(self.journal)
        try:
            served = services.running(access, self.mesh)
            if served is not None and served.pid == self.pid:
                services.stop(access, served)
        finally:
            access.close()

    def __repr__(self) -> str:
        state = f"at {self.url}" if self._lives() else "stopped"
        return f"<service of {self.mesh} {state}, release {self.release[:12]}, process {self.pid}>"

    def _lives(self) -> bool:
        if self.process is not None:
            return self.process.poll() is None
        access = Access(self.journal)
        try:
            served = services.running(access, self.mesh)
        finally:
            access.close()
        return served is not None and served.pid == self.pid


def attach(access: Access, served: services.Served, *, journal: str, log: Path) -> Background:
    """A service that runs already, with an operator's token of its own: the one before still holds,
    and both end with the next deployment."""
    token = tokens.create(access, served.mesh, this_person(), operator=True, beside=True)
    return Background(served.mesh, served.url, token, served.release, journal, served.pid, str(log))


def start(place: Path, log: Path, *, database: str, host: str, port: int) -> Background:
    """Start a service, and wait until it is ready. Raises LeafmeshError with what it said."""
    command = [sys.executable, "-P", "-m", __name__, str(place.resolve())]
    command += ["--database", database, "--host", host, "--port", str(port)]
    env = {name: value for name, value in os.environ.items() if name != "LEAFMESH_ANSWERS"}
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=env,
            # The end of a kernel ends its group of processes, and an interrupt reaches all of it.
            start_new_session=True,
        )
    try:
        told = _first_line(process, log)
        if "error" in told:
            raise LeafmeshError(told["error"])
        service = Background(**told, log=str(log), process=process)
        _wait_until_ready(service)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()
    return service


def _first_line(process: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    lines: SimpleQueue[str] = SimpleQueue()
    assert process.stdout is not None
    read = process.stdout.readline
    threading.Thread(target=lambda: lines.put(read()), daemon=True).start()
    try:
        told: dict[str, Any] = json.loads(lines.get(timeout=SECONDS_TO_START))
    except Empty:
        raise LeafmeshError(
            f"the service did not start within {SECONDS_TO_START:g} s; see {log}"
        ) from None
    except ValueError:
        raise LeafmeshError(f"the service did not start; see {log}:\n{_tail(log)}") from None
    return told


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])


def _wait_until_ready(service: Background) -> None:
    process = service.process
    assert process is not None
    deadline = time.monotonic() + SECONDS_TO_START
    with httpx.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                if client.get(f"{service.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass  # not yet
            time.sleep(0.05)
    log = Path(service.log)
    raise LeafmeshError(f"the service did not get ready; see {log}:\n{_tail(log)}")


# In the process of the service


def main(arguments: Sequence[str]) -> int:
    """Serve; the exit code."""
    parser = argparse.ArgumentParser(prog="leafmesh_nb.deploy.background")
    parser.add_argument("place")
    parser.add_argument("--database", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s")
    from leafmesh_nb.deploy.launch import Announcement, deploy

    def announce(told: Announcement) -> None:
        fields = asdict(told)
        del fields["warnings"], fields["notes"]
        _say(fields)
        # Nobody reads on; whatever prints from here on is for the log.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    try:
        deploy(
            given.place,
            database=given.database,
            host=given.host,
            port=given.port,
            announce=announce,
        )
    except LeafmeshError as error:
        _say({"error": str(error)})
        return 1
    return 0


def _say(fields: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
