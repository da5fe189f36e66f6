"""Random passwords. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html"""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase, digits
from typing import TYPE_CHECKING

from windtunnel.fabric import Tx
from windtunnel.services.secretsmanager.rules import invalid

if TYPE_CHECKING:
    from windtunnel.aws.types import secretsmanager as t

LENGTH_DEFAULT = 32
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_KINDS = {
    "ExcludeLowercase": ascii_lowercase,
    "ExcludeUppercase": ascii_uppercase,
    "ExcludeNumbers": digits,
    "ExcludePunctuation": PUNCTUATION,
}


def get_random_password(tx: Tx, req: t.GetRandomPasswordRequest) -> t.GetRandomPasswordResponse:
    excluded, length = set(req.get("ExcludeCharacters", "")), req.get("PasswordLength", LENGTH_DEFAULT)
    kinds = [letters for member, letters in _KINDS.items() if not req.get(member)] + ([" "] if req.get("IncludeSpace") else [])
    kinds = [left for letters in kinds if (left := "".join(letter for letter in letters if letter not in excluded))]
    if not kinds:
        raise invalid("The password can't be made of no characters.")
    each = req.get("RequireEachIncludedType", True)
    if each and length < len(kinds):
        raise invalid("The password length is too short to have a character of each type.")
    password = [tx.ids.text(1, letters) for letters in kinds] if each else []
    password += tx.ids.text(length - len(password), "".join(kinds))
    # Those of each kind are put anywhere, as the others are.
    for place in range(len(password) - 1, 0, -1):
        other = int(tx.ids.fraction() * (place + 1))
        password[place], password[other] = password[other], password[place]
    return {"RandomPassword": "".join(password)}
