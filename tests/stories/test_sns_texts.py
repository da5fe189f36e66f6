"""Texts to phones: the numbers of the sandbox and their codes, and people who want no more."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.test_sns_topics import refusal
from windtunnel.fabric.outbox import OUTBOX

NUMBER = "+15550100100"


def letters(here: Here) -> list[Any]:
    return here.cloud.apply(lambda tx: [letter for _, letter in tx.scan(OUTBOX)])


def code(here: Here) -> str:
    found = re.search(r"\d{6}", letters(here)[-1].body)
    assert found is not None
    return found[0]


def replied(here: Here, text: str, number: str = NUMBER) -> str:
    async def visit() -> str:
        page = here.cloud.visits.page(f"/_aws/sns/replies/000000000000/us-east-1/{number.replace('+', '%2B')}/{text}")
        assert page is not None
        return page[1].decode()

    return here.run(visit())


def test_a_number_is_verified_by_the_code_that_it_is_sent(here: Here) -> None:
    here.sns.create_sms_sandbox_phone_number(PhoneNumber=NUMBER)
    assert [(letter.protocol, letter.to) for letter in letters(here)] == [("sms", NUMBER)]
    assert here.sns.list_sms_sandbox_phone_numbers() == {"PhoneNumbers": [{"PhoneNumber": NUMBER, "Status": "Pending"}]}
    assert here.sns.verify_sms_sandbox_phone_number(PhoneNumber=NUMBER, OneTimePassword=code(here)) == {}
    assert here.sns.list_sms_sandbox_phone_numbers() == {"PhoneNumbers": [{"PhoneNumber": NUMBER, "Status": "Verified"}]}
    assert refusal(here.sns.create_sms_sandbox_phone_number, PhoneNumber=NUMBER) == ("UserError", "The phone number is verified already.")
    here.jump(86_400)
    here.sns.delete_sms_sandbox_phone_number(PhoneNumber=NUMBER)
    assert here.sns.list_sms_sandbox_phone_numbers() == {"PhoneNumbers": []}


def test_a_code_holds_for_a_quarter_of_an_hour_and_another_can_be_had(here: Here) -> None:
    here.sns.create_sms_sandbox_phone_number(PhoneNumber=NUMBER)
    first = code(here)
    here.jump(900)
    wrong = ("VerificationException", "The one-time password is wrong or has expired.")
    assert refusal(here.sns.verify_sms_sandbox_phone_number, PhoneNumber=NUMBER, OneTimePassword=first) == wrong
    here.sns.create_sms_sandbox_phone_number(PhoneNumber=NUMBER)
    assert refusal(here.sns.verify_sms_sandbox_phone_number, PhoneNumber=NUMBER, OneTimePassword="00000") == wrong
    here.sns.verify_sms_sandbox_phone_number(PhoneNumber=NUMBER, OneTimePassword=code(here))


def test_an_unknown_number_is_neither_verified_nor_deleted(here: Here) -> None:
    fault = ("ResourceNotFound", "The phone number is not in the SMS sandbox.")
    assert refusal(here.sns.verify_sms_sandbox_phone_number, PhoneNumber=NUMBER, OneTimePassword="123456") == fault
    assert refusal(here.sns.delete_sms_sandbox_phone_number, PhoneNumber=NUMBER) == fault


def test_ten_numbers_are_all_and_are_listed_by_pages(here: Here) -> None:
    numbers = [f"+1555010010{digit}" for digit in range(10)]
    for number in numbers:
        here.sns.create_sms_sandbox_phone_number(PhoneNumber=number)
    here.sns.create_sms_sandbox_phone_number(PhoneNumber=numbers[0])
    fault = refusal(here.sns.create_sms_sandbox_phone_number, PhoneNumber="+15550100199")
    assert fault == ("UserError", "An account can have 10 phone numbers in the SMS sandbox.")
    first = here.sns.list_sms_sandbox_phone_numbers(MaxResults=6)
    rest = here.sns.list_sms_sandbox_phone_numbers(MaxResults=6, NextToken=first["NextToken"])
    assert [one["PhoneNumber"] for page in (first, rest) for one in page["PhoneNumbers"]] == numbers
    assert "NextToken" not in rest


def test_an_account_is_out_of_the_sandbox_and_has_bought_no_numbers(here: Here) -> None:
    assert here.sns.get_sms_sandbox_account_status() == {"IsInSandbox": False}
    assert here.sns.list_origination_numbers() == {"PhoneNumbers": []}


@pytest.mark.parametrize("word", ["STOP", "stop", " Unsubscribe "])
def test_who_replies_stop_gets_no_more(here: Here, word: str) -> None:
    topic = here.sns.create_topic(Name="t")["TopicArn"]
    here.sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint=NUMBER)
    here.sns.publish(TopicArn=topic, Message="one")
    assert replied(here, word) == "You are opted out.\n"
    here.sns.publish(TopicArn=topic, Message="two")
    here.sns.publish(PhoneNumber=NUMBER, Message="three")
    assert [letter.body for letter in letters(here)] == ["one"]
    assert here.sns.check_if_phone_number_is_opted_out(phoneNumber=NUMBER) == {"isOptedOut": True}
    assert here.sns.list_phone_numbers_opted_out() == {"phoneNumbers": [NUMBER]}
    assert refusal(here.sns.create_sms_sandbox_phone_number, PhoneNumber=NUMBER) == ("OptedOut", "The phone number is opted out.")


def test_another_reply_changes_nothing(here: Here) -> None:
    assert replied(here, "thank you") == "Thank you.\n"
    assert here.sns.list_phone_numbers_opted_out() == {"phoneNumbers": []}
    assert here.cloud.visits.page("/_aws/sns/replies/nobody") is None


def test_a_number_is_opted_in_once_in_thirty_days(here: Here) -> None:
    replied(here, "STOP")
    assert here.sns.opt_in_phone_number(phoneNumber=NUMBER) == {}
    here.sns.publish(PhoneNumber=NUMBER, Message="again")
    assert [letter.body for letter in letters(here)] == ["again"]
    assert here.sns.opt_in_phone_number(phoneNumber=NUMBER) == {}
    replied(here, "STOP")
    fault = ("InvalidParameter", "Invalid parameter: PhoneNumber Reason: a phone number can be opted in only once every 30 days")
    assert refusal(here.sns.opt_in_phone_number, phoneNumber=NUMBER) == fault
    here.jump(30 * 86_400)
    here.sns.opt_in_phone_number(phoneNumber=NUMBER)
    assert here.sns.check_if_phone_number_is_opted_out(phoneNumber=NUMBER) == {"isOptedOut": False}
