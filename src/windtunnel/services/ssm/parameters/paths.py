"""Listing parameters: those under a path with their values, and all without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Tx
from windtunnel.services.ssm.parameters.filters import BY_PATH, DESCRIBED, option_of, tests_of
from windtunnel.services.ssm.parameters.paging import start_of
from windtunnel.services.ssm.parameters.public import public_names, public_version
from windtunnel.services.ssm.parameters.reading import PUBLIC
from windtunnel.services.ssm.parameters.rules import BAD_PATH, DESCRIBED_DEFAULT, PAGE_DEFAULT, invalid, is_path
from windtunnel.services.ssm.parameters.state import PARAMETERS, Found, Parameter, place_of
from windtunnel.services.ssm.parameters.views import described, shown, shown_public

if TYPE_CHECKING:
    from windtunnel.aws.types import ssm as t

Key = tuple[Any, ...]
_AFTER_SLASH = "0"
"""The character that follows the slash: where the keys of a folder and all that are in it end."""


def get_parameters_by_path(tx: Tx, req: t.GetParametersByPathRequest) -> t.GetParametersByPathResult:
    path, recursive = req["Path"].strip(), bool(req.get("Recursive"))
    filters: list[Any] = [*req.get("ParameterFilters", ())]
    tests = tests_of(filters, BY_PATH)
    if f"{path}/".startswith(PUBLIC):
        return _public(tx, req, path, recursive)
    if not is_path(path):
        raise invalid(BAD_PATH)
    labels = [label for each in filters if each["Key"] == "Label" for label in each["Values"]]
    found = ((key, Found(tx, parameter)) for key, parameter in _under(tx, path, recursive, start_of(req)))
    wanted = ((key, each) for key, each in found if all(test(each) for test in tests))
    page, token = pages.page(wanted, req.get("MaxResults", PAGE_DEFAULT))
    decrypt = bool(req.get("WithDecryption"))
    return _answer("Parameters", [_labelled(each, labels, decrypt) for _, each in page], token)


def _labelled(found: Found, labels: Sequence[str], decrypt: bool) -> dict[str, Any]:
    """The version that one of the labels is on, of what was looked for by labels."""
    numbers = [found.parameter.labels[label] for label in labels if label in found.parameter.labels]
    version = found.version(numbers[0]) if numbers else None
    return shown(found, version or found.parameter.latest, decrypt=decrypt)


def _under(tx: Tx, path: str, recursive: bool, start: Key | None) -> Iterator[tuple[Key, Parameter]]:
    """The parameters in a folder, and with `recursive` in all folders within it."""
    folder = path.rstrip("/") + "/"
    if recursive:
        return tx.scan(PARAMETERS, start=start or (folder,), end=(folder[:-1] + _AFTER_SLASH,))
    return tx.scan(PARAMETERS, folder, start=None if start is None else start[1:])


def _public(tx: Tx, req: Any, path: str, recursive: bool) -> Any:
    """Those that AWS publishes; a page of them begins at a name."""
    start = start_of(req)
    names = (((name,), name) for name in public_names(path, recursive=recursive) if start is None or name >= start[0])
    page, token = pages.page(names, req.get("MaxResults", PAGE_DEFAULT))
    versions = [(name, public_version(tx.region, name)) for _, name in page]
    return _answer("Parameters", [shown_public(tx.region, name, version) for name, version in versions if version is not None], token)


def describe_parameters(tx: Tx, req: t.DescribeParametersRequest) -> t.DescribeParametersResult:
    """Of those that other accounts share there are none: RAM, which would tell of them, isn't here."""
    if req.get("Filters") and req.get("ParameterFilters"):
        raise invalid("You can use either Filters or ParameterFilters in a single request.")
    former: list[Any] = [{**each, "Option": _former_option(each["Key"])} for each in req.get("Filters") or ()]
    filters: list[Any] = former or list(req.get("ParameterFilters") or ())
    tests = tests_of(filters, DESCRIBED)
    rows = iter(()) if req.get("Shared") else _candidates(tx, filters, start_of(req))
    found = ((key, Found(tx, parameter)) for key, parameter in rows)
    wanted = ((key, each) for key, each in found if all(test(each) for test in tests))
    page, token = pages.page(wanted, req.get("MaxResults", DESCRIBED_DEFAULT))
    shown = [described(each, each.parameter.latest) | {"ARN": each.arn} for _, each in page]
    return _answer("Parameters", shown, token)


def _former_option(key: str) -> str:
    """The older form of filters has none: names begin with a value, all else is it."""
    return "BeginsWith" if key == "Name" else "Equals"


def _candidates(tx: Tx, filters: Sequence[Mapping[str, Any]], start: Key | None) -> Iterator[tuple[Key, Parameter]]:
    """Where to look: by name, in a folder, or everywhere."""
    for each in filters:
        if each["Key"] == "Name" and option_of(each) == "Equals":
            return _named(tx, each["Values"], start)
        if each["Key"] == "Path" and len(each["Values"]) == 1:
            return _under(tx, each["Values"][0], option_of(each) == "Recursive", start)
    return tx.scan(PARAMETERS, start=start)


def _named(tx: Tx, names: Sequence[str], start: Key | None) -> Iterator[tuple[Key, Parameter]]:
    for key in sorted({place_of(name) for name in names}):
        parameter = tx.get(PARAMETERS, *key)
        if parameter is not None and (start is None or key >= start):
            yield key, parameter


def _answer(member: str, items: list[dict[str, Any]], token: str | None) -> Any:
    return {member: items} | ({"NextToken": token} if token is not None else {})
