"""The serverless transform (SAM)."""

from __future__ import annotations

from typing import Any

from windtunnel.services.cloudformation.template.context import Context
from windtunnel.services.cloudformation.template.parsing import invalid


def serverless(tree: dict[str, Any], context: Context) -> dict[str, Any]:
    raise invalid("windtunnel does not implement the transform AWS::Serverless-2016-10-31.")
