"""The end of keys: it waits for days, in which it can be called off; of a primary, until its replicas are gone as well.

https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Fault, Tx
from windtunnel.services.kms.life import count_down
from windtunnel.services.kms.places import key_of
from windtunnel.services.kms.rules import DELETION_DAYS, DELETION_DAYS_DEFAULT, invalid
from windtunnel.services.kms.state import check_state

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t


def schedule_key_deletion(tx: Tx, req: t.ScheduleKeyDeletionRequest) -> t.ScheduleKeyDeletionResponse:
    found = key_of(tx, req, "ScheduleKeyDeletion")
    days = req.get("PendingWindowInDays", DELETION_DAYS_DEFAULT)
    if days not in DELETION_DAYS:
        raise invalid(f"PendingWindowInDays must be between {DELETION_DAYS.start} and {DELETION_DAYS.stop - 1}")
    check_state(found, disabled=True, importing=True)
    if found.key.primary == tx.region and found.key.replicas:
        found.put(window=days)
        return {"KeyId": found.arn, "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": days}
    found = count_down(found, days)
    return {"KeyId": found.arn, "DeletionDate": found.key.deletes, "KeyState": "PendingDeletion", "PendingWindowInDays": days}


def cancel_key_deletion(tx: Tx, req: t.CancelKeyDeletionRequest) -> t.CancelKeyDeletionResponse:
    found = key_of(tx, req, "CancelKeyDeletion")
    if not found.key.window:
        raise Fault("KMSInvalidStateException", f"{found.arn} is not pending deletion.")
    tx.cancel_timer("delete_key", found.id)
    found.put(window=0, deletes=0.0, enabled=False)
    return {"KeyId": found.arn}
