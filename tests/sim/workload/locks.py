"""Versions that are locked for a while, attempts to delete them, and objects that lifecycle rules take away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sim.auditor.locks import FADING, LOCKED, RULES, Locks
from tests.sim.workload.base import Chance, Wish

KEYS = ("deed", "will", "bond")
VERSIONS_MAX = 60
"""With so many, only deletions are wished for."""


class LockWork:
    """Wishes of S3."""

    def __init__(self, chance: Chance, model: Locks, now: Callable[[], float]) -> None:
        self._chance, self._model, self._now = chance, model, now
        self._weighted = {self._put: 5, self._delete: 8, self._hold: 2, self._fade: 6, self._take: 1}

    def wish(self) -> Wish | None:
        missing = self._model.missing(LOCKED, FADING, "rules")
        if missing == "rules":
            return self._make("PutBucketLifecycleConfiguration", FADING, LifecycleConfiguration={"Rules": RULES})
        if missing:
            place = {"CreateBucketConfiguration": {"LocationConstraint": Locks.region}}
            return self._make("CreateBucket", missing, **place, ObjectLockEnabledForBucket=missing == LOCKED)
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, bucket: str, **request: Any) -> Wish:
        return Wish("s3", operation, {"Bucket": bucket, **request}, Locks.region)

    def _body(self) -> bytes:
        return self._chance.label().encode() * self._chance.one(1, 2_000)

    def _put(self) -> Wish | None:
        chance, request = self._chance, dict[str, Any]()
        if len(self._model.versions) > VERSIONS_MAX:
            return self._delete()
        if chance.percent(70):
            until = int(self._now()) + chance.one(30, 600, 86_400)
            request = {"ObjectLockMode": chance.one("GOVERNANCE", "COMPLIANCE"), "ObjectLockRetainUntilDate": until}
        if chance.percent(10):
            request["ObjectLockLegalHoldStatus"] = "ON"
        return self._make("PutObject", LOCKED, Key=chance.one(*KEYS), Body=self._body(), **request)

    def _version(self) -> tuple[str, str] | None:
        id = self._chance.among(self._model.versions)
        return None if id is None else (self._model.versions[id].key, id)

    def _delete(self) -> Wish | None:
        place = self._version()
        if place is None or self._chance.percent(10):
            return self._make("DeleteObject", LOCKED, Key=self._chance.one(*KEYS))
        bypass = {"BypassGovernanceRetention": True} if self._chance.percent(30) else {}
        return self._make("DeleteObject", LOCKED, Key=place[0], VersionId=place[1], **bypass)

    def _hold(self) -> Wish | None:
        place, status = self._version(), {"Status": "OFF" if self._chance.percent(80) else "ON"}
        return place and self._make("PutObjectLegalHold", LOCKED, Key=place[0], VersionId=place[1], LegalHold=status)

    def _key(self) -> str:
        return f"{self._chance.one('1/', '2/', 'kept/')}{self._chance.number(0, 9)}"

    def _fade(self) -> Wish:
        return self._make("PutObject", FADING, Key=self._key(), Body=self._body())

    def _take(self) -> Wish:
        return self._make("DeleteObject", FADING, Key=self._key())
