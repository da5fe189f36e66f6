"""Policies are refused in IAM's words and decide by AWS's evaluation logic."""

import json
from typing import Any

import pytest

from windtunnel.aws.policy import Context, Decision, Policies, Policy, Principal, check_policy, compile_policy, evaluate

BUCKET = "arn:aws:s3:::example_bucket"
LIST: dict[str, Any] = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET}
SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
VERSION = "Policy document must be version 2012-10-17 or greater."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
IAM_PATH = (
    'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, '
    "server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/."
)


def _without(field: str, **more: Any) -> dict[str, Any]:
    return {key: value for key, value in {**LIST, **more}.items() if key != field}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"Statement": LIST}, VERSION),
        ({"Version": "2008-10-17", "Statement": LIST}, VERSION),
        ({"Version": "2013-10-17", "Statement": LIST}, SYNTAX),
        ({"Version": "2012-10-17"}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": []}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": ["text"]}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": LIST, "Extra": 1}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": LIST, "Id": ["x"]}, SYNTAX),
        ({"Statement": {**LIST, "Effect": "denY"}}, VERSION),
    ],
)
def test_a_bad_document_is_refused_in_iams_words(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"polic|Polic") as refusal:
        check_policy(json.dumps(document))
    assert str(refusal.value) == message


def test_a_text_that_is_not_json_has_syntax_errors() -> None:
    with pytest.raises(ValueError, match=SYNTAX):
        check_policy("This is no JSON")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({**LIST, "Extra": 1}, SYNTAX),
        ({**LIST, "Effect": "maybe"}, SYNTAX),
        ({**LIST, "Effect": "denY"}, LEGACY),
        (_without("Effect"), SYNTAX),
        ({**LIST, "Sid": {}}, SYNTAX),
        ({**LIST, "Action": "invalid"}, VENDOR),
        (_without("Action", NotAction=""), VENDOR),
        ({**LIST, "Action": "a a:ListBucket"}, "Vendor a a is not valid"),
        ({**LIST, "Action": "s3:List:Bucket"}, "Actions/Condition can contain only one colon."),
        ({**LIST, "Action": {}}, SYNTAX),
        ({**LIST, "Action": [[]]}, SYNTAX),
        ({**LIST, "Action": []}, "Policy statement must contain actions."),
        ({**LIST, "NotAction": []}, SYNTAX),
        (_without("Action"), "Policy statement must contain actions."),
        (_without("Resource"), "Policy statement must contain resources."),
        ({**LIST, "Resource": []}, "Policy statement must contain resources."),
        (_without("Resource", Action="invalid"), VENDOR),
        ({**LIST, "Resource": "invalid resource"}, 'Resource invalid resource must be in ARN format or "*".'),
        ({**LIST, "Resource": ""}, 'Resource  must be in ARN format or "*".'),
        ({**LIST, "Action": "s:3:List", "Resource": "text"}, 'Resource text must be in ARN format or "*".'),
        ({**LIST, "Resource": "a:bs"}, 'Partition "bs" is not valid for resource "arn:bs:*:*:*:*".'),
        ({**LIST, "Resource": "a:b:c:d:e:f:g:h"}, 'Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".'),
        ({**LIST, "Resource": "arn:aws"}, "Resource vendor must be fully qualified and cannot contain regexes."),
        ({**LIST, "Resource": "arn:aws::fdsasf"}, LEGACY),
        ({**LIST, "Resource": "arn:aws:s3::example_bucket"}, LEGACY),
        (_without("Action", Resource="arn:aws:s3::example_bucket"), LEGACY),
        ({**LIST, "Resource": "arn:aws:iam:::example"}, IAM_PATH),
        ({**LIST, "Resource": "arn:aws:iam:eu-west-1::x"}, "IAM resource arn:aws:iam:eu-west-1::x cannot contain region information."),
        ({**LIST, "Resource": "arn:aws:s3:eu-west-1::x"}, "Resource arn:aws:s3:eu-west-1::x can not contain region information."),
        ({**LIST, "NotResource": "*"}, SYNTAX),
        ({**LIST, "Condition": []}, SYNTAX),
        ({**LIST, "Condition": {"a": "b"}}, SYNTAX),
        ({**LIST, "Condition": {"x": {"a": "1"}}}, SYNTAX),
        ({**LIST, "Condition": {"ForAnyValue::StringEquals": {"a": "b"}}}, SYNTAX),
        ({**LIST, "Condition": {"DateGreaterThan": {"a": {}}}}, SYNTAX),
        *(
            ({**LIST, "Condition": {"DateLessThan": {"a": date}}}, LEGACY)
            for date in ("text", "234-13", "2016-12-13t2:00:00.59+1", "2016-12-13t2:00:00.1999999999+10:59", "9223372036854775808")
        ),
        ({**LIST, "Principal": "*"}, "Policy document should not specify a principal."),
    ],
)
def test_a_bad_statement_is_refused_in_iams_words(statement: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        check_policy(json.dumps({"Version": "2012-10-17", "Statement": [LIST, statement]}))
    assert str(refusal.value) == message


def test_two_statements_may_not_have_one_id() -> None:
    with pytest.raises(ValueError, match=r"Statement IDs \(SID\) in a single policy must be unique\."):
        check_policy(json.dumps({"Version": "2012-10-17", "Statement": [{**LIST, "Sid": "a"}, {"Sid": "a", "Effect": "Allow"}]}))


@pytest.mark.parametrize(
    "statement",
    [
        {**LIST, "Action": "iam: as df "},
        {**LIST, "Action": "*"},
        {**LIST, "Action": "s3-s.t:ListBucket", "Resource": ["*", None]},
        {**LIST, "Resource": "arn:aws:fdsasf"},
        {**LIST, "Resource": "arn:aws:invalid-service:us-east-1::x"},
        {**LIST, "Resource": "arn:aws:s3:us-west-2:123456789012:accesspoint/a"},
        {**LIST, "Resource": "arn:aws:iam::*:user/${aws:username}"},
        {**LIST, "Condition": {"x": {}, "y": {}}},
        {**LIST, "Condition": {"DateGreaterThan": {"a": []}}},
        {**LIST, "Condition": {"ForAnyValue:StringEqualsIfExists": {"a": "b"}}},
        *(
            {**LIST, "Condition": {"DateLessThan": {"a": date}}}
            for date in ("01T", "2016-12-13t2:00:00.593194+23", "-292275054", "2019-07-01T13:20:15Z")
        ),
    ],
)
def test_iam_takes_odd_statements_too(statement: dict[str, Any]) -> None:
    assert check_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}))["Statement"] == [statement]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole", "Resource": "*"},
            "Has prohibited field Resource",
        ),
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "Missing required field Principal"),
        ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}, "AssumeRole policy may only specify STS AssumeRole actions."),
    ],
)
def test_a_trust_policy_says_who_may_assume_and_nothing_else(statement: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        check_policy(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), "trust")
    assert str(refusal.value) == message


USER = Principal("user", "111111111111", "arn:aws:iam::111111111111:user/ann", id="AIDAANN")
SESSION = Principal(
    "assumed-role",
    "111111111111",
    "arn:aws:sts::111111111111:assumed-role/app/run",
    role="arn:aws:iam::111111111111:role/app",
    id="AROAAPP:run",
)
ROOT = Principal("root", "111111111111", "arn:aws:iam::111111111111:root")
LAMBDA = Principal("service", service="lambda.amazonaws.com")
ANYONE = Principal("anonymous")


def _policy(*statements: dict[str, Any], version: str = "2012-10-17") -> Policy:
    return compile_policy(json.dumps({"Version": version, "Statement": list(statements)}))


def _allow(action: Any = "*", resource: Any = "*", **more: Any) -> Policy:
    return _policy({"Effect": "Allow", "Action": action, "Resource": resource, **more})


def _deny(action: Any = "*", resource: Any = "*", **more: Any) -> Policy:
    return _policy({"Effect": "Deny", "Action": action, "Resource": resource, **more})


def _decide(policy: Policy, action: str = "s3:GetObject", resource: str = f"{BUCKET}/k", keys: dict[str, Any] | None = None) -> Decision:
    return evaluate(Policies(identity=(policy,)), Context(USER, action, resource, keys=keys or {}))


@pytest.mark.parametrize(
    ("action", "asked", "allowed"),
    [
        ("*", "s3:GetObject", True),
        ("S3:getobject", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:*Object", "s3:GetObjectAcl", False),
        ("s3*:Get*", "s3:GetObject", True),
        (["sqs:*", "s3:GetObject"], "s3:GetObject", True),
        ("s3:GetObject", "s3:PutObject", False),
    ],
)
def test_actions_match_without_regard_to_case_and_with_wildcards(action: Any, asked: str, allowed: bool) -> None:
    assert (_decide(_allow(action), asked) == "allow") is allowed
    assert (_decide(_policy({"Effect": "Allow", "NotAction": action, "Resource": "*"}), asked) == "allow") is not allowed


@pytest.mark.parametrize(
    ("resource", "asked", "allowed"),
    [
        (BUCKET, BUCKET, True),
        (BUCKET, f"{BUCKET}/k", False),
        (f"{BUCKET}/*", f"{BUCKET}/a/b:c", True),
        (f"{BUCKET}/?.txt", f"{BUCKET}/a.txt", True),
        ("arn:aws:sqs:*:111111111111:q*", "arn:aws:sqs:eu-west-1:111111111111:queue", True),
        ("arn:aws:sqs:*:queue", "arn:aws:sqs:eu-west-1:111111111111:queue", False),
        ("arn:*:s3:::example*", BUCKET, True),
        ("arn:aws:lambda:*:*:function:f:*", "arn:aws:lambda:r:1:function:f:7", True),
        ("arn:aws:dynamodb", "arn:aws:dynamodb:r:1:table/t", True),
        (f"{BUCKET.upper()}", BUCKET, False),
    ],
)
def test_resources_match_field_by_field(resource: str, asked: str, allowed: bool) -> None:
    assert (_decide(_allow(resource=resource), resource=asked) == "allow") is allowed
    assert (_decide(_policy({"Effect": "Allow", "Action": "*", "NotResource": resource}), resource=asked) == "allow") is not allowed


@pytest.mark.parametrize(
    ("condition", "keys", "holds"),
    [
        ({"StringEquals": {"aws:Tag": ["a", "b"]}}, {"aws:tag": "b"}, True),
        ({"StringEquals": {"AWS:tag": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"aws:tag": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"aws:tag": "a"}}, {"aws:tag": "b"}, False),
        ({"StringNotEquals": {"aws:tag": ["a", "b"]}}, {"aws:tag": "b"}, False),
        ({"StringNotEquals": {"aws:tag": "a"}}, {}, True),
        ({"StringEqualsIgnoreCase": {"aws:tag": "ABC"}}, {"aws:tag": "abc"}, True),
        ({"StringNotEqualsIgnoreCase": {"aws:tag": "ABC"}}, {"aws:tag": "abc"}, False),
        ({"StringLike": {"s3:prefix": ["", "home/*"]}}, {"s3:prefix": "home/x"}, True),
        ({"StringNotLike": {"s3:prefix": "home/*"}}, {"s3:prefix": "home/x"}, False),
        ({"StringEquals": {"a": "x"}, "Bool": {"b": "true"}}, {"a": "x", "b": "false"}, False),
        ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "10"}, True),
        ({"NumericLessThan": {"s3:max-keys": 10}}, {"s3:max-keys": "10"}, False),
        ({"NumericGreaterThan": {"n": "9"}}, {"n": "10"}, True),
        ({"NumericNotEquals": {"n": "9"}}, {"n": "9.0"}, False),
        ({"NumericEquals": {"n": "9"}}, {"n": "nine"}, False),
        ({"DateGreaterThan": {"aws:currenttime": "2026-01-01T00:00:00Z"}}, {"aws:currenttime": "2026-06-01T00:00:00Z"}, True),
        ({"DateLessThan": {"aws:epochtime": "2026-01-01T00:00:00Z"}}, {"aws:epochtime": "1767225599"}, True),
        ({"DateEquals": {"d": "2026-01-01T01:00:00+01:00"}}, {"d": "2026-01-01"}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws:securetransport": "False"}, True),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, {}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": False}}, {}, False),
        ({"BinaryEquals": {"k": "QmluYXJ5"}}, {"k": "QmluYXJ5"}, True),
        ({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}, {"aws:sourceip": "203.0.113.9"}, True),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, {"aws:sourceip": "2001:db8::1"}, False),
        ({"NotIpAddress": {"aws:SourceIp": "203.0.113.7"}}, {"aws:sourceip": "203.0.113.7"}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:1:t*"}}, {"aws:sourcearn": "arn:aws:sns:eu-west-1:1:topic"}, True),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:*:t"}}, {"aws:sourcearn": "arn:aws:sns:r:1:t"}, False),
        ({"ArnNotLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}, {"aws:sourcearn": "arn:aws:sqs:r:1:q"}, True),
        ({"Null": {"aws:TokenIssueTime": "true"}}, {}, True),
        ({"Null": {"aws:TokenIssueTime": "false"}}, {}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws:tagkeys": ["a"]}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws:tagkeys": ["a", "c"]}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, {}, True),
        ({"ForAnyValue:StringLike": {"aws:TagKeys": "cost*"}}, {"aws:tagkeys": ["x", "costs"]}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}, {}, False),
        ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"}}, {"aws:tagkeys": ["a", "b"]}, True),
        ({"ForAllValues:StringNotEquals": {"aws:TagKeys": "a"}}, {"aws:tagkeys": ["a", "b"]}, False),
        ({"StringEquals": {"aws:ResourceTag/owner": "${aws:username}"}}, {"aws:resourcetag/owner": "ann", "aws:username": "ann"}, True),
        ({"StringEquals": {"a": "${aws:username}"}}, {"a": "${aws:username}"}, False),
        ({"StringEquals": {"a": "${aws:PrincipalTag/team, 'none'}"}}, {"a": "none"}, True),
        ({"StringLike": {"a": "x${*}*"}}, {"a": "x*y"}, True),
        ({"StringLike": {"a": "x${*}*"}}, {"a": "xyy"}, False),
    ],
)
def test_a_condition_holds_or_not(condition: dict[str, Any], keys: dict[str, Any], holds: bool) -> None:
    assert (_decide(_allow(Condition=condition), keys=keys) == "allow") is holds


def test_a_variable_in_a_resource_is_the_requests_own_and_its_wildcards_are_characters() -> None:
    policy = _allow(resource=f"{BUCKET}/home/${{aws:username}}/*")
    asked = [(f"{BUCKET}/home/ann/k", {"aws:username": "ann"}), (f"{BUCKET}/home/bob/k", {"aws:username": "ann"})]
    asked += [(f"{BUCKET}/home/ann/k", {"aws:username": "*"}), (f"{BUCKET}/home/ann/k", {})]
    decided = [_decide(policy, resource=resource, keys=keys) for resource, keys in asked]
    assert decided == ["allow", "implicit-deny", "implicit-deny", "implicit-deny"]


def test_the_older_version_has_no_variables() -> None:
    policy = _policy({"Effect": "Allow", "Action": "*", "Resource": f"{BUCKET}/${{aws:username}}"}, version="2008-10-17")
    assert _decide(policy, resource=f"{BUCKET}/ann", keys={"aws:username": "ann"}) == "implicit-deny"
    assert _decide(policy, resource=f"{BUCKET}/${{aws:username}}") == "allow"


def _naming(principal: Any, effect: str = "Allow", element: str = "Principal") -> Policy:
    return _policy({"Effect": effect, element: principal, "Action": "*", "Resource": "*"})


RESOURCE_SIDE: list[tuple[Any, Principal, Decision]] = [
    ("*", USER, "allow"),
    ("*", ANYONE, "allow"),
    ({"AWS": "*"}, LAMBDA, "allow"),
    ({"AWS": USER.arn}, USER, "allow"),
    ({"AWS": "AIDAANN"}, USER, "allow"),
    ({"AWS": USER.arn}, SESSION, "implicit-deny"),
    ({"AWS": SESSION.role}, SESSION, "allow"),
    ({"AWS": SESSION.arn}, SESSION, "allow"),
    ({"AWS": "111111111111"}, USER, "implicit-deny"),
    ({"AWS": ["111111111111"]}, ROOT, "allow"),
    ({"Service": "lambda.amazonaws.com"}, LAMBDA, "allow"),
    ({"Service": "sns.amazonaws.com"}, LAMBDA, "implicit-deny"),
    ({"AWS": "111111111111"}, ANYONE, "implicit-deny"),
]


@pytest.mark.parametrize(("principal", "caller", "decision"), RESOURCE_SIDE)
def test_a_resources_policy_alone_allows_whom_it_names_and_an_account_decides_for_itself(
    principal: Any, caller: Principal, decision: Decision
) -> None:
    assert evaluate(Policies(resource=(_naming(principal),)), Context(caller, "s3:GetObject")) == decision


def test_an_account_that_is_named_needs_its_own_policies_consent() -> None:
    for spelling in ("111111111111", "arn:aws:iam::111111111111:root"):
        policies = Policies(identity=(_allow(),), resource=(_naming({"AWS": spelling}),), resource_must_allow=True)
        assert evaluate(policies, Context(USER, "kms:Decrypt")) == "allow"
        assert evaluate(Policies(identity=(_allow(),), resource_must_allow=True), Context(USER, "kms:Decrypt")) == "implicit-deny"


def test_across_accounts_both_sides_must_allow() -> None:
    context = Context(USER, "s3:GetObject", resource_account="222222222222")
    allowed, named = (_allow(),), (_naming({"AWS": USER.arn}),)
    assert evaluate(Policies(identity=allowed, resource=named), context) == "allow"
    assert evaluate(Policies(identity=allowed), context) == "implicit-deny"
    assert evaluate(Policies(resource=named), context) == "implicit-deny"


def test_boundaries_and_session_policies_limit_what_a_role_has_but_not_what_its_session_is_given_by_name() -> None:
    context = Context(SESSION, "s3:GetObject")
    by_role, by_session = (_naming({"AWS": SESSION.role}),), (_naming({"AWS": SESSION.arn}),)
    other = (_allow("sqs:*"),)
    assert evaluate(Policies(identity=(_allow(),), boundary=other), context) == "implicit-deny"
    assert evaluate(Policies(identity=(_allow(),), session=other), context) == "implicit-deny"
    assert evaluate(Policies(identity=(_allow(),), session=(), boundary=(_allow(),)), context) == "implicit-deny"
    assert evaluate(Policies(resource=by_role, boundary=other), context) == "implicit-deny"
    assert evaluate(Policies(resource=by_session, boundary=other, session=other), context) == "allow"


def test_every_level_of_an_organisation_must_allow_even_the_root() -> None:
    levels = ((_allow(),), (_allow("sqs:*"),))
    assert evaluate(Policies(service_controls=levels), Context(ROOT, "sqs:SendMessage")) == "allow"
    assert evaluate(Policies(service_controls=levels), Context(ROOT, "s3:GetObject")) == "implicit-deny"
    assert evaluate(Policies(resource=(_naming("*"),), service_controls=((),)), Context(LAMBDA, "s3:GetObject")) == "allow"


@pytest.mark.parametrize("place", ["identity", "resource", "boundary", "session", "service_controls", "resource_controls"])
def test_an_explicit_deny_anywhere_ends_it(place: str) -> None:
    said: Any = _naming("*", "Deny") if place == "resource" else _deny("s3:*")
    held: dict[str, Any] = {"identity": (_allow(),), "boundary": (_allow(),), "session": (_allow(),), "resource": (_naming("*"),)}
    held[place] = ((_allow(), said),) if place.endswith("controls") else (_allow(), said)
    assert evaluate(Policies(**held), Context(USER, "s3:GetObject")) == "explicit-deny"


def test_a_deny_with_not_principal_spares_whom_it_names() -> None:
    spared = _naming({"AWS": [SESSION.role, USER.account]}, "Deny", "NotPrincipal")
    other = Principal("user", "333333333333", "arn:aws:iam::333333333333:user/eve")
    decided = [evaluate(Policies(identity=(_allow(),), resource=(spared,)), Context(p, "s3:GetObject")) for p in (SESSION, other)]
    assert decided == ["allow", "explicit-deny"]


def test_what_nobody_allows_is_denied() -> None:
    assert evaluate(Policies(), Context(USER, "s3:GetObject")) == "implicit-deny"
    assert evaluate(Policies(), Context(ROOT, "s3:GetObject")) == "allow"
