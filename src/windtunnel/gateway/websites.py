"""Buckets as websites: index and error documents, redirections and routing rules, errors as pages.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.aws.request_ids import host_id
from windtunnel.fabric.cloud import Cloud
from windtunnel.fabric.scope import Scope
from windtunnel.kernel.loop import step
from windtunnel.services.s3.websites.website import redirected, website_of
from windtunnel.wire.codec import compiled
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Request, Response

_OPERATIONS = {"GET": "GetObject", "HEAD": "HeadObject"}


class Website:
    """One request to a bucket's website."""

    def __init__(self, cloud: Cloud, request: Request, bucket: str, scope: Scope) -> None:
        self._cloud, self._request, self._bucket, self._scope = cloud, request, bucket, scope
        self._key = unquote(request.path[1:])

    def answer(self) -> Response:
        try:
            region, website = self._cloud.apply(lambda tx: website_of(tx, self._bucket))
            if self._request.method not in _OPERATIONS:
                message = "The specified method is not allowed against this resource."
                raise Fault("MethodNotAllowed", message, status=405, Method=self._request.method, ResourceType="OBJECT")
        except Fault as fault:
            return self._page(fault)
        self._scope = msgspec.structs.replace(self._scope, region=region)
        everything = website.get("RedirectAllRequestsTo")
        if everything is not None:
            return self._moved(everything, self._key)
        moved = redirected(website, self._key, None) if self._key else None
        return self._moved(*moved) if moved is not None else self._served(website)

    def _served(self, website: Mapping[str, Any]) -> Response:
        suffix, key = website["IndexDocument"]["Suffix"], self._key
        folder = not key or key.endswith("/")
        try:
            return self._read(key + suffix if folder else key)
        except Fault as fault:
            if fault.code == "NoSuchKey" and not folder and self._exists(f"{key}/{suffix}"):
                return Response(302, [*self._identified(), ("Location", f"/{quote(key)}/")])
            status = self._cloud.status_of("s3", fault)
            if status == HTTPStatus.NOT_MODIFIED:
                fault.status = status
                return self._codec().refuse(fault, self._scope.request_id)
            moved = redirected(website, key, status)
            if moved is not None:
                return self._moved(*moved)
            if website.get("ErrorDocument") is None:
                return self._page(fault)
            return self._custom(website["ErrorDocument"]["Key"], fault, status)

    def _custom(self, key: str, fault: Fault, status: int) -> Response:
        try:
            response = self._read(key, plain=True)
        except Fault as second:
            return self._page(fault, second)
        # An error document may itself lead elsewhere.
        return response if response.status == HTTPStatus.MOVED_PERMANENTLY else Response(status, response.headers, response.body)

    def _codec(self) -> Codec:
        return compiled("s3", _OPERATIONS[self._request.method], "rest-xml")

    def _read(self, key: str, *, plain: bool = False) -> Response:
        """An object as an answer; `plain`: whatever conditions came with the request are not for it."""
        codec = self._codec()
        match = Match("s3", _OPERATIONS[self._request.method], "rest-xml", {"Bucket": self._bucket, "Key": key})
        asked = Request(self._request.method, f"/{quote(key)}", "", {} if plain else self._request.headers)
        result = step(self._cloud.run("s3", match.operation, codec.parse(asked, match), self._scope, signed=False))
        target = result.get("WebsiteRedirectLocation")
        if target:
            return Response(301, [*self._identified(), ("Location", target)])
        return codec.respond(result, self._scope.request_id)

    def _exists(self, key: str) -> bool:
        try:
            step(self._cloud.run("s3", "HeadObject", {"Bucket": self._bucket, "Key": key}, self._scope, signed=False))
        except Fault:
            return False
        return True

    def _moved(self, redirect: Mapping[str, Any], key: str) -> Response:
        protocol, host = redirect.get("Protocol") or self._request.scheme, redirect.get("HostName") or self._request.host
        status = int(redirect.get("HttpRedirectCode") or 301)
        return Response(status, [*self._identified(), ("Location", f"{protocol}://{host}/{quote(key)}")])

    def _identified(self) -> list[tuple[str, str]]:
        request_id = self._scope.request_id
        return [("x-amz-request-id", request_id), ("x-amz-id-2", host_id(request_id))]

    def _page(self, fault: Fault, second: Fault | None = None) -> Response:
        """An error for people to read; `second`: why the bucket's own error page could not be shown."""
        status = self._cloud.status_of("s3", fault)
        title = f"{status} {HTTPStatus(status).phrase}"
        request_id = self._scope.request_id
        told = [*_told(fault), ("RequestId", request_id), ("HostId", host_id(request_id))]
        lines = [f"<head><title>{title}</title></head>", "<body>", f"<h1>{title}</h1>", *_list(told)]
        if second is not None:
            lines += ["<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>", *_list(_told(second))]
        body = "\n".join(["<html>", *lines, "<hr/>", "</body>", "</html>", ""])
        headers = [("x-amz-error-code", fault.code), ("x-amz-error-message", fault.message), ("Content-Type", "text/html; charset=utf-8")]
        return Response(status, [*self._identified(), *headers], b"" if self._request.method == "HEAD" else body.encode())


def _told(fault: Fault) -> list[tuple[str, str]]:
    return [("Code", fault.code), ("Message", fault.message), *((name, str(value)) for name, value in fault.members.items())]


def _list(items: list[tuple[str, str]]) -> list[str]:
    return ["<ul>", *(f"<li>{name}: {escape(value, quote=False)}</li>" for name, value in items), "</ul>"]
