"""Tags of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Tx
from windtunnel.fabric.tags import TAGS_MAX, remove_tags, set_tags, tag_map, tags_of
from windtunnel.services.secretsmanager.mirror import mirror
from windtunnel.services.secretsmanager.places import find_secret
from windtunnel.services.secretsmanager.rules import invalid

if TYPE_CHECKING:
    from windtunnel.aws.types import secretsmanager as t


def tag_resource(tx: Tx, req: t.TagResourceRequest) -> None:
    found = find_secret(tx, req["SecretId"], "TagResource")
    given = tag_map(req["Tags"])  # pyright: ignore[reportArgumentType]
    if len(tags_of(found.tx, found.arn).keys() | given.keys()) > TAGS_MAX:
        raise invalid(f"A secret can't have more than {TAGS_MAX} tags.")
    set_tags(found.tx, found.arn, given)
    mirror(found.put(tagged=True))


def untag_resource(tx: Tx, req: t.UntagResourceRequest) -> None:
    found = find_secret(tx, req["SecretId"], "UntagResource")
    remove_tags(found.tx, found.arn, req["TagKeys"])
    mirror(found)
