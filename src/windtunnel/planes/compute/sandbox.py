"""Starts a process in as tight a sandbox as this machine allows, and ends it whole.

Three ways, probed once: "uid" (as root: own namespaces and a user of its own), "userns" (the same without rights, inside
a user namespace), "plain" (a process group with the code's folder as its working folder: macOS, Windows, containers
that forbid namespaces). DESIGN.md's sixth idea: where the machine can't, the answer says so (`Machine.note`).
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from windtunnel.planes.compute.groups import FOLDERS, groups_here
from windtunnel.planes.compute.memory import children

BOOTSTRAP = Path(__file__).parent / "bootstrap"
PROCESSES_MAX = 1024
FILES_MAX = 1024
FIRST_UID = 1_900_000_000  # as in bootstrap/launch.py


class Order(msgspec.Struct, frozen=True):
    """What bootstrap/launch.py is asked for, as JSON."""

    mode: str
    parent: int
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: str = "/"
    binds: Sequence[tuple[str, str]] = ()
    layers: Sequence[str] = ()
    language: str = ""
    tmp_mb: int = 512
    socket: int = -1
    processes: int = PROCESSES_MAX
    files: int = FILES_MAX
    cgroup: str = ""


class Machine:
    """What this machine can do for functions, and the folder for what they leave; `close` removes it."""

    def __init__(self, monotonic: Callable[[], float], *, mode: str | None = None) -> None:
        self.monotonic = monotonic
        _remove_what_the_dead_left()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{FOLDERS}{os.getpid()}-"))
        self.mode = mode or _probe()
        self.groups = groups_here() if self.mode != "plain" else None
        self.note = (
            "" if self.mode != "plain" else "functions run as plain processes: this machine allows no namespaces, so they see its files"
        )
        self._serial = 0

    @property
    def isolated(self) -> bool:
        """Whether functions have a root folder of their own."""
        return self.mode != "plain"

    def new_folder(self) -> Path:
        """A fresh folder for one environment."""
        self._serial += 1
        folder = self.folder / str(self._serial)
        folder.mkdir()
        return folder

    def close(self) -> None:
        """Removes what is left of temporary files."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.groups is not None:
            self.groups.remove()


class Process:
    """One sandboxed process; `on_exit` is called once with its exit code, negative for a signal."""

    def __init__(
        self, popen: "subprocess.Popen[bytes]", loop: asyncio.AbstractEventLoop, on_exit: Callable[[int], None], *, namespace: bool
    ) -> None:
        self._popen = popen
        self._loop = loop
        self._namespace = namespace
        self._on_exit = on_exit
        self.pid = popen.pid
        self._pidfd = -1
        if hasattr(os, "pidfd_open"):
            self._pidfd = os.pidfd_open(popen.pid)
            loop.add_reader(self._pidfd, self._ended)
        else:
            threading.Thread(target=self._wait, daemon=True).start()

    def kill(self) -> None:
        """Ends it and all that it started; fine when it has ended already.

        In a namespace the first process inside is killed, so that the launcher outside ends only when the kernel has ended all.
        """
        if self._popen.returncode is not None:
            return
        try:
            if self._namespace and (first := children(self.pid)):
                os.kill(first[0], signal.SIGKILL)
            elif hasattr(os, "killpg"):
                os.killpg(self.pid, signal.SIGKILL)
            else:
                self._popen.kill()
        except (ProcessLookupError, PermissionError):
            self._popen.kill()

    def _wait(self) -> None:
        self._popen.wait()
        self._loop.call_soon_threadsafe(self._ended)

    def _ended(self) -> None:
        if self._popen.poll() is None:
            return
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        code = self._popen.returncode
        if not self._namespace and hasattr(os, "killpg"):
            try:
                os.killpg(self.pid, signal.SIGKILL)  # children that a plain process left behind
            except (ProcessLookupError, PermissionError):
                pass
        self._on_exit(128 - code if code > 128 and code < 128 + 65 else code)


def spawn(order: Order, writer: int) -> "subprocess.Popen[bytes]":
    """Starts the launcher (or, where there is none, the command itself) with its output going to one pipe."""
    if sys.platform == "linux":
        command: Sequence[str] = [sys.executable, "-I", "-S", str(BOOTSTRAP / "launch.py"), msgspec.json.encode(order).decode()]
        environment: Mapping[str, str] = {"LANG": "C.UTF-8"}
        folder = "/"
    else:
        command, environment, folder = order.command, order.environment, order.folder
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
        env=dict(environment),
        cwd=folder,
        pass_fds=(order.socket,) if order.socket >= 0 and os.name == "posix" else (),
        start_new_session=os.name == "posix",
    )


def _probe() -> str:
    """The tightest way that works here: tried with a program that does nothing."""
    if sys.platform != "linux":
        return "plain"
    for mode in ("uid", "userns") if os.geteuid() == 0 else ("userns",):
        order = Order(mode, os.getpid(), ["/bin/sh", "-c", "exit 7"], {}, tmp_mb=1)
        with open(os.devnull, "wb") as nowhere, spawn(order, nowhere.fileno()) as process:
            if process.wait() == 7:  # the number the probe ends with
                return mode
    return "plain"


def _remove_what_the_dead_left() -> None:
    """A region that was killed could not remove its folders; their names say whose they were."""
    if sys.platform != "linux":
        return
    for folder in Path(tempfile.gettempdir()).glob(FOLDERS + "*-*"):
        if not lives(folder.name.removeprefix(FOLDERS).split("-")[0]):
            shutil.rmtree(folder, ignore_errors=True)


def lives(pid: str) -> bool:
    """Whether a process is there; true where that can't be told."""
    return not pid.isdigit() or Path("/proc", pid).exists()
