"""Stories of data protection: what a policy hides, who sees it all the same, and what is no policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal

NOW = int(BEGIN * 1000)
ARN = "arn:aws:dataprotection::aws:data-identifier/"


def policy(*names: str, **custom: str) -> str:
    identifiers = [*(ARN + name for name in names), *custom]
    document: dict[str, Any] = {
        "Name": "p",
        "Version": "2021-06-01",
        "Configuration": {"CustomDataIdentifier": [{"Name": name, "Regex": regex} for name, regex in custom.items()]},
        "Statement": [
            {"Sid": "audit", "DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": {}}}},
            {"Sid": "hide", "DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
    return json.dumps(document)


def put(logs: Any, *messages: str, group: str = "g") -> None:
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[{"timestamp": NOW, "message": text} for text in messages])


def read(logs: Any, **request: Any) -> list[str]:
    return [event["message"] for event in logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True, **request)["events"]]


@pytest.mark.parametrize(
    ("name", "message", "shown"),
    [
        ("EmailAddress", "from me@example.com to you@x.org!", "from ************** to *********!"),
        ("IpAddress", "10.1.2.3 is 1.2.3 but 999.1.1.1", "******** is 1.2.3 but 999.1.1.1"),
        ("CreditCardNumber", "card 4539148803436467, id 4539148803436467000", "card ****************, id 4539148803436467000"),
        ("CreditCardNumber", "visa 4539-1488-0343-6467 and no 4539148803436468", "visa ******************* and no 4539148803436468"),
        ("CreditCardNumber", "just 4539148803436467", "just 4539148803436467"),
        ("CreditCardExpiration", "expiry 07/2030", "expiry *******"),
        (
            "CreditCardSecurityCode",
            "cvv: 123 of 2030 pieces that lie far away from it",
            "cvv: *** of **** pieces that lie far away from it",
        ),
        ("AwsSecretKey", "secret_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "secret_key=" + "*" * 40),
        ("PkcsPrivateKey", "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- x", "*" * 65 + " x"),
        ("LatLong", "position 41.948614,-87.655311", "position ********************"),
        ("Ssn-US", "SSN 123-45-6789 but not 000-45-6789", "SSN *********** but not 000-45-6789"),
        ("ZipCode-US", "zip-code 98101-1234", "zip-code **********"),
        ("PhoneNumber-US", "phone (425) 555-0100", "phone **************"),
        ("NationalInsuranceNumber-GB", "nino AB123456C", "nino *********"),
        ("CpfCode-BR", "cpf 123.456.789-09", "cpf **************"),
        ("BankAccountNumber-DE", "iban DE89 3704 0044 0532 0130 00", "iban ***************************"),
        ("VehicleIdentificationNumber", "vin 1M8GDM9AXKP042788", "vin *****************"),
    ],
)
def test_what_a_policy_names_is_hidden(logs: Any, name: str, message: str, shown: str) -> None:
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy(name))
    put(logs, message)
    assert read(logs) == [shown]
    assert read(logs, unmask=True) == [message]


def test_events_that_came_before_the_policy_stay_as_they_are(logs: Any) -> None:
    put(logs, "me@example.com")
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy("EmailAddress", EmployeeId=r"E-\d{4}"))
    put(logs, "you@example.com is E-1234", "nobody")
    assert read(logs) == ["me@example.com", "*************** is ******", "nobody"]
    found = logs.filter_log_events(logGroupName="g", filterPattern="example")["events"]
    assert [event["message"] for event in found] == ["me@example.com"]
    found = logs.filter_log_events(logGroupName="g", filterPattern="example", unmask=True)["events"]
    assert [event["message"] for event in found] == ["me@example.com", "you@example.com is E-1234"]


def test_a_policy_is_kept_until_it_is_deleted(logs: Any) -> None:
    kept = {"logGroupIdentifier": "g", "policyDocument": policy("EmailAddress"), "lastUpdatedTime": NOW}
    assert logs.get_data_protection_policy(logGroupIdentifier="g") == {"logGroupIdentifier": "g"}
    assert logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy("EmailAddress")) == kept
    assert logs.get_data_protection_policy(logGroupIdentifier="g") == kept
    assert logs.describe_log_groups()["logGroups"][0]["dataProtectionStatus"] == "ACTIVATED"
    logs.delete_data_protection_policy(logGroupIdentifier="g")
    put(logs, "me@example.com")
    assert read(logs) == ["me@example.com"]
    assert logs.describe_log_groups()["logGroups"][0]["dataProtectionStatus"] == "DELETED"
    none = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert refusal(logs.put_data_protection_policy, logGroupIdentifier="x", policyDocument=policy("EmailAddress")) == none
    assert refusal(logs.get_data_protection_policy, logGroupIdentifier="x") == none
    assert refusal(logs.delete_data_protection_policy, logGroupIdentifier="x") == none


def test_the_accounts_policy_hides_as_well(here: Here, logs: Any) -> None:
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy("EmailAddress"))
    request = {"policyType": "DATA_PROTECTION_POLICY", "policyDocument": policy("IpAddress")}
    assert logs.put_account_policy(policyName="all", **request) == {
        "accountPolicy": {"policyName": "all", "lastUpdatedTime": NOW, "scope": "ALL", "accountId": "000000000000", **request}
    }
    put(logs, "me@example.com 10.0.0.1")
    assert read(logs) == ["************** ********"]
    assert logs.describe_log_groups()["logGroups"][0]["inheritedProperties"] == ["ACCOUNT_DATA_PROTECTION"]
    assert refusal(logs.put_account_policy, policyName="two", **request) == ("LimitExceededException", "Resource limit exceeded.")


def test_a_subscriber_and_a_query_see_what_is_hidden_as_asterisks(here: Here, logs: Any) -> None:
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy("EmailAddress"))
    put(logs, '{"mail": "me@example.com"}')
    query = logs.start_query(logGroupName="g", startTime=NOW // 1000, endTime=NOW // 1000 + 1, queryString="display mail")["queryId"]
    here.rest()
    assert logs.get_query_results(queryId=query)["results"][0][0] == {"field": "mail", "value": "*" * 14}


def test_a_query_unmasks_what_it_is_told_to(here: Here, logs: Any) -> None:
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy("EmailAddress"))
    put(logs, "me@example.com")
    for text in ("fields unmask(@message) as shown", "unmask @message | display @message as shown"):
        query = logs.start_query(logGroupName="g", startTime=NOW // 1000, endTime=NOW // 1000 + 1, queryString=text)["queryId"]
        here.rest()
        assert logs.get_query_results(queryId=query)["results"][0][0] == {"field": "shown", "value": "me@example.com"}


def test_what_is_no_policy_is_refused(logs: Any) -> None:
    def code(document: str) -> str:
        return refusal(logs.put_data_protection_policy, logGroupIdentifier="g", policyDocument=document)[0]

    whole = json.loads(policy("EmailAddress"))
    audit, hide = whole["Statement"]
    assert code("none") == code("{}") == "InvalidParameterException"
    assert code(json.dumps({**whole, "Statement": [audit]})) == "InvalidParameterException"
    assert code(json.dumps({**whole, "Statement": [{**audit, "Operation": {"Audit": {}}}, hide]})) == "InvalidParameterException"
    assert code(json.dumps({**whole, "Statement": [audit, {**hide, "Operation": {"Deidentify": {}}}]})) == "InvalidParameterException"
    assert code(json.dumps({**whole, "Statement": [audit, {**hide, "DataIdentifier": [ARN + "IpAddress"]}]})) == "InvalidParameterException"
    assert code(policy("Nonsense")) == code(policy(EmailAddress="x")) == code(policy(A="(")) == "InvalidParameterException"
    assert code(policy(**{f"a{number}": "x" for number in range(11)})) == "InvalidParameterException"
    assert code(policy("EmailAddress") + " " * 31_000) == "LimitExceededException"
    assert code(policy("Name", "DriversLicense-US")) == "NotImplemented"
