"""The account as a whole: its alias, its password policy, what it holds and how much it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.mfa import DEVICES
from windtunnel.services.iam import rules
from windtunnel.services.iam.state import (
    ALIAS_OF,
    ALIASES,
    CERTIFICATES,
    GROUPS,
    KEYS,
    PASSWORDS,
    POLICIES,
    PROFILES,
    PROVIDERS,
    ROLES,
    SIGNING,
    TOKEN_VERSION,
    USERS,
    VERSIONS,
)

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

TOKEN_VERSION_DEFAULT = 2
_PASSWORDS: dict[str, Any] = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
}


def create_account_alias(tx: Tx, req: t.CreateAccountAliasRequest) -> dict[str, Any]:
    """An account has one alias; a new one replaces it. Aliases are unique among all accounts."""
    alias = req["AccountAlias"]
    owner = tx.get(ALIASES, alias)
    if owner is not None:
        raise Fault("EntityAlreadyExists", f"The account alias {alias} already exists.")
    _forget_alias(tx)
    tx.put(ALIASES, alias, value=tx.account)
    tx.put(ALIAS_OF, value=alias)
    return {}


def delete_account_alias(tx: Tx, req: t.DeleteAccountAliasRequest) -> dict[str, Any]:
    if tx.get(ALIAS_OF) != req["AccountAlias"]:
        raise Fault("NoSuchEntity", f"The account alias {req['AccountAlias']} cannot be found.")
    _forget_alias(tx)
    return {}


def list_account_aliases(tx: Tx, req: t.ListAccountAliasesRequest) -> t.ListAccountAliasesResponse:
    alias = tx.get(ALIAS_OF)
    return {"AccountAliases": [] if alias is None else [alias], "IsTruncated": False}


def get_account_summary(tx: Tx, req: dict[str, Any]) -> t.GetAccountSummaryResponse:
    """Counters and quotas."""
    root_keys = tx.count(KEYS, "user", tx.account)
    return {
        "SummaryMap": {
            "AccessKeysPerUserQuota": rules.ACCESS_KEYS_PER_USER_MAX,
            "AccountAccessKeysPresent": min(root_keys, 1),
            "AccountMFAEnabled": 0,
            "AccountPasswordPresent": 1,
            "AccountSigningCertificatesPresent": min(tx.count(SIGNING, "user", tx.account), 1),
            "AssumeRolePolicySizeQuota": rules.TRUST_CHARACTERS_MAX,
            "AttachedPoliciesPerGroupQuota": rules.POLICIES_ATTACHED_MAX,
            "AttachedPoliciesPerRoleQuota": rules.POLICIES_ATTACHED_MAX,
            "AttachedPoliciesPerUserQuota": rules.POLICIES_ATTACHED_MAX,
            "GlobalEndpointTokenVersion": tx.get(TOKEN_VERSION) or TOKEN_VERSION_DEFAULT,
            "GroupPolicySizeQuota": rules.INLINE_CHARACTERS_MAX["group"],
            "Groups": tx.count(GROUPS, "all"),
            "GroupsPerUserQuota": rules.GROUPS_PER_USER_MAX,
            "GroupsQuota": rules.GROUPS_MAX,
            "InstanceProfiles": tx.count(PROFILES, "all"),
            "InstanceProfilesQuota": rules.PROFILES_MAX,
            "MFADevices": tx.count(DEVICES, "all"),
            "MFADevicesInUse": tx.count(DEVICES, "assigned"),
            "Policies": tx.count(POLICIES, "all"),
            "PoliciesQuota": rules.POLICIES_MAX,
            "PolicySizeQuota": rules.POLICY_CHARACTERS_MAX,
            "PolicyVersionsInUse": tx.count(VERSIONS, "all"),
            "PolicyVersionsInUseQuota": rules.VERSIONS_ALL_MAX,
            "Providers": tx.count(PROVIDERS, "all"),
            "RolePolicySizeQuota": rules.INLINE_CHARACTERS_MAX["role"],
            "Roles": tx.count(ROLES, "all"),
            "RolesQuota": rules.ROLES_MAX,
            "ServerCertificates": tx.count(CERTIFICATES, "all"),
            "ServerCertificatesQuota": rules.CERTIFICATES_MAX,
            "SigningCertificatesPerUserQuota": rules.SIGNING_CERTIFICATES_PER_USER_MAX,
            "UserPolicySizeQuota": rules.INLINE_CHARACTERS_MAX["user"],
            "Users": tx.count(USERS, "all"),
            "UsersQuota": rules.USERS_MAX,
            "VersionsPerPolicyQuota": rules.VERSIONS_MAX,
        }
    }


def set_security_token_service_preferences(tx: Tx, req: t.SetSecurityTokenServicePreferencesRequest) -> dict[str, Any]:
    tx.put(TOKEN_VERSION, value=1 if req["GlobalEndpointTokenVersion"] == "v1Token" else 2)
    return {}


def update_account_password_policy(tx: Tx, req: t.UpdateAccountPasswordPolicyRequest) -> dict[str, Any]:
    """What the request leaves out goes back to its default."""
    tx.put(PASSWORDS, value={**_PASSWORDS, **req})
    return {}


def get_account_password_policy(tx: Tx, req: dict[str, Any]) -> t.GetAccountPasswordPolicyResponse:
    policy = _password_policy(tx)
    return {"PasswordPolicy": {**policy, "ExpirePasswords": bool(policy.get("MaxPasswordAge"))}}  # pyright: ignore[reportReturnType]


def delete_account_password_policy(tx: Tx, req: dict[str, Any]) -> dict[str, Any]:
    _password_policy(tx)
    tx.delete(PASSWORDS)
    return {}


def _password_policy(tx: Tx) -> dict[str, Any]:
    policy = tx.get(PASSWORDS)
    if policy is None:
        raise Fault("NoSuchEntity", f"The Password Policy with domain name {tx.account} cannot be found.")
    return policy


def _forget_alias(tx: Tx) -> None:
    alias = tx.get(ALIAS_OF)
    if alias is not None:
        tx.delete(ALIASES, alias)
        tx.delete(ALIAS_OF)
