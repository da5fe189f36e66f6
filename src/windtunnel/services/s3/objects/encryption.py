"""How an object that is there is said to be encrypted from now on; its bytes stay where they are.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/update-sse-encryption.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.objects.kms import with_data_key
from windtunnel.services.s3.places import bucket_of, change, charge_shown, lookup
from windtunnel.services.s3.rules import nested
from windtunnel.services.s3.state import Encryption

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

UPDATABLE = ("AES256", "aws:kms")
FROM_CUSTOMER = (
    "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. Only source objects "
    "encrypted with SSE-S3 or SSE-KMS are supported."
)
NO_TYPE = (
    "Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS. Modify the "
    "request to specify SSE-KMS for the updated encryption type, and then try again."
)
NO_ARN = (
    "Requests that modify an object's encryption type to SSE-KMS require a valid AWS KMS key Amazon Resource Name (ARN). Confirm that you "
    "have a correctly formatted KMS key ARN in your request, and then try again."
)
OTHER_ACCOUNT = (
    "The AWS KMS key in the request must be owned by the same account as the bucket. Modify the request to specify a KMS key from the same "
    "account, and then try again."
)


def update_object_encryption(tx: Tx, req: t.UpdateObjectEncryptionRequest) -> t.UpdateObjectEncryptionResponse:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "PUT")
    wanted = nested(req["ObjectEncryption"], "SSEKMS")
    if not wanted:
        raise Fault("InvalidRequest", NO_TYPE)
    arn = parse_or_none(wanted["KMSKeyArn"])
    if arn is None or arn.service != "kms" or arn.type != "key":
        raise Fault("InvalidRequest", NO_ARN)
    if arn.account != bucket.account:
        raise Fault("AccessDenied", OTHER_ACCOUNT)
    if version.encryption.customer or version.encryption.algorithm not in UPDATABLE:
        raise Fault("InvalidRequest", FROM_CUSTOMER)
    wanted_key = Encryption("aws:kms", str(arn), bool(wanted.get("BucketKeyEnabled")))
    encryption = with_data_key(tx, bucket, req["Bucket"], req["Key"], wanted_key)
    change(tx, req["Bucket"], bucket, req["Key"], at, msgspec.structs.replace(version, encryption=encryption))
    return charge_shown(tx, bucket)  # pyright: ignore[reportReturnType]
