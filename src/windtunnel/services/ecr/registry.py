"""The registry of an account as a whole: its policy, and tokens to log in with.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.ecr.documents import checked
from windtunnel.services.ecr.state import REGISTRIES, host_of

if TYPE_CHECKING:
    from windtunnel.aws.types import ecr as t

TOKEN_SECONDS = 43_200


def get_authorization_token(tx: Tx, req: t.GetAuthorizationTokenRequest) -> t.GetAuthorizationTokenResponse:
    ends = tx.now + TOKEN_SECONDS
    accounts = req.get("registryIds") or [tx.account]
    return {"authorizationData": [_token(tx.at(account=account), ends) for account in accounts]}


def _token(tx: Tx, ends: float) -> Any:
    token = b64encode(b"AWS:" + b64encode(tx.ids.bytes(96))).decode()
    return {"authorizationToken": token, "expiresAt": ends, "proxyEndpoint": f"https://{host_of(tx)}"}


def describe_registry(tx: Tx, req: t.DescribeRegistryRequest) -> t.DescribeRegistryResponse:
    return {"registryId": tx.account, "replicationConfiguration": {"rules": []}}


def put_registry_policy(tx: Tx, req: t.PutRegistryPolicyRequest) -> t.PutRegistryPolicyResponse:
    text = checked(req["policyText"])
    tx.put(REGISTRIES, value=text)
    return {"registryId": tx.account, "policyText": text}


def get_registry_policy(tx: Tx, req: t.GetRegistryPolicyRequest) -> t.GetRegistryPolicyResponse:
    return {"registryId": tx.account, "policyText": _policy(tx)}


def delete_registry_policy(tx: Tx, req: t.DeleteRegistryPolicyRequest) -> t.DeleteRegistryPolicyResponse:
    text = _policy(tx)
    tx.delete(REGISTRIES)
    return {"registryId": tx.account, "policyText": text}


def _policy(tx: Tx) -> str:
    text = tx.get(REGISTRIES)
    if text is None:
        raise Fault("RegistryPolicyNotFoundException", f"Registry policy does not exist in the registry with id '{tx.account}'")
    return text
