"""Passwords of users for the console. Only their digests are kept."""

from __future__ import annotations

import re
from hashlib import scrypt
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.rules import moment
from windtunnel.services.iam.state import LOGINS, PASSWORDS, Login, User, user_named

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

SALT_DIGITS = 32
LENGTH_DEFAULT_MIN = 8
_KINDS_DEFAULT_MIN = 3
_CLASSES = {
    "RequireSymbols": (re.compile(r"[!@#$%^&*()_+\-=\[\]{}|']"), "Password should have at least one symbol"),
    "RequireNumbers": (re.compile(r"[0-9]"), "Password should have at least one number"),
    "RequireUppercaseCharacters": (re.compile(r"[A-Z]"), "Password should have at least one uppercase letter"),
    "RequireLowercaseCharacters": (re.compile(r"[a-z]"), "Password should have at least one lowercase letter"),
}


def create_login_profile(tx: Tx, req: t.CreateLoginProfileRequest) -> t.CreateLoginProfileResponse:
    user = _user(tx, req.get("UserName"))
    if tx.get(LOGINS, user.id) is not None:
        raise Fault("EntityAlreadyExists", f"Login Profile for User {user.name} already exists.")
    login = _with_password(tx, user, req.get("Password", ""), moment(tx.now), reset=req.get("PasswordResetRequired", False))
    tx.put(LOGINS, user.id, value=login)
    return {"LoginProfile": _shown(user, login)}


def get_login_profile(tx: Tx, req: t.GetLoginProfileRequest) -> t.GetLoginProfileResponse:
    user = _user(tx, req.get("UserName"))
    return {"LoginProfile": _shown(user, _login(tx, user))}


def update_login_profile(tx: Tx, req: t.UpdateLoginProfileRequest) -> dict[str, Any]:
    user = user_named(tx, req["UserName"])
    login = _login(tx, user)
    reset = req.get("PasswordResetRequired", login.reset)
    if "Password" in req:
        login = _with_password(tx, user, req["Password"], login.created, reset=reset)
    tx.put(LOGINS, user.id, value=msgspec.structs.replace(login, reset=reset))
    return {}


def delete_login_profile(tx: Tx, req: t.DeleteLoginProfileRequest) -> dict[str, Any]:
    user = _user(tx, req.get("UserName"))
    _login(tx, user)
    tx.delete(LOGINS, user.id)
    return {}


def change_password(tx: Tx, req: t.ChangePasswordRequest) -> dict[str, Any]:
    """Users change their own."""
    caller = tx.scope.principal
    if caller.kind != "IAMUser":
        raise Fault("InvalidUserType", "Only IAM Users can change their own password")
    user = user_named(tx, caller.name)
    login = _login(tx, user)
    if _digest(req["OldPassword"], login.salt) != login.digest:
        raise Fault("AccessDenied", "The old password was incorrect.")
    tx.put(LOGINS, user.id, value=_with_password(tx, user, req["NewPassword"], login.created, reset=False))
    return {}


def _user(tx: Tx, name: str | None) -> User:
    return user_named(tx, name or tx.scope.principal.name)


def _login(tx: Tx, user: User) -> Login:
    login = tx.get(LOGINS, user.id)
    if login is None:
        raise Fault("NoSuchEntity", f"Login Profile for User {user.name} cannot be found.")
    return login


def _with_password(tx: Tx, user: User, password: str, created: float, *, reset: bool) -> Login:
    _check(password, user, tx.get(PASSWORDS))
    salt = tx.ids.hex(SALT_DIGITS)
    return Login(salt, _digest(password, salt), created, moment(tx.now), reset)


def _digest(password: str, salt: str) -> str:
    return scrypt(password.encode(), salt=bytes.fromhex(salt), n=2**10, r=8, p=1).hex()


def _check(password: str, user: User, policy: dict[str, Any] | None) -> None:
    """Raises PasswordPolicyViolation. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html"""
    if policy is None:
        kinds = sum(pattern.search(password) is not None for pattern, _ in _CLASSES.values())
        length = LENGTH_DEFAULT_MIN
        if kinds < _KINDS_DEFAULT_MIN or password == user.name:
            raise Fault("PasswordPolicyViolation", "The password does not conform to the account password policy.")
    else:
        length = policy["MinimumPasswordLength"]
        for required, (pattern, message) in _CLASSES.items():
            if policy[required] and pattern.search(password) is None:
                raise Fault("PasswordPolicyViolation", message)
    if len(password) < length:
        raise Fault("PasswordPolicyViolation", f"Password should have a minimum length of {length}")


def _shown(user: User, login: Login) -> t.LoginProfile:
    return {"UserName": user.name, "CreateDate": login.created, "PasswordResetRequired": login.reset}
