"""Finding secrets: by name, ARN, or an ARN without its last letters; and who of another account may.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html
"""

from __future__ import annotations

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Tx
from windtunnel.fabric.asking import check_let_in
from windtunnel.fabric.tags import tags_of
from windtunnel.services.secretsmanager.rules import MARKED, SUFFIX, check_name, not_found, refused
from windtunnel.services.secretsmanager.state import SECRETS, Found


def find_secret(tx: Tx, name: str, action: str, *, deleted: bool = False) -> Found:
    """The secret of a name, for who may do something with it. `deleted`: also one whose deletion waits."""
    found = _found(tx, name)
    _check_access(found, action)
    if found.secret.deleted and not deleted:
        raise refused(MARKED)
    return found


def _found(tx: Tx, name: str) -> Found:
    suffix = ""
    if name.startswith("arn:"):
        arn = parse_or_none(name)
        if arn is None or arn.service != "secretsmanager" or arn.type != "secret" or arn.region != tx.region:
            raise not_found()
        # An ARN that ends like a whole one is taken for one, whatever the secret is called.
        whole = SUFFIX.fullmatch(arn.id)
        tx, name, suffix = tx.at(account=arn.account), *(whole.groups() if whole else (arn.id, ""))
    else:
        check_name(name)
    secret = tx.get(SECRETS, name)
    if secret is None or suffix not in ("", secret.suffix):
        raise not_found()
    return Found(tx, name, secret)


def _check_access(found: Found, action: str) -> None:
    """Raises AccessDeniedException where a secret's policy denies the caller, or doesn't let one of another account."""
    policies = [found.secret.policy] if found.secret.policy else []
    check_let_in(found.tx, policies, f"secretsmanager:{action}", found.arn, _known(found) if policies else None)


def _known(found: Found) -> dict[str, str | list[str]]:
    tx = found.tx
    known: dict[str, str | list[str]] = {
        "secretsmanager:secretid": found.arn,
        "secretsmanager:secretprimaryregion": found.secret.primary or tx.region,
    }
    return known | {f"aws:resourcetag/{key.lower()}": value for key, value in tags_of(tx, found.arn).items()}
