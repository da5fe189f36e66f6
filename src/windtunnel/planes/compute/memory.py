"""Weighs a sandbox's processes through /proc, which works on every Linux without rights.

Where a cgroup can be made, the kernel does the same, and sooner.
"""

import os

PAGE_BYTES = os.sysconf("SC_PAGESIZE") if hasattr(os, "sysconf") else 4096
PROCESSES_MAX = 2048


def processes_below(pid: int) -> list[int]:
    """The children of a process, and theirs, and so on."""
    found: list[int] = []
    waiting = [pid]
    while waiting and len(found) < PROCESSES_MAX:
        born = children(waiting.pop())
        found += born
        waiting += born
    return found


def children(pid: int) -> list[int]:
    """The processes that any thread of this one started; none when it has ended meanwhile."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(child) for task in tasks for child in _text(f"/proc/{pid}/task/{task}/children").split()]


def used_mb(pids: list[int], limit_mb: int) -> float:
    """The memory of these processes together.

    Resident sizes count what forked processes share again and again, so only when they exceed the limit are the exact,
    slower proportional sizes asked for, and no more of them than it takes to know that it is too much.
    """
    total = sum(int(fields[1]) for pid in pids if len(fields := _text(f"/proc/{pid}/statm").split()) > 1) * PAGE_BYTES / 1048576
    if total <= limit_mb or len(pids) <= 1:
        return total
    proportional = 0
    for pid in pids:
        proportional += _proportional_kb(pid)
        if proportional > limit_mb * 1024:
            break
    return proportional / 1024


def peak_mb(pid: int) -> int:
    """The most that one process has held."""
    for line in _text(f"/proc/{pid}/status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    return 0


def _proportional_kb(pid: int) -> int:
    for line in _text(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
