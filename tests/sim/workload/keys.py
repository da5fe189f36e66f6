"""Keys made, used, switched off and deleted, and objects that are encrypted with them."""

from __future__ import annotations

from typing import Any

from tests.sim.auditor.keys import BUCKET, Keys
from tests.sim.workload.base import Chance, Wish

KEYS_MAX, OBJECTS = 6, ("one", "two", "three", "four")


class KeyWork:
    """Wishes of KMS, and of S3 for objects that are encrypted with its keys."""

    def __init__(self, chance: Chance, model: Keys) -> None:
        self._chance, self._model = chance, model
        self._weighted = {self._create: 1, self._use: 10, self._change: 6, self._put: 5}

    def wish(self) -> Wish | None:
        if self._model.missing(BUCKET):
            place = {"CreateBucketConfiguration": {"LocationConstraint": Keys.region}}
            return Wish("s3", "CreateBucket", {"Bucket": BUCKET, **place}, Keys.region)
        return self._chance.pick(self._weighted) if self._model.keys else self._create()

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("kms", operation, request, Keys.region)

    def _key(self) -> str:
        return str(self._chance.among(list(self._model.keys)[-KEYS_MAX:]))

    def _create(self) -> Wish:
        return self._make("CreateKey", Description=self._chance.label())

    def _use(self) -> Wish:
        chance, key = self._chance, self._key()
        return chance.one(
            self._make("Encrypt", KeyId=key, Plaintext=chance.label().encode()),
            self._make("GenerateDataKey", KeyId=key, KeySpec="AES_256"),
            self._make("RotateKeyOnDemand", KeyId=key),
        )

    def _change(self) -> Wish:
        key = self._key()
        return self._chance.one(
            self._make("EnableKey", KeyId=key),
            self._make("EnableKey", KeyId=key),
            self._make("DisableKey", KeyId=key),
            self._make("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7),
            self._make("CancelKeyDeletion", KeyId=key),
        )

    def _put(self) -> Wish:
        sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._key()}
        request = {"Bucket": BUCKET, "Key": self._chance.one(*OBJECTS), "Body": self._chance.label().encode() * 500, **sealed}
        return Wish("s3", "PutObject", request, Keys.region)
