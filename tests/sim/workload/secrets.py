"""Secrets made, written, labelled, deleted and taken back."""

from __future__ import annotations

from typing import Any

from tests.sim.auditor.secrets import CURRENT, Secrets
from tests.sim.workload.base import Chance, Wish

NAMES = ("door", "safe", "attic")


class SecretWork:
    """Wishes of Secrets Manager."""

    def __init__(self, chance: Chance, model: Secrets) -> None:
        self._chance, self._model = chance, model
        self._weighted = {self._create: 3, self._write: 8, self._read: 3, self._move: 3, self._delete: 1, self._restore: 3}

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("secretsmanager", operation, request, Secrets.region)

    def _value(self) -> dict[str, str]:
        label = self._chance.label()
        return {"SecretString": label, "ClientRequestToken": f"{label:0>36}"}

    def _create(self) -> Wish:
        return self._make("CreateSecret", Name=self._chance.one(*NAMES), **self._value())

    def _write(self) -> Wish:
        labels: dict[str, Any] = {"VersionStages": [self._chance.one("MINE", "YOURS")]} if self._chance.percent(25) else {}
        return self._make("PutSecretValue", SecretId=self._chance.one(*NAMES), **self._value(), **labels)

    def _read(self) -> Wish:
        return self._make("GetSecretValue", SecretId=self._chance.one(*NAMES))

    def _move(self) -> Wish | None:
        secret = self._chance.among(one for one in self._model.secrets.values() if one.goes is None)
        if secret is None:
            return None
        places = {"MoveToVersionId": self._chance.among(secret.shown), "RemoveFromVersionId": secret.labels[CURRENT]}
        if places["MoveToVersionId"] == places["RemoveFromVersionId"]:
            return None
        return self._make("UpdateSecretVersionStage", SecretId=secret.name, VersionStage=CURRENT, **places)

    def _delete(self) -> Wish:
        return self._make("DeleteSecret", SecretId=self._chance.one(*NAMES), RecoveryWindowInDays=7)

    def _restore(self) -> Wish:
        return self._make("RestoreSecret", SecretId=self._chance.one(*NAMES))
