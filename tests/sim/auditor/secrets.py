"""Secrets Manager: versions say what was written, their labels move as they should, and one alone is current."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.sim.auditor.base import Ask, Call, ended, same
from tests.sim.auditor.elsewhere import Elsewhere, Troubles

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
ABSENT, MARKED = "ResourceNotFoundException", "InvalidRequestException"
DAY_SECONDS = 86_400


@dataclass(eq=False, slots=True)
class Secret:
    """One secret: what its versions say, which version each label is at, and when it goes."""

    name: str
    texts: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    goes: float | None = None

    def write(self, id: str, text: str, label: str = CURRENT) -> None:
        self.texts[id] = text
        self.move(label, id)

    def move(self, label: str, id: str) -> None:
        if label == CURRENT and CURRENT in self.labels and self.labels[CURRENT] != id:
            self.labels[PREVIOUS] = self.labels[CURRENT]
        self.labels[label] = id
        if self.labels.get(PREVIOUS) == self.labels.get(CURRENT):
            self.labels.pop(PREVIOUS, None)

    @property
    def shown(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for label, id in sorted(self.labels.items()):
            found.setdefault(id, []).append(label)
        return found


class Secrets(Elsewhere):
    """All secrets."""

    region = "eu-west-2"

    def __init__(self, ask: Ask, troubles: Troubles) -> None:
        super().__init__(ask, troubles)
        self.secrets: dict[str, Secret] = {}

    def find(self, name: str, now: float) -> Secret | None:
        secret = self.secrets.get(name)
        if secret is not None and secret.goes is not None and secret.goes <= now:
            del self.secrets[name]
            return None
        return secret

    def _secret(self, call: Call, *, marked: bool = False) -> Secret | None:
        """The secret of a call that goes well. Others must have been refused; `marked`: not those that wait for their deletion."""
        secret = self.find(call.request["SecretId"], call.now)
        refused = [ABSENT] if secret is None else [MARKED] if secret.goes is not None and not marked else []
        return secret if ended(call, *refused) else None

    def create_secret(self, call: Call) -> None:
        secret = self.find(call.request["Name"], call.now)
        refused = [] if secret is None else ["ResourceExistsException"] if secret.goes is None else [MARKED]
        if ended(call, *refused):
            self._created(call)

    def _created(self, call: Call) -> None:
        secret = self.secrets[call.request["Name"]] = Secret(call.request["Name"])
        secret.write(call.request["ClientRequestToken"], call.request["SecretString"])

    def create_secret_unknown(self, call: Call) -> None:
        if call.request["ClientRequestToken"] in self._versions(call.request["Name"]):
            self._created(call)

    def _versions(self, name: str) -> dict[str, list[str]]:
        said = self.ask("secretsmanager", "DescribeSecret", SecretId=name)
        return {} if said.fault else said.result["VersionIdsToStages"]

    def put_secret_value(self, call: Call) -> None:
        if (secret := self._secret(call)) is not None:
            self._written(secret, call.request)

    def _written(self, secret: Secret, request: dict[str, Any]) -> None:
        for label in request.get("VersionStages", [CURRENT]):
            secret.write(request["ClientRequestToken"], request["SecretString"], label)

    def put_secret_value_unknown(self, call: Call) -> None:
        secret = self.find(call.request["SecretId"], call.now)
        if secret is not None and call.request["ClientRequestToken"] in self._versions(secret.name):
            self._written(secret, call.request)

    def update_secret_version_stage(self, call: Call) -> None:
        if (secret := self._secret(call)) is not None:
            secret.move(call.request["VersionStage"], call.request["MoveToVersionId"])

    def update_secret_version_stage_unknown(self, call: Call) -> None:
        secret, request = self.find(call.request["SecretId"], call.now), call.request
        if secret is not None and request["VersionStage"] in self._versions(secret.name).get(request["MoveToVersionId"], []):
            secret.move(request["VersionStage"], request["MoveToVersionId"])

    def delete_secret(self, call: Call) -> None:
        if (secret := self._secret(call)) is not None:
            secret.goes = call.now + call.request["RecoveryWindowInDays"] * DAY_SECONDS

    def delete_secret_unknown(self, call: Call) -> None:
        secret = self.find(call.request["SecretId"], call.now)
        if secret is not None and "DeletedDate" in self.said("secretsmanager", "DescribeSecret", SecretId=secret.name):
            secret.goes = secret.goes or call.now + call.request["RecoveryWindowInDays"] * DAY_SECONDS

    def restore_secret(self, call: Call) -> None:
        if (secret := self._secret(call, marked=True)) is not None:
            secret.goes = None

    def restore_secret_unknown(self, call: Call) -> None:
        secret = self.find(call.request["SecretId"], call.now)
        if secret is not None and "DeletedDate" not in self.said("secretsmanager", "DescribeSecret", SecretId=secret.name):
            secret.goes = None

    def get_secret_value(self, call: Call) -> None:
        if (secret := self._secret(call)) is not None:
            same(f"what {secret.name} says", call.result["SecretString"], secret.texts[secret.labels[CURRENT]])

    def audit(self) -> None:
        now = self.troubles.now()
        there = [secret for name in sorted(self.secrets) if (secret := self.find(name, now))]
        listed = self.said("secretsmanager", "ListSecrets", IncludePlannedDeletion=True)["SecretList"]
        same("secrets", sorted(one["Name"] for one in listed), [secret.name for secret in there])
        for secret in there:
            shown = {id: sorted(labels) for id, labels in self._versions(secret.name).items()}
            same(f"labels of {secret.name}", shown, secret.shown)
            for label, id in secret.labels.items() if secret.goes is None else ():
                said = self.said("secretsmanager", "GetSecretValue", SecretId=secret.name, VersionStage=label)
                same(f"what {secret.name} says by {label}", (said["SecretString"], said["VersionId"]), (secret.texts[id], id))
