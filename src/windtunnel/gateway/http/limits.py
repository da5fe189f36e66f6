"""What one client may take from the server: every bound of the gateway, named, in one record."""

import msgspec

READ_AHEAD_BYTES = 1_048_576
"""A streamed body stops being read from the socket while this much of it waits for the application."""
READ_AHEAD_RESUME_BYTES = 524_288
FILE_INLINE_BYTES_MAX = 65_536
"""Files up to this size are read at once and leave in the same write as the head; a sendfile costs more than the copy."""
COPY_BYTES_MAX = 65_536
"""Bodies up to this size are copied behind their head to leave in one write; larger ones are handed over as they are."""


class Limits(msgspec.Struct, frozen=True):
    """Bounds of one server. AWS's own limits are the application's; these only keep one client from hurting the others."""

    head_bytes_max: int = 65_536
    target_bytes_max: int = 32_768
    header_bytes_max: int = 32_768
    headers_max: int = 200
    trailer_bytes_max: int = 16_384
    chunk_line_bytes_max: int = 1_024
    body_bytes_max: int = 134_217_728
    """A body that the application wants whole. The largest AWS takes so is a Lambda archive of 50 MB in base64."""
    discard_bytes_max: int = 262_144
    """What is left of an unread body is read and thrown away up to this size; beyond, the connection is closed instead."""
    pipeline_requests_max: int = 64
    connections_max: int = 10_000
    idle_seconds_max: float = 120.0
    head_seconds_max: float = 30.0
    body_stall_seconds_max: float = 60.0
    write_stall_seconds_max: float = 120.0
    linger_seconds: float = 2.0
    """How long a refused client is listened to, so that it reads the refusal instead of a reset."""
    linger_bytes_max: int = 67_108_864
    handshake_seconds_max: float = 30.0
    websocket_message_bytes_max: int = 1_048_576
    websocket_queue_bytes_max: int = 1_048_576
    websocket_ping_seconds: float = 60.0
    websocket_pong_seconds_max: float = 30.0
    websocket_close_seconds_max: float = 5.0
