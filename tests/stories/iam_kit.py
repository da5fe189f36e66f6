"""A region with one of nearly everything in IAM, and the names that stories of refusals call it by."""

from __future__ import annotations

from typing import Any

from tests.stories.here import ACCOUNT, Here
from tests.stories.identity import policy, trust
from tests.stories.pki import issue

READ = policy({"Action": "s3:GetObject", "Resource": "*"})
LAMBDA = trust({"Service": "lambda.amazonaws.com"})
HERE = f"arn:aws:iam::{ACCOUNT}"
OWN, OPENID, SAML, DEVICE = f"{HERE}:policy/own", f"{HERE}:oidc-provider/id.example.com", f"{HERE}:saml-provider/saml", f"{HERE}:mfa/phone"
LINKED = "AWSServiceRoleForBatch"
METADATA = f"<EntityDescriptor>{'x' * 1000}</EntityDescriptor>"
KEY_ID, LONG_ID = "A" * 20, "A" * 32
NAMED: dict[str, dict[str, Any]] = {"user": {"UserName": "ada"}, "group": {"GroupName": "lab"}, "role": {"RoleName": "r"}}
"""Who can have policies."""
SITE = issue("example.com")


def furnish(here: Here) -> Here:
    """A region with one of each; a device is left out, as its picture takes longer than all the rest."""
    iam = here.iam
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="lab")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    iam.create_service_linked_role(AWSServiceName="batch.amazonaws.com")
    iam.create_instance_profile(InstanceProfileName="p")
    iam.create_policy(PolicyName="own", PolicyDocument=READ)
    iam.create_open_id_connect_provider(Url="https://id.example.com")
    iam.create_saml_provider(Name="saml", SAMLMetadataDocument=METADATA)
    iam.upload_server_certificate(ServerCertificateName="site", CertificateBody=SITE.body, PrivateKey=SITE.private)
    return here
