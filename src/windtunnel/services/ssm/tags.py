"""Tags of parameters; of other kinds of resource there are none here that could have any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import TAGS_MAX, remove_tags, set_tags, tag_list, tag_map, tags_of
from windtunnel.services.ssm.parameters.state import PARAMETERS, arn_of, place_of

if TYPE_CHECKING:
    from windtunnel.aws.types import ssm as t


def add_tags_to_resource(tx: Tx, req: t.AddTagsToResourceRequest) -> None:
    arn, given = _arn(tx, req["ResourceType"], req["ResourceId"]), tag_map(req["Tags"])  # pyright: ignore[reportArgumentType]
    if len(tags_of(tx, arn).keys() | given.keys()) > TAGS_MAX:
        raise Fault("TooManyTagsError", f"A resource can't have more than {TAGS_MAX} tags.")
    set_tags(tx, arn, given)


def list_tags_for_resource(tx: Tx, req: t.ListTagsForResourceRequest) -> t.ListTagsForResourceResult:
    return {"TagList": tag_list(tags_of(tx, _arn(tx, req["ResourceType"], req["ResourceId"])))}  # pyright: ignore[reportReturnType]


def remove_tags_from_resource(tx: Tx, req: t.RemoveTagsFromResourceRequest) -> None:
    remove_tags(tx, _arn(tx, req["ResourceType"], req["ResourceId"]), req["TagKeys"])


def _arn(tx: Tx, kind: str, id: str) -> str:
    """Raises InvalidResourceId where there is no such resource."""
    if kind != "Parameter" or tx.get(PARAMETERS, *place_of(id)) is None:
        raise Fault("InvalidResourceId", "The resource ID isn't valid. Verify that you entered the correct ID and try again.")
    return arn_of(tx, id)
