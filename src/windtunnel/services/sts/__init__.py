"""AWS Security Token Service: who one is, and keys that expire."""

from windtunnel.fabric import Service
from windtunnel.services.sts import callers, life, roles, sessions

SERVICE = Service(
    "sts",
    modules=(callers, roles, sessions),
    timers={life.HANDLER: life.forget_keys},
    boot=life.begin,
    faults={
        "ValidationError": 400,
        "AccessDenied": 403,
        "InvalidParameterValue": 400,
        "MissingAuthenticationToken": 403,
        "InvalidClientTokenId": 403,
    },
)
