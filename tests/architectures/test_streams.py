"""A function that streams what it answers, over real HTTP: the SDK's event stream, and a plain client at its URL."""

from __future__ import annotations

import http.client
import io
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest

from windtunnel import LocalRegion

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

HANDLER = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, {statusCode: 202, headers: {'Content-Type': 'text/plain'}});
  stream.write('begun');
  await new Promise((resolve) => setTimeout(resolve, 300));
  if (event.rawPath === '/fail') throw new Error('midway');
  stream.write('ended');
  stream.end();
});
"""


@pytest.fixture
def url(region: LocalRegion) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("app.js", HANDLER)
    functions = region.client("lambda")
    code = {"ZipFile": archive.getvalue()}
    role = "arn:aws:iam::000000000000:role/streams"
    functions.create_function(FunctionName="f", Runtime="nodejs20.x", Handler="app.handler", Role=role, Code=code)
    functions.add_permission(
        FunctionName="f", StatementId="all", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE"
    )
    made = functions.create_function_url_config(FunctionName="f", AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    return made["FunctionUrl"]


def test_an_sdk_reads_events_as_they_come(region: LocalRegion, url: str) -> None:
    answer = region.client("lambda").invoke_with_response_stream(FunctionName="f", Payload=b"{}")
    assert answer["ResponseStreamContentType"] == "application/vnd.awslambda.http-integration-response"
    events = list(answer["EventStream"])
    head = b'{"statusCode":202,"headers":{"Content-Type":"text/plain"}}' + bytes(8)
    assert b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]) == head + b"begunended"
    assert events[-1] == {"InvokeComplete": {}}
    assert len(events) > 2


@contextmanager
def _asked(region: LocalRegion, url: str, path: str) -> Iterator[http.client.HTTPResponse]:
    at = urlsplit(region.endpoint)
    with closing(http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)) as connection:
        connection.request("GET", path, headers={"Host": urlsplit(url).netloc})
        with closing(connection.getresponse()) as answer:
            yield answer


def test_a_url_sends_each_piece_when_it_is_written(region: LocalRegion, url: str) -> None:
    with _asked(region, url, "/") as answer:
        assert (answer.status, answer.getheader("Content-Type"), answer.getheader("Transfer-Encoding")) == (202, "text/plain", "chunked")
        assert (answer.read1(), answer.read()) == (b"begun", b"ended")


def test_a_url_whose_function_fails_midway_is_cut_off(region: LocalRegion, url: str) -> None:
    with _asked(region, url, "/fail") as answer:
        assert answer.status == 202
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    with _asked(region, url, "/") as answer:
        assert answer.read() == b"begunended"
