"""S3's Object Lock and lifecycle: a locked version stays until its time is over, and an object goes at its midnight, not before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.sim.auditor.base import Ask, Call, ended, holds, same
from tests.sim.auditor.elsewhere import Elsewhere, Places, Troubles

LOCKED, FADING = "locked-things", "fading-things"
DAY_SECONDS = 86_400
DAYS = {"1/": 1, "2/": 2}
"""After so many days objects below these prefixes go; all others stay."""
RULES = [{"ID": prefix, "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": days}} for prefix, days in DAYS.items()]


@dataclass(eq=False, slots=True)
class Held:
    """A version in the locked bucket."""

    key: str
    body: bytes = b""
    mode: str = ""
    until: float = 0.0
    hold: bool = False
    marker: bool = False

    def locked(self, now: float, *, bypass: bool = False) -> bool:
        return self.hold or (self.until > now and not (bypass and self.mode == "GOVERNANCE"))


class Locks(Elsewhere, Places):
    """Two buckets: one whose versions are locked, and one whose objects fade."""

    region = "eu-north-1"

    def __init__(self, ask: Ask, troubles: Troubles) -> None:
        Elsewhere.__init__(self, ask, troubles)
        Places.__init__(self, ask)
        self.versions: dict[str, Held] = {}
        self.fading: dict[str, tuple[bytes, float]] = {}

    def put_bucket_lifecycle_configuration(self, call: Call) -> None:
        if ended(call):
            self.made.add("rules")

    def put_bucket_lifecycle_configuration_unknown(self, call: Call) -> None:
        if not self.ask("s3", "GetBucketLifecycleConfiguration", Bucket=FADING).fault:
            self.made.add("rules")

    def put_object(self, call: Call) -> None:
        if ended(call):
            self._put(call, call.result.get("VersionId", ""))

    def _put(self, call: Call, id: str) -> None:
        request = call.request
        if request["Bucket"] == LOCKED:
            until = request.get("ObjectLockRetainUntilDate", 0.0)
            hold = request.get("ObjectLockLegalHoldStatus") == "ON"
            self.versions[id] = Held(request["Key"], request["Body"], request.get("ObjectLockMode", ""), until, hold)
        else:
            days = DAYS.get(request["Key"][:2])
            goes = float("inf") if days is None else (call.now // DAY_SECONDS + days + 1) * DAY_SECONDS
            self.fading[request["Key"]] = request["Body"], goes

    def put_object_unknown(self, call: Call) -> None:
        bucket, key = call.request["Bucket"], call.request["Key"]
        said = self.ask("s3", "GetObject", Bucket=bucket, Key=key)
        if not said.fault and said.result["Body"] == call.request["Body"]:
            self._put(call, said.result.get("VersionId", ""))

    def delete_object(self, call: Call) -> None:
        request, id = call.request, call.request.get("VersionId")
        if request["Bucket"] == FADING:
            ended(call)
            self.fading.pop(request["Key"], None)
        elif id is None:
            if ended(call):
                self.versions[call.result["VersionId"]] = Held(request["Key"], marker=True)
        elif id in self.versions and self.versions[id].locked(call.now, bypass=request.get("BypassGovernanceRetention", False)):
            ended(call, "AccessDenied")
        elif ended(call):
            self.versions.pop(id, None)

    def delete_object_unknown(self, call: Call) -> None:
        request, id = call.request, call.request.get("VersionId")
        if request["Bucket"] == FADING:
            if self.ask("s3", "HeadObject", Bucket=FADING, Key=request["Key"]).fault:
                self.fading.pop(request["Key"], None)
            return
        listed = self._listed()
        if id is None:
            self.versions |= {one: Held(key, marker=True) for one, (key, marker) in listed.items() if marker and one not in self.versions}
        elif id not in listed:
            held = self.versions.pop(id, None)
            locked = held is not None and held.locked(call.now, bypass=request.get("BypassGovernanceRetention", False))
            holds(not locked, f"{held} is gone, and was locked")

    def put_object_legal_hold(self, call: Call) -> None:
        held = self.versions[call.request["VersionId"]]
        if ended(call, *(["MethodNotAllowed"] if held.marker else [])):
            held.hold = call.request["LegalHold"]["Status"] == "ON"

    def put_object_legal_hold_unknown(self, call: Call) -> None:
        id = call.request["VersionId"]
        held = self.versions[id]
        said = self.ask("s3", "GetObjectLegalHold", Bucket=LOCKED, Key=held.key, VersionId=id)
        held.hold = not said.fault and said.result["LegalHold"]["Status"] == "ON"

    # ------------------------------------------------------------ the whole

    def audit(self) -> None:
        if LOCKED in self.made:
            same("locked versions", self._listed(), {id: (held.key, held.marker) for id, held in self.versions.items()})
            for id, held in self.versions.items():
                if not held.marker:
                    said = self.said("s3", "GetObject", Bucket=LOCKED, Key=held.key, VersionId=id)
                    same(f"a locked version of {held.key}", said["Body"], held.body)
        if FADING in self.made:
            now = self.troubles.now()
            listed = {one["Key"] for one in self.said("s3", "ListObjectsV2", Bucket=FADING).get("Contents", [])}
            gone = {key for key, (_, goes) in self.fading.items() if goes <= now}
            perhaps = {key for key in gone if self.troubles.within(self.fading[key][1], now)}
            same("objects whose time isn't over", listed - gone, self.fading.keys() - gone)
            same("objects whose time is over", listed & gone - perhaps, set())
            self.fading = {key: one for key, one in self.fading.items() if key in listed}

    def _listed(self) -> dict[str, tuple[str, bool]]:
        found: dict[str, tuple[str, bool]] = {}
        more: dict[str, Any] = {}
        while True:
            said = self.said("s3", "ListObjectVersions", Bucket=LOCKED, **more)
            for marker, rows in ((False, said.get("Versions", [])), (True, said.get("DeleteMarkers", []))):
                found |= {one["VersionId"]: (one["Key"], marker) for one in rows}
            if not said["IsTruncated"]:
                return found
            more = {"KeyMarker": said["NextKeyMarker"], "VersionIdMarker": said["NextVersionIdMarker"]}
