"""Credentials of users for single services."""

from __future__ import annotations

from tests.stories.here import BEGIN, Here
from tests.stories.identity import fault, policy, user

GIT = "codecommit.amazonaws.com"


def test_a_credential_tells_its_password_once_and_again_when_it_is_reset(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    made = here.iam.create_service_specific_credential(UserName="ada", ServiceName=GIT)["ServiceSpecificCredential"]
    password = made.pop("ServicePassword")
    credential_id = made["ServiceSpecificCredentialId"]
    assert made == {
        "UserName": "ada",
        "Status": "Active",
        "ServiceUserName": "ada-at-000000000000",
        "CreateDate": BEGIN,
        "ServiceSpecificCredentialId": credential_id,
        "ServiceName": GIT,
    }
    here.iam.update_service_specific_credential(UserName="ada", ServiceSpecificCredentialId=credential_id, Status="Inactive")
    assert here.iam.list_service_specific_credentials(UserName="ada") == {"ServiceSpecificCredentials": [{**made, "Status": "Inactive"}]}
    assert here.iam.list_service_specific_credentials(UserName="ada", ServiceName="cassandra.amazonaws.com") == {
        "ServiceSpecificCredentials": []
    }
    reset = here.iam.reset_service_specific_credential(UserName="ada", ServiceSpecificCredentialId=credential_id)
    assert reset["ServiceSpecificCredential"].pop("ServicePassword") != password
    assert reset == {"ServiceSpecificCredential": {**made, "Status": "Inactive"}}


def test_a_user_has_two_credentials_for_a_service_with_names_of_their_own(here: Here) -> None:
    ada = user(here, "ada", all=policy({"Action": "iam:*", "Resource": "*"}))
    made = [
        here.iam.create_service_specific_credential(UserName="ada", ServiceName=service)["ServiceSpecificCredential"]
        for service in (GIT, GIT, "cassandra.amazonaws.com")
    ]
    assert [each["ServiceUserName"] for each in made] == ["ada-at-000000000000", "ada+1-at-000000000000", "ada-at-000000000000"]
    assert fault(here.iam.create_service_specific_credential, UserName="ada", ServiceName=GIT) == (
        "LimitExceeded",
        "Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2",
    )
    ada.iam.delete_service_specific_credential(ServiceSpecificCredentialId=made[0]["ServiceSpecificCredentialId"])
    again = here.iam.create_service_specific_credential(UserName="ada", ServiceName=GIT)["ServiceSpecificCredential"]
    assert again["ServiceUserName"] == "ada-at-000000000000"
    first = here.iam.list_service_specific_credentials(AllUsers=True, MaxItems=2)
    rest = here.iam.list_service_specific_credentials(AllUsers=True, Marker=first["Marker"])
    listed = first["ServiceSpecificCredentials"] + rest["ServiceSpecificCredentials"]
    assert {each["ServiceSpecificCredentialId"] for each in listed} == {
        each["ServiceSpecificCredentialId"] for each in (made[1], made[2], again)
    }
    assert len(listed) == 3


def test_what_has_no_credentials_is_refused_and_a_user_who_has_some_stays(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    for request, message in (
        ({"UserName": "bob", "ServiceName": "none"}, "The user with name bob cannot be found."),
        ({"UserName": "ada", "ServiceName": "none"}, "No such service none is supported for Service Specific Credentials"),
    ):
        assert fault(here.iam.create_service_specific_credential, **request) == ("NoSuchEntity", message)
    unknown = "satisfiesregexbutstillinvalid"
    assert fault(here.iam.reset_service_specific_credential, UserName="ada", ServiceSpecificCredentialId=unknown) == (
        "NoSuchEntity",
        f"No such credential {unknown} exists",
    )
    assert fault(here.iam.create_service_specific_credential, UserName="ada", ServiceName="bedrock.amazonaws.com")[0] == "NotImplemented"
    here.iam.create_service_specific_credential(UserName="ada", ServiceName=GIT)
    assert fault(here.iam.delete_user, UserName="ada") == ("DeleteConflict", "Cannot delete entity, must remove referenced objects first.")
