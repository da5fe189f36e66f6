"""MFA delete: what is gone for good, and the versioning that would keep it, need a code of a device.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.mfa import DEVICES, believe
from windtunnel.services.s3.state import Bucket


def check_factor(tx: Tx, bucket: Bucket, req: Mapping[str, Any]) -> None:
    """Refuse a request without the serial number of a device of the bucket's account and the code that it shows now."""
    serial, _, code = (req.get("MFA") or "").strip().rpartition(" ")
    place = tx.at(account=bucket.account)
    device = place.get(DEVICES, serial)
    if device is None or not believe(place, serial, device, code):
        raise Fault("AccessDenied", "Mfa Authentication must be used for this request")
