"""Server certificates of an account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.identity import fault
from tests.stories.pki import EXPIRES, Issued, issue


@pytest.fixture(scope="module")
def authority() -> Issued:
    return issue("authority")


@pytest.fixture(scope="module")
def site(authority: Issued) -> Issued:
    return issue("example.com", authority)


def test_a_certificate_tells_when_it_expires_and_keeps_its_key_to_itself(here: Here, authority: Issued, site: Issued) -> None:
    made = here.iam.upload_server_certificate(
        ServerCertificateName="site",
        Path="/cloudfront/",
        CertificateBody=site.body,
        PrivateKey=site.private,
        CertificateChain=authority.body,
        Tags=[{"Key": "team", "Value": "x"}],
    )
    shown: dict[str, Any] = {
        "Path": "/cloudfront/",
        "ServerCertificateName": "site",
        "ServerCertificateId": made["ServerCertificateMetadata"]["ServerCertificateId"],
        "Arn": "arn:aws:iam::000000000000:server-certificate/cloudfront/site",
        "UploadDate": BEGIN,
        "Expiration": EXPIRES.timestamp(),
    }
    tags = [{"Key": "team", "Value": "x"}]
    assert made == {"ServerCertificateMetadata": shown, "Tags": tags}
    assert shown["ServerCertificateId"].startswith("ASCA")
    whole = {"CertificateBody": site.body.strip(), "CertificateChain": authority.body.strip(), "Tags": tags}
    assert here.iam.get_server_certificate(ServerCertificateName="site") == {
        "ServerCertificate": {"ServerCertificateMetadata": shown, **whole}
    }
    assert here.iam.list_server_certificates(PathPrefix="/cloudfront/") == {"ServerCertificateMetadataList": [shown], "IsTruncated": False}
    assert here.iam.get_account_summary()["SummaryMap"]["ServerCertificates"] == 1


def test_a_certificate_is_renamed_with_its_tags_and_deleted(here: Here, site: Issued) -> None:
    request = {"CertificateBody": site.body, "PrivateKey": site.private}
    here.iam.upload_server_certificate(ServerCertificateName="a", **request)
    here.iam.upload_server_certificate(ServerCertificateName="b", **request)
    here.iam.tag_server_certificate(ServerCertificateName="a", Tags=[{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}])
    taken = ("EntityAlreadyExists", "The Server Certificate with name B already exists.")
    assert fault(here.iam.update_server_certificate, ServerCertificateName="a", NewServerCertificateName="B") == taken
    here.iam.update_server_certificate(ServerCertificateName="a", NewServerCertificateName="c", NewPath="/p/")
    here.iam.untag_server_certificate(ServerCertificateName="c", TagKeys=["l"])
    assert here.iam.list_server_certificate_tags(ServerCertificateName="c") == {"Tags": [{"Key": "k", "Value": "v"}], "IsTruncated": False}
    here.iam.delete_server_certificate(ServerCertificateName="c")
    assert fault(here.iam.get_server_certificate, ServerCertificateName="c") == (
        "NoSuchEntity",
        "The Server Certificate with name c cannot be found.",
    )
    assert [each["Arn"] for each in here.iam.list_server_certificates()["ServerCertificateMetadataList"]] == [
        "arn:aws:iam::000000000000:server-certificate/b"
    ]


def test_what_does_not_fit_together_is_refused(here: Here, authority: Issued, site: Issued) -> None:
    old = issue("old", expires=datetime(2025, 1, 1, tzinfo=UTC))
    good: dict[str, Any] = {"ServerCertificateName": "x", "CertificateBody": site.body, "PrivateKey": site.private}
    for change, code, message in (
        (
            {"CertificateBody": "site.crt"},
            "MalformedCertificate",
            "Unable to parse certificate. Please ensure the certificate is in PEM format.",
        ),
        ({"PrivateKey": "site.key"}, "MalformedCertificate", "Private Key not in PEM format."),
        ({"PrivateKey": authority.private}, "KeyPairMismatch", "The private key does not match the public key of the certificate."),
        ({"CertificateBody": old.body, "PrivateKey": old.private}, "MalformedCertificate", "The certificate has expired."),
        (
            {"CertificateChain": site.body + authority.body},
            "MalformedCertificate",
            (
                "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, "
                "followed by any intermediaries in order. The index within the chain of the invalid certificate is: -1"
            ),
        ),
    ):
        assert fault(here.iam.upload_server_certificate, **{**good, **change}) == (code, message)
    assert here.iam.list_server_certificates() == {"ServerCertificateMetadataList": [], "IsTruncated": False}
