"""A disk that loses power: it remembers each write and each sync, and says what would be left had it lost power at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, cast

import apsw
import msgspec

NAME = "losing-power"


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a file: a write, a truncation (no data), a sync (no offset) or its end."""

    file: str
    at: int | None = None
    data: bytes | None = None
    removed: bool = False

    @property
    def syncs(self) -> bool:
        return self.at is None and not self.removed


class Disk(apsw.VFS):
    """The file system below SQLite; passes everything on, and keeps `events`."""

    def __init__(self) -> None:
        super().__init__(NAME, "")
        self.events: list[Event] = []

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self.events.append(Event(Path(filename).name, removed=True))
        super().xDelete(filename, syncdir)

    def fsync(self, path: Path) -> None:
        """The engine's own sync of a file."""
        self.events.append(Event(path.name))

    def after(self, moment: int, folder: Path, random: Random | None = None) -> None:
        """Puts into a folder what is left of all files when power is lost after so many events.

        What was not synced is gone or, with `random`, there for some of it: each write by itself, for disks write in any order.
        """
        past = self.events[:moment]
        synced = {event.file: number for number, event in enumerate(past) if event.syncs}
        # The first sync of a new file is one of its folder as well, and only then are the removals before it sure to have happened.
        folders = max((number for number, event in enumerate(past) if event.syncs and event not in past[:number]), default=0)
        images: dict[str, bytearray] = {}
        for number, event in enumerate(past):
            kept = number < synced.get(event.file, 0) or (random is not None and random.random() < 0.5)
            if event.removed:
                if number < folders:
                    images.pop(event.file, None)
            elif event.file in synced and kept:
                _apply(images.setdefault(event.file, bytearray()), event)
        for name, image in images.items():
            (folder / name).write_bytes(image)

    def syncs(self) -> Iterator[int]:
        """The moments right before and right after each sync."""
        for number, event in enumerate(self.events):
            if event.syncs:
                yield from (number, number + 1)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._events = disk.events
        self._name = Path(cast(str, name.filename() if isinstance(name, apsw.URIFilename) else name)).name if name else ""

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._events.append(Event(self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._events.append(Event(self._name, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._events.append(Event(self._name))
        super().xSync(flags)


def _apply(image: bytearray, event: Event) -> None:
    if event.at is None:
        return
    if event.data is None:
        del image[event.at :]
        return
    if len(image) < event.at:
        image.extend(bytes(event.at - len(image)))
    image[event.at : event.at + len(event.data)] = event.data
