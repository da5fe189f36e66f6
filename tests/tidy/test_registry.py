"""What the list of services says of each is what the service itself declares."""

import subprocess
import sys

import pytest

from tests.tidy import rules
from windtunnel.app.boot import SERVICES
from windtunnel.fabric.registry import Named


@pytest.mark.parametrize("named", SERVICES, ids=lambda named: named.name)
def test_the_list_says_what_the_service_declares(named: Named) -> None:
    service = named.load()
    assert named.name == service.name
    assert {"::".join(type.split("::")[:2]) for type in service.kinds} == set(named.types.split())
    assert named.hosts.split() == list(service.hosts)
    assert named.paths.split() == [*service.pages, *service.paths]
    assert named.listens == (service.facts is not None or service.trailed is not None)
    assert set(service.targets) <= {named.name}, "a delivery finds who takes it by its ARN's service"


def test_every_folder_of_services_is_on_the_list() -> None:
    folders = {path.parent.name for path in (rules.PACKAGE / "services").glob("*/__init__.py")}
    assert {named.declared.partition(":")[0].rpartition(".")[2] for named in SERVICES} == folders


def test_a_start_imports_no_service_and_none_of_their_libraries() -> None:
    told = "import sys, windtunnel.app.serve, windtunnel.app.boot; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in modules if name.startswith(("windtunnel.services.", "cryptography", "boto3"))] == []
