"""Finding what a request means by a name: a parameter, one of its versions or labels, another account's by ARN, AWS's own, or a secret.

https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.services.ssm.access import check_shared
from windtunnel.services.ssm.parameters.public import public_version
from windtunnel.services.ssm.parameters.rules import check_name, invalid
from windtunnel.services.ssm.parameters.state import PARAMETERS, Found, Version, arn_of, place_of
from windtunnel.services.ssm.parameters.views import shown, shown_public

SECRETS = "/aws/reference/secretsmanager/"
PUBLIC = "/aws/service/"
_VERSION_ID_CHARACTERS = 32
"""Which ids of versions of secrets have at least: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html"""


def find(tx: Tx, name: str, action: str) -> Found:
    """The parameter of a name or an ARN, for who may do something with it. Raises ParameterNotFound."""
    place = tx
    if name.startswith("arn:"):
        arn = parse_or_none(name)
        if arn is None or arn.service != "ssm" or arn.type != "parameter" or arn.region != tx.region:
            raise invalid(f"The parameter ARN {name} is not valid.")
        place, name = tx.at(account=arn.account), arn.resource.removeprefix("parameter")
    name = name.strip()
    check_name(name)
    parameter = place.get(PARAMETERS, *place_of(name))
    check_shared(place, arn_of(place, name), action)
    if parameter is None:
        raise Fault("ParameterNotFound", "")
    return Found(place, parameter)


def selected(found: Found, selector: str) -> Version:
    """The version that a selector names by its number or a label; the newest where there is none. Raises ParameterVersionNotFound."""
    if not selector:
        return found.parameter.latest
    number = int(selector) if selector.isdecimal() else found.parameter.labels.get(selector, 0)
    version = found.version(number)
    if version is None:
        kind = "version" if selector.isdecimal() else "label"
        raise Fault(
            "ParameterVersionNotFound",
            f"Systems Manager could not find {kind} {selector} of {found.parameter.name}. Verify the {kind} and try again.",
        )
    return version


def read(tx: Tx, asked: str, action: str, *, decrypt: bool) -> dict[str, Any]:
    """What GetParameter answers for a name, an ARN or a reference. Raises ParameterNotFound, ParameterVersionNotFound."""
    if asked.startswith(SECRETS):
        return _secret(tx, asked, decrypt=decrypt)
    name, selector = _split(asked.strip())
    if name.startswith(PUBLIC):
        return _public(tx, name, selector)
    found = find(tx, name, action)
    version = selected(found, selector)
    return shown(found, version, name="" if name.startswith("arn:") else name, selector=selector, decrypt=decrypt)


def _split(asked: str) -> tuple[str, str]:
    """A name and its selector. An ARN has five colons of its own."""
    head, _, rest = asked.rpartition("/") if asked.startswith("arn:") else ("", "", asked)
    name, _, selector = rest.partition(":")
    return (f"{head}/{name}" if head else name), selector


def _public(tx: Tx, name: str, selector: str) -> dict[str, Any]:
    """One of the parameters that AWS publishes."""
    version = public_version(tx.region, name)
    if version is None:
        raise Fault("ParameterNotFound", "")
    if selector not in ("", str(version.number)):
        raise Fault(
            "ParameterVersionNotFound", f"Systems Manager could not find version {selector} of {name}. Verify the version and try again."
        )
    return shown_public(tx.region, name, version) | ({"Selector": f":{selector}"} if selector else {})


def _secret(tx: Tx, asked: str, *, decrypt: bool) -> dict[str, Any]:
    """A secret of Secrets Manager, read in the caller's name."""
    if not decrypt:
        raise invalid("WithDecryption flag must be True for retrieving a Secret Manager secret.")
    name, _, selector = asked.removeprefix(SECRETS).partition(":")
    which = {"VersionId" if len(selector) >= _VERSION_ID_CHARACTERS else "VersionStage": selector} if selector else {}
    try:
        secret = tx.call("secretsmanager", "get_secret_value", {"SecretId": name, **which})
    except Fault as fault:
        if fault.code != "ResourceNotFoundException":
            raise
        why = f"An error occurred ({fault.code}) when referencing Secrets Manager: Secret {asked} not found."
        raise Fault("ParameterNotFound", why) from fault
    if "SecretString" not in secret:
        raise invalid(f"Secret {asked} holds binary data, which Parameter Store can't return.")
    told = ("ARN", "Name", "VersionId", "SecretString", "VersionStages", "CreatedDate")
    source = {member if member == "ARN" else member[0].lower() + member[1:]: secret[member] for member in told if member in secret}
    return {
        "Name": asked.removesuffix(f":{selector}") if selector else asked,
        "Type": "SecureString",
        "Value": secret["SecretString"],
        "Version": 0,
        "SourceResult": msgspec.json.encode(source).decode(),
        "LastModifiedDate": secret["CreatedDate"],
        "ARN": secret["ARN"],
        **({"Selector": f":{selector}"} if selector else {}),
    }
