"""The auditor as a whole: a model for each service, who hears of which call and event, and a look at everything now and then."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import inf
from typing import Any, NamedTuple

from tests.sim.auditor.base import Call, Wrong, same
from tests.sim.auditor.dynamodb import StreamReads, Tables
from tests.sim.auditor.elsewhere import Elsewhere, Troubles
from tests.sim.auditor.events import Rules
from tests.sim.auditor.executions import Executions
from tests.sim.auditor.hoses import Hoses
from tests.sim.auditor.iam import Identities
from tests.sim.auditor.keys import Keys
from tests.sim.auditor.kinesis import Streams
from tests.sim.auditor.lambda_ import Functions
from tests.sim.auditor.locks import Locks
from tests.sim.auditor.logs import Groups
from tests.sim.auditor.records import Records
from tests.sim.auditor.s3 import Buckets
from tests.sim.auditor.schedules import Schedules
from tests.sim.auditor.secrets import Secrets
from tests.sim.auditor.sns import Topics
from tests.sim.auditor.sqs import Queues
from tests.sim.auditor.stacks import Stacks
from tests.sim.world.events import Began, Ended, Played, Posted
from tests.sim.world.world import ACCOUNT, ELSEWHERE, REGION, World
from windtunnel.fabric.meter import HOUR_SECONDS, USAGE
from windtunnel.fabric.trail import TRAIL
from windtunnel.fabric.tx import HELD, Tx

REFUSALS = ("ServiceUnavailable", "InternalError", "StoreFull")
"""What a region whose disk is full answers to what it can't write."""


DRAIN_SECONDS = 3_600
LOOSE_SECONDS = 2


class Auditor:
    """`troubles` counts what excuses a delivery that is made twice: crashes, restarts and full disks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.queues = Queues(self._ask)
        self.troubles = 0
        self.full = Troubles(lambda: world.now)
        self.buckets = Buckets(self._ask, self.queues)
        self.functions = Functions(self._ask, self.queues, lambda: self.troubles, lambda: world.boots)
        self.queues.polled = self.functions.sent
        self.topics = Topics(self._ask, self.queues, self.functions.accepted, lambda: self.troubles)
        self.groups = Groups(self._ask)
        self.identities = Identities(self._ask)
        self.tables = Tables(self._ask, lambda: self.queues.inexact)
        self.streams = Streams(self._ask)
        self.rules = Rules(self._ask, self.queues)
        self.stacks = Stacks(world.asks(Stacks.region), self.full)
        self.schedules = Schedules(world.asks(Schedules.region), self.full)
        self.secrets = Secrets(world.asks(Secrets.region), self.full)
        self.keys = Keys(world.asks(Keys.region), self.full)
        self.hoses = Hoses(world.asks(Hoses.region), self.full)
        self.locks = Locks(world.asks(Locks.region), self.full)
        self.executions = Executions(world.asks(Executions.region), self.full, world.lasting)
        self._elsewhere: tuple[Elsewhere, ...] = (
            self.stacks,
            self.schedules,
            self.secrets,
            self.keys,
            self.hoses,
            self.locks,
            self.executions,
        )
        self.records = Records()
        self._written = Written(model.region for model in self._elsewhere)
        self._loose: dict[str, float] = {}
        """Since when bytes that no row names have lain there, by the machine's time."""
        self._boots = world.boots
        self._troubles_recorded = 0
        self._models: dict[str, Any] = {
            "sqs": self.queues,
            "s3": self.buckets,
            "sns": self.topics,
            "lambda": self.functions,
            "logs": self.groups,
            "iam": self.identities,
            "dynamodb": self.tables,
            "dynamodbstreams": StreamReads(),
            "kinesis": self.streams,
            "events": self.rules,
            "sts": self.identities,
            **{model.region: model for model in self._elsewhere},
        }

    def _ask(self, service: str, operation: str, **request: Any) -> Any:
        return self._world.call(service, operation, **request)

    def judge(self, call: Call) -> None:
        """A call has been answered."""
        if call.fault in REFUSALS and self._world.disk.full:
            return
        if call.fault in ("InternalFailure", *REFUSALS):
            raise Wrong(f"{call}: {call.message}")
        getattr(self._model(call), snake(call.operation))(call)

    def _model(self, call: Call) -> Any:
        return self._models[call.service if call.region == REGION else call.region]

    def can_wonder(self, model: str, operation: str) -> bool:
        return hasattr(self._models[model], f"{snake(operation)}_unknown") or operation.startswith(("Get", "List", "Describe", "Head"))

    def wonder(self, call: Call) -> None:
        """Nobody knows whether a call was carried out."""
        settle = getattr(self._model(call), f"{snake(call.operation)}_unknown", None)
        if settle is not None:
            settle(call)

    def foresee(self, events: Iterable[Any]) -> None:
        """What happened before calls were answered that depend on it."""
        self.functions.outcomes.update({event.request: event.outcome for event in events if isinstance(event, Ended)})

    def happened(self, event: Any, now: float, *, dying: bool = False) -> None:
        """A subscriber was notified, or a function ran. `dying`: the process ended before what followed from it was certain."""
        if isinstance(event, Posted):
            self.topics.posted(event, now, dying=dying)
        elif isinstance(event, Began):
            self.functions.began(event, now)
        elif isinstance(event, Ended):
            self.functions.ended(event, now, dying=dying)
        elif isinstance(event, Played):
            self.executions.played(event)

    def passed(self, now: float) -> None:
        """Time may have passed."""
        self.queues.passed()
        self.topics.passed(now)
        self.functions.passed(now)
        self.tables.passed(now)
        self.executions.passed()

    def crashed(self, now: float) -> None:
        self.troubles += 2
        self.queues.inexact = now + 10
        self.executions.crashed()

    def restarted(self, now: float) -> None:
        self.troubles += 1

    def troubled(self, now: float) -> None:
        """What had to be written could not be for a while."""
        self.troubles += 1
        self.queues.inexact = now + 10
        if now == inf:
            self.full.fills()
        else:
            self.full.clears()

    def drain(self) -> None:
        """Lets everything go well, and time pass until all that is to happen has happened."""
        self._world.functions.healed = True
        for name in self.functions.functions:
            self.look("lambda", "DeleteFunctionConcurrency", {"FunctionName": name})
        self.executions.release()
        for _ in range(4):
            self._world.jump(DRAIN_SECONDS)

    def drained(self) -> None:
        """Everything has happened by now."""
        self.topics.drained()
        self.functions.drained(self._world.now)
        self.executions.drained()

    def audit(self) -> None:
        """Compares all that the region shows with what it should."""
        for name in sorted(self.queues.queues):
            url = f"http://localhost:4566/000000000000/{name}"
            for operation, request in (
                ("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]}),
                ("ListQueueTags", {"QueueUrl": url}),
            ):
                self.look("sqs", operation, request)
        self.look("sqs", "ListQueues", {})
        self._audit_buckets()
        self._audit_bytes()
        self.look("sns", "ListTopics", {})
        for arn in sorted(self.topics.topics):
            self.look("sns", "ListSubscriptionsByTopic", {"TopicArn": arn})
            self.look("sns", "ListTagsForResource", {"ResourceArn": arn})
        self.look("lambda", "ListFunctions", {})
        for name in sorted(self.functions.functions):
            self.look("lambda", "GetFunction", {"FunctionName": name})

    def _audit_buckets(self) -> None:
        for name, bucket in sorted(self.buckets.buckets.items()):
            self.look("s3", "ListObjectVersions", {"Bucket": name})
            self.look("s3", "ListObjectsV2", {"Bucket": name})
            self.look("s3", "GetBucketTagging", {"Bucket": name})
            for key in sorted(bucket.keys):
                self.look("s3", "GetObject", {"Bucket": name, "Key": key})
                self.look("s3", "GetObjectTagging", {"Bucket": name, "Key": key})
        for id, upload in self.buckets.uploads.items():
            self.look("s3", "ListParts", {"Bucket": upload.bucket, "Key": upload.key, "UploadId": id})
        self.look("s3", "ListBuckets", {})

    def _audit_bytes(self) -> None:
        """Every row has its bytes, and no bytes are without a row."""
        named = {str(key[0]) for key in self._world.rows(lambda tx: [key for key, _ in tx.scan(HELD)])}
        there = {path.name for path in (self._world.blobs.root / "objects").glob("*/*")}
        same("bytes that a row names, and are not there", named - there, set())
        same("bytes that no row names", self._left_over(there - named), set())

        self._audit_others()
        if not self.full.last:
            for model in self._elsewhere:
                model.audit()
        self._audit_records()

    def _left_over(self, loose: set[str]) -> set[str]:
        """Bytes without a row that should be gone. Where several processes serve a region they may stay for a moment after their row,
        as another may be about to read them, and those that a process left as it died for a day, until they are swept."""
        if not self._world.shared:
            return loose
        now, died = self._world.machine.time(), self._world.boots > self._boots
        self._boots = self._world.boots
        self._loose = {name: self._loose.get(name, inf if died else now) for name in loose}
        return {name for name, since in self._loose.items() if now > since + LOOSE_SECONDS}

    def _audit_others(self) -> None:
        self.look("logs", "DescribeLogGroups", {"logGroupNamePrefix": "g"})
        for name in sorted(self.groups.groups):
            self.look("logs", "FilterLogEvents", {"logGroupName": name})
            self.look("logs", "ListTagsLogGroup", {"logGroupName": name})
        for name in sorted(self.tables.tables):
            self.look("dynamodb", "DescribeTable", {"TableName": name})
            self.look("dynamodb", "Scan", {"TableName": name})
            self.tables.streamed(name, self._world.now, self.look)
        self.look("kinesis", "ListStreams", {})
        for name in sorted(self.streams.streams):
            self.streams.read(name, self._world.now, self.look)
        self.look("events", "ListRules", {})
        for name in sorted(self.rules.rules):
            self.look("events", "ListTargetsByRule", {"Rule": name})
        for operation in ("ListUsers", "ListRoles"):
            self.look("iam", operation, {})
        for name in sorted(self.identities.users):
            for operation in ("GetUser", "ListUserPolicies", "ListAccessKeys", "ListGroupsForUser", "ListAttachedUserPolicies"):
                self.look("iam", operation, {"UserName": name})
        for session in list(self.identities.sessions):
            said = self._world.identify("sqs", Signed(session.access_key, session.token))
            self.identities.signed(session, said, self._world.now)

    def _audit_records(self) -> None:
        (usage, trail), calls = self._world.recorded(self._written.read)
        self.records.made(calls)
        self.records.compare(usage, trail, lost=self.troubles > self._troubles_recorded)
        self._troubles_recorded = self.troubles

    def look(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        """Asks the region, and judges what it says."""
        answer = self._world.call(service, operation, **request)
        self.judge(Call(service, operation, request, REGION, "audit", self._world.now, answer.result, answer.fault, answer.message))
        return answer.result


class Signed(NamedTuple):
    """A proof that holds, whatever the secret."""

    access_key: str
    token: str

    def verify(self, secret: str | None) -> None:
        """The signature is not what is looked at here."""


class Written:
    """What the region wrote down of calls, read on from where it was read last."""

    def __init__(self, regions: Iterable[str]) -> None:
        self._regions = list(regions)
        self._hour: float = 0
        self._before: Counter[tuple[str, str]] = Counter()
        self._after: dict[str, tuple[Any, ...]] = {}
        self._trail: Counter[tuple[str, str]] = Counter()

    def read(self, tx: Tx) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
        """(usage, trail) by service and operation."""
        latest: Counter[tuple[str, str]] = Counter()
        this_hour = tx.now // HOUR_SECONDS * HOUR_SECONDS
        for key, amount in tx.scan(USAGE, start=(int(self._hour),)):
            service, kind, operation = str(key[3]), key[4], str(key[5])
            if kind == "Requests" and operation[:1].isupper():
                (latest if float(key[0] or 0) >= this_hour else self._before)[service, operation] += int(amount)
        self._hour = this_hour
        for account, region in ((ACCOUNT, REGION), *((ELSEWHERE, region) for region in (REGION, *self._regions))):
            after = self._after.get(region + account, ())
            for key, row in tx.at(account=account, region=region).scan(TRAIL, start=after):
                if key != after:
                    self._trail[row.service, row.operation] += 1
                    self._after[region + account] = key
        return self._before + latest, self._trail


def snake(operation: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()
