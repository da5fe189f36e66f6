"""What the kernel says of a process and its children: CPU and memory."""

import os
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """The process and everything below it."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        if fields := stat(int(path.name)):
            children.setdefault(int(fields[1]), []).append(int(path.name))
    found, waiting = [], [root]
    while waiting:
        found.append(process := waiting.pop())
        waiting += children.get(process, [])
    return found


def stat(process: int) -> list[str]:
    """/proc/<pid>/stat after the name, which may contain anything; [] where the process is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def memory(root: int) -> int:
    """Resident bytes of the tree."""
    total = 0
    for process in tree(root):
        try:
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


class Cpu:
    """CPU seconds of a tree between `begin` and `end`, added up over several such spans.

    /proc/<pid>/stat counts hundredths of a second, children that have ended and threads that have ended included; schedstat
    counts nanoseconds of the threads that live. The finer figure is taken where it misses nothing.
    """

    def __init__(self, root: int) -> None:
        self.root = root
        self.spans = 0
        self.coarse = self.fine = 0.0

    def begin(self) -> None:
        self.at = self._read()

    def end(self) -> None:
        coarse, fine = self._read()
        self.coarse += coarse - self.at[0]
        self.fine += fine - self.at[1]
        self.spans += 1

    @property
    def seconds(self) -> float:
        return self.fine if self.fine >= self.coarse - 2 * TICK * self.spans else self.coarse

    def _read(self) -> tuple[float, float]:
        coarse = fine = 0.0
        for process in tree(self.root):
            if fields := stat(process):
                coarse += sum(map(int, fields[11:15])) * TICK
            for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
                try:
                    fine += int(path.read_text().split()[0]) / 1e9
                except (FileNotFoundError, ProcessLookupError):
                    continue
        return coarse, fine
