"""Log groups and functions under KMS keys: a key is one that the service may use, and is needed whenever it is."""

from __future__ import annotations

from tests.stories.here import ACCOUNT, Here
from tests.stories.identity import fault
from tests.stories.kms_kit import arn, made, policy
from tests.stories.lambdas import ROLE, make, run
from tests.stories.lambdas import arn as function_arn

GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g"
NOT_FOR_LOGS = ("AccessDeniedException", f"The specified KMS key does not exist or is not allowed to be used with Arn '{GROUP}'")
LOGS = {
    "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
    "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
    "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": GROUP}},
}
UNABLE = "Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant. "


def test_a_log_group_takes_a_key_that_lets_logs(here: Here) -> None:
    key = made(here)
    assert fault(here.logs.create_log_group, logGroupName="g", kmsKeyId=arn(key)) == NOT_FOR_LOGS
    assert fault(here.logs.create_log_group, logGroupName="g", kmsKeyId=arn("1234abcd-12ab-34cd-56ef-1234567890ab")) == NOT_FOR_LOGS
    here.kms.put_key_policy(KeyId=key, Policy=policy(LOGS))
    here.logs.create_log_group(logGroupName="g", kmsKeyId=arn(key))
    assert here.logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == arn(key)
    here.logs.create_log_group(logGroupName="other")
    assert fault(here.logs.associate_kms_key, logGroupName="other", kmsKeyId=arn(key))[0] == "AccessDeniedException"
    here.kms.disable_key(KeyId=key)
    off = ("InvalidParameterException", f"{arn(key)} is disabled.")
    assert fault(here.logs.associate_kms_key, logGroupName="g", kmsKeyId=arn(key)) == off


def test_a_function_is_granted_its_key_and_needs_it_to_start(here: Here) -> None:
    key = made(here)
    code = "import os\ndef handler(event, context):\n    return os.environ['MINE']\n"
    make(here, "f", code, KMSKeyArn=arn(key), Environment={"Variables": {"MINE": "1"}})
    (grant,) = here.kms.list_grants(KeyId=key)["Grants"]
    assert (grant["GranteePrincipal"], grant["Operations"]) == (ROLE, ["Decrypt", "RetireGrant"])
    assert grant["Constraints"] == {"EncryptionContextEquals": {"aws:lambda:FunctionArn": function_arn("f")}}
    here.kms.disable_key(KeyId=key)
    said = (
        "Lambda was unable to decrypt the environment variables because the KMS key used is disabled. Please check the function's KMS key "
        f"settings. KMS Exception: DisabledExceptionKMS Message: {arn(key)} is disabled."
    )
    assert fault(here.lambda_.invoke, FunctionName="f") == ("KMSDisabledException", said)
    here.kms.enable_key(KeyId=key)
    assert run(here, "f") == "1"


def test_a_function_whose_role_lost_the_key_does_not_start(here: Here) -> None:
    own = {"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt"}
    key = made(here)
    make(here, "f", KMSKeyArn=arn(key))
    here.kms.put_key_policy(KeyId=key, Policy=policy(own))
    assert fault(here.lambda_.invoke, FunctionName="f")[0] == "KMSAccessDeniedException"
    here.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    here.kms.put_key_policy(KeyId=key, Policy=policy())
    assert fault(here.lambda_.invoke, FunctionName="f")[0] == "KMSInvalidStateException"
    here.jump(7 * 86_400)
    assert fault(here.lambda_.invoke, FunctionName="f")[0] == "KMSNotFoundException"


def test_a_function_takes_no_key_that_can_not_be_granted(here: Here) -> None:
    missing = arn("1234abcd-12ab-34cd-56ef-1234567890ab")
    said = f"{UNABLE}Please check your KMS key settings. KMS Exception: NotFoundException KMS Message: Key '{missing}' does not exist"
    assert fault(make, here=here, name="f", KMSKeyArn=missing) == ("InvalidParameterValueException", said)
    make(here, "f")
    assert fault(here.lambda_.update_function_configuration, FunctionName="f", KMSKeyArn=missing)[1] == said
    assert here.lambda_.update_function_configuration(FunctionName="f", KMSKeyArn=arn(made(here)))["KMSKeyArn"]
    assert "KMSKeyArn" not in here.lambda_.update_function_configuration(FunctionName="f", KMSKeyArn="")
