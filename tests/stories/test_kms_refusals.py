"""What KMS refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, Here
from tests.stories.kms_kit import DAY, arn, made, policy, root
from tests.stories.refusals import Case, filled, one_region, refusal, untold
from windtunnel.planes.crypto.keys import lattices
from windtunnel.services.kms.grants import grants

NONE = "1234abcd-12ab-34cd-56ef-1234567890ab"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
BIG = "a" * 33_000
KEM = "ML_KEM_768"
WOULD = "The request would have succeeded, but the DryRun option is set."

USAGES: dict[str, dict[str, str]] = {
    "enc": {},
    "sign": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"},
    "mac": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
    "agree": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"},
    **({"kem": {"KeySpec": KEM, "KeyUsage": "ENCAPSULATE_DECAPSULATE"}} if KEM in lattices() else {}),
}
CRYPTOGRAPHIC: dict[str, tuple[str, dict[str, Any]]] = {
    "encrypt": ("enc", {"Plaintext": b"p"}),
    "decrypt": ("enc", {"CiphertextBlob": "$blob"}),
    "re_encrypt": ("enc", {"CiphertextBlob": "$blob"}),
    "generate_data_key": ("enc", {"KeySpec": "AES_256"}),
    "generate_data_key_without_plaintext": ("enc", {"KeySpec": "AES_256"}),
    "generate_data_key_pair": ("enc", {"KeyPairSpec": "ECC_NIST_P256"}),
    "generate_data_key_pair_without_plaintext": ("enc", {"KeyPairSpec": "ECC_NIST_P256"}),
    "sign": ("sign", {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}),
    "verify": ("sign", {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256", "Signature": "$signature"}),
    "generate_mac": ("mac", {"Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}),
    "verify_mac": ("mac", {"Message": b"m", "MacAlgorithm": "HMAC_SHA_256", "Mac": "$code"}),
    "derive_shared_secret": ("agree", {"KeyAgreementAlgorithm": "ECDH", "PublicKey": "$public"}),
    "encapsulate": ("kem", {"EncapsulationAlgorithm": "ML_KEM"}),
    "decapsulate": ("kem", {"EncapsulationAlgorithm": "ML_KEM", "SharedSecretCiphertextBlob": "$shared"}),
}
"""Which key an operation uses, and a valid request but for the key."""
OF_A_KEY: dict[str, dict[str, Any]] = {
    "cancel_key_deletion": {},
    "create_grant": {"GranteePrincipal": root(), "Operations": ["Decrypt"]},
    "delete_imported_key_material": {},
    "describe_key": {},
    "disable_key": {},
    "disable_key_rotation": {},
    "enable_key": {},
    "enable_key_rotation": {},
    "get_key_last_usage": {},
    "get_key_policy": {},
    "get_key_rotation_status": {},
    "get_parameters_for_import": {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"},
    "get_public_key": {},
    "import_key_material": {"ImportToken": b"t", "EncryptedKeyMaterial": b"m", "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"},
    "list_aliases": {},
    "list_grants": {},
    "list_key_policies": {},
    "list_key_rotations": {},
    "list_resource_tags": {},
    "put_key_policy": {"Policy": policy()},
    "replicate_key": {"ReplicaRegion": "eu-west-1"},
    "retire_grant": {"GrantId": "0" * 64},
    "revoke_grant": {"GrantId": "0" * 64},
    "rotate_key_on_demand": {},
    "schedule_key_deletion": {},
    "tag_resource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
    "untag_resource": {"TagKeys": ["a"]},
    "update_key_description": {"Description": "d"},
    "update_primary_region": {"PrimaryRegion": "eu-west-1"},
}
"""Operations on keys, and a valid request but for the key."""
BY_STATE = {
    "create_alias": {"AliasName": "alias/new"},
    "create_grant": OF_A_KEY["create_grant"],
    "disable_key": {},
    "disable_key_rotation": {},
    "enable_key": {},
    "enable_key_rotation": {},
    "rotate_key_on_demand": {},
    "schedule_key_deletion": {},
    "tag_resource": OF_A_KEY["tag_resource"],
    "untag_resource": OF_A_KEY["untag_resource"],
    "update_alias": {"AliasName": "alias/given"},
    "update_key_description": {"Description": "d"},
}
"""Those that can do nothing with a key that is about to end."""
LISTINGS = {"list_aliases": {}, "list_keys": {}, "list_retirable_grants": {"RetiringPrincipal": root()}} | {
    operation: {"KeyId": "$enc"} for operation in ("list_grants", "list_key_rotations", "list_resource_tags")
}


def _named(operation: str, key: str) -> dict[str, Any]:
    """A request's key, under the name the operation has for it."""
    member = {"re_encrypt": "DestinationKeyId", "create_alias": "TargetKeyId", "update_alias": "TargetKeyId"}.get(operation, "KeyId")
    return {member: key}


def _usages() -> Iterator[Case]:
    for operation, (usage, request) in CRYPTOGRAPHIC.items():
        if usage not in USAGES:
            continue
        yield operation, {**request, **_named(operation, NONE)}, "NotFoundException", f"Key '{arn(NONE)}' does not exist"
        yield operation, {**request, **_named(operation, f"${usage}_off")}, "DisabledException", f"${usage}_off is disabled."
        ending = f"${usage}_ending"
        if operation != "decrypt":
            yield operation, {**request, **_named(operation, ending)}, "KMSInvalidStateException", f"{ending} is pending deletion."
        yield operation, {**request, **_named(operation, f"${usage}"), "DryRun": True}, "DryRunOperationException", WOULD
        wrong = {**request, **_named(operation, f"${usage}"), "GrantTokens": ["no token"]}
        yield operation, wrong, "InvalidGrantTokenException", "Invalid grant token."
        other, kind = ("$mac", "GENERATE_VERIFY_MAC") if usage != "mac" else ("$enc", "ENCRYPT_DECRYPT")
        shown = {"re_encrypt": "ReEncrypt"}.get(operation, "".join(part.title() for part in operation.split("_")))
        if operation != "decrypt":
            said = f"{other} key usage is {kind} which is not valid for {shown}."
            yield operation, {**request, **_named(operation, other)}, "InvalidKeyUsageException", said


def _unsupported(operation: str, key: str, said: str, **more: Any) -> Case:
    return operation, {**OF_A_KEY.get(operation, {}), **_named(operation, key), **more}, "UnsupportedOperationException", said


MALFORMED: list[tuple[str, str]] = [
    ("no json", "Syntax errors in policy."),
    (policy({"Principal": {"AWS": "nobody"}, "Action": "kms:*"}), "Policy contains a statement with one or more invalid principals."),
    (policy({"Action": "kms:*"}), "Policy contains a statement with no principal"),
    (
        policy({"Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy"}),
        "The new key policy will not allow you to update the key policy in the future.",
    ),
]
NO_PRIMARY = "{} is not a multi-region primary key."
FROM_KMS = "$enc origin is AWS_KMS which is not valid for this operation."
WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
CHINA = "SM2 key pairs are supported in China Regions only."
TWICE = [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}]
CASES: list[Case] = [
    *_usages(),
    *((name, {**more, **_named(name, NONE)}, "NotFoundException", f"Key '{arn(NONE)}' does not exist") for name, more in OF_A_KEY.items()),
    *((name, {**more, **_named(name, QUEUE)}, "InvalidArnException", f"Invalid arn {QUEUE}") for name, more in OF_A_KEY.items()),
    *(
        (name, {**more, **_named(name, "$enc_ending")}, "KMSInvalidStateException", "$enc_ending is pending deletion.")
        for name, more in BY_STATE.items()
    ),
    *(
        (name, {**OF_A_KEY[name], "KeyId": "$enc_off"}, "DisabledException", "$enc_off is disabled.")
        for name in ("create_grant", "disable_key_rotation", "enable_key_rotation", "rotate_key_on_demand")
    ),
    *((name, {**more, "Marker": "no marker"}, "InvalidMarkerException", "Invalid Marker") for name, more in LISTINGS.items()),
    *(
        (name, {"KeyId": "$enc", "GrantId": "x"}, "InvalidGrantIdException", "Invalid GrantId 'x'")
        for name in ("list_grants", "retire_grant", "revoke_grant")
    ),
    *(
        (name, {"KeyId": "$enc", "GrantId": "0" * 64}, "NotFoundException", f"Grant ID {'0' * 64} not found")
        for name in ("list_grants", "retire_grant", "revoke_grant")
    ),
    *(("create_key", {"Policy": text}, "MalformedPolicyDocumentException", said) for text, said in MALFORMED),
    *(("put_key_policy", {"KeyId": "$enc", "Policy": text}, "MalformedPolicyDocumentException", said) for text, said in MALFORMED),
    *(
        ("replicate_key", {"KeyId": "$multi", "ReplicaRegion": "eu-west-1", "Policy": text}, "MalformedPolicyDocumentException", said)
        for text, said in MALFORMED
    ),
    *(
        (name, {**more, "Policy": BIG}, "LimitExceededException", "Policy size exceeds the limit of 32768 bytes.")
        for name, more in (
            ("create_key", {}),
            ("put_key_policy", {"KeyId": "$enc"}),
            ("replicate_key", {"KeyId": "$multi", "ReplicaRegion": "eu-west-1"}),
        )
    ),
    ("cancel_key_deletion", {"KeyId": "$enc"}, "KMSInvalidStateException", "$enc is not pending deletion."),
    ("get_key_rotation_status", {"KeyId": "$outside"}, "KMSInvalidStateException", "$outside is pending import."),
    ("get_public_key", {"KeyId": "$sign_off"}, "DisabledException", "$sign_off is disabled."),
    ("get_public_key", {"KeyId": "$sign_ending"}, "KMSInvalidStateException", "$sign_ending is pending deletion."),
    ("get_public_key", {"KeyId": "$sign", "GrantTokens": ["x"]}, "InvalidGrantTokenException", "Invalid grant token."),
    *(
        (name, {**OF_A_KEY[name], "KeyId": "$outside_ending"}, "KMSInvalidStateException", "$outside_ending is pending deletion.")
        for name in ("get_parameters_for_import", "import_key_material")
    ),
    *(
        (name, {**OF_A_KEY[name], "KeyId": "$multi_ending"}, "KMSInvalidStateException", "$multi_ending is pending deletion.")
        for name in ("replicate_key", "update_primary_region")
    ),
    *(
        (name, {**OF_A_KEY[name], "KeyId": "$multi_off"}, "DisabledException", "$multi_off is disabled.")
        for name in ("replicate_key", "update_primary_region")
    ),
    # Keys and their material.
    ("create_key", {"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException", CHINA),
    _unsupported("generate_data_key_pair", "$enc", CHINA, KeyPairSpec="SM2"),
    _unsupported("generate_data_key_pair_without_plaintext", "$enc", CHINA, KeyPairSpec="SM2"),
    _unsupported("delete_imported_key_material", "$enc", FROM_KMS),
    _unsupported("get_parameters_for_import", "$enc", FROM_KMS),
    _unsupported("import_key_material", "$enc", FROM_KMS),
    _unsupported("enable_key_rotation", "$mac", ""),
    _unsupported("disable_key_rotation", "$mac", ""),
    _unsupported("get_key_rotation_status", "$mac", ""),
    _unsupported("list_key_rotations", "$mac", ""),
    _unsupported("rotate_key_on_demand", "$sign", ""),
    _unsupported("get_public_key", "$enc", "$enc key spec is SYMMETRIC_DEFAULT which is not valid for GetPublicKey."),
    _unsupported("replicate_key", "$enc", NO_PRIMARY.format("$enc")),
    _unsupported("update_primary_region", "$enc", NO_PRIMARY.format("$enc")),
    (
        "create_key",
        {"KeySpec": "HMAC_256"},
        "ValidationException",
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
    ),
    (
        "create_key",
        {"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"},
        "ValidationException",
        "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
    ),
    ("create_key", {"CustomKeyStoreId": "cks-1"}, "CustomKeyStoreNotFoundException", "Custom key store cks-1 cannot be found."),
    (
        "generate_random",
        {"CustomKeyStoreId": "cks-1", "NumberOfBytes": 1},
        "CustomKeyStoreNotFoundException",
        "Custom key store cks-1 cannot be found.",
    ),
    ("generate_random", {}, "ValidationException", "NumberOfBytes is required."),
    ("create_key", {"Tags": TWICE}, "TagException", "Duplicate tag keys"),
    ("tag_resource", {"KeyId": "$enc", "Tags": TWICE}, "TagException", "Duplicate tag keys"),
    (
        "tag_resource",
        {"KeyId": "$enc", "Tags": [{"TagKey": "AWS:a", "TagValue": "1"}]},
        "TagException",
        "Tags beginning with aws: are reserved",
    ),
    ("create_key", {"Tags": [{"TagKey": str(number), "TagValue": "1"} for number in range(51)]}, "TagException", "Too many tags"),
    ("replicate_key", {"KeyId": "$multi", "ReplicaRegion": "eu-west-1", "Tags": TWICE}, "TagException", "Duplicate tag keys"),
    (
        "replicate_key",
        {"KeyId": "$multi", "ReplicaRegion": "ap-south-1"},
        "AlreadyExistsException",
        "Key $multi_id already exists in region ap-south-1.",
    ),
    (
        "update_primary_region",
        {"KeyId": "$multi", "PrimaryRegion": "eu-west-1"},
        "NotFoundException",
        "Key $multi_id does not exist in region eu-west-1.",
    ),
    (
        "schedule_key_deletion",
        {"KeyId": "$enc", "PendingWindowInDays": 6},
        "ValidationException",
        "PendingWindowInDays must be between 7 and 30",
    ),
    # Aliases.
    (
        "create_alias",
        {"AliasName": "mine", "TargetKeyId": "$enc"},
        "ValidationException",
        'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    ),
    ("create_alias", {"AliasName": "alias/aws/mine", "TargetKeyId": "$enc"}, "NotAuthorizedException", ""),
    (
        "create_alias",
        {"AliasName": "alias/given", "TargetKeyId": "$enc"},
        "AlreadyExistsException",
        f"An alias with the name arn:aws:kms:us-east-1:{ACCOUNT}:alias/given already exists",
    ),
    (
        "create_alias",
        {"AliasName": "alias/a:b", "TargetKeyId": "$enc"},
        "InvalidAliasNameException",
        "Alias must not contain any characters other than [a-zA-Z0-9/_-]",
    ),
    *(
        (name, {"AliasName": "alias/given", "TargetKeyId": NONE}, "NotFoundException", f"Key '{arn(NONE)}' does not exist")
        for name in ("create_alias", "update_alias")
    ),
    ("delete_alias", {"AliasName": "alias/no"}, "NotFoundException", f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/no is not found."),
    # Ciphertexts, codes and signatures.
    ("decrypt", {"KeyId": "$sign", "CiphertextBlob": "$blob"}, "IncorrectKeyException", WRONG_KEY),
    ("re_encrypt", {"SourceKeyId": "$sign", "CiphertextBlob": "$blob", "DestinationKeyId": "$enc"}, "IncorrectKeyException", WRONG_KEY),
    (
        "decrypt",
        {"KeyId": "$sign", "CiphertextBlob": b"x", "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"},
        "InvalidKeyUsageException",
        "$sign key usage is SIGN_VERIFY which is not valid for Decrypt.",
    ),
    ("decrypt", {"CiphertextBlob": "$blob_ending"}, "KMSInvalidStateException", "$enc_ending is pending deletion."),
    ("re_encrypt", {"CiphertextBlob": b"x", "DestinationKeyId": "$enc"}, "InvalidCiphertextException", ""),
    (
        "generate_mac",
        {"KeyId": "$mac", "Message": b"m", "MacAlgorithm": "HMAC_SHA_512"},
        "InvalidKeyUsageException",
        "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256.",
    ),
    ("generate_data_key", {"KeyId": "$enc"}, "ValidationException", "Please specify either number of bytes or key spec."),
    # Grants.
    (
        "create_grant",
        {**OF_A_KEY["create_grant"], "KeyId": "$enc", "GrantTokens": ["x"]},
        "InvalidGrantTokenException",
        "Invalid grant token.",
    ),
    ("create_grant", {**OF_A_KEY["create_grant"], "KeyId": "$enc", "DryRun": True}, "DryRunOperationException", WOULD),
    (
        "create_grant",
        {"KeyId": "$enc", "GranteePrincipal": root(), "Operations": ["Sign"]},
        "ValidationException",
        "Operation Sign is not supported for key $enc with KeySpec SYMMETRIC_DEFAULT and KeyUsage ENCRYPT_DECRYPT.",
    ),
    (
        "create_grant",
        {"KeyId": "$enc", "GranteePrincipal": "me", "Operations": ["Decrypt"]},
        "InvalidArnException",
        "me is not a valid principal ARN.",
    ),
    ("list_retirable_grants", {"RetiringPrincipal": "me"}, "InvalidArnException", "me is not a valid principal ARN."),
    ("retire_grant", {"GrantToken": "x"}, "InvalidGrantTokenException", "Invalid grant token."),
]
_MATERIAL = "test_kms_material.py::"
_CODES = "test_kms_cryptography.py::"
ELSEWHERE = {
    "create_alias LimitExceededException": "test_kms_refusals.py::test_a_key_has_so_many_names",
    "update_alias LimitExceededException": "test_kms_refusals.py::test_a_key_has_so_many_names",
    "create_grant LimitExceededException": "test_kms_refusals.py::test_a_key_has_so_many_grants",
    "rotate_key_on_demand LimitExceededException": f"{_MATERIAL}test_a_key_rotates_on_demand_so_often_and_its_schedule_stays",
    "rotate_key_on_demand ConflictException": "test_kms_refusals.py::test_a_key_that_is_about_to_rotate_is_not_rotated",
    "decrypt InvalidCiphertextException": f"{_CODES}test_what_is_encrypted_opens_under_the_same_context_only",
    "decapsulate InvalidCiphertextException": f"{_CODES}test_a_secret_is_encapsulated_for_a_lattice_key",
    "import_key_material InvalidCiphertextException": f"{_MATERIAL}test_the_parameters_of_an_import_are_good_for_a_day",
    "import_key_material InvalidImportTokenException": f"{_MATERIAL}test_the_parameters_of_an_import_are_good_for_a_day",
    "import_key_material ExpiredImportTokenException": f"{_MATERIAL}test_the_parameters_of_an_import_are_good_for_a_day",
    "import_key_material IncorrectKeyMaterialException": f"{_MATERIAL}test_material_of_ones_own_is_imported_and_deleted",
    "verify KMSInvalidSignatureException": f"{_CODES}test_a_pair_signs_and_knows_its_signature",
    "verify_mac KMSInvalidMacException": f"{_CODES}test_a_code_is_that_of_its_message_and_key",
    "retire_grant DryRunOperationException": "test_kms_access.py::test_a_grant_is_retired_by_whom_it_names",
    "revoke_grant DryRunOperationException": "test_kms_access.py::test_a_grant_lets_its_grantee_until_it_is_revoked",
}
NEVER = (
    *("DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException", "CustomKeyStoreInvalidStateException"),
    *("CloudHsmClusterInvalidConfigurationException", "XksKeyInvalidConfigurationException", "XksKeyAlreadyInUseException"),
    *("XksKeyNotFoundException", "create_key InvalidArnException", "list_retirable_grants NotFoundException"),
    *("create_key LimitExceededException", "enable_key LimitExceededException", "tag_resource LimitExceededException"),
    *("untag_resource TagException", "get_public_key InvalidKeyUsageException"),
    *("generate_random UnsupportedOperationException", "put_key_policy UnsupportedOperationException"),
    # AWS's table of key states lets these do with every state.
    *(
        f"{operation} KMSInvalidStateException"
        for operation in (
            *("delete_alias", "delete_imported_key_material", "get_key_policy", "list_grants", "list_key_policies"),
            *("list_key_rotations", "put_key_policy", "retire_grant", "revoke_grant"),
        )
    ),
)


here = one_region()


@pytest.fixture(scope="module")
def world(here: Here) -> dict[str, Any]:
    """Keys of every usage, each as it should be, switched off and about to end; and what was made with them."""
    found: dict[str, Any] = {}
    kinds = {**USAGES, "multi": {"MultiRegion": True}, "outside": {"Origin": "EXTERNAL"}}
    for name, request in kinds.items():
        for suffix in ("", "_off", "_ending"):
            key = made(here, **request)
            found[f"${name}{suffix}"], found[f"${name}{suffix}_id"] = arn(key), key
            if f"{name}{suffix}" == "enc_ending":
                found["$blob_ending"] = here.kms.encrypt(KeyId=key, Plaintext=b"p")["CiphertextBlob"]
            if suffix == "_off" and name != "outside":
                here.kms.disable_key(KeyId=key)
            if suffix == "_ending":
                here.kms.schedule_key_deletion(KeyId=key)
    here.kms.create_alias(AliasName="alias/given", TargetKeyId=found["$enc"])
    here.kms.replicate_key(KeyId=found["$multi"], ReplicaRegion="ap-south-1")
    found["$blob"] = here.kms.encrypt(KeyId=found["$enc"], Plaintext=b"p")["CiphertextBlob"]
    found["$signature"] = here.kms.sign(KeyId=found["$sign"], Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    found["$code"] = here.kms.generate_mac(KeyId=found["$mac"], Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    found["$public"] = here.kms.get_public_key(KeyId=found["$agree"])["PublicKey"]
    if "kem" in USAGES:
        shared = here.kms.encapsulate(KeyId=found["$kem"], EncapsulationAlgorithm="ML_KEM")
        found["$shared"] = shared["SharedSecretCiphertextBlob"]
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[2]}")
def test_what_is_refused(here: Here, world: dict[str, Any], case: Case) -> None:
    operation, request, code, said = case
    for name in sorted(world, key=len, reverse=True):
        said = said.replace(name, str(world[name])) if name in said else said
    request = filled(request, world)
    if operation == "decrypt" and code == "DisabledException":
        # A ciphertext of another key would be refused for that.
        request["CiphertextBlob"] = _sealed_once(here, request["KeyId"])
    assert refusal(getattr(here.kms, operation), **request) == (code, said)


def _sealed_once(here: Here, key: str) -> bytes:
    here.kms.enable_key(KeyId=key)
    blob = here.kms.encrypt(KeyId=key, Plaintext=b"p")["CiphertextBlob"]
    here.kms.disable_key(KeyId=key)
    return blob


def test_every_error_that_aws_documents_has_a_story() -> None:
    assert untold("kms", CASES, ELSEWHERE, NEVER) == []


def test_a_key_has_so_many_names(here: Here) -> None:
    key, other = made(here), made(here)
    for number in range(50):
        here.kms.create_alias(AliasName=f"alias/many/{number}", TargetKeyId=key)
    here.kms.create_alias(AliasName="alias/other", TargetKeyId=other)
    full = ("LimitExceededException", f"The maximum number of aliases for the key {arn(key)} is 50.")
    assert refusal(here.kms.create_alias, AliasName="alias/more", TargetKeyId=key) == full
    assert refusal(here.kms.update_alias, AliasName="alias/other", TargetKeyId=key) == full


def test_a_key_has_so_many_grants(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "GRANTS_MAX", 1)
    key = made(here)
    here.kms.create_grant(KeyId=key, **OF_A_KEY["create_grant"])
    full = ("LimitExceededException", f"The maximum number of grants for the key {arn(key)} is 1.")
    assert refusal(here.kms.create_grant, KeyId=key, **OF_A_KEY["create_grant"]) == full


def test_a_key_that_is_about_to_rotate_is_not_rotated(tmp_path_factory: pytest.TempPathFactory) -> None:
    region = Here(tmp_path_factory.mktemp("soon"))
    key = made(region)
    region.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    region.jump(90 * DAY - 60)
    soon = ("ConflictException", f"{arn(key)} is about to be rotated automatically.")
    assert refusal(region.kms.rotate_key_on_demand, KeyId=key) == soon
    region.close()
