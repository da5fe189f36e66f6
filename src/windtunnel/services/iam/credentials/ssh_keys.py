"""SSH public keys of users, by which CodeCommit knows them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_ssh-keys.html
"""

from __future__ import annotations

from base64 import b64decode
from hashlib import md5
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key, load_ssh_public_key

from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.entities import named_or_caller
from windtunnel.services.iam.rules import SSH_KEYS_PER_USER_MAX, moment, new_id, paged, start_of
from windtunnel.services.iam.state import SSH_KEYS, SshKey, User, user_named

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

BITS_MIN = 2048


def upload_ssh_public_key(tx: Tx, req: t.UploadSSHPublicKeyRequest) -> t.UploadSSHPublicKeyResponse:
    user, body = user_named(tx, req["UserName"]), req["SSHPublicKeyBody"].strip()
    fingerprint = _fingerprint(_parsed(body))
    there = [key.fingerprint for _, key in tx.scan(SSH_KEYS, user.id)]
    if fingerprint in there:
        raise Fault("DuplicateSSHPublicKey", "The SSH public key is already associated with the specified IAM user.")
    if len(there) >= SSH_KEYS_PER_USER_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for SSHPublicKeysPerUser: {SSH_KEYS_PER_USER_MAX}")
    key_id, key = new_id(tx, "APKA"), SshKey(body, fingerprint, moment(tx.now))
    tx.put(SSH_KEYS, user.id, key_id, value=key)
    return {"SSHPublicKey": _shown_whole(user, key_id, key, body)}


def get_ssh_public_key(tx: Tx, req: t.GetSSHPublicKeyRequest) -> t.GetSSHPublicKeyResponse:
    user, key = _key(tx, req)
    form = (Encoding.OpenSSH, PublicFormat.OpenSSH) if req["Encoding"] == "SSH" else (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = _parsed(key.body).public_bytes(*form).decode()
    return {"SSHPublicKey": _shown_whole(user, req["SSHPublicKeyId"], key, text)}


def list_ssh_public_keys(tx: Tx, req: t.ListSSHPublicKeysRequest) -> t.ListSSHPublicKeysResponse:
    user, start = named_or_caller(tx, req.get("UserName")), start_of(req)
    rows = tx.scan(SSH_KEYS, user.id, start=start and start[1:])
    return paged(req, "SSHPublicKeys", rows, lambda key, ssh_key: _shown(user, str(key[1]), ssh_key))


def update_ssh_public_key(tx: Tx, req: t.UpdateSSHPublicKeyRequest) -> dict[str, Any]:
    user, key = _key(tx, req)
    status = req["Status"]
    if status not in ("Active", "Inactive"):
        raise Fault("InvalidInput", f"SSH public key status {status} can not be set.")
    tx.put(SSH_KEYS, user.id, req["SSHPublicKeyId"], value=msgspec.structs.replace(key, status=status))
    return {}


def delete_ssh_public_key(tx: Tx, req: t.DeleteSSHPublicKeyRequest) -> dict[str, Any]:
    user, _ = _key(tx, req)
    tx.delete(SSH_KEYS, user.id, req["SSHPublicKeyId"])
    return {}


def _parsed(body: str) -> RSAPublicKey:
    """Raises InvalidPublicKey and UnrecognizedPublicKeyEncoding."""
    if not body.startswith(("ssh-", "ecdsa-", "-----BEGIN ")):
        raise Fault("UnrecognizedPublicKeyEncoding", "The public key encoding format is unsupported or unrecognized.")
    try:
        key = load_pem_public_key(body.encode()) if body.startswith("-----BEGIN ") else load_ssh_public_key(body.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Fault("InvalidPublicKey", "The public key is malformed or otherwise invalid.") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < BITS_MIN:
        raise Fault("InvalidPublicKey", f"The public key must be an RSA key of at least {BITS_MIN} bits.")
    return key


def _fingerprint(key: RSAPublicKey) -> str:
    """As `ssh-keygen -l -E md5` shows it."""
    blob = b64decode(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    return md5(blob, usedforsecurity=False).digest().hex(":")


def _key(tx: Tx, req: Any) -> tuple[User, SshKey]:
    user = user_named(tx, req["UserName"])
    key = tx.get(SSH_KEYS, user.id, req["SSHPublicKeyId"])
    if key is None:
        raise Fault("NoSuchEntity", f"The Public Key with id {req['SSHPublicKeyId']} cannot be found.")
    return user, key


def _shown(user: User, key_id: str, key: SshKey) -> Any:
    return {"UserName": user.name, "SSHPublicKeyId": key_id, "Status": key.status, "UploadDate": key.created}


def _shown_whole(user: User, key_id: str, key: SshKey, body: str) -> Any:
    return {**_shown(user, key_id, key), "Fingerprint": key.fingerprint, "SSHPublicKeyBody": body}
