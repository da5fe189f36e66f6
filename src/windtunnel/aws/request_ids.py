"""The second name that S3 gives a request, in answers and in what it tells of them."""

from base64 import b64encode
from hashlib import blake2b


def host_id(request_id: str) -> str:
    """It tells the machine that answered: 76 letters."""
    return b64encode(blake2b(request_id.encode(), digest_size=56).digest()).decode()
