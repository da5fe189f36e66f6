"""Text messages: their account's settings, and the numbers that want none.

https://docs.aws.amazon.com/sns/latest/dg/sms_manage.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from windtunnel.fabric import Fault, Tx
from windtunnel.services.sns.places import page_of, start_of
from windtunnel.services.sns.rules import PAGE_ITEMS, checked_number, invalid
from windtunnel.services.sns.state import OPTED_IN, OPTED_OUT, SMS_SETTINGS, sms_settings

if TYPE_CHECKING:
    from windtunnel.aws.types import sns as t

OPT_IN_SECONDS = 30 * 86_400.0
_NAMES = frozenset(
    {
        "DefaultSMSType", "DefaultSenderID", "DeliveryStatusIAMRole", "DeliveryStatusSuccessSamplingRate", "MonthlySpendLimit",
        "UsageReportS3Bucket",
    }
)  # fmt: skip
_FORMS = {
    "DefaultSMSType": re.compile("Promotional|Transactional"),
    "DeliveryStatusIAMRole": re.compile(r"(arn:[^:]+:iam::\d{12}:role/.+)?"),
    "DeliveryStatusSuccessSamplingRate": re.compile(r"\d{1,2}|100"),
    "MonthlySpendLimit": re.compile(r"\d+"),
}
_SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9-]{1,11}")


def set_sms_attributes(tx: Tx, req: t.SetSMSAttributesInput) -> t.SetSMSAttributesResponse:
    attributes = req["attributes"]
    for name, value in attributes.items():
        if name not in _NAMES:
            raise Fault("InvalidParameter", f"{name} is not a valid attribute")
        if name == "DefaultSenderID" and not _SENDER.fullmatch(value):
            # AWS's own spelling of the name.
            raise Fault("InvalidParameter", "DefaultSendID is not a valid attribute")
        if name in _FORMS and not _FORMS[name].fullmatch(value):
            raise Fault("InvalidParameter", f"{name} is invalid")
    tx.put(SMS_SETTINGS, value={**(tx.get(SMS_SETTINGS) or {}), **attributes})
    return {}


def get_sms_attributes(tx: Tx, req: t.GetSMSAttributesInput) -> t.GetSMSAttributesResponse:
    attributes = sms_settings(tx)
    names = req.get("attributes") or []
    return {"attributes": {name: value for name, value in attributes.items() if not names or name in names}}


def check_if_phone_number_is_opted_out(tx: Tx, req: t.CheckIfPhoneNumberIsOptedOutInput) -> t.CheckIfPhoneNumberIsOptedOutResponse:
    return {"isOptedOut": tx.get(OPTED_OUT, checked_number(req["phoneNumber"])) is not None}


def list_phone_numbers_opted_out(tx: Tx, req: t.ListPhoneNumbersOptedOutInput) -> t.ListPhoneNumbersOptedOutResponse:
    found, rest = page_of(tx.scan(OPTED_OUT, start=start_of(req, 0, "nextToken"), limit=PAGE_ITEMS + 1))
    result: t.ListPhoneNumbersOptedOutResponse = {"phoneNumbers": [str(key[0]) for key, _ in found]}
    if rest:
        result["nextToken"] = rest["NextToken"]
    return result


def opt_in_phone_number(tx: Tx, req: t.OptInPhoneNumberInput) -> t.OptInPhoneNumberResponse:
    number = checked_number(req["phoneNumber"])
    before = tx.get(OPTED_IN, number)
    if tx.get(OPTED_OUT, number) is None:
        return {}
    if before is not None and tx.now < before + OPT_IN_SECONDS:
        raise invalid("PhoneNumber Reason: a phone number can be opted in only once every 30 days")
    tx.delete(OPTED_OUT, number)
    tx.put(OPTED_IN, number, value=tx.now)
    return {}
