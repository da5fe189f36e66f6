"""What KMS's keys do: encrypt, sign, code, agree; and what others make of it who have only the public half."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from tests.stories.here import BEGIN, Here
from tests.stories.identity import fault
from tests.stories.kms_kit import CONTEXT, arn, made
from windtunnel.planes.crypto.keys import lattices

NOT_OPENED = ("InvalidCiphertextException", "")


def test_what_is_encrypted_opens_under_the_same_context_only(here: Here) -> None:
    key = made(here)
    sealed = here.kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"b": "2", "a": "1"})
    blob = sealed.pop("CiphertextBlob")
    assert sealed == {"KeyId": arn(key), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    material = here.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert here.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "1", "b": "2"}) == {
        "KeyId": arn(key),
        "Plaintext": b"secret",
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyMaterialId": material,
    }
    assert fault(here.kms.decrypt, CiphertextBlob=blob) == NOT_OPENED
    assert fault(here.kms.decrypt, CiphertextBlob=blob, EncryptionContext={"a": "1"}) == NOT_OPENED
    bent = blob[:-1] + bytes([blob[-1] ^ 1])
    assert fault(here.kms.decrypt, CiphertextBlob=bent, EncryptionContext={"a": "1", "b": "2"}) == NOT_OPENED
    assert fault(here.kms.decrypt, CiphertextBlob=b"no ciphertext") == NOT_OPENED


def test_a_ciphertext_is_opened_by_its_own_key(here: Here) -> None:
    key, other = made(here), made(here)
    blob = here.kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    assert here.kms.decrypt(CiphertextBlob=blob, KeyId=key)["Plaintext"] == b"secret"
    wrong = ("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
    assert fault(here.kms.decrypt, CiphertextBlob=blob, KeyId=other) == wrong
    assert fault(here.kms.re_encrypt, CiphertextBlob=blob, SourceKeyId=other, DestinationKeyId=other) == wrong


def test_a_ciphertext_moves_to_another_key_and_context_without_being_seen(here: Here) -> None:
    one, two = made(here), made(here)
    blob = here.kms.encrypt(KeyId=one, Plaintext=b"secret", EncryptionContext=CONTEXT)["CiphertextBlob"]
    moved = here.kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=two)
    after = moved.pop("CiphertextBlob")
    described = {key: here.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] for key in (one, two)}
    assert moved == {
        "SourceKeyId": arn(one),
        "KeyId": arn(two),
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "SourceKeyMaterialId": described[one],
        "DestinationKeyMaterialId": described[two],
    }
    opened = here.kms.decrypt(CiphertextBlob=after)
    assert (opened["KeyId"], opened["Plaintext"]) == (arn(two), b"secret")


def test_data_keys_come_in_plain_and_under_their_key(here: Here) -> None:
    key = made(here)
    whole = here.kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    assert len(whole["Plaintext"]) == 32
    assert here.kms.decrypt(CiphertextBlob=whole["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"] == whole["Plaintext"]
    sealed = here.kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=7)
    assert sealed.keys() == {"CiphertextBlob", "KeyId", "KeyMaterialId"}
    assert len(here.kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"]) == 7
    assert len(here.kms.generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024


def test_a_pair_of_data_keys_signs_outside(here: Here) -> None:
    key = made(here)
    pair = here.kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256", EncryptionContext=CONTEXT)
    secret = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None)
    assert isinstance(secret, ec.EllipticCurvePrivateKey)
    public: Any = serialization.load_der_public_key(pair["PublicKey"])
    public.verify(secret.sign(b"m", ec.ECDSA(hashes.SHA256())), b"m", ec.ECDSA(hashes.SHA256()))
    opened = here.kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == pair["PrivateKeyPlaintext"]
    sealed = here.kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P384")
    assert sealed.keys() == {"PrivateKeyCiphertextBlob", "PublicKey", "KeyId", "KeyPairSpec", "KeyMaterialId"}


def test_rsa_signs_and_encrypts_as_any_library_does(here: Here) -> None:
    key = made(here, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    public: Any = serialization.load_der_public_key(here.kms.get_public_key(KeyId=key)["PublicKey"])
    digest = hashlib.sha256(b"message").digest()
    by_pss = here.kms.sign(KeyId=key, Message=digest, MessageType="DIGEST", SigningAlgorithm="RSASSA_PSS_SHA_256")
    public.verify(by_pss["Signature"], b"message", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    raw = {"KeyId": key, "Message": b"message", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    assert here.kms.verify(**raw, Signature=by_pss["Signature"]) == {
        "KeyId": arn(key),
        "SignatureValid": True,
        "SigningAlgorithm": "RSASSA_PSS_SHA_256",
    }
    by_pkcs = here.kms.sign(KeyId=key, Message=b"message", SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_512")["Signature"]
    public.verify(by_pkcs, b"message", padding.PKCS1v15(), hashes.SHA512())
    assert fault(here.kms.verify, **raw, Signature=by_pkcs) == ("KMSInvalidSignatureException", "")

    key = made(here, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    public = serialization.load_der_public_key(here.kms.get_public_key(KeyId=key)["PublicKey"])
    outside = public.encrypt(b"plain", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    oaep = {"KeyId": key, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    assert here.kms.decrypt(CiphertextBlob=outside, **oaep) == {"Plaintext": b"plain", **oaep, "KeyId": arn(key)}
    assert here.kms.decrypt(CiphertextBlob=here.kms.encrypt(Plaintext=b"p", **oaep)["CiphertextBlob"], **oaep)["Plaintext"] == b"p"
    said = "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes."
    assert fault(here.kms.encrypt, Plaintext=b"p" * 191, **oaep) == ("ValidationException", said)
    assert fault(here.kms.decrypt, CiphertextBlob=b"x" * 256, **oaep) == NOT_OPENED


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P521", "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256"),
    ],
)
def test_a_pair_signs_and_knows_its_signature(here: Here, spec: str, algorithm: str) -> None:
    if spec.startswith("ML") and spec not in lattices():
        pytest.skip("the installed cryptography has no ML-DSA")
    key = made(here, KeySpec=spec, KeyUsage="SIGN_VERIFY")
    signed = here.kms.sign(KeyId=key, Message=b"message", SigningAlgorithm=algorithm)
    check = {"KeyId": key, "Signature": signed["Signature"], "SigningAlgorithm": algorithm}
    assert here.kms.verify(Message=b"message", **check)["SignatureValid"] is True
    assert fault(here.kms.verify, Message=b"massage", **check) == ("KMSInvalidSignatureException", "")
    shown = here.kms.get_public_key(KeyId=key)
    assert (shown["KeySpec"], shown["KeyUsage"], algorithm in shown["SigningAlgorithms"]) == (spec, "SIGN_VERIFY", True)


def test_an_edwards_key_signs_messages_and_digests_each_by_its_algorithm(here: Here) -> None:
    key = made(here, KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    named = {"KeyId": key, "SigningAlgorithm": "ED25519_PH_SHA_512"}
    digest = {"Message": hashlib.sha512(b"m").digest(), "MessageType": "DIGEST"}
    signature = here.kms.sign(**digest, **named)["Signature"]
    assert here.kms.verify(**digest, Signature=signature, **named)["SignatureValid"] is True
    for wrong in (bytes(64), signature[:-1], signature[:32] + bytes(32)):
        assert fault(here.kms.verify, **digest, Signature=wrong, **named)[0] == "KMSInvalidSignatureException"
    said = "MessageType {} is not supported for algorithm {}."
    raw = said.format("RAW", "ED25519_PH_SHA_512")
    assert fault(here.kms.sign, Message=b"m", **named) == ("ValidationException", raw)
    whole = {"KeyId": key, "SigningAlgorithm": "ED25519_SHA_512"}
    assert fault(here.kms.sign, **digest, **whole) == ("ValidationException", said.format("DIGEST", "ED25519_SHA_512"))


def test_a_curve_signs_digests(here: Here) -> None:
    key = made(here, KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")
    named = {"KeyId": key, "SigningAlgorithm": "ECDSA_SHA_384"}
    signature = here.kms.sign(Message=hashlib.sha384(b"m").digest(), MessageType="DIGEST", **named)["Signature"]
    assert here.kms.verify(Message=b"m", Signature=signature, **named)["SignatureValid"]
    said = "Digest is invalid length for algorithm ECDSA_SHA_384."
    assert fault(here.kms.sign, Message=b"short", MessageType="DIGEST", **named) == ("ValidationException", said)


def test_a_code_is_that_of_its_message_and_key(here: Here) -> None:
    key = made(here, KeySpec="HMAC_384", KeyUsage="GENERATE_VERIFY_MAC")
    named = {"KeyId": key, "MacAlgorithm": "HMAC_SHA_384"}
    mac = here.kms.generate_mac(Message=b"m", **named)
    assert (mac["KeyId"], len(mac["Mac"])) == (arn(key), 48)
    assert here.kms.verify_mac(Message=b"m", Mac=mac["Mac"], **named) == {**named, "KeyId": arn(key), "MacValid": True}
    assert fault(here.kms.verify_mac, Message=b"n", Mac=mac["Mac"], **named) == ("KMSInvalidMacException", "")


def test_two_sides_come_to_share_a_secret(here: Here) -> None:
    key = made(here, KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    mine = ec.generate_private_key(ec.SECP256R1())
    public: Any = serialization.load_der_public_key(here.kms.get_public_key(KeyId=key)["PublicKey"])
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    named = {"KeyId": key, "KeyAgreementAlgorithm": "ECDH"}
    derived = here.kms.derive_shared_secret(PublicKey=mine.public_key().public_bytes(*form), **named)
    assert derived == {**named, "KeyId": arn(key), "SharedSecret": mine.exchange(ec.ECDH(), public), "KeyOrigin": "AWS_KMS"}
    other = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(*form)
    assert fault(here.kms.derive_shared_secret, PublicKey=other, **named) == ("ValidationException", "")


def test_a_secret_is_encapsulated_for_a_lattice_key(here: Here) -> None:
    if "ML_KEM_768" not in lattices():
        pytest.skip("the installed cryptography has no ML-KEM")
    key = made(here, KeySpec="ML_KEM_768", KeyUsage="ENCAPSULATE_DECAPSULATE")
    named = {"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"}
    shared = here.kms.encapsulate(**named)
    blob = shared["SharedSecretCiphertextBlob"]
    assert len(blob) == 1_088
    assert here.kms.decapsulate(SharedSecretCiphertextBlob=blob, **named)["SharedSecret"] == shared["SharedSecret"]
    assert fault(here.kms.decapsulate, SharedSecretCiphertextBlob=b"short", **named) == NOT_OPENED


def test_a_trial_says_that_it_would_succeed_and_leaves_no_trace(here: Here) -> None:
    key = made(here)
    would = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
    assert fault(here.kms.encrypt, KeyId=key, Plaintext=b"p", DryRun=True) == would
    assert fault(here.kms.generate_data_key_pair, KeyId=key, KeyPairSpec="ECC_NIST_P256", DryRun=True) == would
    unused = {"KeyId": arn(key), "KeyLastUsage": {}, "TrackingStartDate": BEGIN, "KeyCreationDate": BEGIN}
    assert here.kms.get_key_last_usage(KeyId=key) == unused
    here.jump(5)
    here.kms.encrypt(KeyId=key, Plaintext=b"p")
    used = {"Operation": "Encrypt", "Timestamp": BEGIN + 5, "KmsRequestId": "request"}
    assert here.kms.get_key_last_usage(KeyId=key) == {**unused, "KeyLastUsage": used}


def test_keys_and_what_they_encrypted_outlive_the_process(here: Here) -> None:
    key, pair = made(here), made(here, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    blob = here.kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    signature = here.kms.sign(KeyId=pair, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    here.kill()
    assert here.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"secret"
    assert here.kms.verify(KeyId=pair, Message=b"m", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"]
