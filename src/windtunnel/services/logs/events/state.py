"""Who watches events as they come in, and what they have not been shown yet."""

from __future__ import annotations

from windtunnel.fabric import Table

TAILS = Table("logs.tails", float)
"""(group, live session) -> when the session ends at the latest"""
TAIL_SESSIONS = Table("logs.tail_sessions", float, counters={"all": lambda key, until: ()})
"""live session -> when it ends at the latest"""
TAILED = Table("logs.tailed", tuple[int, int])
"""(live session, serial) -> (group, time of the first event) of a chunk that the session did not take yet"""
