"""Usage: one number per hour, account, region, service, usage type and resource, from which the bill is made."""

from windtunnel.kernel.store import Table

HOUR_SECONDS = 3_600
USAGE = Table("fabric.usage", float, scope="global")
"""(hour, account, region, service, usage type, resource) -> amount; `hour` in seconds since 1970."""
USAGE_KEYS = USAGE.prefix("", "")
"""What its rows' keys begin with."""


def hour(now: float) -> int:
    """The beginning of the hour, seconds since 1970."""
    return int(now) // HOUR_SECONDS * HOUR_SECONDS
