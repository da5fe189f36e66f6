"""Second factors that come with a request for temporary keys.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.mfa import DEVICES, believe


def second_factor(tx: Tx, req: Mapping[str, Any]) -> float:
    """When the caller showed a second factor: now, where the request has a code; 0 where it has none. Raises AccessDenied."""
    caller, serial, code = tx.scope.principal, req.get("SerialNumber"), req.get("TokenCode")
    if serial is None and code is None:
        return 0.0
    if serial is None or code is None:
        raise Fault("AccessDenied", "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
    device = tx.get(DEVICES, serial)
    if device is None or caller.kind != "IAMUser" or device.user != caller.id:
        raise Fault(
            "AccessDenied",
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and "
            "associated with this user.",
        )
    if not believe(tx, serial, device, code):
        raise Fault("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
    return tx.now
