"""What the stories of KMS share: keys by their specs, and policies."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.here import ACCOUNT, REGION, Here

OTHER = "111122223333"
DAY = 86_400.0
CONTEXT = {"department": "finance"}


def made(here: Here, **request: Any) -> str:
    """The id of a new key."""
    return here.kms.create_key(**request)["KeyMetadata"]["KeyId"]


def arn(key_id: str, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:kms:{region}:{account}:key/{key_id}"


def root(account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:root"


def policy(*statements: dict[str, Any]) -> str:
    """A key policy that leaves all to the key's account, and says some more."""
    own = {"Effect": "Allow", "Principal": {"AWS": root()}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [own, *({"Effect": "Allow", "Resource": "*", **each} for each in statements)]})


def state(here: Here, key_id: str) -> str:
    return here.kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"]
