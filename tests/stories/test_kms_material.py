"""What is behind a key: it is rotated, imported, expires, and is shared with the key's replicas."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import fault
from tests.stories.kms_kit import DAY, arn, made, policy, state

KEPT = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
SECRET = bytes(range(32))
OTHER = bytes(reversed(range(32)))


def _current(here: Here, key: str) -> str:
    return here.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]


def _sealed(here: Here, key: str, plain: bytes = b"p") -> bytes:
    return here.kms.encrypt(KeyId=key, Plaintext=plain)["CiphertextBlob"]


def _wrapped(here: Here, key: str, secret: bytes, algorithm: str = "RSAES_OAEP_SHA_256") -> dict[str, Any]:
    """A request to import, but for what it says of the material."""
    offer = here.kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048")
    public: Any = serialization.load_der_public_key(offer["PublicKey"])
    used = hashes.SHA256() if algorithm.endswith("256") else hashes.SHA1()
    oaep = padding.OAEP(padding.MGF1(used), used, None)
    if algorithm.startswith("RSAES"):
        wrapped = public.encrypt(secret, oaep)
    else:
        between = bytes(32)
        wrapped = public.encrypt(between, oaep) + aes_key_wrap_with_padding(between, secret)
    return {"KeyId": key, "ImportToken": offer["ImportToken"], "EncryptedKeyMaterial": wrapped}


def _imported(here: Here, key: str, secret: bytes, **more: Any) -> Any:
    return here.kms.import_key_material(**_wrapped(here, key, secret), **({**KEPT, **more} if "ValidTo" not in more else more))


def test_a_key_rotates_by_itself_and_what_was_encrypted_before_still_opens(here: Here) -> None:
    key = made(here)
    before, blob = _current(here, key), _sealed(here, key)
    here.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = {"KeyId": arn(key), "KeyRotationEnabled": True, "RotationPeriodInDays": 90}
    assert here.kms.get_key_rotation_status(KeyId=key) == {**status, "NextRotationDate": BEGIN + 90 * DAY}
    here.jump(90 * DAY)
    after = _current(here, key)
    assert after != before
    rotation = {"KeyId": arn(key), "KeyMaterialId": after, "KeyMaterialState": "CURRENT"}
    rotation |= {"RotationDate": BEGIN + 90 * DAY, "RotationType": "AUTOMATIC"}
    assert here.kms.list_key_rotations(KeyId=key) == {"Rotations": [rotation], "Truncated": False}
    first = {"KeyId": arn(key), "KeyMaterialId": before, "KeyMaterialState": "NON_CURRENT"}
    assert here.kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"] == [first, rotation]
    assert here.kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == before
    assert here.kms.decrypt(CiphertextBlob=_sealed(here, key))["KeyMaterialId"] == after
    assert here.kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == BEGIN + 180 * DAY
    here.kms.disable_key_rotation(KeyId=key)
    here.jump(400 * DAY)
    assert len(here.kms.list_key_rotations(KeyId=key)["Rotations"]) == 1


def test_a_key_that_was_off_when_it_was_due_rotates_once_it_is_on(here: Here) -> None:
    key = made(here)
    here.kms.enable_key_rotation(KeyId=key)
    here.kms.disable_key(KeyId=key)
    here.jump(400 * DAY)
    assert here.kms.list_key_rotations(KeyId=key)["Rotations"] == []
    here.kms.enable_key(KeyId=key)
    here.rest()
    (rotation,) = here.kms.list_key_rotations(KeyId=key)["Rotations"]
    assert rotation["RotationDate"] == BEGIN + 400 * DAY


def test_a_key_rotates_on_demand_so_often_and_its_schedule_stays(here: Here) -> None:
    key = made(here)
    here.kms.enable_key_rotation(KeyId=key)
    for _ in range(25):
        assert here.kms.rotate_key_on_demand(KeyId=key) == {"KeyId": arn(key)}
    said = "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key"
    assert fault(here.kms.rotate_key_on_demand, KeyId=key) == ("LimitExceededException", f"{said}: {arn(key)}")
    page = here.kms.list_key_rotations(KeyId=key, Limit=20)
    rest = here.kms.list_key_rotations(KeyId=key, Marker=page["NextMarker"])
    kinds = [each["RotationType"] for each in page["Rotations"] + rest["Rotations"]]
    assert kinds == ["ON_DEMAND"] * 25
    assert here.kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == BEGIN + 365 * DAY


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"])
def test_material_of_ones_own_is_imported_and_deleted(here: Here, algorithm: str) -> None:
    key = made(here, Origin="EXTERNAL")
    assert state(here, key) == "PendingImport"
    pending = ("KMSInvalidStateException", f"{arn(key)} is pending import.")
    assert fault(here.kms.encrypt, KeyId=key, Plaintext=b"p") == pending
    imported = here.kms.import_key_material(**_wrapped(here, key, SECRET, algorithm), **KEPT)
    assert imported == {"KeyId": arn(key), "KeyMaterialId": _current(here, key)}
    shown = here.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (shown["KeyState"], shown["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    blob = _sealed(here, key)
    assert here.kms.delete_imported_key_material(KeyId=key) == imported
    assert fault(here.kms.decrypt, CiphertextBlob=blob) == pending
    other = ("IncorrectKeyMaterialException", "The key material is not the same that was imported before.")
    assert fault(_imported, here=here, key=key, secret=OTHER) == other
    _imported(here, key, SECRET)
    assert here.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"p"


def test_imported_material_expires(here: Here) -> None:
    key = made(here, Origin="EXTERNAL")
    _imported(here, key, SECRET, ValidTo=BEGIN + DAY)
    shown = here.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (shown["ExpirationModel"], shown["ValidTo"]) == ("KEY_MATERIAL_EXPIRES", BEGIN + DAY)
    blob = _sealed(here, key)
    here.jump(DAY)
    assert state(here, key) == "PendingImport"
    _imported(here, key, SECRET)
    here.jump(DAY)
    assert here.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"p"


def test_the_parameters_of_an_import_are_good_for_a_day(here: Here) -> None:
    key, other = made(here, Origin="EXTERNAL"), made(here, Origin="EXTERNAL")
    request = _wrapped(here, key, SECRET)
    wrong = ("InvalidImportTokenException", "The import token is invalid or belongs to another key.")
    assert fault(here.kms.import_key_material, **{**request, **KEPT, "KeyId": other}) == wrong
    bent = {**request, "EncryptedKeyMaterial": bytes(256)}
    assert fault(here.kms.import_key_material, **bent, **KEPT)[0] == "InvalidCiphertextException"
    here.jump(DAY)
    over = ("ExpiredImportTokenException", "The import token has expired.")
    assert fault(here.kms.import_key_material, **request, **KEPT) == over
    here.jump(DAY)
    assert fault(here.kms.import_key_material, **request, **KEPT) == wrong


def test_new_material_waits_for_its_rotation(here: Here) -> None:
    key = made(here, Origin="EXTERNAL")
    first = _imported(here, key, SECRET)["KeyMaterialId"]
    blob = _sealed(here, key)
    none = ("KMSInvalidStateException", f"No available key material pending rotation for the key: {arn(key)}.")
    assert fault(here.kms.rotate_key_on_demand, KeyId=key) == none
    second = _imported(here, key, OTHER, ImportType="NEW_KEY_MATERIAL", KeyMaterialDescription="next")["KeyMaterialId"]
    assert _current(here, key) == first
    third = bytes([7]) * 32
    code, said = fault(_imported, here=here, key=key, secret=third, ImportType="NEW_KEY_MATERIAL")
    assert (code, said.endswith(f"because another key material (id: {second}) is pending rotation.")) == ("KMSInvalidStateException", True)
    again = ("IncorrectKeyMaterialException", f"The key material (id: {first}) is already associated with the key.")
    assert fault(_imported, here=here, key=key, secret=SECRET, ImportType="NEW_KEY_MATERIAL") == again
    listed = here.kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    kept = {"KeyId": arn(key), "ImportState": "IMPORTED", **KEPT}
    assert listed == [
        {**kept, "KeyMaterialId": first, "KeyMaterialState": "CURRENT"},
        {**kept, "KeyMaterialId": second, "KeyMaterialState": "PENDING_ROTATION", "KeyMaterialDescription": "next"},
    ]
    here.kms.rotate_key_on_demand(KeyId=key)
    assert (_current(here, key), here.kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"]) == (second, first)
    here.kms.delete_imported_key_material(KeyId=key, KeyMaterialId=first)
    assert state(here, key) == "PendingImport"


def test_pairs_and_codes_of_ones_own_are_imported_once(here: Here) -> None:
    key = made(here, Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    assert _imported(here, key, SECRET) == {"KeyId": arn(key)}
    assert fault(_imported, here=here, key=key, secret=OTHER)[0] == "IncorrectKeyMaterialException"
    assert fault(_imported, here=here, key=key, secret=SECRET, ImportType="NEW_KEY_MATERIAL")[0] == "UnsupportedOperationException"
    pair = made(here, Origin="EXTERNAL", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    mine = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    said = ("IncorrectKeyMaterialException", "The key material is not that of a key of ECC_NIST_P256.")
    assert fault(_imported, here=here, key=pair, secret=SECRET) == said
    _imported(here, pair, mine.private_bytes(*form))
    signature = here.kms.sign(KeyId=pair, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    mine.public_key().verify(signature, b"m", ec.ECDSA(hashes.SHA256()))


def test_a_replica_opens_what_its_primary_sealed(here: Here) -> None:
    far = here.at(region="eu-west-1")
    key = made(here, MultiRegion=True, Description="first")
    created = here.kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1", Tags=[{"TagKey": "a", "TagValue": "b"}])
    replica = created["ReplicaKeyMetadata"]
    assert (replica["KeyState"], replica["Description"], created["ReplicaTags"]) == ("Creating", "", [{"TagKey": "a", "TagValue": "b"}])
    members = {
        "MultiRegionKeyType": "REPLICA",
        "PrimaryKey": {"Arn": arn(key), "Region": "us-east-1"},
        "ReplicaKeys": [{"Arn": arn(key, "eu-west-1"), "Region": "eu-west-1"}],
    }
    assert replica["MultiRegionConfiguration"] == members
    assert far.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    blob = _sealed(here, key)
    here.kms.enable_key_rotation(KeyId=key)
    here.jump(365 * DAY)
    assert _current(far, key) == _current(here, key)
    assert far.kms.decrypt(CiphertextBlob=blob)["KeyId"] == arn(key, "eu-west-1")
    assert here.kms.decrypt(CiphertextBlob=_sealed(far, key))["KeyId"] == arn(key)
    elsewhere = here.at(region="ap-south-1")
    assert fault(elsewhere.kms.decrypt, CiphertextBlob=blob)[0] == "AccessDeniedException"


def test_another_region_becomes_the_primary(here: Here) -> None:
    far = here.at(region="eu-west-1")
    key = made(here, MultiRegion=True)
    here.kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    here.kms.enable_key_rotation(KeyId=key)
    here.kms.update_primary_region(KeyId=key, PrimaryRegion="eu-west-1")
    kinds = [each.kms.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]["MultiRegionKeyType"] for each in (here, far)]
    assert kinds == ["REPLICA", "PRIMARY"]
    no_primary = ("UnsupportedOperationException", f"{arn(key)} is not a multi-region primary key.")
    assert fault(here.kms.replicate_key, KeyId=key, ReplicaRegion="ap-south-1") == no_primary
    assert fault(here.kms.rotate_key_on_demand, KeyId=key) == no_primary
    here.jump(365 * DAY)
    assert len(far.kms.list_key_rotations(KeyId=key)["Rotations"]) == 1
    assert _current(here, key) == _current(far, key)


def test_a_primary_waits_for_the_end_of_its_replicas(here: Here) -> None:
    far = here.at(region="eu-west-1")
    key = made(here, MultiRegion=True)
    here.kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    scheduled = here.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=8)
    assert scheduled == {"KeyId": arn(key), "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 8}
    assert here.kms.describe_key(KeyId=key)["KeyMetadata"]["PendingDeletionWindowInDays"] == 8
    far.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    here.jump(7 * DAY)
    shown = here.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (shown["KeyState"], shown["DeletionDate"]) == ("PendingDeletion", BEGIN + 15 * DAY)
    here.jump(8 * DAY)
    assert here.kms.list_keys()["Keys"] == []


def test_each_region_of_an_imported_key_imports_its_material(here: Here) -> None:
    far = here.at(region="eu-west-1")
    key = made(here, MultiRegion=True, Origin="EXTERNAL", Policy=policy())
    _imported(here, key, SECRET)
    here.kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    assert state(far, key) == "PendingImport"
    _imported(far, key, SECRET)
    blob = _sealed(here, key)
    assert far.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"p"
    _imported(here, key, OTHER, ImportType="NEW_KEY_MATERIAL")
    waits = ("KMSInvalidStateException", f"The key material pending rotation is not imported into {arn(key, 'eu-west-1')}.")
    assert fault(here.kms.rotate_key_on_demand, KeyId=key) == waits
    _imported(far, key, OTHER)
    here.kms.rotate_key_on_demand(KeyId=key)
    assert _current(far, key) == _current(here, key)
    assert arn(key).startswith(f"arn:aws:kms:us-east-1:{ACCOUNT}:key/mrk-")
