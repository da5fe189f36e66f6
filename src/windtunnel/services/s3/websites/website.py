"""What a website configuration has to keep to, and where its rules lead.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.rules import nested, several
from windtunnel.services.s3.state import BUCKETS, DOCUMENTS

RULES_MAX = 50
_REDIRECTION, _ERROR = re.compile(r"3(?!00)\d\d"), re.compile(r"[45]\d\d")
NO_WEBSITE = "The specified bucket does not have a website configuration"


def website_of(tx: Tx, name: str) -> tuple[str, dict[str, Any]]:
    """A bucket's region and its website configuration."""
    bucket = tx.get(BUCKETS, name)
    if bucket is None:
        raise Fault("NoSuchBucket", "The specified bucket does not exist", BucketName=name)
    kept = tx.get(DOCUMENTS, name, "website")
    if kept is None:
        raise Fault("NoSuchWebsiteConfiguration", NO_WEBSITE, BucketName=name)
    return bucket.region, kept


def redirected(website: Mapping[str, Any], key: str, status: int | None) -> tuple[dict[str, Any], str] | None:
    """The redirection of the first routing rule for a key, and the key it leads to.

    `status` is the error that reading the key ended with; None: it was not read yet, and rules that wait for an error don't count.
    """
    for rule in several(website, "RoutingRules"):
        condition, redirect = nested(rule, "Condition"), nested(rule, "Redirect")
        prefix, error = condition.get("KeyPrefixEquals") or "", condition.get("HttpErrorCodeReturnedEquals")
        if not key.startswith(prefix) or error != (None if status is None else str(status)):
            continue
        if redirect.get("ReplaceKeyWith") is not None:
            return redirect, redirect["ReplaceKeyWith"]
        replaced = redirect.get("ReplaceKeyPrefixWith")
        return redirect, key if replaced is None else replaced + key[len(prefix) :]
    return None


def check_website(wanted: Mapping[str, Any]) -> None:
    """Refuse a configuration that S3 would."""
    everything, index = wanted.get("RedirectAllRequestsTo"), wanted.get("IndexDocument")
    if everything is not None:
        if any(wanted.get(name) is not None for name in ("IndexDocument", "ErrorDocument", "RoutingRules")):
            raise _argument(
                "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.", "RedirectAllRequestsTo", "not null"
            )
        _check_protocol(everything)
    elif index is None:
        message = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise _argument(message, "IndexDocument", "null")
    elif not index.get("Suffix") or "/" in index["Suffix"]:
        raise _argument("The IndexDocument Suffix is not well formed", "IndexDocument", index.get("Suffix") or "")
    rules = several(wanted, "RoutingRules")
    if wanted.get("RoutingRules") is not None and not rules:
        raise Fault("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
    if len(rules) > RULES_MAX:
        message = f"{len(rules)} routing rules provided, the number of routing rules in a website configuration is limited to {RULES_MAX}."
        raise Fault("InvalidRequest", message)
    for rule in rules:
        redirect, condition = nested(rule, "Redirect"), rule.get("Condition")
        _check_protocol(redirect)
        if redirect.get("ReplaceKeyPrefixWith") is not None and redirect.get("ReplaceKeyWith") is not None:
            raise Fault("InvalidRequest", "You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
        if condition is not None and not any(condition.values()):
            message = "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present."
            raise Fault("InvalidRequest", message)
        code, error = redirect.get("HttpRedirectCode"), nested(rule, "Condition").get("HttpErrorCodeReturnedEquals")
        if code is not None and not _REDIRECTION.fullmatch(code):
            message = f"The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300."
            raise Fault("InvalidRequest", message)
        if error is not None and not _ERROR.fullmatch(error):
            raise Fault("InvalidRequest", f"The provided HTTP error code ({error}) is not valid. Valid codes are 4XX or 5XX.")


def _check_protocol(redirect: Mapping[str, Any]) -> None:
    if redirect.get("Protocol") not in (None, "http", "https"):
        message = "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically."
        raise Fault("InvalidRequest", message)


def _argument(message: str, name: str, value: str) -> Fault:
    return Fault("InvalidArgument", message, ArgumentName=name, ArgumentValue=value)
