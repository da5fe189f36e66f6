"""DynamoDB's numbers: 38 digits, exact, printed in full, and as bytes that sort as the numbers do.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache

from windtunnel.aws.errors import Fault

DIGITS_MAX = 38
EXPONENT_MAX, EXPONENT_MIN = 125, -130
_PLAIN = re.compile(r"(?:0|-?[1-9][0-9]{0,37})\Z")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?\Z")
_CONTEXT = Context(prec=300)
_ZERO_BYTE, _END_OF_NEGATIVE = 0x80, 102


def invalid(message: str) -> Fault:
    return Fault("ValidationException", message)


def normal(text: str) -> str:
    """A number as DynamoDB prints it; refuses what isn't one, or is too long, too large or too small."""
    if _PLAIN.match(text):
        return text
    if not text:
        raise invalid("The parameter cannot be converted to a numeric value")
    if not _NUMBER.match(text):
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    try:
        return shown(Decimal(text))
    except InvalidOperation:
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}") from None


def shown(number: Decimal) -> str:
    """The canonical text of a number that is within the limits; refuses one that isn't."""
    if not number:
        return "0"
    exponent = number.adjusted()
    if exponent > EXPONENT_MAX:
        raise invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if exponent < EXPONENT_MIN:
        raise invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > DIGITS_MAX:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def added(one: str, other: str, *, subtract: bool = False) -> str:
    """The sum or the difference of two numbers, exact or refused."""
    context = _CONTEXT.copy()
    context.traps[Inexact] = False
    a, b = Decimal(one), Decimal(other)
    return shown(context.subtract(a, b) if subtract else context.add(a, b))


def size(text: str) -> int:
    """The bytes that a number takes in an item: about one for two digits, and one."""
    if text.isdigit():  # most are whole
        digits, exponent = len(text.rstrip("0")), len(text) - 1
        return 1 + (digits + 1) // 2 + (0 if digits % 2 or exponent % 2 else 1) if digits else 1
    number = Decimal(text)
    digits = len("".join(map(str, number.as_tuple().digits)).strip("0"))
    odd = digits % 2 or number.adjusted() % 2
    return 1 + (digits + 1) // 2 + (0 if odd else 1) + (number < 0)


@lru_cache(maxsize=4096)
def sortable(text: str) -> bytes:
    """Bytes that sort as numbers do, in the form that DynamoDB hashes partition keys in: an exponent of 100, then digits in pairs.

    Positive digits are raised by one; negative ones are turned round, with an end that is greater than any digit.
    """
    number = Decimal(text)
    if not number:
        return bytes((_ZERO_BYTE,))
    exponent = number.adjusted() + 1
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    odd = exponent % 2
    digits = "0" * odd + digits
    digits += "0" * (len(digits) % 2)
    pairs = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    head = (exponent + odd) // 2 - 64
    if number > 0:
        return bytes((head & 0xFF, *(pair + 1 for pair in pairs)))
    return bytes((~head & 0xFF, *(101 - pair for pair in pairs), *((_END_OF_NEGATIVE,) if len(pairs) < 20 else ())))
