"""Instance profiles: what carries a role to an EC2 instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.iam.entities import free, list_tags, listed, room, tag, tagged, untag
from windtunnel.services.iam.rules import PROFILES_MAX, checked_tags, moment, new_id, paged, start_of
from windtunnel.services.iam.state import PROFILES, Profile, arn_of, own_role_named, role_named
from windtunnel.services.iam.views import shown_profile

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t


def create_instance_profile(tx: Tx, req: t.CreateInstanceProfileRequest) -> t.CreateInstanceProfileResponse:
    name = req["InstanceProfileName"]
    free(tx, PROFILES, name, f"Instance Profile {name} already exists.")
    room(tx, PROFILES, PROFILES_MAX, "InstanceProfiles")
    tags = checked_tags(req.get("Tags", []))  # pyright: ignore[reportArgumentType]
    profile = Profile(new_id(tx, "AIPA"), name, req.get("Path", "/"), moment(tx.now))
    tx.put(PROFILES, name.lower(), value=profile)
    set_tags(tx, arn_of(tx, profile), tags)
    return {"InstanceProfile": _shown_whole(tx, profile)}


def get_instance_profile(tx: Tx, req: t.GetInstanceProfileRequest) -> t.GetInstanceProfileResponse:
    return {"InstanceProfile": _shown_whole(tx, _named(tx, req["InstanceProfileName"]))}


def delete_instance_profile(tx: Tx, req: t.DeleteInstanceProfileRequest) -> dict[str, Any]:
    profile = _named(tx, req["InstanceProfileName"])
    if profile.role:
        raise Fault("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
    remove_all_tags(tx, arn_of(tx, profile))
    tx.delete(PROFILES, profile.name.lower())
    return {}


def list_instance_profiles(tx: Tx, req: t.ListInstanceProfilesRequest) -> t.ListInstanceProfilesResponse:
    return listed(tx, req, "InstanceProfiles", PROFILES, shown_profile)


def list_instance_profiles_for_role(tx: Tx, req: t.ListInstanceProfilesForRoleRequest) -> t.ListInstanceProfilesForRoleResponse:
    role = role_named(tx, req["RoleName"])
    rows = tx.find(PROFILES, "role", role.id, start=start_of(req))
    return paged(req, "InstanceProfiles", rows, lambda _, profile: shown_profile(tx, profile))


def add_role_to_instance_profile(tx: Tx, req: t.AddRoleToInstanceProfileRequest) -> dict[str, Any]:
    profile, role = _named(tx, req["InstanceProfileName"]), own_role_named(tx, req["RoleName"])
    if profile.role:
        raise Fault("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    tx.put(PROFILES, profile.name.lower(), value=msgspec.structs.replace(profile, role=role.id))
    return {}


def remove_role_from_instance_profile(tx: Tx, req: t.RemoveRoleFromInstanceProfileRequest) -> dict[str, Any]:
    profile, role = _named(tx, req["InstanceProfileName"]), own_role_named(tx, req["RoleName"])
    if profile.role != role.id:
        raise Fault("NoSuchEntity", f"The role with name {role.name} cannot be found.")
    tx.put(PROFILES, profile.name.lower(), value=msgspec.structs.replace(profile, role=""))
    return {}


def tag_instance_profile(tx: Tx, req: t.TagInstanceProfileRequest) -> dict[str, Any]:
    return tag(tx, arn_of(tx, _named(tx, req["InstanceProfileName"])), req)


def untag_instance_profile(tx: Tx, req: t.UntagInstanceProfileRequest) -> dict[str, Any]:
    return untag(tx, arn_of(tx, _named(tx, req["InstanceProfileName"])), req)


def list_instance_profile_tags(tx: Tx, req: t.ListInstanceProfileTagsRequest) -> t.ListInstanceProfileTagsResponse:
    return list_tags(tx, arn_of(tx, _named(tx, req["InstanceProfileName"])), req)


def _named(tx: Tx, name: str) -> Profile:
    profile = tx.get(PROFILES, name.lower())
    if profile is None or profile.name != name:
        raise Fault("NoSuchEntity", f"Instance Profile {name} cannot be found.")
    return profile


def _shown_whole(tx: Tx, profile: Profile) -> t.InstanceProfile:
    return shown_profile(tx, profile) | tagged(tx, arn_of(tx, profile))
