"""Keys at the door: who they sign for, when they are over, and in which words each service refuses them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import acting, fault, trust, user
from windtunnel.aws.errors import Fault
from windtunnel.fabric import access
from windtunnel.fabric.access import ACCESS_KEYS, identify


class Signed:
    """A request that was signed with a secret."""

    def __init__(self, access_key: str, secret: str = "", token: str = "") -> None:
        self.access_key = access_key
        self.token = token
        self._secret = secret

    def verify(self, secret: str | None) -> None:
        if secret is not None and secret != self._secret:
            raise Fault("SignatureDoesNotMatch", "The request signature we calculated does not match.")


def who(here: Here, proof: Any) -> dict[str, Any]:
    """GetCallerIdentity, signed."""
    return here.run(here.cloud.run("sts", "get_caller_identity", {}, here.scope, proof=proof, signed=proof is not None))


def refusal(here: Here, service: str, proof: Any) -> tuple[str, str, int | None]:
    """The fault that a service answers a key with."""

    with pytest.raises(Fault) as caught:
        here.cloud.apply(lambda tx: identify(tx, tx.now, service, proof, ACCOUNT))
    return caught.value.code, caught.value.message, caught.value.status


def test_keys_that_were_never_issued_are_the_root_of_the_account_they_name(here: Here) -> None:
    assert who(here, Signed("test")) == {"UserId": ACCOUNT, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
    assert who(here, Signed("123456789012"))["Arn"] == "arn:aws:iam::123456789012:root"


def test_a_user_is_known_by_its_key_and_its_secret(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    key = here.iam.create_access_key(UserName="ada")["AccessKey"]
    assert who(here, Signed(key["AccessKeyId"], key["SecretAccessKey"]))["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ada"
    with pytest.raises(Fault) as caught:
        who(here, Signed(key["AccessKeyId"], "wrong"))
    assert caught.value.code == "SignatureDoesNotMatch"


def test_a_deleted_key_is_not_a_roots_but_nobodys(here: Here) -> None:
    ada = user(here, "ada")
    key_id = ada.scope.principal.access_key
    here.iam.delete_access_key(UserName="ada", AccessKeyId=key_id)
    signed = Signed(key_id)
    invalid = "The security token included in the request is invalid."
    unknown = "The AWS Access Key Id you provided does not exist in our records."
    assert {service: refusal(here, service, signed) for service in ("sts", "sqs", "dynamodb", "lambda", "s3", "ec2")} == {
        "sts": ("InvalidClientTokenId", invalid, 403),
        "sqs": ("InvalidClientTokenId", invalid, 403),
        "dynamodb": ("UnrecognizedClientException", invalid, 400),
        "lambda": ("UnrecognizedClientException", invalid, 403),
        "s3": ("InvalidAccessKeyId", unknown, 403),
        "ec2": ("AuthFailure", "AWS was not able to validate the provided access credentials", 401),
    }


def test_an_inactive_key_is_refused_until_it_is_active_again(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    key = here.iam.create_access_key(UserName="ada")["AccessKey"]
    signed = Signed(key["AccessKeyId"], key["SecretAccessKey"])
    here.iam.update_access_key(UserName="ada", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refusal(here, "iam", signed)[0] == "InvalidClientTokenId"
    here.iam.update_access_key(UserName="ada", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert who(here, signed)["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ada"


def test_a_session_is_over_when_the_clock_says_so(here: Here) -> None:
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    keys = here.sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="work", DurationSeconds=900)["Credentials"]
    signed = Signed(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    here.jump(899)
    assert who(here, signed)["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work"
    here.jump(1)
    over = "The security token included in the request is expired"
    assert {service: refusal(here, service, signed) for service in ("sts", "dynamodb", "lambda", "s3", "ec2")} == {
        "sts": ("ExpiredToken", over, 403),
        "dynamodb": ("ExpiredTokenException", over, 400),
        "lambda": ("ExpiredTokenException", over, 403),
        "s3": ("ExpiredToken", "The provided token has expired.", 400),
        "ec2": ("RequestExpired", "Request has expired.", 400),
    }


def test_sessions_that_ended_long_ago_are_forgotten_and_nobodys(here: Here) -> None:
    keys = here.sts.get_session_token(DurationSeconds=900)["Credentials"]
    lasting = here.sts.get_session_token(DurationSeconds=3600)["Credentials"]["AccessKeyId"]
    signed = Signed(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def known(key_id: str) -> bool:
        return here.cloud.apply(lambda tx: tx.get(ACCESS_KEYS, key_id)) is not None

    here.jump(900 + 36 * 3600)
    assert refusal(here, "sts", signed)[0] == "ExpiredToken"
    here.jump(12 * 3600)
    assert (known(keys["AccessKeyId"]), known(lasting)) == (False, False)
    assert refusal(here, "sts", signed)[0] == "InvalidClientTokenId"
    assert refusal(here, "dynamodb", signed)[0] == "UnrecognizedClientException"
    assert refusal(here, "s3", signed)[0] == "InvalidAccessKeyId"


def test_keys_are_forgotten_in_slices_and_also_after_a_restart(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "FORGET_MAX", 2)
    for _ in range(5):
        here.sts.get_session_token(DurationSeconds=900)
    here.iam.create_user(UserName="ada")
    here.iam.create_access_key(UserName="ada")

    def rows() -> int:
        return here.cloud.apply(lambda tx: sum(1 for _ in tx.scan(ACCESS_KEYS)))

    here.restart()
    assert rows() == 6
    here.jump(3 * 86_400)
    assert rows() == 1


def test_temporary_keys_need_their_own_token(here: Here) -> None:
    first, second = (here.sts.get_session_token()["Credentials"] for _ in range(2))
    key_id, secret = first["AccessKeyId"], first["SecretAccessKey"]
    assert refusal(here, "sts", Signed(key_id, secret))[0] == "InvalidClientTokenId"
    assert refusal(here, "s3", Signed(key_id, secret, second["SessionToken"]))[0] == "InvalidToken"
    assert who(here, Signed(key_id, secret, first["SessionToken"]))["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_the_last_use_of_keys_and_roles_is_kept_to_a_quarter_of_an_hour(here: Here) -> None:
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    here.iam.create_user(UserName="ada")
    key = here.iam.create_access_key(UserName="ada")["AccessKey"]
    last = here.iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert last == {"UserName": "ada", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    signed = Signed(key["AccessKeyId"], key["SecretAccessKey"])
    for seconds in (0, 60, 900):
        here.jump(seconds)
        who(here, signed)
    last = here.iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert last == {"LastUsedDate": BEGIN + 960, "ServiceName": "sts", "Region": "us-east-1"}
    keys = here.sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="work")["Credentials"]
    who(here, Signed(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]))
    assert here.iam.get_role(RoleName="r")["Role"]["RoleLastUsed"] == {"LastUsedDate": BEGIN + 960, "Region": "us-east-1"}


def test_sessions_cannot_make_sessions_of_themselves(here: Here) -> None:
    ada = user(here, "ada")
    answer = ada.sts.get_federation_token(Name="bob")
    assert answer["FederatedUser"] == {"FederatedUserId": f"{ACCOUNT}:bob", "Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob"}
    assert answer["Credentials"]["Expiration"] == BEGIN + 43_200
    key_id = answer["Credentials"]["AccessKeyId"]
    bob = here.cloud.apply(lambda tx: tx.get(ACCESS_KEYS, key_id))
    assert bob is not None
    assert fault(acting(here, bob.principal).sts.get_session_token) == (
        "AccessDenied",
        "Cannot call GetSessionToken with session credentials",
    )


def test_who_signs_nothing_is_nobody(here: Here) -> None:
    with pytest.raises(Fault) as caught:
        who(here, None)
    assert caught.value.code == "MissingAuthenticationToken"


def test_a_key_tells_its_account(here: Here) -> None:
    ada = user(here, "ada", "111111111111")
    assert here.sts.get_access_key_info(AccessKeyId=ada.scope.principal.access_key) == {"Account": "111111111111"}
    assert here.sts.get_access_key_info(AccessKeyId="AKIAIOSFODNN7EXAMPLE") == {"Account": ACCOUNT}
