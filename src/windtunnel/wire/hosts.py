"""What a Host header says: the service, the bucket, the account or nothing at all, as with `localhost:4566`.

https://docs.aws.amazon.com/general/latest/gr/rande.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

from windtunnel.wire.index import index

_SUFFIXES: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws", ".localhost.localstack.cloud", ".localhost")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_S3_LABEL: Final = re.compile(r"s3(-[a-z]{2}(-[a-z]+)+-\d|-fips|-accelerate|-accesspoint|express-[a-z0-9-]+)?")
_WEBSITE: Final = re.compile(r"(.+)\.s3-website(?:[.-][a-z0-9-]+)?\.(?:amazonaws\.com(?:\.cn)?|localhost(?:\.localstack\.cloud)?)")
_ALIASES: Final = {"queue": "sqs", "cloudwatch": "monitoring", "s3-control": "s3-control", "oidc": "oidc"}


class Host(msgspec.Struct, frozen=True):
    """A Host header, understood."""

    services: tuple[str, ...] = ()
    bucket: str = ""
    """The bucket of a virtual-hosted request."""


@lru_cache(1024)
def website_bucket(header: str) -> str:
    """The bucket whose website the header names, "" where it names none.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html"""
    match = _WEBSITE.fullmatch(header.lower().partition(":")[0].rstrip("."))
    return match[1] if match is not None else ""


@lru_cache(1024)
def host_of(header: str) -> Host:
    """What the header says; nothing for plain addresses and names that aren't AWS's."""
    name = header.lower().partition(":")[0].rstrip(".")
    suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), None)
    if suffix is None:
        return Host()
    # A bucket's name is kept as it was written, though real ones are in lower case.
    labels = header[: len(name) - len(suffix)].split(".")
    lowered = [label.lower() for label in labels]
    at = next((at for at in range(len(labels) - 1, -1, -1) if _S3_LABEL.fullmatch(lowered[at])), None)
    if at is not None and all(_is_place(label) for label in lowered[at + 1 :]):
        return Host(("s3",), ".".join(labels[:at]))
    known = _service(lowered)
    if known:
        return Host(known)
    if suffix in {".localhost", ".localhost.localstack.cloud"} and len(labels) == 1:
        return Host(("s3",), labels[0])
    return Host()


def _is_place(label: str) -> bool:
    return label in {"dualstack", "fips"} or _REGION.fullmatch(label) is not None


def _service(labels: list[str]) -> tuple[str, ...]:
    """The services of an endpoint. In front of its prefix may stand an account or another word of the operation's own."""
    endpoints = index().endpoints
    names = [label.removesuffix("-fips") for label in labels if not _is_place(label)]
    for at in range(len(names)):
        prefix = ".".join(names[at:])
        found = endpoints.get(_ALIASES.get(prefix, prefix))
        if found is None and "-" in prefix:
            # `sync-states`, `data-servicediscovery`: the operation's prefix is joined with a dash.
            found = endpoints.get(prefix.partition("-")[2]) if prefix.startswith(("sync-", "data-")) else None
        if found is not None:
            return found
    return ()
