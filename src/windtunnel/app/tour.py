"""The tour: an architecture of `examples/`, deployed into a running region, watched at work, and taken down.

Each example tells its own story: `examples/NAME/tour.py` (and `tour_OTHER.py` beside it) has a docstring that says in one line what is
to be seen, `tell(stage)`, `remove(stage)`, and where more is needed than boto3, the packages it `NEEDS`. It imports what lies beside it;
what it may use of the region is the `Stage`.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from windtunnel.app.local import DEFAULT_REGION, Clients
from windtunnel.app.problem import Problem
from windtunnel.app.remote import DEFAULT_ENDPOINT, Remote

Seen = TypeVar("Seen")
FIRST = "thumbnails"
WAIT_SECONDS_MAX = 60.0
POLL_SECONDS = 0.02
WIDTH = 92


def tour(endpoint: str, name: str, *, keep: bool = False) -> int:
    """Tells in the terminal, step by step, what happens in one example; returns the exit status."""
    found = stories()
    if name not in found:
        raise Problem(f"There is no tour {name!r}. There are: {', '.join(found)}.")
    Remote(endpoint).get("health")
    stage, path = Stage(endpoint), found[name]
    sys.path.insert(0, str(path.parent))
    missing = [package for module, package in {"boto3": "boto3", **_needs(path)}.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise Problem(f"The tour needs {' and '.join(missing)}: pip install 'windtunnel[tour]' (and start the region again after).")
    story = importlib.import_module(path.stem)
    try:
        story.tell(stage)
    except stage.client("sts").exceptions.ClientError as error:
        raise Problem(f"The tour ended early: {error}") from error
    finally:
        if keep:
            print(f"\nEverything stays, under names that begin with {stage.prefix}; {path.parent} has the scripts that remove it.")
        else:
            story.remove(stage)
    if not keep:
        stage.step("Took everything down again; `windtunnel tour --keep` leaves it, to try these commands on")
    return 0


def stories() -> dict[str, Path]:
    """The tours there are, by name, the one to begin with first."""
    package = Path(__file__).parents[1]
    # In the package as installed, or beside it in a checkout.
    folder = next((place for place in (package / "examples", package.parents[1] / "examples") if place.is_dir()), None)
    if folder is None:
        raise Problem("The examples' files are not installed: get windtunnel's sources, or install it again.")
    found = {path.stem.removeprefix("tour_") if path.stem != "tour" else path.parent.name: path for path in folder.glob("*/tour*.py")}
    return {name: found[name] for name in sorted(found, key=lambda name: (name != FIRST, name))}


def title_of(story: Path) -> str:
    """What a tour shows, in a line."""
    return (ast.get_docstring(ast.parse(story.read_text(encoding="utf-8"))) or "").partition("\n")[0]


class Stage:
    """A region as a story sees it: clients, its clock, a prefix that is nobody else's, and lines of what happened.

    Each line has the time it took since the one before, and commands that show the same.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.prefix = f"tour-{uuid.uuid4().hex[:6]}"
        self._clients = Clients(endpoint)
        self._remote = Remote(endpoint)
        self._region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
        # Keys of the environment are taken by boto3 itself.
        self._keys = () if "AWS_ACCESS_KEY_ID" in os.environ else ("test", "test")
        self._aside = "" if endpoint == DEFAULT_ENDPOINT else f" --endpoint {endpoint}"
        self._number = 0
        self.begin()

    def client(self, service: str, region: str = "", **options: Any) -> Any:
        """A boto3 client, in the user's region unless another is named."""
        return self._clients.client(service, region or self._region, self._keys, options)

    def jump(self, span: str) -> None:
        """Moves the region's clock on by a span such as "3d", through all that falls due on the way."""
        self._remote.post("clock", jump=span)

    def begin(self) -> None:
        """What came before doesn't count to the next step's time."""
        self._begin = time.perf_counter()

    def step(self, text: str, *commands: str) -> None:
        took = time.perf_counter() - self._begin
        self._number += 1
        print(f"{self._number}  {text:<{WIDTH}} {took * 1_000:>7,.0f} ms")
        for command in commands:
            words = command.split(" ", 1)
            print(f"       {words[0]}{self._aside} {words[1]}" if words[0] == "windtunnel" else f"       {command}")
        sys.stdout.flush()
        self.begin()

    def until(self, look: Callable[[], Seen | None], what: str) -> Seen:
        """What a look shows, as soon as it shows anything. Raises Problem, naming `what` did not come, where it never does."""
        end = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < end:
            seen = look()
            if seen is not None:
                return seen
            time.sleep(POLL_SECONDS)
        raise Problem(f"{what} did not come within {WAIT_SECONDS_MAX:g} seconds.")


def _needs(story: Path) -> dict[str, str]:
    """The packages a tour needs, by the modules that show that they are installed; read without running it, which may take them."""
    for node in ast.parse(story.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "NEEDS":
            return ast.literal_eval(node.value)
    return {}
