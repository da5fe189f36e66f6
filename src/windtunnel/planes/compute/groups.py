"""Control groups: the kernel counts a sandbox's memory in one number, and ends what goes far beyond it before anybody can look.

What lies in /tmp is a disk's in AWS and memory here, so that a group's hard limit is the function's memory and its /tmp together;
the function's own limit is kept by whoever asks `used_mb` often enough. Version 2 where the tree offers it, else version 1.
"""

import contextlib
import os
from pathlib import Path

import msgspec

TREE = Path("/sys/fs/cgroup")
FOLDERS = "windtunnel-compute-"


class Kind(msgspec.Struct, frozen=True):
    """How one version names its files."""

    limit: str
    anonymous: str
    """The line of memory.stat that holds what files are not."""
    killed: str
    """The file that counts what the kernel ended for lack of memory."""
    settings: tuple[tuple[str, str], ...] = ()


V1 = Kind("memory.limit_in_bytes", "total_rss", "memory.oom_control")
V2 = Kind("memory.max", "anon", "memory.events", (("memory.swap.max", "0"), ("memory.oom.group", "1")))


class Group:
    """One sandbox's control group."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.folder = folder
        self._kind = kind

    def used_mb(self) -> float:
        """What its processes hold, without files; 0 when it is gone."""
        for line in _text(self.folder / "memory.stat").splitlines():
            name, _, value = line.partition(" ")
            if name == self._kind.anonymous:
                return int(value) / 1048576
        return 0

    def killed(self) -> bool:
        """Whether the kernel had to end something."""
        return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in _text(self.folder / self._kind.killed).splitlines())

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self.folder.rmdir()


class Groups:
    """The groups of one process's sandboxes."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self._folder = folder
        self._kind = kind

    def new(self, name: str, memory_mb: int) -> Group | None:
        """A group that may hold so much; None where it can't be made."""
        folder = self._folder / name
        try:
            folder.mkdir()
            (folder / self._kind.limit).write_text(str(memory_mb << 20))
            for setting, value in self._kind.settings:
                if (folder / setting).exists():
                    (folder / setting).write_text(value)
        except OSError:
            return None
        return Group(folder, self._kind)

    def remove(self) -> None:
        _remove(self._folder)


def groups_here() -> Groups | None:
    """Where this process may make groups, if anywhere; what processes that died left there is removed."""
    for tree, kind in ((TREE, V2), (_own_memory_tree(), V1)):
        folder = tree / f"{FOLDERS}{os.getpid()}"
        try:
            if kind is V2 and "memory" not in (tree / "cgroup.subtree_control").read_text().split():
                continue
            folder.mkdir(exist_ok=True)
            if kind is V2:
                (folder / "cgroup.subtree_control").write_text("+memory")
            elif not (folder / V1.limit).exists():
                folder.rmdir()
                continue
        except OSError:
            continue
        for other in tree.glob(FOLDERS + "*"):
            if not Path("/proc", other.name.removeprefix(FOLDERS)).exists():
                _remove(other)
        return Groups(folder, kind)
    return None


def _own_memory_tree() -> Path:
    """Version 1 has a tree for memory alone, in which this process stands somewhere."""
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory" and (own := Path(f"{TREE}/memory{path}")).is_dir():
            return own
    return TREE / "memory"


def _remove(folder: Path) -> None:
    for group in (*folder.glob("*/"), folder):
        with contextlib.suppress(OSError):
            group.rmdir()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
