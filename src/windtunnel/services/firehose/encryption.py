"""Whether a stream's records are encrypted while they wait: it is kept and shown, no key is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.services.firehose.rules import OWNED, checked_key, invalid
from windtunnel.services.firehose.state import DIRECT, find, keep

if TYPE_CHECKING:
    from windtunnel.aws.types import firehose as t


def start_delivery_stream_encryption(tx: Tx, req: t.StartDeliveryStreamEncryptionInput) -> dict[str, Any]:
    name, stream = find(tx, req)
    if stream.type != DIRECT:
        raise invalid(f"This operation is not permitted on {stream.type} delivery stream type.")
    keep(tx, name, stream, encryption=checked_key(req.get("DeliveryStreamEncryptionConfigurationInput") or {"KeyType": OWNED}))
    return {}


def stop_delivery_stream_encryption(tx: Tx, req: t.StopDeliveryStreamEncryptionInput) -> dict[str, Any]:
    name, stream = find(tx, req)
    keep(tx, name, stream, encryption={})
    return {}
