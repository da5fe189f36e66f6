"""Users, their keys, groups and passwords."""

from __future__ import annotations

from tests.stories.here import BEGIN, Here
from tests.stories.identity import fault, policy, user, with_key

READ = policy({"Action": "s3:GetObject", "Resource": "*"})


def test_a_user_is_shown_as_it_was_made_and_with_its_tags(here: Here) -> None:
    made = here.iam.create_user(UserName="Ada", Path="/lab/", Tags=[{"Key": "team", "Value": "x"}])["User"]
    assert made == {
        "Path": "/lab/",
        "UserName": "Ada",
        "UserId": made["UserId"],
        "Arn": "arn:aws:iam::000000000000:user/lab/Ada",
        "CreateDate": BEGIN,
        "Tags": [{"Key": "team", "Value": "x"}],
    }
    assert made["UserId"].startswith("AIDA")
    assert len(made["UserId"]) == 21
    assert here.iam.get_user(UserName="Ada") == {"User": made}


def test_names_are_one_name_whatever_their_case(here: Here) -> None:
    here.iam.create_user(UserName="Ada")
    assert fault(here.iam.create_user, UserName="ADA") == ("EntityAlreadyExists", "User with name ADA already exists.")
    assert fault(here.iam.get_user, UserName="bob") == ("NoSuchEntity", "The user with name bob cannot be found.")


def test_users_are_the_same_in_every_region_and_others_in_every_account(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    assert here.at(region="eu-west-1").iam.get_user(UserName="ada") == here.iam.get_user(UserName="ada")
    assert here.at(account="111111111111").iam.list_users() == {"Users": [], "IsTruncated": False}


def test_a_listing_goes_on_where_its_marker_says(here: Here) -> None:
    for name in ("c", "a", "b"):
        here.iam.create_user(UserName=name, Path="/x/")
    here.iam.create_user(UserName="d", Path="/y/")
    first = here.iam.list_users(PathPrefix="/x", MaxItems=2)
    assert [each["UserName"] for each in first["Users"]] == ["a", "b"]
    assert first["IsTruncated"] is True
    rest = here.iam.list_users(PathPrefix="/x", Marker=first["Marker"])
    assert [each["UserName"] for each in rest["Users"]] == ["c"]
    assert rest["IsTruncated"] is False
    assert fault(here.iam.list_users, Marker="nonsense") == ("ValidationError", "Invalid Marker.")


def test_a_user_has_two_access_keys_at_most(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    keys = [here.iam.create_access_key(UserName="ada")["AccessKey"] for _ in range(2)]
    assert fault(here.iam.create_access_key, UserName="ada") == ("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
    here.iam.update_access_key(UserName="ada", AccessKeyId=keys[0]["AccessKeyId"], Status="Inactive")
    here.iam.delete_access_key(UserName="ada", AccessKeyId=keys[1]["AccessKeyId"])
    left = {"UserName": "ada", "AccessKeyId": keys[0]["AccessKeyId"], "Status": "Inactive", "CreateDate": BEGIN}
    assert here.iam.list_access_keys(UserName="ada") == {"AccessKeyMetadata": [left], "IsTruncated": False}


def test_a_renamed_user_keeps_its_keys_policies_and_groups(here: Here) -> None:
    ada = user(here, "ada", read=READ)
    key_id = ada.scope.principal.access_key
    here.iam.create_group(GroupName="lab")
    here.iam.add_user_to_group(GroupName="lab", UserName="ada")
    here.iam.update_user(UserName="ada", NewUserName="lovelace", NewPath="/new/")
    renamed = with_key(here, key_id)
    assert renamed.sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/new/lovelace"
    assert here.iam.list_user_policies(UserName="lovelace")["PolicyNames"] == ["read"]
    assert [group["GroupName"] for group in here.iam.list_groups_for_user(UserName="lovelace")["Groups"]] == ["lab"]
    assert fault(here.iam.get_user, UserName="ada")[0] == "NoSuchEntity"


def test_the_groups_of_a_user_are_listed_in_the_order_of_coming_into_them(here: Here) -> None:
    user(here, "ada")
    for name in ("Zoo", "lab", "Admins"):
        here.iam.create_group(GroupName=name)
        here.iam.add_user_to_group(GroupName=name, UserName="ada")
        here.jump(1)
    first = here.iam.list_groups_for_user(UserName="ada", MaxItems=2)
    assert [group["GroupName"] for group in first["Groups"]] == ["Zoo", "lab"]
    rest = here.iam.list_groups_for_user(UserName="ada", Marker=first["Marker"])
    assert ([group["GroupName"] for group in rest["Groups"]], rest["IsTruncated"]) == (["Admins"], False)
    assert fault(here.iam.list_groups_for_user, UserName="ada", Marker="x") == ("ValidationError", "Invalid Marker.")


def test_a_user_goes_only_when_nothing_is_left_of_it(here: Here) -> None:
    ada = user(here, "ada", read=READ)
    here.iam.create_group(GroupName="lab")
    here.iam.add_user_to_group(GroupName="lab", UserName="ada")
    here.iam.attach_user_policy(UserName="ada", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    here.iam.create_login_profile(UserName="ada", Password="Correct-Horse-9")

    def why() -> str:
        code, message = fault(here.iam.delete_user, UserName="ada")
        assert code == "DeleteConflict"
        return message

    assert why() == "Cannot delete entity, must detach all policies first."
    here.iam.detach_user_policy(UserName="ada", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert why() == "Cannot delete entity, must delete policies first."
    here.iam.delete_user_policy(UserName="ada", PolicyName="read")
    assert why() == "Cannot delete entity, must remove users from group first."
    here.iam.remove_user_from_group(GroupName="lab", UserName="ada")
    assert why() == "Cannot delete entity, must delete access keys first."
    here.iam.delete_access_key(UserName="ada", AccessKeyId=ada.scope.principal.access_key)
    assert why() == "Cannot delete entity, must delete login profile first."
    here.iam.delete_login_profile(UserName="ada")
    here.iam.delete_user(UserName="ada")
    assert here.iam.list_users()["Users"] == []


def test_tag_keys_are_one_key_whatever_their_case(here: Here) -> None:
    here.iam.create_user(UserName="ada", Tags=[{"Key": "Team", "Value": "x"}])
    here.iam.tag_user(UserName="ada", Tags=[{"Key": "team", "Value": "y"}])
    assert here.iam.list_user_tags(UserName="ada") == {"Tags": [{"Key": "team", "Value": "y"}], "IsTruncated": False}
    assert fault(here.iam.tag_user, UserName="ada", Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]) == (
        "InvalidInput",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
    here.iam.untag_user(UserName="ada", TagKeys=["TEAM"])
    assert here.iam.list_user_tags(UserName="ada")["Tags"] == []


def test_users_change_their_own_password(here: Here) -> None:
    ada = user(here, "ada")
    here.iam.create_login_profile(UserName="ada", Password="Correct-Horse-9", PasswordResetRequired=True)
    assert fault(ada.iam.change_password, OldPassword="wrong", NewPassword="Battery-Staple-9")[0] == "AccessDenied"
    assert fault(ada.iam.change_password, OldPassword="Correct-Horse-9", NewPassword="short")[0] == "PasswordPolicyViolation"
    ada.iam.change_password(OldPassword="Correct-Horse-9", NewPassword="Battery-Staple-9")
    assert here.iam.get_login_profile(UserName="ada") == {
        "LoginProfile": {"UserName": "ada", "CreateDate": BEGIN, "PasswordResetRequired": False}
    }
