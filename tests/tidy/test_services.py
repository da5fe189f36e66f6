"""What a service says of itself agrees with AWS's model of it: operations, faults and README."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import botocore.loaders
import pytest
from botocore import xform_name
from botocore.model import ServiceModel

from tests.tidy import rules
from windtunnel.fabric import Service

FOLDERS = sorted(path.parent.name for path in (rules.PACKAGE / "services").glob("*/__init__.py"))
pytestmark = pytest.mark.parametrize("folder", FOLDERS)


@cache
def services_of(folder: str) -> list[Service]:
    """Those that a folder declares: one, but where two APIs stand over the same rows."""
    module = importlib.import_module(f"windtunnel.services.{folder}")
    return [value for value in vars(module).values() if isinstance(value, Service)]


@cache
def model_of(service: str) -> ServiceModel:
    return ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"), service)


def modelled_operations(service: Service) -> dict[str, str]:
    """AWS's names by ours: "send_message" → "SendMessage"."""
    return {xform_name(name): name for name in model_of(service.name).operation_names}


def known_faults(folder: str) -> set[str]:
    faults: set[str] = set()
    for service in services_of(folder):
        faults |= set(service.faults)
        for shape in model_of(service.name).error_shapes:
            faults |= {shape.name, shape.metadata.get("error", {}).get("code", shape.name)}
    return faults


def raised_faults(path: Path) -> list[tuple[str, int]]:
    """Every code that is written out in a call of Fault, both arms of a conditional included."""
    calls = (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call))
    faults = [call for call in calls if ast.unparse(call.func).split(".")[-1] == "Fault" and call.args]
    found: list[tuple[str, int]] = []
    for call in faults:
        arms = [call.args[0].body, call.args[0].orelse] if isinstance(call.args[0], ast.IfExp) else [call.args[0]]
        found += [(arm.value, call.lineno) for arm in arms if isinstance(arm, ast.Constant) and isinstance(arm.value, str)]
    return found


def test_every_operation_is_one_of_the_api(folder: str) -> None:
    for service in services_of(folder):
        assert set(service.functions) - set(modelled_operations(service)) == set(), "helpers begin with an underscore"


def test_every_fault_is_one_that_the_service_has(folder: str) -> None:
    known = known_faults(folder)
    unknown = [
        f"{path.relative_to(rules.ROOT)}:{line}: {code} is neither in the model nor in SERVICE.faults"
        for path in sorted((rules.PACKAGE / "services" / folder).rglob("*.py"))
        for code, line in raised_faults(path)
        if code not in known
    ]
    assert not unknown, "\n".join(["", *unknown])


def test_the_readme_names_every_operation_that_is_not_implemented(folder: str) -> None:
    readme = rules.PACKAGE / "services" / folder / "README.md"
    words = set(re.findall(r"\w+", readme.read_text(encoding="utf-8"))) if readme.exists() else set[str]()
    missing = {
        name for service in services_of(folder) for ours, name in modelled_operations(service).items() if ours not in service.functions
    }
    assert missing - words == set(), f"{readme.relative_to(rules.ROOT)} must name them"
