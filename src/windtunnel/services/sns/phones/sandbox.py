"""The SMS sandbox: phone numbers that are verified by a code which is sent to them.

https://docs.aws.amazon.com/sns/latest/dg/sns-sms-sandbox-verifying-phone-numbers.html
"""

from __future__ import annotations

from string import digits
from typing import TYPE_CHECKING

import msgspec

from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.sns.phones.texting import text
from windtunnel.services.sns.places import page_of, start_of
from windtunnel.services.sns.rules import PAGE_ITEMS, checked_number
from windtunnel.services.sns.state import OPTED_OUT

if TYPE_CHECKING:
    from windtunnel.aws.types import sns as t

NUMBERS_MAX = 10
CODE_DIGITS = 6
CODE_SECONDS = 900.0
DELETABLE_SECONDS = 86_400.0


class SandboxNumber(msgspec.Struct, frozen=True, array_like=True):
    """A phone number of the sandbox, and the code that verifies it until `ends`."""

    code: str
    ends: float
    verified: float = 0.0
    """When it was verified."""


SANDBOX = Table("sns.sandbox", SandboxNumber)
"""phone number -> SandboxNumber"""


def create_sms_sandbox_phone_number(tx: Tx, req: t.CreateSMSSandboxPhoneNumberInput) -> t.CreateSMSSandboxPhoneNumberResult:
    """A number that is asked for again, and not verified yet, is sent another code."""
    number = checked_number(req["PhoneNumber"])
    if tx.get(OPTED_OUT, number) is not None:
        raise Fault("OptedOut", "The phone number is opted out.")
    there = tx.get(SANDBOX, number)
    if there is not None and there.verified:
        raise Fault("UserError", "The phone number is verified already.")
    if there is None and sum(1 for _ in tx.scan(SANDBOX, limit=NUMBERS_MAX)) == NUMBERS_MAX:
        raise Fault("UserError", f"An account can have {NUMBERS_MAX} phone numbers in the SMS sandbox.")
    code = tx.ids.text(CODE_DIGITS, digits)
    tx.put(SANDBOX, number, value=SandboxNumber(code, tx.now + CODE_SECONDS))
    text(tx, number, f"Your verification code for the Amazon SNS SMS sandbox is {code}.", source="sns.amazonaws.com")
    return {}


def verify_sms_sandbox_phone_number(tx: Tx, req: t.VerifySMSSandboxPhoneNumberInput) -> t.VerifySMSSandboxPhoneNumberResult:
    number = req["PhoneNumber"]
    there = _found(tx, number)
    if there.verified:
        return {}
    if tx.now >= there.ends or req["OneTimePassword"] != there.code:
        raise Fault("VerificationException", "The one-time password is wrong or has expired.", Status="Failed")
    tx.put(SANDBOX, number, value=msgspec.structs.replace(there, verified=tx.now))
    return {}


def delete_sms_sandbox_phone_number(tx: Tx, req: t.DeleteSMSSandboxPhoneNumberInput) -> t.DeleteSMSSandboxPhoneNumberResult:
    there = _found(tx, req["PhoneNumber"])
    if there.verified and tx.now < there.verified + DELETABLE_SECONDS:
        raise Fault("UserError", "A verified phone number can be deleted 24 hours after it was verified.")
    tx.delete(SANDBOX, req["PhoneNumber"])
    return {}


def list_sms_sandbox_phone_numbers(tx: Tx, req: t.ListSMSSandboxPhoneNumbersInput) -> t.ListSMSSandboxPhoneNumbersResult:
    limit = req.get("MaxResults", PAGE_ITEMS)
    found, rest = page_of(tx.scan(SANDBOX, start=start_of(req), limit=limit + 1), limit)
    listed = [{"PhoneNumber": str(key[0]), "Status": "Verified" if one.verified else "Pending"} for key, one in found]
    return {"PhoneNumbers": listed, **rest}  # pyright: ignore[reportReturnType]


def get_sms_sandbox_account_status(tx: Tx, req: t.GetSMSSandboxAccountStatusInput) -> t.GetSMSSandboxAccountStatusResult:
    """Accounts are out of the sandbox here: texts go to every number."""
    return {"IsInSandbox": False}


def list_origination_numbers(tx: Tx, req: t.ListOriginationNumbersRequest) -> t.ListOriginationNumbersResult:
    """An account has none before it has bought one, which is another service's business."""
    start_of(req)
    return {"PhoneNumbers": []}


def _found(tx: Tx, number: str) -> SandboxNumber:
    there = tx.get(SANDBOX, checked_number(number))
    if there is None:
        raise Fault("ResourceNotFound", "The phone number is not in the SMS sandbox.")
    return there
