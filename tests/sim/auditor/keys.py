"""KMS: what a key has encrypted it decrypts, itself or for an object or a queue, until the key's deletion is due, and never after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.sim.auditor.base import Ask, Call, ended, holds, same
from tests.sim.auditor.elsewhere import Elsewhere, Places, Troubles

KEPT_MAX = 40
DAY_SECONDS = 86_400
BUCKET = "sealed-things"
REFUSALS = {"Disabled": "DisabledException", "PendingDeletion": "KMSInvalidStateException", "": "NotFoundException"}


@dataclass(eq=False, slots=True)
class Key:
    """One key. `state` is "Enabled", "Disabled" or "PendingDeletion"; it goes at `goes`."""

    id: str
    label: str
    state: str = "Enabled"
    goes: float = 0.0

    def now(self, now: float) -> str:
        return "" if self.state == "PendingDeletion" and self.goes <= now else self.state


class Keys(Elsewhere, Places):
    """All keys, those that have gone too, and what was encrypted with each."""

    region = "eu-west-3"

    def __init__(self, ask: Ask, troubles: Troubles) -> None:
        Elsewhere.__init__(self, ask, troubles)
        Places.__init__(self, ask)
        self.keys: dict[str, Key] = {}
        self.sealed: list[tuple[Key, bytes, bytes]] = []
        self.objects: dict[str, tuple[Key, bytes]] = {}

    def create_key(self, call: Call) -> None:
        if ended(call):
            self._created(call.result["KeyMetadata"]["KeyId"], call)

    def _created(self, id: str, call: Call) -> None:
        self.keys[id] = Key(id, call.request["Description"])

    def create_key_unknown(self, call: Call) -> None:
        for one in self.said("kms", "ListKeys")["Keys"]:
            if one["KeyId"] not in self.keys and self._told(one["KeyId"])["Description"] == call.request["Description"]:
                self._created(one["KeyId"], call)

    def _told(self, id: str) -> Any:
        return self.said("kms", "DescribeKey", KeyId=id)["KeyMetadata"]

    def _usable(self, call: Call) -> Key | None:
        """The key of a call that goes well; where it can't be used, the call must have said so."""
        key = self.keys[call.request["KeyId"]]
        state = key.now(call.now)
        return key if ended(call, *([] if state == "Enabled" else [REFUSALS[state]])) else None

    def encrypt(self, call: Call) -> None:
        if key := self._usable(call):
            self._keep(key, call.result["CiphertextBlob"], call.request["Plaintext"])

    def generate_data_key(self, call: Call) -> None:
        if key := self._usable(call):
            self._keep(key, call.result["CiphertextBlob"], call.result["Plaintext"])

    def rotate_key_on_demand(self, call: Call) -> None:
        if call.fault != "LimitExceededException":
            self._usable(call)

    def rotate_key_on_demand_unknown(self, call: Call) -> None:
        """Whatever was encrypted before is decrypted after."""

    def _keep(self, key: Key, sealed: bytes, plain: bytes) -> None:
        self.sealed = [*self.sealed, (key, sealed, plain)][-KEPT_MAX:]

    def _changed(self, call: Call, state: str, *before: str) -> None:
        key = self.keys[call.request["KeyId"]]
        now = key.now(call.now)
        if ended(call, *([] if now in before else [REFUSALS[now] if not now else "KMSInvalidStateException"])):
            key.state = state
            key.goes = call.now + call.request.get("PendingWindowInDays", 0) * DAY_SECONDS

    def enable_key(self, call: Call) -> None:
        self._changed(call, "Enabled", "Enabled", "Disabled")

    def disable_key(self, call: Call) -> None:
        self._changed(call, "Disabled", "Enabled", "Disabled")

    def schedule_key_deletion(self, call: Call) -> None:
        self._changed(call, "PendingDeletion", "Enabled", "Disabled")

    def cancel_key_deletion(self, call: Call) -> None:
        self._changed(call, "Disabled", "PendingDeletion")

    def _changed_unknown(self, call: Call) -> None:
        key = self.keys[call.request["KeyId"]]
        if not key.now(call.now):
            return
        told = self._told(key.id)
        if told["KeyState"] == "PendingDeletion" and key.state != "PendingDeletion":
            key.goes = call.now + call.request["PendingWindowInDays"] * DAY_SECONDS
        key.state = told["KeyState"]

    enable_key_unknown = disable_key_unknown = schedule_key_deletion_unknown = cancel_key_deletion_unknown = _changed_unknown

    def put_object(self, call: Call) -> None:
        key = self.keys[call.request["SSEKMSKeyId"]]
        if key.now(call.now) != "Enabled":
            holds(call.fault, f"{call}: its key is {key.now(call.now) or 'gone'}")
        elif ended(call):
            self.objects[call.request["Key"]] = key, call.request["Body"]

    def put_object_unknown(self, call: Call) -> None:
        said = self.ask("s3", "HeadObject", Bucket=BUCKET, Key=call.request["Key"])
        if not said.fault and said.result["SSEKMSKeyId"].endswith(call.request["SSEKMSKeyId"]):
            key = self.keys[call.request["SSEKMSKeyId"]]
            found = self.ask("s3", "GetObject", Bucket=BUCKET, Key=call.request["Key"])
            if key.now(call.now) == "Enabled" and found.result["Body"] == call.request["Body"]:
                self.objects[call.request["Key"]] = key, call.request["Body"]

    def audit(self) -> None:
        now = self.troubles.now()
        there = {id for id, key in self.keys.items() if key.now(now)}
        same("keys", {one["KeyId"] for one in self.said("kms", "ListKeys")["Keys"]}, there)
        for id in there:
            same(f"the state of key {id}", self._told(id)["KeyState"], self.keys[id].state)
        for key, sealed, plain in self.sealed:
            said, state = self.ask("kms", "Decrypt", CiphertextBlob=sealed), key.now(now)
            if state == "Enabled":
                same(f"what {key} decrypts ({said.fault})", said.result and said.result["Plaintext"], plain)
            else:
                # Who asks for a key by what it has encrypted doesn't learn whether there is one.
                same(f"why {key} decrypts nothing", said.fault, REFUSALS[state] if state else "AccessDeniedException")
        for name, (key, body) in self.objects.items():
            said = self.ask("s3", "GetObject", Bucket=BUCKET, Key=name)
            if key.now(now) == "Enabled":
                same(f"the object {name} of {key} ({said.fault})", said.result and said.result["Body"], body)
            else:
                holds(said.fault, f"the object {name} was read without its {key}")
