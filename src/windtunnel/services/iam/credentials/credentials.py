"""Service-specific credentials: names and passwords of users for the services that don't take signatures.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.kernel.store.keys import Key
from windtunnel.services.iam.entities import named_or_caller
from windtunnel.services.iam.rules import SECRET_ALPHABET, moment, new_id, paged, start_of
from windtunnel.services.iam.state import CREDENTIALS, USERS, Credential, User, user_named, with_id

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

PASSWORD_CHARACTERS = 43
CREDENTIALS_PER_SERVICE_MAX = 2
PASSWORD_SERVICES = ("cassandra.amazonaws.com", "codecommit.amazonaws.com")
API_KEY_SERVICES = ("bedrock.amazonaws.com", "logs.amazonaws.com")


def create_service_specific_credential(tx: Tx, req: t.CreateServiceSpecificCredentialRequest) -> t.CreateServiceSpecificCredentialResponse:
    """The password is told once and not kept: no service here asks for it."""
    user, service = user_named(tx, req["UserName"]), req["ServiceName"]
    _check_service(service)
    if service in API_KEY_SERVICES:
        raise Fault("NotImplemented", f"windtunnel does not implement API keys of {service}.", status=501)
    numbers = {each.number for _, each in tx.scan(CREDENTIALS, user.id) if each.service == service}
    if len(numbers) >= CREDENTIALS_PER_SERVICE_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {CREDENTIALS_PER_SERVICE_MAX}")
    number = next(each for each in range(CREDENTIALS_PER_SERVICE_MAX) if each not in numbers)
    credential_id = new_id(tx, "ACCA")
    # The name stays as it was when the user is renamed, since it is what a client was given.
    name = f"{user.name}{f'+{number}' if number else ''}-at-{tx.account}"
    credential = Credential(service, name, moment(tx.now), number)
    tx.put(CREDENTIALS, user.id, credential_id, value=credential)
    return {"ServiceSpecificCredential": _with_password(tx, user, credential_id, credential)}


def list_service_specific_credentials(tx: Tx, req: t.ListServiceSpecificCredentialsRequest) -> t.ListServiceSpecificCredentialsResponse:
    service, everybody, start = req.get("ServiceName"), req.get("AllUsers", False), start_of(req)
    if everybody and "UserName" in req:
        raise Fault("ValidationError", "UserName and AllUsers can not both be specified.")
    user = None if everybody else named_or_caller(tx, req.get("UserName"))
    if service is not None:
        _check_service(service)

    def rows() -> Iterator[tuple[Key, tuple[User, Credential]]]:
        scanned = tx.scan(CREDENTIALS, start=start) if user is None else tx.scan(CREDENTIALS, user.id, start=start and start[1:])
        for key, credential in scanned:
            if service in (None, credential.service):
                yield key, (user or with_id(tx, USERS, str(key[0])), credential)

    page = paged(req, "ServiceSpecificCredentials", rows(), lambda key, row: _shown(row[0], str(key[1]), row[1]))
    if not page["IsTruncated"]:
        del page["IsTruncated"]
    return page


def update_service_specific_credential(tx: Tx, req: t.UpdateServiceSpecificCredentialRequest) -> dict[str, Any]:
    user, credential = _credential(tx, req)
    status = req["Status"]
    if status not in ("Active", "Inactive"):
        raise Fault("InvalidInput", f"Service-specific credential status {status} can not be set.")
    tx.put(CREDENTIALS, user.id, req["ServiceSpecificCredentialId"], value=msgspec.structs.replace(credential, status=status))
    return {}


def reset_service_specific_credential(tx: Tx, req: t.ResetServiceSpecificCredentialRequest) -> t.ResetServiceSpecificCredentialResponse:
    user, credential = _credential(tx, req)
    return {"ServiceSpecificCredential": _with_password(tx, user, req["ServiceSpecificCredentialId"], credential)}


def delete_service_specific_credential(tx: Tx, req: t.DeleteServiceSpecificCredentialRequest) -> dict[str, Any]:
    user, _ = _credential(tx, req)
    tx.delete(CREDENTIALS, user.id, req["ServiceSpecificCredentialId"])
    return {}


def _check_service(service: str) -> None:
    if service not in PASSWORD_SERVICES and service not in API_KEY_SERVICES:
        raise Fault("NoSuchEntity", f"No such service {service} is supported for Service Specific Credentials")


def _credential(tx: Tx, req: Any) -> tuple[User, Credential]:
    user, credential_id = named_or_caller(tx, req.get("UserName")), req["ServiceSpecificCredentialId"]
    credential = tx.get(CREDENTIALS, user.id, credential_id)
    if credential is None:
        raise Fault("NoSuchEntity", f"No such credential {credential_id} exists")
    return user, credential


def _shown(user: User, credential_id: str, credential: Credential) -> Any:
    return {
        "UserName": user.name,
        "Status": credential.status,
        "ServiceUserName": credential.name,
        "CreateDate": credential.created,
        "ServiceSpecificCredentialId": credential_id,
        "ServiceName": credential.service,
    }


def _with_password(tx: Tx, user: User, credential_id: str, credential: Credential) -> Any:
    password = tx.ids.text(PASSWORD_CHARACTERS, SECRET_ALPHABET) + "="
    return {**_shown(user, credential_id, credential), "ServicePassword": password}
