"""A region as a command sees it: the URL where it should answer, and its own API under `/_windtunnel/`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from windtunnel.app.problem import Problem

DEFAULT_ENDPOINT = "http://localhost:4566"


def endpoint_of(given: str | None) -> str:
    """Where the region is: what was given, else the variable that AWS's own tools read, else the port that `up` takes."""
    found = (given or os.environ.get("AWS_ENDPOINT_URL") or DEFAULT_ENDPOINT).rstrip("/")
    return found if "://" in found else f"http://{found}"


class Remote:
    """Asks a region. Whatever goes wrong is a Problem."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        # A proxy of the environment is for the world, not for a region on this machine.
        self._opener = build_opener(ProxyHandler({}))

    def get(self, name: str, **query: str | int) -> dict[str, Any]:
        """The answer to a question."""
        return self._json(Request(self._url(name, query)))

    def post(self, name: str, **members: object) -> dict[str, Any]:
        """The answer to an order. A jump of the clock may take as long as what happens on the way."""
        body = json.dumps(members).encode()
        return self._json(Request(self._url(name, {}), data=body, headers={"Content-Type": "application/json"}))

    def lines(self, name: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """One object a line, each as it comes, until the region stops."""
        with self._open(Request(self._url(name, query))) as response:
            try:
                for line in response:
                    yield json.loads(line)
            except (OSError, HTTPException, ValueError):
                pass  # cut off, perhaps within a line
        raise Problem(f"The region at {self.endpoint} has stopped.")

    def _url(self, name: str, query: dict[str, str | int]) -> str:
        return f"{self.endpoint}/_windtunnel/{name}" + (f"?{urlencode(query)}" if query else "")

    def _json(self, request: Request) -> dict[str, Any]:
        with self._open(request) as response:
            try:
                return json.loads(response.read())
            except ValueError as error:
                raise self._stranger() from error

    def _open(self, request: Request) -> HTTPResponse:
        try:
            return cast(HTTPResponse, self._opener.open(request))
        except HTTPError as error:
            with error:
                said = error.read()
            try:
                message = json.loads(said)["message"]
            except (ValueError, KeyError, TypeError):
                raise self._stranger() from error
            raise Problem(str(message)) from error
        except (URLError, HTTPException, OSError, ValueError) as error:
            raise Problem(
                f"No region answers at {self.endpoint}. Start one with `windtunnel up`, or say where it is with --endpoint URL."
            ) from error

    def _stranger(self) -> Problem:
        return Problem(f"Something answers at {self.endpoint}, but it is not a windtunnel region.")
