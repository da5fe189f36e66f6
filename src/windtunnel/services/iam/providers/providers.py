"""Identity providers outside of AWS: OpenID Connect and SAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.issuers import LOCAL_HOSTS
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.iam.entities import list_tags, room, tag, untag, with_tags
from windtunnel.services.iam.rules import OPENID_PROVIDERS_MAX, SAML_PROVIDERS_MAX, checked_tags, moment
from windtunnel.services.iam.state import PROVIDERS, Provider

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

AUDIENCES_MAX = 100
THUMBPRINTS_MAX = 5
SAML_VALID_SECONDS = 100 * 365 * 86_400
"""A SAML provider's metadata are shown as valid for a hundred years."""


def create_open_id_connect_provider(tx: Tx, req: t.CreateOpenIDConnectProviderRequest) -> t.CreateOpenIDConnectProviderResponse:
    if "ContextProvider" in req or "IdentityCenterInstanceArn" in req:
        raise Fault("NotImplemented", "windtunnel does not implement trusted identity propagation.", status=501)
    url = _url(req["Url"])
    arn = f"arn:aws:iam::{tx.account}:oidc-provider/{url}"
    if tx.get(PROVIDERS, arn) is not None:
        raise Fault("EntityAlreadyExists", f"Provider with url {req['Url']} already exists.")
    room(tx, PROVIDERS, OPENID_PROVIDERS_MAX, "OpenIdConnectProviders", "openid")
    audiences, thumbprints = req.get("ClientIDList", []), req.get("ThumbprintList", [])
    _check_lists(audiences, thumbprints)
    tags = checked_tags(req.get("Tags", []))  # pyright: ignore[reportArgumentType]
    tx.put(PROVIDERS, arn, value=Provider(moment(tx.now), url=url, audiences=audiences, thumbprints=thumbprints))
    set_tags(tx, arn, tags)
    return with_tags(tx, arn, {"OpenIDConnectProviderArn": arn})


def get_open_id_connect_provider(tx: Tx, req: t.GetOpenIDConnectProviderRequest) -> t.GetOpenIDConnectProviderResponse:
    arn = req["OpenIDConnectProviderArn"]
    provider = _openid(tx, arn)
    shown = {
        "Url": provider.url,
        "ClientIDList": provider.audiences,
        "ThumbprintList": provider.thumbprints,
        "CreateDate": provider.created,
    }
    return with_tags(tx, arn, shown)


def list_open_id_connect_providers(tx: Tx, req: dict[str, Any]) -> t.ListOpenIDConnectProvidersResponse:
    return {"OpenIDConnectProviderList": [{"Arn": str(key[0])} for key, provider in tx.scan(PROVIDERS) if provider.url]}


def delete_open_id_connect_provider(tx: Tx, req: t.DeleteOpenIDConnectProviderRequest) -> dict[str, Any]:
    """That there is none is fine."""
    arn = req["OpenIDConnectProviderArn"]
    tx.delete(PROVIDERS, arn)
    remove_all_tags(tx, arn)
    return {}


def add_client_id_to_open_id_connect_provider(tx: Tx, req: t.AddClientIDToOpenIDConnectProviderRequest) -> dict[str, Any]:
    arn, audience = req["OpenIDConnectProviderArn"], req["ClientID"]
    provider = _openid(tx, arn)
    if audience not in provider.audiences:
        audiences = [*provider.audiences, audience]
        _check_lists(audiences, [])
        tx.put(PROVIDERS, arn, value=msgspec.structs.replace(provider, audiences=audiences))
    return {}


def remove_client_id_from_open_id_connect_provider(tx: Tx, req: t.RemoveClientIDFromOpenIDConnectProviderRequest) -> dict[str, Any]:
    arn = req["OpenIDConnectProviderArn"]
    provider = _openid(tx, arn)
    audiences = [audience for audience in provider.audiences if audience != req["ClientID"]]
    tx.put(PROVIDERS, arn, value=msgspec.structs.replace(provider, audiences=audiences))
    return {}


def update_open_id_connect_provider_thumbprint(tx: Tx, req: t.UpdateOpenIDConnectProviderThumbprintRequest) -> dict[str, Any]:
    arn, thumbprints = req["OpenIDConnectProviderArn"], req["ThumbprintList"]
    provider = _openid(tx, arn)
    _check_lists([], thumbprints)
    tx.put(PROVIDERS, arn, value=msgspec.structs.replace(provider, thumbprints=thumbprints))
    return {}


def tag_open_id_connect_provider(tx: Tx, req: t.TagOpenIDConnectProviderRequest) -> dict[str, Any]:
    _openid(tx, req["OpenIDConnectProviderArn"])
    return tag(tx, req["OpenIDConnectProviderArn"], req)


def untag_open_id_connect_provider(tx: Tx, req: t.UntagOpenIDConnectProviderRequest) -> dict[str, Any]:
    _openid(tx, req["OpenIDConnectProviderArn"])
    return untag(tx, req["OpenIDConnectProviderArn"], req)


def list_open_id_connect_provider_tags(tx: Tx, req: t.ListOpenIDConnectProviderTagsRequest) -> t.ListOpenIDConnectProviderTagsResponse:
    _openid(tx, req["OpenIDConnectProviderArn"])
    return list_tags(tx, req["OpenIDConnectProviderArn"], req)


def create_saml_provider(tx: Tx, req: t.CreateSAMLProviderRequest) -> t.CreateSAMLProviderResponse:
    arn = f"arn:aws:iam::{tx.account}:saml-provider/{req['Name']}"
    if tx.get(PROVIDERS, arn) is not None:
        raise Fault("EntityAlreadyExists", f"SAMLProvider with name {req['Name']} already exists.")
    room(tx, PROVIDERS, SAML_PROVIDERS_MAX, "SAMLProviders", "saml")
    _check_metadata(req["SAMLMetadataDocument"])
    tags = checked_tags(req.get("Tags", []))  # pyright: ignore[reportArgumentType]
    now = moment(tx.now)
    provider = Provider(now, metadata=req["SAMLMetadataDocument"], valid_until=now + SAML_VALID_SECONDS, uuid=tx.new_id())
    tx.put(PROVIDERS, arn, value=provider)
    set_tags(tx, arn, tags)
    return with_tags(tx, arn, {"SAMLProviderArn": arn})


def get_saml_provider(tx: Tx, req: t.GetSAMLProviderRequest) -> t.GetSAMLProviderResponse:
    provider = _saml(tx, req["SAMLProviderArn"])
    shown = {
        "SAMLProviderUUID": provider.uuid,
        "SAMLMetadataDocument": provider.metadata,
        "CreateDate": provider.created,
        "ValidUntil": provider.valid_until,
    }
    return with_tags(tx, req["SAMLProviderArn"], shown)


def update_saml_provider(tx: Tx, req: t.UpdateSAMLProviderRequest) -> t.UpdateSAMLProviderResponse:
    arn = req["SAMLProviderArn"]
    provider = _saml(tx, arn)
    if "SAMLMetadataDocument" in req:
        _check_metadata(req["SAMLMetadataDocument"])
        tx.put(PROVIDERS, arn, value=msgspec.structs.replace(provider, metadata=req["SAMLMetadataDocument"]))
    return {"SAMLProviderArn": arn}


def delete_saml_provider(tx: Tx, req: t.DeleteSAMLProviderRequest) -> dict[str, Any]:
    _saml(tx, req["SAMLProviderArn"])
    tx.delete(PROVIDERS, req["SAMLProviderArn"])
    remove_all_tags(tx, req["SAMLProviderArn"])
    return {}


def list_saml_providers(tx: Tx, req: dict[str, Any]) -> t.ListSAMLProvidersResponse:
    return {
        "SAMLProviderList": [
            {"Arn": str(key[0]), "ValidUntil": provider.valid_until, "CreateDate": provider.created}
            for key, provider in tx.scan(PROVIDERS)
            if provider.metadata
        ]
    }


def tag_saml_provider(tx: Tx, req: t.TagSAMLProviderRequest) -> dict[str, Any]:
    _saml(tx, req["SAMLProviderArn"])
    return tag(tx, req["SAMLProviderArn"], req)


def untag_saml_provider(tx: Tx, req: t.UntagSAMLProviderRequest) -> dict[str, Any]:
    _saml(tx, req["SAMLProviderArn"])
    return untag(tx, req["SAMLProviderArn"], req)


def list_saml_provider_tags(tx: Tx, req: t.ListSAMLProviderTagsRequest) -> t.ListSAMLProviderTagsResponse:
    _saml(tx, req["SAMLProviderArn"])
    return list_tags(tx, req["SAMLProviderArn"], req)


def _url(text: str) -> str:
    """A provider's URL as AWS keeps it: without its scheme. Issuers of this machine may do without TLS, which AWS doesn't let any."""
    parts = urlsplit(text)
    if not parts.netloc or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS)):
        raise Fault("ValidationError", "Invalid Open ID Connect Provider URL")
    return text.partition("://")[2].rstrip("/")


def _check_lists(audiences: list[str], thumbprints: list[str]) -> None:
    if len(audiences) > AUDIENCES_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {AUDIENCES_MAX}")
    if len(thumbprints) > THUMBPRINTS_MAX:
        raise Fault("InvalidInput", f"Thumbprint list must contain fewer than {THUMBPRINTS_MAX} entries.")


def _check_metadata(document: str) -> None:
    if "EntityDescriptor" not in document:
        raise Fault("InvalidInput", "Could not parse metadata")


def _openid(tx: Tx, arn: str) -> Provider:
    provider = tx.get(PROVIDERS, arn)
    if provider is None or not provider.url:
        raise Fault("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
    return provider


def _saml(tx: Tx, arn: str) -> Provider:
    provider = tx.get(PROVIDERS, arn)
    if provider is None or not provider.metadata:
        raise Fault("NoSuchEntity", f"Manifest not found for arn {arn}")
    return provider
