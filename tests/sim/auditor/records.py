"""What the region writes down of the calls that it gets: usage is the number of calls, and the trail has each management call once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tests.sim.auditor.base import holds, same

TRAILED = {
    ("sqs", "CreateQueue"), ("sqs", "DeleteQueue"), ("sns", "CreateTopic"), ("sns", "Subscribe"), ("s3", "CreateBucket"),
    ("s3", "DeleteBucket"), ("lambda", "CreateFunction"), ("iam", "CreateUser"), ("sts", "AssumeRole"), ("logs", "CreateLogGroup"),
    ("dynamodb", "CreateTable"), ("kinesis", "CreateStream"), ("events", "PutRule"),
}  # fmt: skip
NOT_TRAILED = {
    ("sqs", "SendMessage"), ("sqs", "ReceiveMessage"), ("sns", "Publish"), ("s3", "GetObject"), ("s3", "PutObject"), ("lambda", "Invoke"),
    ("logs", "PutLogEvents"), ("dynamodb", "PutItem"), ("kinesis", "PutRecord"),
}  # fmt: skip
"""https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html"""


class Records:
    """Counts calls, and compares. `lost` says that calls may have been made whose records died with the process."""

    def __init__(self) -> None:
        self._made: Counter[tuple[str, str]] = Counter()
        self._at_least: Counter[tuple[str, str]] = Counter()

    def made(self, calls: Iterable[tuple[str, str]]) -> None:
        """Calls that the region saw, whoever made them."""
        self._made.update(calls)

    def compare(self, usage: Counter[tuple[str, str]], trail: Counter[tuple[str, str]], *, lost: bool) -> None:
        """Where nothing was lost the numbers are equal. From here on they are counted anew from what is written."""
        for call in sorted({*self._made, *usage}):
            made, used = self._made[call], usage[call]
            if lost:
                holds(
                    self._at_least[call] <= used <= made, f"usage of {call} is {used}, between {self._at_least[call]} and {made} were made"
                )
            else:
                same(f"usage of {call}", used, made)
            seen = trail[call]
            holds(seen in (0, used) or lost, f"the trail has {call} {seen} times, {used} were made")
            holds(call not in NOT_TRAILED or not seen, f"the trail has {call}, which is a data event")
            holds(call not in TRAILED or seen == used or lost, f"the trail has {call} {seen} times of {used}")
        self._made = usage.copy()
        self._at_least = Counter(self._made)
