"""AWS Security Token Service: who one is, and keys that expire."""

from windtunnel.fabric import Service
from windtunnel.services.sts import callers, roles, sessions

SERVICE = Service(
    "sts",
    modules=(callers, roles, sessions),
    faults={
        "ValidationError": 400,
        "AccessDenied": 403,
        "InvalidParameterValue": 400,
        "MissingAuthenticationToken": 403,
        "InvalidClientTokenId": 403,
    },
)
