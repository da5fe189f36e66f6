"""AWS Key Management Service: keys, and what is done with them."""

from __future__ import annotations

from windtunnel.fabric import Service
from windtunnel.services.kms import life
from windtunnel.services.kms.cryptography import agreement, data_keys, encryption, signatures
from windtunnel.services.kms.grants import grants
from windtunnel.services.kms.keys import aliases, deletion, keys, policies, tags
from windtunnel.services.kms.material import imports, regions, rotation
from windtunnel.services.kms.stack import RESOURCES

SERVICE = Service(
    "kms",
    modules=(keys, policies, tags, aliases, deletion, rotation, imports, regions, grants, encryption, data_keys, signatures, agreement),
    resources=RESOURCES,
    timers={
        "delete_key": life.delete_key,
        "rotate": life.rotate,
        "expire_material": life.expire_material,
        "forget_wrapping": life.forget_wrapping,
    },
    # https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
    faults={"AccessDeniedException": 400, "NotAuthorizedException": 400, "NotImplemented": 501, "ValidationException": 400},
)
