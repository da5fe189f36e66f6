"""How versions follow each other, and how a parameter goes."""

from __future__ import annotations

from windtunnel.fabric import Fault
from windtunnel.fabric.tags import remove_all_tags
from windtunnel.services.ssm.access import forget_policies
from windtunnel.services.ssm.parameters.events import tell_change
from windtunnel.services.ssm.parameters.rules import POLICIES_MAX, VERSIONS_MAX
from windtunnel.services.ssm.parameters.state import OLDER, PARAMETERS, Found, Version, place_of


def follow(found: Found, version: Version) -> Found:
    """A new version in front of those there are; the oldest goes where there are too many. Raises ParameterMaxVersionLimitExceeded."""
    before = found.parameter.latest
    oldest = version.number - VERSIONS_MAX
    if found.labels_of(oldest):
        raise Fault(
            "ParameterMaxVersionLimitExceeded",
            f"You attempted to create a new version of {found.parameter.name} by calling the PutParameter API with the overwrite flag."
            f" Version {oldest}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another"
            " version of the parameter, and try again.",
        )
    found.tx.put(OLDER, found.parameter.id, before.number, value=before)
    found.tx.delete(OLDER, found.parameter.id, oldest)
    return found.put(latest=version)


def forget(found: Found) -> None:
    """A parameter with its versions, labels, policies and tags."""
    tx, parameter = found.tx, found.parameter
    for key, _ in list(tx.scan(OLDER, parameter.id)):
        tx.delete(OLDER, *key)
    for place in range(POLICIES_MAX):
        tx.cancel_timer("policy", f"{parameter.id}/{place}")
    remove_all_tags(tx, found.arn)
    forget_policies(tx, found.arn)
    tx.delete(PARAMETERS, *place_of(parameter.name))
    tell_change(found, "Delete")
