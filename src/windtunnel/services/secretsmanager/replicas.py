"""Replicas of secrets: added, removed, and set free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Tx
from windtunnel.services.secretsmanager.mirror import add_replicas, forget, statuses
from windtunnel.services.secretsmanager.places import find_secret
from windtunnel.services.secretsmanager.rules import invalid, refused
from windtunnel.services.secretsmanager.state import SECRETS, Found

if TYPE_CHECKING:
    from windtunnel.aws.types import secretsmanager as t


def replicate_secret_to_regions(tx: Tx, req: t.ReplicateSecretToRegionsRequest) -> t.ReplicateSecretToRegionsResponse:
    found = find_secret(tx, req["SecretId"], "ReplicateSecretToRegions")
    _check_primary(found)
    found = add_replicas(found, req)
    return {"ARN": found.arn, **statuses(found)}  # pyright: ignore[reportReturnType]


def _check_primary(found: Found) -> None:
    if found.secret.primary not in ("", found.tx.region):
        raise refused("Operation not permitted on a replica secret. Call must be made in primary secret's region.")


def remove_regions_from_replication(tx: Tx, req: t.RemoveRegionsFromReplicationRequest) -> t.RemoveRegionsFromReplicationResponse:
    found = find_secret(tx, req["SecretId"], "RemoveRegionsFromReplication")
    _check_primary(found)
    regions = set(req["RemoveReplicaRegions"])
    if not regions <= {replica.region for replica in found.secret.replicas}:
        raise invalid("The secret is not replicated to the specified region.")
    for replica in found.secret.replicas:
        if replica.region in regions and not replica.failed:
            forget(found.tx.at(region=replica.region), found.name)
    left = [replica for replica in found.secret.replicas if replica.region not in regions]
    found = found.put(replicas=left, primary=found.secret.primary if left else "")
    return {"ARN": found.arn, "ReplicationStatus": [], **statuses(found)}  # pyright: ignore[reportReturnType]


def stop_replication_to_replica(tx: Tx, req: t.StopReplicationToReplicaRequest) -> t.StopReplicationToReplicaResponse:
    """A replica becomes a secret of its own."""
    found = find_secret(tx, req["SecretId"], "StopReplicationToReplica")
    if found.secret.primary in ("", found.tx.region):
        raise refused("Operation not permitted on a primary secret. Call must be made in a replica's region.")
    there = found.tx.at(region=found.secret.primary)
    primary = there.get(SECRETS, found.name)
    if primary is not None:
        left = [replica for replica in primary.replicas if replica.region != found.tx.region]
        Found(there, found.name, primary).put(replicas=left, primary=primary.primary if left else "")
    found.put(primary="", rotation=None)
    return {"ARN": found.arn}
