"""The availability zones that regions have, as new accounts see them: what `Fn::GetAZs` gives.

https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
"""

from __future__ import annotations

LETTERS = {
    "us-east-1": "abcdef",
    "us-west-1": "ab",
    "us-west-2": "abcd",
    "ap-northeast-1": "acd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abd",
}


def zones_of(region: str) -> list[str]:
    """The names of a region's zones."""
    return [region + letter for letter in LETTERS.get(region, "abc")]
