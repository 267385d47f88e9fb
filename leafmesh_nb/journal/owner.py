"""Who owns a run: a process, named so that others on the host can tell whether it still lives.

An owner reads ``HOST/PID/START/BOOT``, and ``HOST/PID/START/BOOT#RUNNER`` when a runner within
the process has a name of its own:

- HOST: the host's name, and a digest of its machine id where there is one;
- START: when the process started, because numbers of processes are used again;
- BOOT: the boot of the host, and the namespace of its process numbers (containers).

Linux reads all of it from /proc. macOS asks ``ps`` and ``sysctl``; Windows asks the kernel for
the start and has no BOOT (the start is an absolute time there). Elsewhere START and BOOT are
empty, and only the number tells: a dead owner's run may then have to wait for its lease to lapse.
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["describe", "is_alive", "this_process"]

_RUNNER: Final = "#"


def this_process() -> str:
    """The owner string of this process. Append ``#name`` to tell its runners apart."""
    return _own(os.getpid())


def is_alive(owner: str) -> bool | None:
    """Whether the process of an owner lives; None when that cannot be known from here."""
    them = owner.partition(_RUNNER)[0].split("/")
    host, _, _, boot = this_process().split("/")
    if len(them) != 4 or them[0] != host or not them[1].isdecimal():
        return None
    booted, _, namespace = them[3].partition("+")
    own_booted, _, own_namespace = boot.partition("+")
    if booted != own_booted:
        return False
    if namespace != own_namespace:
        return None
    start = _start(int(them[1]))
    return start is not None and (not start or not them[2] or start == them[2])


def describe(owner: str) -> str:
    """An owner for people: ``process 812 on this machine (runner r1)``."""
    identity, _, runner = owner.partition(_RUNNER)
    parts = identity.split("/")
    if len(parts) != 4:
        return repr(owner)
    here = this_process().split("/")
    where = "this machine" if parts[0] == here[0] else f"the machine {parts[0].partition('+')[0]}"
    who = "this process" if parts == here else f"process {parts[1]} on {where}"
    return f"{who} (runner {runner})" if runner else who


@functools.lru_cache(maxsize=1)  # keyed by the number, so a forked child asks again
def _own(pid: int) -> str:
    return "/".join((_host(), str(pid), _start(pid) or "", _boot()))


def _host() -> str:
    # Socket's gethostname would import a large module for one word.
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    name = name.replace("/", "-").replace(_RUNNER, "-").replace("+", "-")
    machine = _read("/etc/machine-id") or _read("/var/lib/dbus/machine-id")
    # Clones of one image share a name; machine ids are private (machine-id(5)), hence a digest.
    return f"{name}+{hashlib.sha256(machine.encode()).hexdigest()[:8]}" if machine else name


def _boot() -> str:
    if sys.platform == "darwin":
        return _digits(_output("sysctl", "-n", "kern.boottime").partition(",")[0])
    booted = _read("/proc/sys/kernel/random/boot_id")
    try:
        namespace = _digits(os.readlink("/proc/self/ns/pid"))
    except OSError:
        namespace = ""
    return f"{booted}+{namespace}" if namespace else booted


def _start(pid: int) -> str | None:
    """When a process started, None when it is gone, empty when nobody says."""
    if sys.platform == "win32":
        return _start_on_windows(pid)
    stat = _read(f"/proc/{pid}/stat")
    if stat:
        # The second field is the program's name, in parentheses, and may hold anything.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except OSError:
        return ""  # it exists and belongs to somebody else
    if sys.platform == "darwin":
        return "-".join(_output("ps", "-o", "lstart=", "-p", str(pid)).split())
    return ""


def _start_on_windows(pid: int) -> str | None:
    if sys.platform != "win32":
        return ""
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE
    limited_information, still_active, not_allowed = 0x1000, 259, 5
    handle = kernel.OpenProcess(limited_information, False, pid)
    if not handle:
        return "" if ctypes.get_last_error() == not_allowed else None
    try:
        code = wintypes.DWORD()
        kernel.GetExitCodeProcess(wintypes.HANDLE(handle), ctypes.byref(code))
        if code.value != still_active:
            return None
        times = [wintypes.FILETIME() for _ in range(4)]
        kernel.GetProcessTimes(wintypes.HANDLE(handle), *(ctypes.byref(t) for t in times))
        return str((times[0].dwHighDateTime << 32) + times[0].dwLowDateTime)
    finally:
        kernel.CloseHandle(wintypes.HANDLE(handle))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _output(*command: str) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())
