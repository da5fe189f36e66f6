"""MFA devices: who carries them, and what their codes open."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import fault, policy, trust, user, with_key
from windtunnel.fabric.access import ACCESS_KEYS
from windtunnel.fabric.mfa import STEP_SECONDS, code_at, step_of

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/phone"
INVALID = ("InvalidAuthenticationCode", "Authentication code for device is not valid.")
NOT_THEIRS = (
    "AccessDenied",
    (
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated "
        "with this user."
    ),
)
WRONG_CODE = ("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")


def device(here: Here, name: str = "phone") -> str:
    """A new device; its seed."""
    seed: bytes = here.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["Base32StringSeed"]
    return seed.decode()


def codes(here: Here, seed: str, off: int = 0) -> dict[str, str]:
    """The code before that of now, and that of now."""
    step = step_of(here.now) + off
    return {"AuthenticationCode1": code_at(seed, step - 1), "AuthenticationCode2": code_at(seed, step)}


def carried_by(here: Here, name: str) -> str:
    """A device that a user carries; its seed."""
    seed = device(here)
    here.iam.enable_mfa_device(UserName=name, SerialNumber=SERIAL, **codes(here, seed))
    here.jump(STEP_SECONDS)
    return seed


def code_now(here: Here, seed: str) -> str:
    return code_at(seed, step_of(here.now))


@pytest.mark.parametrize(("step", "code"), [(1, "287082"), (37037036, "081804"), (41152263, "005924"), (666666666, "353130")])
def test_codes_are_those_of_the_standard(step: int, code: str) -> None:
    # https://www.rfc-editor.org/rfc/rfc6238#appendix-B, the last six of eight digits
    assert code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", step) == code


def test_a_device_is_handed_out_as_a_text_and_as_a_picture(here: Here) -> None:
    made = here.iam.create_virtual_mfa_device(Path="/lab/", VirtualMFADeviceName="phone", Tags=[{"Key": "team", "Value": "x"}])
    made = made["VirtualMFADevice"]
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/lab/phone"
    assert made == {**made, "SerialNumber": serial, "Tags": [{"Key": "team", "Value": "x"}]}
    assert len(made["Base32StringSeed"]) == 64
    picture = Image.open(io.BytesIO(made["QRCodePNG"]))
    assert picture.format == "PNG"
    assert picture.width == picture.height
    assert fault(here.iam.create_virtual_mfa_device, Path="/lab/", VirtualMFADeviceName="phone") == (
        "EntityAlreadyExists",
        "MFADevice entity at the same path and name already exists.",
    )
    assert here.iam.list_mfa_device_tags(SerialNumber=serial) == {"Tags": [{"Key": "team", "Value": "x"}], "IsTruncated": False}
    here.iam.tag_mfa_device(SerialNumber=serial, Tags=[{"Key": "floor", "Value": "2"}])
    here.iam.untag_mfa_device(SerialNumber=serial, TagKeys=["team"])
    assert here.iam.list_mfa_device_tags(SerialNumber=serial)["Tags"] == [{"Key": "floor", "Value": "2"}]


def test_a_device_is_enabled_by_two_codes_that_follow_each_other(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    seed = device(here)
    shown = codes(here, seed)
    swapped = {"AuthenticationCode1": shown["AuthenticationCode2"], "AuthenticationCode2": shown["AuthenticationCode1"]}
    assert fault(here.iam.enable_mfa_device, UserName="ada", SerialNumber=SERIAL, **swapped) == INVALID
    here.iam.enable_mfa_device(UserName="ada", SerialNumber=SERIAL, **shown)
    here.iam.create_user(UserName="bob")
    assert fault(here.iam.enable_mfa_device, UserName="bob", SerialNumber=SERIAL, **shown) == (
        "EntityAlreadyExists",
        "MFA Device is already in use.",
    )
    mine = {"UserName": "ada", "SerialNumber": SERIAL, "EnableDate": BEGIN}
    assert here.iam.list_mfa_devices(UserName="ada") == {"MFADevices": [mine], "IsTruncated": False}
    assert here.iam.list_mfa_devices() == {"MFADevices": [], "IsTruncated": False}
    nothing = fault(here.iam.enable_mfa_device, UserName="bob", SerialNumber="GAHT12345678", **shown)
    assert nothing == ("NoSuchEntity", "VirtualMFADevice with serial number GAHT12345678 doesn't exist.")
    keys = fault(here.iam.get_mfa_device, UserName="ada", SerialNumber=SERIAL)
    assert keys == ("NoSuchEntity", f"MFA Device with serial number {SERIAL} does not exist.")


def test_devices_are_listed_by_whether_somebody_carries_them(here: Here) -> None:
    ada = here.iam.create_user(UserName="ada")["User"]
    carried_by(here, "ada")
    device(here, "spare")
    mine = {"SerialNumber": SERIAL, "EnableDate": BEGIN, "User": ada}
    spare = {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/spare"}
    for status, found in (("Any", [mine, spare]), ("Assigned", [mine]), ("Unassigned", [spare])):
        assert here.iam.list_virtual_mfa_devices(AssignmentStatus=status) == {"VirtualMFADevices": found, "IsTruncated": False}
    first = here.iam.list_virtual_mfa_devices(MaxItems=1)
    assert first["VirtualMFADevices"] == [mine]
    assert here.iam.list_virtual_mfa_devices(Marker=first["Marker"])["VirtualMFADevices"] == [spare]
    counts = here.iam.get_account_summary()["SummaryMap"]
    assert (counts["MFADevices"], counts["MFADevicesInUse"]) == (2, 1)


def test_a_user_carries_eight_devices_at_most(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    for number in range(9):
        seed = device(here, str(number))
        request = {"UserName": "ada", "SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/{number}", **codes(here, seed)}
        if number < 8:
            here.iam.enable_mfa_device(**request)
        else:
            assert fault(here.iam.enable_mfa_device, **request) == ("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8")


def test_a_device_goes_when_nobody_carries_it_and_its_user_after_it(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    carried_by(here, "ada")
    assert fault(here.iam.delete_user, UserName="ada") == ("DeleteConflict", "Cannot delete entity, must delete MFA device first.")
    assert fault(here.iam.delete_virtual_mfa_device, SerialNumber=SERIAL) == (
        "DeleteConflict",
        "MFA VirtualDevice in use. Must deactivate first.",
    )
    here.iam.create_user(UserName="bob")
    assert fault(here.iam.deactivate_mfa_device, UserName="bob", SerialNumber=SERIAL) == ("NoSuchEntity", "MFA Device invalid for user.")
    here.iam.deactivate_mfa_device(UserName="ada", SerialNumber=SERIAL)
    here.iam.delete_virtual_mfa_device(SerialNumber=SERIAL)
    assert fault(here.iam.delete_virtual_mfa_device, SerialNumber=SERIAL) == (
        "NoSuchEntity",
        f"VirtualMFADevice with serial number {SERIAL} doesn't exist.",
    )
    here.iam.delete_user(UserName="ada")


def test_a_code_opens_a_session_once(here: Here) -> None:
    ada = user(here, "ada")
    seed = carried_by(here, "ada")
    code = code_now(here, seed)
    ada.sts.get_session_token(SerialNumber=SERIAL, TokenCode=code)
    assert fault(ada.sts.get_session_token, SerialNumber=SERIAL, TokenCode=code) == WRONG_CODE
    here.jump(STEP_SECONDS)
    assert ada.sts.get_session_token(SerialNumber=SERIAL, TokenCode=code_now(here, seed))["Credentials"]
    here.jump(10 * STEP_SECONDS)
    assert fault(ada.sts.get_session_token, SerialNumber=SERIAL, TokenCode=code_at(seed, step_of(here.now) - 2)) == WRONG_CODE


def test_a_code_counts_with_the_serial_number_of_the_callers_own_device(here: Here) -> None:
    ada, bob = user(here, "ada"), user(here, "bob")
    code = code_now(here, carried_by(here, "ada"))
    assert fault(bob.sts.get_session_token, SerialNumber=SERIAL, TokenCode=code) == NOT_THEIRS
    assert fault(ada.sts.get_session_token, SerialNumber=f"{SERIAL}s", TokenCode=code) == NOT_THEIRS
    alone = ("AccessDenied", "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
    assert fault(ada.sts.get_session_token, SerialNumber=SERIAL) == alone
    assert fault(ada.sts.get_session_token, TokenCode=code) == alone


def test_a_device_whose_clock_is_off_is_believed_again_once_it_is_in_step(here: Here) -> None:
    ada = user(here, "ada")
    seed = carried_by(here, "ada")
    slow = code_at(seed, step_of(here.now) + 20)
    assert fault(ada.sts.get_session_token, SerialNumber=SERIAL, TokenCode=slow) == WRONG_CODE
    resync: dict[str, Any] = {"UserName": "ada", "SerialNumber": SERIAL}
    assert fault(here.iam.resync_mfa_device, **resync, AuthenticationCode1="000000", AuthenticationCode2="000000") == INVALID
    here.iam.resync_mfa_device(**resync, **codes(here, seed, off=20))
    here.jump(STEP_SECONDS)
    assert ada.sts.get_session_token(SerialNumber=SERIAL, TokenCode=code_at(seed, step_of(here.now) + 20))["Credentials"]


def test_a_trust_policy_can_ask_for_a_second_factor_and_how_old_it_is(here: Here) -> None:
    may = policy({"Action": "sts:AssumeRole", "Resource": "*"})
    ada = user(here, "ada", may=may)
    seed = carried_by(here, "ada")
    fresh = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}, Condition=fresh))
    request = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleSessionName": "work"}
    assert fault(ada.sts.assume_role, **request)[0] == "AccessDenied"
    with_code = ada.sts.assume_role(**request, SerialNumber=SERIAL, TokenCode=code_now(here, seed))
    assert with_key(here, with_code["Credentials"]["AccessKeyId"]).scope.principal.mfa_at == here.now
    here.jump(STEP_SECONDS)
    session = ada.sts.get_session_token(SerialNumber=SERIAL, TokenCode=code_now(here, seed))
    inside = with_key(here, session["Credentials"]["AccessKeyId"])
    assert inside.sts.assume_role(**request)["AssumedRoleUser"]
    here.jump(300)
    assert fault(inside.sts.assume_role, **request)[0] == "AccessDenied"


def test_a_users_temporary_keys_follow_its_name_and_end_with_it(here: Here) -> None:
    ada = user(here, "ada")
    key_id = ada.sts.get_session_token()["Credentials"]["AccessKeyId"]
    here.iam.update_user(UserName="ada", NewUserName="lovelace")
    assert with_key(here, key_id).sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/lovelace"
    here.iam.delete_access_key(UserName="lovelace", AccessKeyId=ada.scope.principal.access_key)
    here.iam.delete_user(UserName="lovelace")
    key = here.cloud.apply(lambda tx: tx.get(ACCESS_KEYS, key_id))
    assert key is not None
    assert key.status == "Deleted"
