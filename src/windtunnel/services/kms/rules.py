"""What KMS's keys can be and do, by their specs, and its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from windtunnel.fabric import Fault

DAY_SECONDS: Final = 86_400
DELETION_DAYS = range(7, 31)
DELETION_DAYS_DEFAULT: Final = 30
ROTATION_DAYS = range(90, 2_561)
ROTATION_DAYS_DEFAULT: Final = 365
"""https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-enable.html"""
ON_DEMAND_MAX: Final = 25
"""https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-on-demand.html"""
POLICY_BYTES_MAX: Final = 32_768
GRANTS_MAX: Final = 50_000
ALIASES_MAX: Final = 50
TAGS_MAX: Final = 50
"""https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"""
IMPORT_SECONDS: Final = 86_400
"""How long the parameters of an import are good."""
EXPIRY_DAYS_MAX: Final = 365
PAGE_DEFAULT: Final = 100
PAGE_GRANTS_DEFAULT: Final = 50
MESSAGE_BYTES_MAX: Final = 4_096

_RSA_SIGNING = [f"RSASSA_{kind}_SHA_{bits}" for kind in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512)]
_RSA = {"ENCRYPT_DECRYPT": ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"], "SIGN_VERIFY": _RSA_SIGNING}


def _curve(bits: int) -> dict[str, list[str]]:
    return {"SIGN_VERIFY": [f"ECDSA_SHA_{bits}"], "KEY_AGREEMENT": ["ECDH"]}


SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
SPECS: Mapping[str, Mapping[str, list[str]]] = {
    SYMMETRIC: {"ENCRYPT_DECRYPT": [SYMMETRIC]},
    "RSA_2048": _RSA,
    "RSA_3072": _RSA,
    "RSA_4096": _RSA,
    "ECC_NIST_P256": _curve(256),
    "ECC_NIST_P384": _curve(384),
    "ECC_NIST_P521": _curve(512),
    "ECC_SECG_P256K1": {"SIGN_VERIFY": ["ECDSA_SHA_256"]},
    "ECC_NIST_EDWARDS25519": {"SIGN_VERIFY": ["ED25519_SHA_512", "ED25519_PH_SHA_512"]},
    **{f"HMAC_{bits}": {"GENERATE_VERIFY_MAC": [f"HMAC_SHA_{bits}"]} for bits in (224, 256, 384, 512)},
    **{f"ML_DSA_{size}": {"SIGN_VERIFY": ["ML_DSA_SHAKE_256"]} for size in (44, 65, 87)},
    **{f"ML_KEM_{size}": {"ENCAPSULATE_DECAPSULATE": ["ML_KEM"]} for size in (512, 768, 1024)},
}
"""Spec -> usage -> algorithms: https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html"""
MEMBERS = {
    "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
    "SIGN_VERIFY": "SigningAlgorithms",
    "GENERATE_VERIFY_MAC": "MacAlgorithms",
    "KEY_AGREEMENT": "KeyAgreementAlgorithms",
    "ENCAPSULATE_DECAPSULATE": "EncapsulationAlgorithms",
}
"""The member that lists a key's algorithms, by its usage."""
KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")
_ALIAS = re.compile(r"alias/[a-zA-Z0-9/_-]+")


def invalid(message: str) -> Fault:
    return Fault("ValidationException", message)


def unsupported(message: str = "") -> Fault:
    return Fault("UnsupportedOperationException", message)


def no_such_key(arn: str) -> Fault:
    return Fault("NotFoundException", f"Key '{arn}' does not exist")


def check_alias(name: str) -> None:
    """Whether a name is one that an account may give."""
    if not name.startswith("alias/"):
        see = "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        raise invalid(f'Alias must start with the prefix "alias/". Please see {see}')
    if name.startswith("alias/aws/"):
        raise Fault("NotAuthorizedException", "")
    if not _ALIAS.fullmatch(name):
        raise Fault("InvalidAliasNameException", "Alias must not contain any characters other than [a-zA-Z0-9/_-]")


def check_tags(tags: list[Mapping[str, Any]], kept: Mapping[str, str]) -> dict[str, str]:
    """Tags as they are kept. Raises what KMS says to those it doesn't take."""
    given = {tag["TagKey"]: tag["TagValue"] for tag in tags}
    if len(given) < len(tags):
        raise Fault("TagException", "Duplicate tag keys")
    if any(key.lower().startswith("aws:") for key in given):
        raise Fault("TagException", "Tags beginning with aws: are reserved")
    if len(kept.keys() | given.keys()) > TAGS_MAX:
        raise Fault("TagException", "Too many tags")
    return given


def check_spec(req: Mapping[str, Any]) -> tuple[str, str]:
    """The spec and the usage that a key is asked for with."""
    spec = req.get("KeySpec") or req.get("CustomerMasterKeySpec") or SYMMETRIC
    if "KeySpec" in req and "CustomerMasterKeySpec" in req:
        raise invalid("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
    if spec == "SM2":
        raise unsupported("SM2 key pairs are supported in China Regions only.")
    usage = req.get("KeyUsage")
    if usage is None:
        if spec != SYMMETRIC:
            raise invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
        usage = "ENCRYPT_DECRYPT"
    if usage not in SPECS[spec]:
        raise invalid(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    return spec, usage
