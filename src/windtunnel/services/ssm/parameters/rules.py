"""Names, limits and tiers of parameters.

https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html#sysman-parameter-name-constraints
"""

from __future__ import annotations

import re
from typing import Final

from windtunnel.fabric import Fault

VERSIONS_MAX: Final = 100
LABELS_MAX: Final = 10
LEVELS_MAX: Final = 15
NAME_CHARACTERS_MAX: Final = 1011
"""With the part of the ARN that precedes a name."""
STANDARD_CHARACTERS_MAX: Final = 4096
ADVANCED_CHARACTERS_MAX: Final = 8192
STANDARD_MAX: Final = 10_000
ADVANCED_MAX: Final = 100_000
"""How many parameters an account has in a region.
https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""
POLICIES_MAX: Final = 10
PAGE_DEFAULT: Final = 10
DESCRIBED_DEFAULT: Final = 50
STANDARD: Final = "Standard"
ADVANCED: Final = "Advanced"
INTELLIGENT: Final = "Intelligent-Tiering"
SECURE: Final = "SecureString"
TIERS_PAGE: Final = "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
_NAME = re.compile(r"(?:/?[\w.-]+|/[\w.-]+(?:/[\w.-]+)+)", re.ASCII)
_LABEL = re.compile(r"(?!aws|ssm|\d)[\w.-]+", re.ASCII | re.IGNORECASE)
_RESERVED = ("aws", "ssm")
_BAD_NAME = (
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash'
    " symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_"
)
BAD_PATH: Final = (
    "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\". It can't be"
    ' prefixed with \\"aws\\" or \\"ssm\\" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), -'
    " (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol"
    ' "/". Valid example: /get/parameters2-/by1./path0_.'
)


def invalid(message: str) -> Fault:
    return Fault("ValidationException", message)


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and not name.removeprefix("/").lower().startswith("ssm")


def check_name(name: str) -> None:
    """A name that may be asked for."""
    if not is_name(name):
        raise invalid(_BAD_NAME)


def check_new_name(name: str, arn: str) -> None:
    """A name that may be given."""
    bare = name.removeprefix("/").lower()
    if bare.startswith(_RESERVED) and "/" not in bare:
        raise invalid('Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).')
    if bare.startswith("aws"):
        raise Fault("AccessDeniedException", f"No access to reserved parameter name: {name}.")
    check_name(name)
    if len(arn) > NAME_CHARACTERS_MAX:
        raise invalid(f"Parameter name exceeds the limit of {NAME_CHARACTERS_MAX} characters, the ARN's characters before it included.")
    if bare.count("/") >= LEVELS_MAX:
        raise Fault(
            "HierarchyLevelLimitExceededException",
            f"A hierarchy can have a maximum of {LEVELS_MAX} levels. For more information, see Requirements and constraints for parameter"
            " names in the AWS Systems Manager User Guide.",
        )


def is_path(path: str) -> bool:
    return path == "/" or (path.startswith("/") and is_name(path.rstrip("/")) and not path.endswith("//"))


def is_label(label: str) -> bool:
    return _LABEL.fullmatch(label) is not None
