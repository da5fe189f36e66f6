"""What the stories about functions share: archives, functions and what came of them."""

import io
import json
import zipfile
from base64 import b64decode
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from windtunnel.fabric import Fault

ROLE = f"arn:aws:iam::{ACCOUNT}:role/runs"
PYTHON = "python3.11"
ECHO = "def handler(event, context):\n    return event\n"


def zipped(**files: str) -> bytes:
    """An archive: `zipped(app="…")` holds app.py, a name with a dot is taken as it is."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            # Always the same moment, so that the same files are the same bytes.
            entry = zipfile.ZipInfo(name if "." in name or name == "bootstrap" else f"{name}.py")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, text)
    return data.getvalue()


def arn(name: str, qualifier: str = "") -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}" + (f":{qualifier}" if qualifier else "")


def make(here: Here, name: str, code: str = ECHO, **given: Any) -> Any:
    """A function of one Python file."""
    request = {"Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Timeout": 10, "Code": {"ZipFile": zipped(app=code)}, **given}
    return here.lambda_.create_function(FunctionName=name, **request)


def run(here: Here, name: str, event: Any = None, **given: Any) -> Any:
    """What a function answers."""
    answer = here.lambda_.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **given)
    return json.loads(answer["Payload"])


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    """Code and message of the fault that a call must end in."""
    with pytest.raises(Fault) as raised:
        call(**request)
    return raised.value.code, raised.value.message


def tail(answer: Any) -> list[str]:
    return b64decode(answer["LogResult"]).decode().splitlines()


def logged(here: Here, group: str) -> list[str]:
    """All that stands in a log group."""
    here.rest()
    return [event["message"] for event in here.logs.filter_log_events(logGroupName=group)["events"]]


def queue(here: Here, name: str, **attributes: str) -> tuple[str, str]:
    """A queue's URL and ARN."""
    url = here.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def bodies(here: Here, url: str) -> list[str]:
    """What lies in a queue, taken out."""
    found = here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        here.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in found]


def collected(here: Here, flow: Any) -> list[Any]:
    """All pieces of a body or an event stream that is sent while it is made."""

    async def read() -> list[Any]:
        return [piece async for piece in flow]

    return here.run(read())
