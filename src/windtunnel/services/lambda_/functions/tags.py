"""Tags of functions and of event source mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.arn import parse
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_tags, set_tags, tags_of
from windtunnel.services.lambda_.access.sharing import shared
from windtunnel.services.lambda_.places import revised
from windtunnel.services.lambda_.rules import TAGS_MAX, arn_of, invalid, name_of, not_found
from windtunnel.services.lambda_.state import FUNCTIONS, MAPPINGS, SIGNINGS

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


@shared
def tag_resource(tx: Tx, req: t.TagResourceRequest) -> None:
    arn = _checked(tx, req["Resource"])
    if not req["Tags"]:
        raise invalid("An error occurred and the request cannot be processed.")
    if len(tags_of(tx, arn).keys() | req["Tags"].keys()) > TAGS_MAX:
        raise invalid("Number of tags exceeds resource tag limit.")
    set_tags(tx, arn, req["Tags"])
    _revised(tx, arn)


@shared
def untag_resource(tx: Tx, req: t.UntagResourceRequest) -> None:
    arn = _checked(tx, req["Resource"])
    remove_tags(tx, arn, req["TagKeys"])
    _revised(tx, arn)


@shared
def list_tags(tx: Tx, req: t.ListTagsRequest) -> dict[str, Any]:
    return {"Tags": tags_of(tx, _checked(tx, req["Resource"]))}


def _revised(tx: Tx, text: str) -> None:
    arn = parse(text)
    if arn.type == "function":
        revised(tx, arn.id)


def _checked(tx: Tx, text: str) -> str:
    """The ARN of a resource that is there."""
    arn = parse(text)
    if arn.type == "event-source-mapping":
        if tx.get(MAPPINGS, arn.account, arn.region, arn.id) is None:
            raise not_found(f"Event source mapping not found: {text}")
        return text
    if arn.type == "code-signing-config":
        if tx.get(SIGNINGS, arn.id) is None:
            raise not_found(f"Code signing config not found: {text}")
        return text
    if arn.type == "capacity-provider":
        raise not_found(f"Capacity provider not found: {text}")
    if arn.type != "function":
        raise Fault("NotImplemented", f"windtunnel does not keep tags of {arn.type}.", status=501)
    name = name_of(text)
    if name.qualifier:
        raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    if (name.account, name.region) != (tx.account, tx.region) or tx.get(FUNCTIONS, name.name) is None:
        raise not_found(f"Function not found: {text}")
    return arn_of(tx.region, tx.account, name.name)
