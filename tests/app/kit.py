"""Commands as a person types them, in processes of their own, and regions that serve them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WINDTUNNEL = (sys.executable, "-m", "windtunnel")


def environment(**more: str) -> dict[str, str]:
    """The tests' environment without settings of AWS, and with the sources on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", "AWS_PAGER": "", **more}


def windtunnel(*words: str, endpoint: str = "", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """One command, run to its end."""
    given = environment(**({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}))
    return subprocess.run([*WINDTUNNEL, *words], env=given, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


@contextmanager
def up(data: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`windtunnel up` on a free port, as (process, endpoint), once it serves; killed at the end if it still runs."""
    command = [*WINDTUNNEL, "up", "--port", "0", "--data", str(data), *words]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, endpoint_in(process.stdout.readline())
        finally:
            process.kill()


def endpoint_in(line: str) -> str:
    """The URL in the line that `up` prints."""
    found = [word.rstrip(",.") for word in line.split() if word.startswith("http://")]
    assert found, line
    return found[0]
