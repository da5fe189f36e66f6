"""Secrets of several regions: whatever is done to the primary is done to its replicas, each under a key of its region.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags, tags_of
from windtunnel.services.secretsmanager.rules import invalid
from windtunnel.services.secretsmanager.state import SECRETS, VERSIONS, Found, Replica, Secret
from windtunnel.services.secretsmanager.values import opened, sealed

replace = msgspec.structs.replace


def statuses(found: Found) -> dict[str, Any]:
    """The ReplicationStatus member, of a primary that has replicas."""
    shown = [_status(found.tx, found.name, replica) for replica in found.secret.replicas]
    return {"ReplicationStatus": shown} if shown else {}


def _status(tx: Tx, name: str, replica: Replica) -> dict[str, Any]:
    out: dict[str, Any] = {"Region": replica.region, "Status": "Failed" if replica.failed else "InSync"}
    if replica.kms:
        out["KmsKeyId"] = replica.kms
    if replica.failed:
        out["StatusMessage"] = replica.failed
    there = tx.at(region=replica.region).get(SECRETS, name)
    if there is not None and there.accessed:
        out["LastAccessedDate"] = there.accessed
    return out


def add_replicas(found: Found, req: Mapping[str, Any]) -> Found:
    """A secret with replicas in more regions."""
    known = {replica.region for replica in found.secret.replicas}
    added: list[Replica] = []
    for asked in req["AddReplicaRegions"]:
        region = asked["Region"]
        if region == found.tx.region:
            raise invalid("Invalid replica region.")
        if region in known:
            continue
        failed = ""
        there = found.tx.at(region=region)
        if there.get(SECRETS, found.name) is not None:
            if req.get("ForceOverwriteReplicaSecret"):
                forget(there, found.name)
            else:
                failed = f"Replication failed: Secret name simple conflict in region {region}"
        added.append(Replica(region, asked.get("KmsKeyId", ""), failed))
    found = found.put(replicas=[*found.secret.replicas, *added], primary=found.tx.region)
    return mirror(found)


def mirror(found: Found) -> Found:
    """Makes a secret's replicas what it is; one that KMS refuses is told to have failed."""
    if not found.secret.replicas:
        return found
    renewed = [replica if _conflicts(found, replica) else _copied(found, replica) for replica in found.secret.replicas]
    return found.put(replicas=renewed) if renewed != found.secret.replicas else found


def _conflicts(found: Found, replica: Replica) -> bool:
    """Whether a secret of that name is somebody's own there."""
    there = found.tx.at(region=replica.region).get(SECRETS, found.name)
    return there is not None and there.suffix != found.secret.suffix


def _copied(found: Found, replica: Replica) -> Replica:
    tx, there = found.tx, found.tx.at(region=replica.region)
    old = there.get(SECRETS, found.name)
    secret = replace(
        found.secret, id=tx.serial() if old is None else old.id, kms=replica.kms, replicas=[], accessed=0.0 if old is None else old.accessed
    )
    copy = Found(there, found.name, secret)
    copy.put()
    remove_all_tags(there, copy.arn)
    set_tags(there, copy.arn, tags_of(tx, found.arn))
    try:
        for version_id in dict.fromkeys(found.secret.stages.values()):
            _copy_version(found, copy, version_id)
    except Fault as fault:
        return replace(replica, failed=fault.message)
    return replace(replica, failed="")


def _copy_version(found: Found, copy: Found, version_id: str) -> None:
    version, kept = found.tx.get(VERSIONS, found.secret.id, version_id), copy.tx.get(VERSIONS, copy.secret.id, version_id)
    if version is None or not version.data_key or (kept is not None and kept.data_key):
        return
    sealed_there = sealed(copy, version_id, version.number, opened(found, version_id, version))
    copy.tx.put(VERSIONS, copy.secret.id, version_id, value=replace(sealed_there, created=version.created))


def forget(tx: Tx, name: str) -> Secret | None:
    """A secret and its versions are no more."""
    secret = tx.get(SECRETS, name)
    if secret is None:
        return None
    for key, _ in list(tx.scan(VERSIONS, secret.id)):
        tx.delete(VERSIONS, *key)
    remove_all_tags(tx, Found(tx, name, secret).arn)
    tx.delete(SECRETS, name)
    tx.cancel_timer("rotate", name)
    return secret
