"""Parameters that AWS publishes for everybody, under /aws/service/.

Regions and services are what botocore's list of endpoints says. There are no machine images here yet: their ids are made of region and
name, so that whoever looks one up finds the same always.
https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING

from windtunnel.aws.model import endpoints
from windtunnel.services.ssm.parameters.state import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

_PUBLISHED = 1_735_689_600.0
"""The first day of 2025, for all of them."""
_INFRASTRUCTURE = "/aws/service/global-infrastructure"
_LINUX = "/aws/service/ami-amazon-linux-latest/"
_WINDOWS = "/aws/service/ami-windows-latest/"
_ECS = "/aws/service/ecs/optimized-ami/"
_IMAGES = (
    *(
        f"{_LINUX}al2023-ami-{edition}kernel-{kernel}-{processor}"
        for edition in ("", "minimal-")
        for kernel in ("default", "6.1")
        for processor in ("x86_64", "arm64")
    ),
    *(f"{_LINUX}amzn2-ami-{flavour}" for flavour in ("hvm-x86_64-gp2", "hvm-x86_64-ebs", "hvm-arm64-gp2", "kernel-5.10-hvm-x86_64-gp2")),
    f"{_LINUX}amzn2-ami-kernel-5.10-hvm-arm64-gp2",
    *(f"{_WINDOWS}Windows_Server-{year}-English-{size}-Base" for year in (2016, 2019, 2022, 2025) for size in ("Core", "Full")),
    *(f"{_ECS}{system}/recommended/image_id" for system in ("amazon-linux-2", "amazon-linux-2/arm64", "amazon-linux-2023")),
    f"{_ECS}amazon-linux-2023/arm64/recommended/image_id",
)


def _image(region: str, name: str) -> Version:
    value = f"ami-{sha256(f'{region} {name}'.encode()).hexdigest()[:17]}"
    return Version(1, "String", _PUBLISHED, "", value, data_type="aws:ec2:image")


@lru_cache(maxsize=1)
def _infrastructure() -> Mapping[str, str]:
    """Partitions, regions, and which services are where."""
    found: dict[str, str] = {}
    for partition in endpoints():
        name, regions = partition["partition"], partition["regions"]
        found[f"{_INFRASTRUCTURE}/partitions/{name}"] = name
        for region, about in regions.items():
            place = f"{_INFRASTRUCTURE}/regions/{region}"
            found |= {place: region, f"{place}/partition": name, f"{place}/domain": partition["dnsSuffix"]}
            found[f"{place}/longName"] = about["description"]
        for service, about in partition["services"].items():
            found[f"{_INFRASTRUCTURE}/services/{service}"] = service
            for region in about["endpoints"].keys() & regions.keys():
                found[f"{_INFRASTRUCTURE}/services/{service}/regions/{region}"] = region
                found[f"{_INFRASTRUCTURE}/regions/{region}/services/{service}"] = service
    return MappingProxyType(dict(sorted(found.items())))


def public_version(region: str, name: str) -> Version | None:
    """The public parameter of a name, as a region has it."""
    if name in _IMAGES:
        return _image(region, name)
    value = _infrastructure().get(name) if name.startswith(_INFRASTRUCTURE) else None
    return None if value is None else Version(1, "String", _PUBLISHED, "", value)


def public_names(path: str, *, recursive: bool) -> list[str]:
    """The names of public parameters under a path, in order."""
    folder = path.rstrip("/") + "/"
    known = [*_IMAGES, *(_infrastructure() if _INFRASTRUCTURE.startswith(folder) or folder.startswith(_INFRASTRUCTURE) else ())]
    return sorted(name for name in known if name.startswith(folder) and (recursive or "/" not in name.removeprefix(folder)))
