"""AWS's patterns are Java's regular expressions: this turns them into Python's, so that the same texts match.

https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html
"""

import re
import unicodedata
import warnings
from functools import cache

_POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0b\f\r",
}
_ALIASES = {"IsLetter": "L", "IsDigit": "Nd", "IsAlphabetic": "L", "IsPunctuation": "P", "InBasicLatin": "ASCII"}
_HORIZONTAL = r" \t\u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
_BEYOND_BMP = r"\U00010000-\U0010ffff"
_PROPERTY = re.compile(r"\\([pP])(?:\{(?:general_category=|gc=)?\^?(\w+)\}|([A-Z]))")
_SURROGATES = re.compile(r"\\uD[89A-B]\w\w\\uD[C-F]\w\w-\\uD[89A-B]\w\w\\uD[C-F]\w\w", re.IGNORECASE)
_DASH = re.compile(r"(\\[wdsWDS])-(?!\])")
"""A dash after a class is a dash to Java, and a bad range to Python."""
_CODE_POINT = re.compile(r"\\x\{([0-9A-Fa-f]+)\}")
_EVERYTHING = frozenset({r"[\s\S]*", r"[\S\s]*", r"[\w\W]*", r"[\d\D]*", r"(?s).*", r"^[\s\S]*$", r"^[\S\s]*$"})


@cache
def java_pattern(text: str) -> re.Pattern[str] | None:
    """The pattern, for `fullmatch` (a pattern in a model always means the whole value); None for one that matches everything
    or that Python has no words for."""
    if text in _EVERYTHING:
        return None
    try:
        with warnings.catch_warnings():
            # Java's unions of classes look like mistakes to Python.
            warnings.simplefilter("ignore", FutureWarning)
            # As in Java, \d, \w and \s mean ASCII.
            return re.compile(_translated(text), re.ASCII)
    except (re.error, KeyError, OverflowError):
        return None


def _translated(text: str) -> str:
    if "&&" in text and "[" in text:
        raise KeyError(text)
    text = _SURROGATES.sub(lambda _: _BEYOND_BMP, text)
    text = _CODE_POINT.sub(lambda match: f"\\U{int(match[1], 16):08x}", text)
    text = _DASH.sub(r"\1\\-", text)
    text = text.replace(r"\z", r"\Z").replace(r"\h", f"[{_HORIZONTAL}]" if "[" not in text else _HORIZONTAL)
    out: list[str] = []
    at = 0
    for match in _PROPERTY.finditer(text):
        out.append(text[at : match.start()])
        at = match.end()
        inside = _in_class(text, match.start())
        ranges = _ranges(match[2] or match[3])
        if match[1] == "P" and inside:
            raise KeyError(text)
        out.append(ranges if inside else f"[{'^' if match[1] == 'P' else ''}{ranges}]")
    return "".join(out) + text[at:]


def _in_class(text: str, at: int) -> bool:
    """Whether a place lies between brackets."""
    inside, escaped = False, False
    for char in text[:at]:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == "[":
            inside = True
        elif char == "]":
            inside = False
    return inside


@cache
def _ranges(name: str) -> str:
    """The characters of a POSIX class or a Unicode category ("L", "Lu"), as ranges for a class. Raises KeyError for another name."""
    name = _ALIASES.get(name, name)
    if name in _POSIX:
        return _POSIX[name]
    if name[:2] == "Is":
        name = name[2:]
    if name[0] not in "LMNPSZC" or len(name) > 2:
        raise KeyError(name)
    ranges: list[str] = []
    first = last = -1
    for code in range(0x10000):
        if unicodedata.category(chr(code)).startswith(name):
            if code != last + 1 or first < 0:
                if first >= 0:
                    ranges.append(f"\\u{first:04x}-\\u{last:04x}")
                first = code
            last = code
    ranges.append(f"\\u{first:04x}-\\u{last:04x}")
    # Beyond the basic plane lie letters, digits and symbols (emoji); telling them apart isn't worth a million lookups.
    return "".join(ranges) + (_BEYOND_BMP if name[0] in "LNS" else "")
