"""A PostgreSQL of the tests' own: made in a temporary folder, as little careful with its disk as it can be, gone at the end."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

import psycopg
import pytest

FAST = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=64MB -c max_connections=30"


class Server:
    """Runs for as long as the `with` lasts; reached through a socket in its folder."""

    def __init__(self) -> None:
        found = shutil.which("initdb") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), "")
        if not found:
            pytest.skip("PostgreSQL is not installed")
        self._programs = Path(found).parent
        self._folder = Path(tempfile.mkdtemp(prefix="wt-pg-"))

    def __enter__(self) -> Self:
        # initdb refuses to run as root.
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            other = pwd.getpwnam("nobody")
            self._as = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
            os.chown(self._folder, other.pw_uid, other.pw_gid)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-U", "tests", "--no-sync", "-E", "UTF8", "--locale=C")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"postgresql://tests@/postgres?host={self._folder}"

    def start(self) -> None:
        options = f"{FAST} -c listen_addresses='' -c unix_socket_directories='{self._folder}'"
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), *shlex.split(options)]
        # It ends with the tests, also where they are killed.
        watched = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*watched, *command], cwd=self._folder, stdout=log, stderr=log, **self._as)
        for _ in range(600):
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                Event().wait(0.05)
            else:
                return
        raise AssertionError((self._folder / "log").read_text())

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)

    def empty(self) -> None:
        """A database as fresh as at first."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS windtunnel_rows")

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._programs / program), *words]
        done = subprocess.run(command, cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **self._as)
        assert done.returncode == 0, done.stdout.decode()
