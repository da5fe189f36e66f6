"""AWS Security Token Service: who one is, and keys that expire."""

from windtunnel.fabric import Service
from windtunnel.fabric.issuers import ISSUER_PATH
from windtunnel.services.sts import callers, issuers, life, roles, saml, scoped, sessions, tokens, web_identity

SERVICE = Service(
    "sts",
    modules=(callers, roles, sessions, scoped, web_identity, saml, tokens),
    timers={life.HANDLER: life.forget_keys},
    pages={ISSUER_PATH: issuers.page},
    faults={
        "ValidationError": 400,
        "AccessDenied": 403,
        "InvalidParameterValue": 400,
        "MissingAuthenticationToken": 403,
        "InvalidClientTokenId": 403,
        "NotImplemented": 501,
    },
)
