"""What stories of refusals share: the words of a fault, and which of the errors that AWS documents no story shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from tests.stories.here import Here
from windtunnel.aws.model import service_model, snake
from windtunnel.fabric import Fault

Case = tuple[str, dict[str, Any], str, str]
"""An operation, its request, and the code and the sentence it is refused with."""


def one_region() -> Any:
    """The fixture `here` of a file: one region for all of its stories, since what is refused changes nothing."""

    @pytest.fixture(scope="module")
    def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
        region = Here(tmp_path_factory.mktemp("refusals") / "region")
        yield region
        region.close()

    return here


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Code and sentence of the fault that a call is answered with."""
    with pytest.raises(Fault) as refused:
        call(**request)
    return refused.value.code, refused.value.message


def filled(value: Any, world: Mapping[str, str]) -> Any:
    """A request whose "$names" are replaced by what they stand for."""
    if isinstance(value, dict):
        return {name: filled(item, world) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [filled(item, world) for item in cast("list[Any]", value)]
    return world.get(value, value) if isinstance(value, str) else value


def untold(service: str, cases: Iterable[Case], elsewhere: Mapping[str, str], never: Iterable[str]) -> list[str]:
    """`operation Error` for each error that AWS's model documents of an operation that is implemented, and that has no story.

    `elsewhere`: `operation Error` that another story shows, with the file and the name of it. `never`: errors that can't be brought
    about, anywhere (`Error`) or in one operation (`operation Error`); the service's README says why.
    """
    told = {f"{operation} {code}" for operation, _, code, _ in cases} | {error for error, story in elsewhere.items() if _stands(story)}
    model: Any = service_model(service)
    implemented = import_module(f"windtunnel.services.{service}").SERVICE.functions
    found: list[str] = []
    for name in model.operation_names:
        operation = snake(name)
        for error in model.operation_model(name).error_shapes if operation in implemented else ():
            names = {error.name, error.metadata.get("error", {}).get("code", error.name)}
            if not any(one in never or f"{operation} {one}" in never or f"{operation} {one}" in told for one in names):
                found.append(f"{operation} {min(names)}")
    return found


def _stands(story: str) -> bool:
    file, _, name = story.partition("::")
    return f"def {name}(" in (Path(__file__).parent / file).read_text()
