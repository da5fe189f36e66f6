"""What all cryptographic operations have in common: a key that may be used, is in a state to be used, and is made for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Fault
from windtunnel.services.kms.places import used_key
from windtunnel.services.kms.rules import SPECS
from windtunnel.services.kms.state import USED, Found, Used, check_state


def use(tx: Any, req: Mapping[str, Any], operation: str, usage: str, algorithm: tuple[str, str] | None = None, **more: Any) -> Found:
    """The key that a request names, ready for an operation. `algorithm`: its member in the request, and which it is.

    Raises whatever stands against it. `more` is handed to `used_key`.
    """
    found = used_key(tx, req, operation, algorithm=algorithm, **more)
    check_state(found)
    check_usage(found, operation, usage, "" if algorithm is None else algorithm[1])
    return found


def check_usage(found: Found, operation: str, usage: str, algorithm: str) -> None:
    """Raises InvalidKeyUsageException where a key isn't made for an operation, or not for its algorithm."""
    key = found.key
    if key.usage != usage:
        raise Fault("InvalidKeyUsageException", f"{found.arn} key usage is {key.usage} which is not valid for {operation}.")
    if algorithm and algorithm not in SPECS[key.spec][usage]:
        raise Fault("InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {key.spec}.")


def no_enclave(req: Mapping[str, Any]) -> None:
    """An answer that only a Nitro enclave can read needs its attestation to be verified."""
    if req.get("Recipient"):
        raise Fault("NotImplemented", "windtunnel does not implement KMS answers for Nitro enclaves (Recipient).", status=501)


def dry_run(req: Mapping[str, Any]) -> None:
    """Raises where a request only asked whether it would succeed."""
    if req.get("DryRun"):
        raise Fault("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")


def remember(found: Found, req: Mapping[str, Any], operation: str) -> None:
    """Notes that a key was used, unless the request was only a trial, which ends here."""
    dry_run(req)
    found.tx.put(USED, found.id, value=Used(operation, found.tx.now, found.tx.scope.request_id))
