"""Amazon resource names, taken apart and put together in one place, so that no service splits strings on colons by itself.

An ARN has six fields, and only the sixth may hold colons itself: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from functools import lru_cache

from msgspec import Struct

_FIELDS = 6


class Arn(Struct, frozen=True, order=True):
    """`arn:partition:service:region:account:resource`; region and account are empty where a resource has none."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    def text(self) -> str:
        """The ARN as AWS writes it."""
        return str(self)

    @property
    def type(self) -> str:
        """`role` of `role/service-role/x`, `function` of `function:x:1`; empty when the resource is a bare name (`arn:aws:sqs:…:queue`)."""
        return _split(self.resource)[0]

    @property
    def id(self) -> str:
        """What follows the type: `service-role/x` of `role/service-role/x`, `x:1` of `function:x:1`; else the whole resource."""
        return _split(self.resource)[1]

    @property
    def name(self) -> str:
        """The last part of a path: `x` of `role/service-role/x`."""
        return self.id.rpartition("/")[2]


def parse(text: str) -> Arn:
    """The ARN that is written in `text`; ValueError when it isn't one."""
    found = _parsed(text)
    if found is None:
        raise ValueError(f"{text!r} is not an ARN")
    return found


def parse_or_none(text: str) -> Arn | None:
    """The same for callers who take a name or an ARN."""
    return _parsed(text)


def slashed(service: str, region: str, account: str, type: str, id: str, partition: str = "aws") -> Arn:
    """An ARN of the form `…:type/id` (`instance/i-1`, `role/x`, `table/t`)."""
    return Arn(partition, service, region, account, f"{type}/{id}")


def coloned(service: str, region: str, account: str, type: str, id: str, partition: str = "aws") -> Arn:
    """An ARN of the form `…:type:id` (`function:f`, `secret:s`, `log-group:g`)."""
    return Arn(partition, service, region, account, f"{type}:{id}")


def partition_of(region: str) -> str:
    """The partition that a region belongs to; China and the government have their own."""
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws"


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Arn | None:
    parts = text.split(":", _FIELDS - 1)
    if len(parts) != _FIELDS or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        return None
    return Arn(parts[1], parts[2], parts[3], parts[4], parts[5])


def _split(resource: str) -> tuple[str, str]:
    """Type and id at the first separator, whichever it is: a path may hold colons and an id may hold slashes."""
    for at, character in enumerate(resource):
        if character in "/:":
            return resource[:at], resource[at + 1 :]
    return "", resource
