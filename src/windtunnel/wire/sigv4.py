"""Verifies AWS's signatures: the one place that knows how a request is made canonical and signed."""

from windtunnel.wire.credential import Credential, credential_of

__all__ = ["Credential", "credential_of"]
