"""The texts of policies, as ECR takes and keeps them."""

from __future__ import annotations

import json

from windtunnel.aws.policy_check import check_policy
from windtunnel.fabric import Fault


def checked(text: str) -> str:
    """A policy's text as ECR keeps it: laid out anew. Raises InvalidParameterException."""
    try:
        return json.dumps(check_policy(text, "resource"), indent=2, separators=(",", " : "))
    except ValueError as error:
        why = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
        raise Fault("InvalidParameterException", why) from error
