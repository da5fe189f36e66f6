"""What users, groups, roles, instance profiles and policies have in common: listings by path, tags, and names that are free."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from windtunnel.fabric import Fault, Table, Tx
from windtunnel.fabric.tags import remove_tags, set_tags, tag_list, tags_of
from windtunnel.kernel.store.keys import Key
from windtunnel.services.iam.rules import checked_tags, paged, start_of, under_path
from windtunnel.services.iam.state import User, user_named

ROOT_PATH = "/"
ROOT_USER = "root"


def listed(tx: Tx, req: Mapping[str, Any], name: str, table: Table[Any], show: Callable[[Tx, Any], Any]) -> Any:
    """A page of the account's entities under the request's PathPrefix."""
    start, end = under_path(req.get("PathPrefix", ROOT_PATH), start_of(req))
    rows = tx.find(table, "path", start=start, end=end)
    # A page's token holds the path and the name, which is where the index goes on.
    keyed: Iterator[tuple[Key, Any]] = (((record.path, *key), record) for key, record in rows)
    return paged(req, name, keyed, lambda _, record: show(tx, record))


def free(tx: Tx, table: Table[Any], name: str, message: str) -> None:
    """Raises EntityAlreadyExists where a name is taken, in whatever case."""
    if tx.get(table, name.lower()) is not None:
        raise Fault("EntityAlreadyExists", message)


def room(tx: Tx, table: Table[Any], maximum: int, what: str, counter: str = "all") -> None:
    """Raises LimitExceeded where the account has as many of them as it may."""
    if tx.count(table, counter) >= maximum:
        raise Fault("LimitExceeded", f"Cannot exceed quota for {what}PerAccount: {maximum}")


def named_or_caller(tx: Tx, name: str | None) -> User:
    """The user of a name; without one the user who calls. Raises NoSuchEntity and ValidationError."""
    caller = tx.scope.principal
    if name is None and caller.kind != "IAMUser":
        raise Fault("ValidationError", "Must specify userName when calling with non-User credentials")
    return user_named(tx, name or caller.name)


def owner_of(tx: Tx, name: str | None) -> tuple[str, str, User | None]:
    """Whose keys or certificates are meant, as (id, name, user); the caller's where no name is given, and the root's for the root."""
    if name is None and tx.scope.principal.kind == "Root":
        return tx.account, ROOT_USER, None
    user = named_or_caller(tx, name)
    return user.id, user.name, user


def tagged(tx: Tx, arn: str) -> dict[str, Any]:
    """The member Tags, where there are any."""
    tags = tags_of(tx, arn)
    return {"Tags": tag_list(tags)} if tags else {}


def with_tags(tx: Tx, arn: str, shown: Mapping[str, Any]) -> Any:
    """What is shown of a resource, and its tags."""
    return {**shown, **tagged(tx, arn)}


def tag(tx: Tx, arn: str, req: Mapping[str, Any]) -> dict[str, Any]:
    """Adds the request's tags; a key that is there in another case is replaced."""
    there = tags_of(tx, arn)
    tags = checked_tags(req["Tags"], there)
    folded = {key.lower() for key in tags}
    remove_tags(tx, arn, [key for key in there if key.lower() in folded])
    set_tags(tx, arn, tags)
    return {}


def untag(tx: Tx, arn: str, req: Mapping[str, Any]) -> dict[str, Any]:
    """Removes tags, whatever the case of their keys."""
    folded = {key.lower() for key in req["TagKeys"]}
    remove_tags(tx, arn, [key for key in tags_of(tx, arn) if key.lower() in folded])
    return {}


def list_tags(tx: Tx, arn: str, req: Mapping[str, Any]) -> Any:
    """A page of a resource's tags."""
    start = start_of(req) or ("",)
    rows = iter([((key,), value) for key, value in tags_of(tx, arn).items() if (key,) >= start])
    return paged(req, "Tags", rows, lambda key, value: {"Key": key[0], "Value": value})
