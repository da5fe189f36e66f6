"""Finding keys: by id, ARN, alias or alias ARN, of this account or another's, for a caller who may do what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from windtunnel.aws.arn import Arn, parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.services.kms import managed
from windtunnel.services.kms.access import check_access
from windtunnel.services.kms.rules import KEY_ID, no_such_key
from windtunnel.services.kms.state import ALIASES, KEYS, Found, alias_arn, arn_of

Request = Mapping[str, Any]


def key_of(tx: Tx, req: Request, action: str, *, abroad: bool = False) -> Found:
    """The key that an operation on keys names, which takes no aliases, and of other accounts' keys only where it says so (`abroad`)."""
    found = find_key(tx, req["KeyId"], aliases=False)
    check_access(found, action, {}, req.get("GrantTokens", ()), abroad=abroad)
    return found


def used_key(
    tx: Tx, req: Request, action: str, name: str = "", *, context: Mapping[str, str] | None = None, algorithm: tuple[str, str] | None = None
) -> Found:
    """The key that a cryptographic operation is to use. `algorithm`: its condition key and its value."""
    named = name or req["KeyId"]
    found = find_key(tx, named)
    keys: dict[str, str | list[str]] = {} if algorithm is None else {f"kms:{algorithm[0]}".lower(): algorithm[1]}
    if "alias/" in named:
        keys["kms:requestalias"] = named[named.index("alias/") :]
    check_access(found, action, keys, req.get("GrantTokens", ()), context=context, abroad=True)
    return found


def find_key(tx: Tx, name: str, *, aliases: bool = True) -> Found:
    """The key of a name. Raises NotFoundException, InvalidArnException."""
    if name.startswith("arn:"):
        arn = parse_or_none(name)
        if arn is None or arn.service != "kms" or arn.type not in ("key", "alias"):
            raise Fault("InvalidArnException", f"Invalid arn {name}")
        if arn.region != tx.region:
            raise Fault("NotFoundException", f"Invalid arn {arn.region}")
        tx, name = tx.at(account=arn.account), _within(arn)
    if name.startswith("alias/"):
        if not aliases:
            raise Fault("NotFoundException", f"Invalid keyId '{name}'")
        name = _target(tx, name)
    elif not KEY_ID.fullmatch(name):
        raise Fault("NotFoundException", f"Invalid keyId '{name}'")
    key = tx.get(KEYS, name)
    if key is None:
        raise no_such_key(arn_of(tx, name))
    return Found(tx, name, key)


def _within(arn: Arn) -> str:
    return arn.resource if arn.type == "alias" else arn.id


def _target(tx: Tx, name: str) -> str:
    alias = tx.get(ALIASES, name)
    if alias is None and (made := managed.target(tx, name)):
        return made
    if alias is None:
        raise Fault("NotFoundException", f"Alias {alias_arn(tx, name)} is not found.")
    return alias.target


def aliases_of(found: Found) -> Iterable[str]:
    return [str(key[0]) for key, _ in found.tx.find(ALIASES, "target", found.id)]
