"""The one exception that an operation raises when it refuses: everything else that is raised is a bug."""

from collections.abc import Mapping
from typing import Any


class Fault(Exception):
    """An error of an AWS API, as its client will see it.

    `code` is AWS's error code, as the client's SDK shows it ("QueueDoesNotExist", "NoSuchKey"). The HTTP status, the fault
    (client or server) and the code that older protocols print come from the service's model; `status` overrules them, and is
    needed for codes that AWS does not document there. `members` are further members of the error's shape
    (`BucketName`, `Type`, …), `headers` of its HTTP response.
    """

    __slots__ = ("code", "headers", "members", "message", "status")

    def __init__(
        self, code: str, message: str = "", *, status: int | None = None, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self.members: Mapping[str, Any] = members

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
