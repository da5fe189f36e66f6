"""ARNs are taken apart and put together as AWS's reference says."""

import pytest

from windtunnel.aws import arn
from windtunnel.aws.arn import Arn


@pytest.mark.parametrize(
    ("text", "expected", "type", "id", "name"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:q", Arn("aws", "sqs", "eu-west-1", "123456789012", "q"), "", "q", "q"),
        ("arn:aws:s3:::bucket/a/b:c", Arn("aws", "s3", "", "", "bucket/a/b:c"), "bucket", "a/b:c", "b:c"),
        ("arn:aws:iam::1:role/path/x", Arn("aws", "iam", "", "1", "role/path/x"), "role", "path/x", "x"),
        (
            "arn:aws-cn:lambda:cn-north-1:1:function:f:7",
            Arn("aws-cn", "lambda", "cn-north-1", "1", "function:f:7"),
            "function",
            "f:7",
            "f:7",
        ),
        (
            "arn:aws:logs:r:1:log-group:/aws/lambda/f:*",
            Arn("aws", "logs", "r", "1", "log-group:/aws/lambda/f:*"),
            "log-group",
            "/aws/lambda/f:*",
            "f:*",
        ),
    ],
)
def test_an_arn_has_six_fields_and_only_the_last_may_hold_colons(text: str, expected: Arn, type: str, id: str, name: str) -> None:
    found = arn.parse(text)
    assert found == expected
    assert (found.type, found.id, found.name, found.text(), str(found)) == (type, id, name, text, text)


@pytest.mark.parametrize("text", ["", "queue", "arn:aws:sqs", "arn:aws:sqs:r:1:", "arn::sqs:r:1:q", "arn:aws::r:1:q", "urn:aws:sqs:r:1:q"])
def test_a_text_without_an_arns_fields_is_refused(text: str) -> None:
    assert arn.parse_or_none(text) is None
    with pytest.raises(ValueError, match="is not an ARN"):
        arn.parse(text)


def test_arns_are_put_together_in_both_of_awss_forms() -> None:
    assert arn.slashed("ec2", "r", "1", "instance", "i-1").text() == "arn:aws:ec2:r:1:instance/i-1"
    assert arn.coloned("lambda", "r", "1", "function", "f", partition="aws-cn").text() == "arn:aws-cn:lambda:r:1:function:f"
    assert [arn.partition_of(r) for r in ("eu-west-1", "cn-north-1", "us-gov-west-1")] == ["aws", "aws-cn", "aws-us-gov"]
