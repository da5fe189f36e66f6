"""Parameters as answers print them."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.arn import partition_of
from windtunnel.services.ssm.parameters.state import Found, Policy, Version
from windtunnel.services.ssm.parameters.values import value_of


def shown(found: Found, version: Version, *, name: str = "", selector: str = "", decrypt: bool = False) -> dict[str, Any]:
    """A version of a parameter as GetParameter and its like print it."""
    out: dict[str, Any] = {
        "Name": name or found.parameter.name,
        "Type": version.type,
        "Value": value_of(found, version, decrypt=decrypt),
        "Version": version.number,
        "LastModifiedDate": version.modified,
        "ARN": found.arn,
        "DataType": version.data_type,
    }
    return out | ({"Selector": f":{selector}"} if selector else {})


def shown_public(region: str, name: str, version: Version) -> dict[str, Any]:
    """Public parameters are no account's."""
    return {
        "Name": name,
        "Type": version.type,
        "Value": version.value,
        "Version": version.number,
        "LastModifiedDate": version.modified,
        "ARN": f"arn:{partition_of(region)}:ssm:{region}::parameter{name}",
        "DataType": version.data_type,
    }


def described(found: Found, version: Version) -> dict[str, Any]:
    """All of a version but its value, as DescribeParameters prints it."""
    given = {"KeyId": version.kms, "Description": version.description, "AllowedPattern": version.pattern}
    return {
        "Name": found.parameter.name,
        "Type": version.type,
        **{member: value for member, value in given.items() if value},
        "LastModifiedDate": version.modified,
        "LastModifiedUser": version.user,
        "Version": version.number,
        "Tier": version.tier,
        "Policies": [_policy(policy) for policy in version.policies],
        "DataType": version.data_type,
    }


def _policy(policy: Policy) -> dict[str, str]:
    return {"PolicyText": policy.text, "PolicyType": policy.type, "PolicyStatus": "Finished" if policy.done else "Pending"}
