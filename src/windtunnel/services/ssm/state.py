"""What all areas of Systems Manager remember together: settings, and the resource policies of whatever has some."""

from __future__ import annotations

import msgspec

from windtunnel.fabric import Table, Tx

POLICIES = Table("ssm.policies", str)
"""(ARN, policy id) -> document"""
DEFAULT_TIER = "/ssm/parameter-store/default-parameter-tier"
HIGH_THROUGHPUT = "/ssm/parameter-store/high-throughput-enabled"
CHOICES = {DEFAULT_TIER: ("Standard", "Advanced", "Intelligent-Tiering"), HIGH_THROUGHPUT: ("false", "true")}
"""What a setting may be; the first is what it is by itself."""


class Setting(msgspec.Struct, frozen=True):
    """A setting that was changed, or that never was."""

    value: str
    modified: float = 0.0
    user: str = ""


SETTINGS = Table("ssm.settings", Setting)
"""setting id -> Setting, of those that were changed"""


def setting_of(tx: Tx, setting_id: str) -> Setting:
    return tx.get(SETTINGS, setting_id) or Setting(CHOICES[setting_id][0])
