"""One region to a data folder: who holds it is known at once, before the store is opened, and kill -9 lets go of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from windtunnel.app.problem import Problem

LOCK_FILE = "region.lock"


class Lock:
    """Holds a folder from its making until `release`, or until the process ends in whatever way. `shared`: together with others like it."""

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self.file, shared=shared)
        except OSError:
            holder = os.pread(self.file, 32, 1).decode().strip() if hasattr(os, "pread") else ""
            os.close(self.file)
            who = f"process {holder}" if holder else "another process"
            raise Problem(f"A region already runs on the data folder {folder} ({who}): stop that one, or give another --data.") from None
        # The number stands behind the first byte, which is the locked one.
        os.ftruncate(self.file, 0)
        os.write(self.file, f" {os.getpid()}\n".encode())

    def release(self) -> None:
        os.close(self.file)


def _lock(file: int, *, shared: bool) -> None:
    if sys.platform == "win32":
        import msvcrt

        if not shared:  # there is no such lock there
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
