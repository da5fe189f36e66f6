"""Which tier a parameter is in, and what each has room for.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.ssm.parameters.rules import (
    ADVANCED,
    ADVANCED_CHARACTERS_MAX,
    ADVANCED_MAX,
    INTELLIGENT,
    STANDARD,
    STANDARD_CHARACTERS_MAX,
    STANDARD_MAX,
    TIERS_PAGE,
    invalid,
)
from windtunnel.services.ssm.parameters.state import PARAMETERS, Policy, Version
from windtunnel.services.ssm.parameters.types import ADVANCED_TYPES
from windtunnel.services.ssm.state import DEFAULT_TIER, setting_of


def tier_of(tx: Tx, req: Mapping[str, Any], before: Version | None, data_type: str, policies: Sequence[Policy]) -> str:
    """The tier that a PutParameter means. Raises ValidationException where what it asks for needs another."""
    asked = req.get("Tier") or setting_of(tx, DEFAULT_TIER).value
    advanced = before is not None and before.tier == ADVANCED
    needs = policies or data_type in ADVANCED_TYPES
    if asked == INTELLIGENT:
        full = before is None and tx.count(PARAMETERS, "tier", STANDARD) >= STANDARD_MAX
        return ADVANCED if advanced or needs or full or len(req["Value"]) > STANDARD_CHARACTERS_MAX else STANDARD
    if asked == STANDARD and advanced:
        if "Tier" in req:
            raise invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the"
                " standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter."
            )
        return ADVANCED
    if asked == STANDARD and needs:
        what = "parameter policies" if policies else f"the data type {data_type}"
        raise invalid(f"Standard tier parameters don't support {what}. Upgrade the parameter to use the advanced-parameter tier.")
    return asked


def check_size(value: str, tier: str) -> None:
    most = ADVANCED_CHARACTERS_MAX if tier == ADVANCED else STANDARD_CHARACTERS_MAX
    if len(value.encode("utf-8", "surrogatepass")) <= most:
        return
    message = f"{tier} tier parameters support a maximum parameter value of {most} characters."
    if tier == STANDARD:
        message += " To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
        message += f" For more information, see {TIERS_PAGE}"
    raise invalid(message)


def check_room(tx: Tx, tier: str) -> None:
    """Raises ParameterLimitExceeded where there are as many parameters as there may be."""
    most = ADVANCED_MAX if tier == ADVANCED else STANDARD_MAX
    if tx.count(PARAMETERS, "tier", tier) < most:
        return
    message = f"You have reached the maximum number of {tier.lower()} parameters for this AWS account and Region ({most})."
    more = " To add more parameters, either delete existing parameters or upgrade to the advanced-parameter tier (charges apply)."
    raise Fault("ParameterLimitExceeded", message + (more if tier == STANDARD else ""))
