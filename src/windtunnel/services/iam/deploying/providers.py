"""Identity providers and service-linked roles from templates."""

from __future__ import annotations

from functools import partial
from typing import Any

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import changed
from windtunnel.services.iam.deploying.entities import IAM


async def _create_openid(at: At, properties: Properties) -> str:
    given = {"Url": properties["Url"], "ClientIDList": properties.get("ClientIdList"), "ThumbprintList": properties.get("ThumbprintList")}
    made = await at.aws.iam.create_open_id_connect_provider({**given, "Tags": at.tag_list(properties.get("Tags"))})
    return str(made["OpenIDConnectProviderArn"])


async def _update_openid(at: At, id: str, new: Properties, old: Properties) -> None:
    provider = {"OpenIDConnectProviderArn": id}
    if changed(new, old, "ThumbprintList"):
        await at.aws.iam.update_open_id_connect_provider_thumbprint({**provider, "ThumbprintList": new.get("ThumbprintList", [])})
    after, before = new.get("ClientIdList", []), old.get("ClientIdList", [])
    for client in [each for each in after if each not in before]:
        await at.aws.iam.add_client_id_to_open_id_connect_provider({**provider, "ClientID": client})
    for client in [each for each in before if each not in after]:
        await at.aws.iam.remove_client_id_from_open_id_connect_provider({**provider, "ClientID": client})
    await _set_tags("open_id_connect_provider", "OpenIDConnectProviderArn", at, id, new, old)


async def _delete_openid(at: At, id: str, properties: Properties) -> None:
    await at.aws.iam.delete_open_id_connect_provider({"OpenIDConnectProviderArn": id})


async def _create_saml(at: At, properties: Properties) -> str:
    request = {"Name": properties["Name"], "SAMLMetadataDocument": properties["SamlMetadataDocument"]}
    made = await at.aws.iam.create_saml_provider({**request, "Tags": at.tag_list(properties.get("Tags"))})
    return str(made["SAMLProviderArn"])


async def _update_saml(at: At, id: str, new: Properties, old: Properties) -> None:
    if changed(new, old, "SamlMetadataDocument"):
        await at.aws.iam.update_saml_provider({"SAMLProviderArn": id, "SAMLMetadataDocument": new["SamlMetadataDocument"]})
    await _set_tags("saml_provider", "SAMLProviderArn", at, id, new, old)


async def _delete_saml(at: At, id: str, properties: Properties) -> None:
    await at.aws.iam.delete_saml_provider({"SAMLProviderArn": id})


async def _set_tags(noun: str, member: str, at: At, id: str, new: Properties, old: Properties) -> None:
    await at.retag(new, old, {member: id}, getattr(at.aws.iam, f"tag_{noun}"), getattr(at.aws.iam, f"untag_{noun}"))


async def _told(noun: str, member: str, at: At, id: str, properties: Properties) -> dict[str, Any]:
    await getattr(at.aws.iam, f"get_{noun}")({member: id})
    return {"Arn": id}


async def _create_linked(at: At, properties: Properties) -> str:
    given = {each: properties.get(each) for each in ("AWSServiceName", "CustomSuffix", "Description")}
    return str((await at.aws.iam.create_service_linked_role(given))["Role"]["RoleName"])


async def _update_linked(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.iam.update_role({"RoleName": id, "Description": new.get("Description", "")})


async def _delete_linked(at: At, id: str, properties: Properties) -> None:
    await at.aws.iam.delete_service_linked_role({"RoleName": id})


async def _told_linked(at: At, id: str, properties: Properties) -> dict[str, Any]:
    await at.aws.iam.get_role({"RoleName": id})
    return {"RoleName": id}


OPENID = Deploy(
    properties="ClientIdList Tags ThumbprintList Url",
    replaced="Url",
    create=_create_openid,
    update=_update_openid,
    delete=_delete_openid,
    attributes=partial(_told, "open_id_connect_provider", "OpenIDConnectProviderArn"),
    tagged=True,
    marked=False,
)
SAML = Deploy(
    properties="Name SamlMetadataDocument Tags",
    required="SamlMetadataDocument",
    replaced="Name",
    create=_create_saml,
    update=_update_saml,
    delete=_delete_saml,
    attributes=partial(_told, "saml_provider", "SAMLProviderArn"),
    name="Name",
    name_max=128,
    tagged=True,
    marked=False,
)
LINKED = Deploy(
    properties="AWSServiceName CustomSuffix Description",
    replaced="AWSServiceName CustomSuffix",
    create=_create_linked,
    update=_update_linked,
    delete=_delete_linked,
    attributes=_told_linked,
    capability=IAM,
)
