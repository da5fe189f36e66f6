"""CORS of function URLs: browsers are answered by the URL's configuration, not by the function.

https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Answer, Visit

Headers = list[tuple[str, str]]


def preflight(cors: Mapping[str, Any], visit: Visit) -> Answer | None:
    """The answer to a browser that asks whether it may; None to all other requests."""
    if visit.method != "OPTIONS" or "access-control-request-method" not in visit.headers:
        return None
    headers = allowed(cors, visit)
    if headers:
        for header, member in (("Access-Control-Allow-Methods", "AllowMethods"), ("Access-Control-Allow-Headers", "AllowHeaders")):
            if cors.get(member):
                headers.append((header, ",".join(cors[member])))
        if cors.get("MaxAge"):
            headers.append(("Access-Control-Max-Age", str(cors["MaxAge"])))
    return Answer(200, headers, b"")


def allowed(cors: Mapping[str, Any], visit: Visit) -> Headers:
    """What a response says to the page it came from; nothing to pages that may not read it."""
    origin = visit.headers.get("origin")
    origins: list[str] = cors.get("AllowOrigins") or []
    if origin is None or not (origin in origins or "*" in origins):
        return []
    headers = [("Access-Control-Allow-Origin", "*" if "*" in origins else origin), ("Vary", "Origin")]
    if cors.get("AllowCredentials"):
        headers.append(("Access-Control-Allow-Credentials", "true"))
    if cors.get("ExposeHeaders"):
        headers.append(("Access-Control-Expose-Headers", ",".join(cors["ExposeHeaders"])))
    return headers
