"""What a client signed, ready to be held against the secret of its key: the wire's signatures behind the fabric's `Proof`."""

from __future__ import annotations

import hashlib

from windtunnel.kernel.clock import Clock
from windtunnel.wire.chunked import decode, decoder_of
from windtunnel.wire.credential import LEGACY, Credential
from windtunnel.wire.message import Request
from windtunnel.wire.sigfaults import check_time, request_expired
from windtunnel.wire.sigv4 import SKEW_SECONDS, check_payload_hash, payload_hash_of, timestamp_of, verify


class SignedRequest:
    """One signed request. `secret` is known once it was verified; the chunks of its body are then verified with it."""

    __slots__ = ("_clock", "_request", "_s3", "access_key", "credential", "framed", "secret", "token")

    def __init__(self, request: Request, credential: Credential, clock: Clock, *, s3: bool) -> None:
        self._request = request
        self._clock = clock
        self._s3 = s3
        self.credential = credential
        self.access_key = credential.access_key
        self.token = credential.token
        self.secret: str | None = None
        self.framed = b""
        """A body that is all there, in its aws-chunked frame: the chunks' signatures are verified with the head's."""

    def verify(self, secret: str | None) -> None:
        if secret is None:
            self._check_presigned_time()
            self._check_payload()
            return
        verify(self._request, self.credential, secret, self._now(), s3=self._s3)
        decoder = decoder_of(self._request, self.credential, secret) if self.framed else None
        if decoder is not None:
            decode(self.framed, decoder)
        self.secret = secret

    def _check_payload(self) -> None:
        if self._s3 and self._request.stream is None:
            expected = payload_hash_of(self._request, self.credential)
            if expected.kind == "exact":
                check_payload_hash(expected.value, hashlib.sha256(self._request.body).hexdigest(), s3=True)

    def _check_presigned_time(self) -> None:
        credential = self.credential
        if credential.algorithm == LEGACY:
            # It names the second of the machine's clock at which it ends, not that of its signing.
            if credential.expires is not None and self._clock.machine() > credential.expires:
                raise request_expired(credential.expires, self._clock.machine())
        elif credential.presigned:
            signed = timestamp_of(credential.timestamp)
            check_time(self._request, credential, credential.timestamp, signed, self._now(), s3=self._s3)

    def _now(self) -> float:
        """The time to judge by. Clients sign by the machine's clock, or by the region's where they follow its Date header.

        A presigned URL ages by the region's clock: after a jump of a day it is a day old.
        """
        clock = self._clock
        signed = timestamp_of(self.credential.timestamp)
        if signed is None:
            return clock.machine()
        by_region = clock.now()
        if abs(by_region - signed) <= SKEW_SECONDS and not self.credential.presigned:
            return by_region
        by_machine = clock.machine()
        if signed > by_machine + SKEW_SECONDS:
            return by_region
        if self.credential.presigned:
            # First of all: after a short jump the two clocks are close, and a new URL would seem as old as the jump was long.
            return signed + by_region - clock.region_at(signed)
        return by_machine
