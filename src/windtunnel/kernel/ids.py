"""Where chance comes from: one seeded generator a region, so that a seed replays a run to the letter."""

from __future__ import annotations

import os
import random
import time
from string import ascii_uppercase, digits

BASE32 = ascii_uppercase + "234567"
LETTERS_AND_DIGITS = ascii_uppercase + digits
_FIXED = 4 << 76 | 2 << 62
_FREE = (1 << 128) - 1 & ~(0xF << 76) & ~(0x3 << 62)
"""The bits of a UUID that say its version and variant, and those that are left to chance."""


class Ids:
    """Identifiers and random numbers. Without a seed they are drawn from the machine's entropy."""

    def __init__(self, seed: int | str | None = None) -> None:
        self._random = random.Random(os.urandom(32) if seed is None else str(seed))
        self._bits = self._random.getrandbits

    def uuid(self) -> str:
        """A version 4 UUID, RFC 9562."""
        text = (self._bits(128) & _FREE | _FIXED).to_bytes(16, "big").hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def hex(self, length: int) -> str:
        return f"{self._bits(length * 4):0{length}x}"

    def bytes(self, length: int) -> bytes:
        return self._random.randbytes(length)

    def text(self, length: int, alphabet: str = LETTERS_AND_DIGITS) -> str:
        return "".join(self._random.choices(alphabet, k=length))

    def fraction(self) -> float:
        """A number from 0 (inclusive) to 1 (exclusive)."""
        return self._random.random()


PROCESSES = 1 << 10


class Serials:
    """Numbers that rise, and that no two of a region's processes give out: microseconds, and the process.

    Among processes of one machine they rise with time; among machines they do as far as their clocks agree.
    """

    def __init__(self, process: int) -> None:
        self._last = process % PROCESSES

    def __iter__(self) -> Serials:
        return self

    def __next__(self) -> int:
        self._last = max(self._last + PROCESSES, int(time.time() * 1_000_000) * PROCESSES + self._last % PROCESSES)
        return self._last
