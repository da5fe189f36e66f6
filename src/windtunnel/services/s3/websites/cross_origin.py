"""What a bucket's CORS configuration lets pages of other origins do.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.rules import several
from windtunnel.services.s3.state import BUCKETS, DOCUMENTS

ORIGIN, METHOD, HEADERS = "origin", "access-control-request-method", "access-control-request-headers"
_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
_NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method /"
    " Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)


def preflight(tx: Tx, bucket: str, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The answer to a browser's question; raises what S3 says where the answer is no."""
    if ORIGIN not in headers:
        raise Fault("BadRequest", "Insufficient information. Origin request header needed.", status=400)
    method = headers.get(METHOD, "OPTIONS")
    if tx.get(BUCKETS, bucket) is None:
        raise _forbidden("CORSResponse: Bucket not found", method, "BUCKET")
    kept = tx.get(DOCUMENTS, bucket, "cors")
    if kept is None:
        raise _forbidden("CORSResponse: CORS is not enabled for this bucket.", method, "BUCKET")
    if METHOD not in headers:
        raise Fault("BadRequest", "Invalid Access-Control-Request-Method: null", status=400)
    shown = _shown(several(kept, "CORSRules"), headers[ORIGIN], method, _asked(headers))
    if shown is None:
        raise _forbidden(_NOT_ALLOWED, method, "OBJECT")
    return shown


def granted(tx: Tx, bucket: str, method: str, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers that let the page which sent a request read its answer; none where it may not."""
    kept = tx.get(DOCUMENTS, bucket, "cors")
    if kept is None:
        return []
    return _shown(several(kept, "CORSRules"), headers[ORIGIN], headers.get(METHOD, method), _asked(headers)) or []


def _forbidden(message: str, method: str, kind: str) -> Fault:
    return Fault("AccessForbidden", message, status=403, Method=method, ResourceType=kind)


def _asked(headers: Mapping[str, str]) -> list[str]:
    return [name.strip().lower() for name in headers.get(HEADERS, "").split(",") if name.strip()]


def _shown(rules: Sequence[Mapping[str, Any]], origin: str, method: str, asked: list[str]) -> list[tuple[str, str]] | None:
    """What the first rule that fits says."""
    for rule in rules:
        allowed = next((pattern for pattern in rule["AllowedOrigins"] if _fits(pattern, origin)), None)
        patterns = [pattern.lower() for pattern in rule.get("AllowedHeaders") or ()]
        if allowed is None or method not in rule["AllowedMethods"]:
            continue
        if not all(any(_fits(pattern, name) for pattern in patterns) for name in asked):
            continue
        shown = [("Access-Control-Allow-Origin", "*" if allowed == "*" else origin)]
        shown.append(("Access-Control-Allow-Methods", ", ".join(rule["AllowedMethods"])))
        if asked:
            shown.append(("Access-Control-Allow-Headers", ", ".join(asked)))
        if rule.get("ExposeHeaders"):
            shown.append(("Access-Control-Expose-Headers", ", ".join(rule["ExposeHeaders"])))
        if rule.get("MaxAgeSeconds") is not None:
            shown.append(("Access-Control-Max-Age", str(rule["MaxAgeSeconds"])))
        if allowed != "*":
            shown.append(("Access-Control-Allow-Credentials", "true"))
        return [*shown, ("Vary", _VARY)]
    return None


@lru_cache(256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))))


def _fits(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None
