"""The kinds of resources that IAM has, and that templates can deploy."""

from __future__ import annotations

from windtunnel.fabric import Resource
from windtunnel.services.iam.deploying.credentials import ADDITION, CERTIFICATE, DEVICE, KEY, PROFILE
from windtunnel.services.iam.deploying.entities import GROUP, ROLE, USER
from windtunnel.services.iam.deploying.policies import MANAGED, POLICY, one
from windtunnel.services.iam.deploying.providers import LINKED, OPENID, SAML
from windtunnel.services.iam.state import CERTIFICATES, GROUPS, POLICIES, PROFILES, ROLES, USERS

RESOURCES = (
    Resource("AWS::IAM::User", USERS, "arn:aws:iam::{account}:user/{0}", USER),
    Resource("AWS::IAM::Group", GROUPS, "arn:aws:iam::{account}:group/{0}", GROUP),
    Resource("AWS::IAM::Role", ROLES, "arn:aws:iam::{account}:role/{0}", ROLE),
    Resource("AWS::IAM::InstanceProfile", PROFILES, "arn:aws:iam::{account}:instance-profile/{0}", PROFILE),
    Resource("AWS::IAM::ManagedPolicy", POLICIES, "arn:aws:iam::{account}:policy/{0}", MANAGED),
    Resource("AWS::IAM::ServerCertificate", CERTIFICATES, "arn:aws:iam::{account}:server-certificate/{0}", CERTIFICATE),
    Resource("AWS::IAM::AccessKey", deploy=KEY),
    Resource("AWS::IAM::GroupPolicy", deploy=one("group")),
    Resource("AWS::IAM::OIDCProvider", deploy=OPENID),
    Resource("AWS::IAM::Policy", deploy=POLICY),
    Resource("AWS::IAM::RolePolicy", deploy=one("role")),
    Resource("AWS::IAM::SAMLProvider", deploy=SAML),
    Resource("AWS::IAM::ServiceLinkedRole", deploy=LINKED),
    Resource("AWS::IAM::UserPolicy", deploy=one("user")),
    Resource("AWS::IAM::UserToGroupAddition", deploy=ADDITION),
    Resource("AWS::IAM::VirtualMFADevice", deploy=DEVICE),
)
