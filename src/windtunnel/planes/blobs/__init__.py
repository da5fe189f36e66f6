"""The blobs plane keeps the bytes of objects as files, so that services' rows only have to name them."""

from windtunnel.planes.blobs.bodies import whole
from windtunnel.planes.blobs.store import LOADING, Blob, Blobs, Digest, DiskFull, Piece

__all__ = ["LOADING", "Blob", "Blobs", "Digest", "DiskFull", "Piece", "whole"]
