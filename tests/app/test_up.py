"""`windtunnel up`: how it starts, how it refuses to, and how it ends."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import zipfile
from pathlib import Path
from threading import Thread
from typing import Any

import boto3

from tests.app.kit import WINDTUNNEL, endpoint_in, environment, up, windtunnel

ASKS_WHO = "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"


def _sqs(endpoint: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("sqs", endpoint_url=endpoint, **keys)


def test_a_region_that_is_stopped_ends_well_and_remembers_everything(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--clock", "still") as (process, endpoint):
        _sqs(endpoint).create_queue(QueueName="kept")
        told = windtunnel("clock", "jump", "30d", endpoint=endpoint).stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    with up(tmp_path / "data") as (process, endpoint):
        assert [url.rpartition("/")[2] for url in _sqs(endpoint).list_queues()["QueueUrls"]] == ["kept"]
        assert windtunnel("clock", endpoint=endpoint).stdout == told
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_functions_call_the_region_at_the_address_where_it_listens(tmp_path: Path) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", ASKS_WHO)
    with up(tmp_path / "data", "--host", "127.0.0.9") as (_, endpoint):
        assert endpoint.startswith("http://127.0.0.9:")
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        functions = boto3.client("lambda", endpoint_url=endpoint, **keys)
        role = "arn:aws:iam::000000000000:role/asker"
        functions.create_function(
            FunctionName="asks", Runtime="python3.11", Handler="app.handler", Role=role, Code={"ZipFile": code.getvalue()}, Timeout=20
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="asks", WaiterConfig={"Delay": 1})
        answer = functions.invoke(FunctionName="asks")["Payload"].read()
    assert json.loads(answer) == "arn:aws:sts::000000000000:assumed-role/asker/asks"


def test_a_second_region_on_the_same_folder_or_port_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with up(tmp_path / "data") as (process, endpoint):
        port = endpoint.rpartition(":")[2]
        same_folder = windtunnel("up", "--port", "0", "--data", str(tmp_path / "data"))
        same_port = windtunnel("up", "--port", port, "--data", str(tmp_path / "other"))
        assert windtunnel("status", endpoint=endpoint).returncode == 0
        pid = process.pid
    assert (same_folder.returncode, same_folder.stderr) == (
        1,
        (
            f"windtunnel: A region already runs on the data folder {tmp_path / 'data'} (process {pid}): "
            "stop that one, or give another --data.\n"
        ),
    )
    assert (same_port.returncode, same_port.stderr) == (
        1,
        (
            f"windtunnel: Cannot listen at 127.0.0.1:{port} (Address already in use). "
            "A region may already run there: `windtunnel status` tells, and --port takes another.\n"
        ),
    )
    assert not (tmp_path / "other").exists()


def test_something_that_is_no_region_is_called_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.settimeout(30)

        def answer() -> None:
            connection, _ = stranger.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")

        thread = Thread(target=answer)
        thread.start()
        endpoint = f"http://127.0.0.1:{stranger.getsockname()[1]}"
        said = windtunnel("status", endpoint=endpoint, folder=tmp_path).stderr
        thread.join()
    assert said == f"windtunnel: Something answers at {endpoint}, but it is not a windtunnel region.\n"


def test_settings_that_make_no_sense_are_refused_before_anything_is_touched(tmp_path: Path) -> None:
    for words in (("--clock", "backwards"), ("--clock", "-1"), ("--account", "12"), ("--port", "many")):
        refused = windtunnel("up", "--data", str(tmp_path / "data"), *words)
        assert (refused.returncode, f"argument {words[0]}: " in refused.stderr) == (2, True), words
    assert not (tmp_path / "data").exists()


def test_the_line_that_up_prints_says_how_to_use_it(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--account", "123456789012", "--seed", "1") as (_, endpoint):
        assert endpoint_in(f"at {endpoint} (") == endpoint
        assert windtunnel("status", endpoint=endpoint).stdout.splitlines()[1] == "account   123456789012"
        url = _sqs(endpoint).create_queue(QueueName="a")["QueueUrl"]
    assert url == f"{endpoint}/123456789012/a"


def test_who_follows_the_calls_hears_that_the_region_has_stopped(tmp_path: Path) -> None:
    with up(tmp_path / "data") as (process, endpoint):
        command = [*WINDTUNNEL, "calls", "--follow"]
        with subprocess.Popen(
            command, env=environment(AWS_ENDPOINT_URL=endpoint), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as follower:
            assert follower.stdout is not None
            follower.stdout.readline()
            _sqs(endpoint).list_queues()
            assert "ListQueues" in follower.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            said = follower.communicate(timeout=60)[1]
    assert said == f"windtunnel: The region at {endpoint} has stopped.\n"


def test_a_folder_that_holds_something_else_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/region.db").write_bytes(b"no database at all" * 1_000)
    for folder, said in (("file", "Cannot keep a region's state in"), ("data", "Cannot open the region's state in")):
        refused = windtunnel("up", "--port", "0", "--data", str(tmp_path / folder))
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1), refused.stderr
        assert refused.stderr.startswith(f"windtunnel: {said} {tmp_path / folder}: ")
