"""What IAM accepts as a policy document, and in which words it refuses the rest.

IAM looks at a document in passes, over all of it each time, and answers with the first pass that finds something. The grammar is
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html; the order of the passes is observed.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, cast

from windtunnel.aws.documents import parse_json
from windtunnel.aws.policy_conditions import is_date_operator, is_operator, parse_date, texts

Kind = Literal["identity", "trust", "resource"]
Document = dict[str, Any]

_SYNTAX = "Syntax errors in policy."
_LEGACY = "The policy failed legacy parsing"
_DOCUMENT_FIELDS = frozenset(("Version", "Id", "Statement"))
_STATEMENT_FIELDS = frozenset(("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal", "NotPrincipal"))
_PAIRS = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
_VERSIONS = ("2008-10-17", "2012-10-17")
_PARTITIONS = frozenset(("*", "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"))
_VENDOR = re.compile(r"[A-Za-z0-9*?.-]+")
_IAM_PATHS = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/", "sms-mfa/",
    "saml-provider/", "oidc-provider/", "report/", "access-report/",
)  # fmt: skip
_TRUST_ACTIONS = frozenset(
    (
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
        "sts:setcontext",
    )
)
_ARN_FIELDS = 6


def check_policy(text: str, kind: Kind = "identity") -> Document:
    """The document with a list of statements; ValueError has the message of IAM's `MalformedPolicyDocument`.

    `identity` is the strictest kind (managed and inline policies, boundaries, SCPs); `trust` is a role's trust policy; `resource`
    is checked for its form only, since each service has its own words there.
    """
    document = _parsed(text)
    statements = _statements(document)
    for statement in statements:
        _check_form(statement)
    if kind == "identity" and document.get("Version") != "2012-10-17":
        raise ValueError("Policy document must be version 2012-10-17 or greater.")
    if kind == "trust":
        _check_trust(statements)
    for statement in statements:
        _check_legacy(statement, trust=kind == "trust")
    if kind == "identity":
        _check_identity(statements)
    return {**document, "Statement": statements}


def _parsed(text: str) -> Document:
    try:
        document = parse_json(text)
    except json.JSONDecodeError as error:
        raise ValueError(_SYNTAX) from error
    if not isinstance(document, dict) or not document or not _DOCUMENT_FIELDS.issuperset(cast("Document", document)):
        raise ValueError(_SYNTAX)
    found = cast("Document", document)
    if not isinstance(found.get("Id", ""), str) or found.get("Version", _VERSIONS[0]) not in _VERSIONS:
        raise ValueError(_SYNTAX)
    return found


def _statements(document: Document) -> list[Document]:
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [cast("Document", statements)]
    if not isinstance(statements, list) or not statements:
        raise ValueError(_SYNTAX)
    found = cast("list[Any]", statements)
    if not all(isinstance(statement, dict) for statement in found):
        raise ValueError(_SYNTAX)
    return found


def _check_form(statement: Document) -> None:
    if not _STATEMENT_FIELDS.issuperset(statement) or any(a in statement and b in statement for a, b in _PAIRS):
        raise ValueError(_SYNTAX)
    effect = statement.get("Effect")
    if not isinstance(effect, str) or effect.lower() not in ("allow", "deny") or not isinstance(statement.get("Sid", ""), str):
        raise ValueError(_SYNTAX)
    for field in ("Action", "NotAction", "Resource", "NotResource"):
        if field in statement and not _is_text_or_texts(statement[field]):
            raise ValueError(_SYNTAX)
    if "Condition" in statement:
        _check_condition(statement["Condition"])
    for field in ("Principal", "NotPrincipal"):
        if field in statement and not _is_principal(statement[field]):
            raise ValueError(_SYNTAX)


def _is_text_or_texts(value: Any) -> bool:
    """IAM overlooks null in a list, which templates produce."""
    if isinstance(value, list):
        return all(each is None or isinstance(each, str) for each in cast("list[Any]", value))
    return isinstance(value, str)


def _is_principal(value: Any) -> bool:
    if value == "*":
        return True
    kinds = ("AWS", "Service", "Federated", "CanonicalUser")
    return isinstance(value, dict) and all(k in kinds and _is_text_or_texts(v) for k, v in cast("Document", value).items())


def _check_condition(block: Any) -> None:
    if not isinstance(block, dict):
        raise ValueError(_SYNTAX)
    for operator, keys in cast("Document", block).items():
        if not isinstance(keys, dict) or (keys and not is_operator(operator)):
            raise ValueError(_SYNTAX)
        for value in cast("Document", keys).values():
            for each in cast("list[Any]", value if isinstance(value, list) else [value]):
                if not isinstance(each, str | int | float | bool):
                    raise ValueError(_SYNTAX)


def _check_legacy(statement: Document, *, trust: bool) -> None:
    """An older parser also reads each document; it refuses without saying why. In a trust policy it overlooks the case of an effect."""
    if statement["Effect"] not in ("Allow", "Deny") and not trust:
        raise ValueError(_LEGACY)
    for operator, keys in statement.get("Condition", {}).items():
        if is_date_operator(operator) and any(parse_date(t) is None and "${" not in t for v in keys.values() for t in texts(v)):
            raise ValueError(_LEGACY)
    for resource in _listed(statement, "Resource", "NotResource"):
        fields = resource.split(":")
        if resource.startswith("arn:aws:") and (not fields[2] or (3 < len(fields) < _ARN_FIELDS and not fields[3])):
            raise ValueError(_LEGACY)


def _check_identity(statements: list[Document]) -> None:
    ids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(ids)) != len(ids):
        raise ValueError("Statement IDs (SID) in a single policy must be unique.")
    for statement in statements:
        if "Principal" in statement or "NotPrincipal" in statement:
            raise ValueError("Policy document should not specify a principal.")
    for statement in statements:
        if not any(True for _ in _listed(statement, "Action", "NotAction")):
            raise ValueError("Policy statement must contain actions.")
    for statement in statements:
        for resource in _listed(statement, "Resource", "NotResource"):
            _check_resource(resource)
    for statement in statements:
        for action in _listed(statement, "Action", "NotAction"):
            _check_action(action)
    for statement in statements:
        if not any(True for _ in _listed(statement, "Resource", "NotResource")):
            raise ValueError("Policy statement must contain resources.")


def _check_trust(statements: list[Document]) -> None:
    for statement in statements:
        for field in ("Resource", "NotResource"):
            if field in statement:
                raise ValueError(f"Has prohibited field {field}")
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise ValueError("Missing required field Principal")
        for action in _listed(statement, "Action", "NotAction"):
            if action != "*" and "*" not in action and action.lower() not in _TRUST_ACTIONS:
                raise ValueError("AssumeRole policy may only specify STS AssumeRole actions.")
    if any("Action" not in statement and "NotAction" not in statement for statement in statements):
        raise ValueError("Policy statement must contain actions.")


def _check_action(action: str) -> None:
    if action == "*":
        return
    vendor, colon, rest = action.partition(":")
    if not colon:
        raise ValueError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if ":" in rest:
        raise ValueError("Actions/Condition can contain only one colon.")
    if _VENDOR.fullmatch(vendor) is None:
        raise ValueError(f"Vendor {vendor} is not valid")


def _check_resource(resource: str) -> None:
    if resource == "*":
        return
    if ":" not in resource:
        raise ValueError(f'Resource {resource} must be in ARN format or "*".')
    fields = resource.split(":")
    fields[0] = "arn"
    fields.extend("*" * (_ARN_FIELDS - len(fields)))
    _, partition, service, region, account, path = fields[:_ARN_FIELDS]
    if partition not in _PARTITIONS:
        raise ValueError(f'Partition "{partition}" is not valid for resource "{":".join(fields)}".')
    if "*" in service or "?" in service:
        raise ValueError("Resource vendor must be fully qualified and cannot contain regexes.")
    if service == "iam":
        if region not in ("", "*"):
            raise ValueError(f"IAM resource {resource} cannot contain region information.")
        if path not in ("*", "root") and not path.startswith(_IAM_PATHS):
            raise ValueError(f'IAM resource path must either be "*" or start with {", ".join(_IAM_PATHS)}.')
    elif service == "s3" and region not in ("", "*") and not account:  # access points have both
        raise ValueError(f"Resource {resource} can not contain region information.")


def _listed(statement: Document, *fields: str) -> Iterator[str]:
    for field in fields:
        if field in statement:
            yield from texts(statement[field])
