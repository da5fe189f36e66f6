"""Names, limits and words of Secrets Manager."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from windtunnel.fabric import Fault

DAY_SECONDS: Final = 86_400
RECOVERY_DAYS = range(7, 31)
RECOVERY_DAYS_DEFAULT: Final = 30
VERSIONS_MAX: Final = 100
"""How many versions a secret keeps; deprecated ones go first.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html"""
LABELS_MAX: Final = 20
PAGE_DEFAULT: Final = 100
BATCH_MAX: Final = 20
CURRENT: Final = "AWSCURRENT"
PREVIOUS: Final = "AWSPREVIOUS"
PENDING: Final = "AWSPENDING"
SUFFIX = re.compile(r"(.+)-([A-Za-z0-9]{6})")
_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
_BAD_NAME = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
_NO_TOKEN = "You must provide a ClientRequestToken value. We recommend a UUID-type value."
MARKED = "You can't perform this operation on the secret because it was marked for deletion."


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Fault("ValidationException", _BAD_NAME)


def check_id(name: str) -> None:
    """As `check_name`, of what may be an ARN as well; AWS looks at it first."""
    if not name.startswith("arn:"):
        check_name(name)


def token_of(req: Mapping[str, Any], code: str = "InvalidRequestException") -> str:
    """The id of the version that a request makes; SDKs bring one with each."""
    if "ClientRequestToken" not in req:
        raise Fault(code, _NO_TOKEN)
    return req["ClientRequestToken"]


def invalid(message: str) -> Fault:
    return Fault("InvalidParameterException", message)


def refused(message: str) -> Fault:
    return Fault("InvalidRequestException", message)


def not_found(message: str = "Secrets Manager can't find the specified secret.") -> Fault:
    return Fault("ResourceNotFoundException", message)


def value_of(req: Mapping[str, Any]) -> tuple[bytes, bool] | None:
    """The value in a request, and whether it is binary; None where there is none."""
    if "SecretString" in req and "SecretBinary" in req:
        raise invalid("You can't specify both a binary secret value and a string secret value in the same secret.")
    if "SecretBinary" in req:
        return req["SecretBinary"], True
    return (req["SecretString"].encode("utf-8", "surrogatepass"), False) if "SecretString" in req else None
