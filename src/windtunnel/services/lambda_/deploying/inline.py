"""Code that stands in a template: packed as AWS packs it, with the module by which custom resources answer.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/cfn-lambda-function-code-cfnresponsemodule.html
"""

from __future__ import annotations

import io
import zipfile

PYTHON_ANSWER = """\
import json
import urllib.request

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(event, context, responseStatus, responseData, physicalResourceId=None, noEcho=False, reason=None):
    body = {
        "Status": responseStatus,
        "Reason": reason or "See the details in CloudWatch Log Stream: " + context.log_stream_name,
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }
    headers = {"Content-Type": ""}
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), headers, method="PUT"))
"""
NODE_ANSWER = """\
exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";

exports.send = function (event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  const body = JSON.stringify({
    Status: responseStatus,
    Reason: "See the details in CloudWatch Log Stream: " + context.logStreamName,
    PhysicalResourceId: physicalResourceId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: responseData,
  });
  const url = new URL(event.ResponseURL);
  const options = { method: "PUT", headers: { "content-type": "", "content-length": Buffer.byteLength(body) } };
  const request = require(url.protocol === "http:" ? "http" : "https").request(url, options, () => context.done());
  request.on("error", () => context.done());
  request.end(body);
};
"""


def packed(text: str, runtime: str) -> bytes:
    """An archive with a template's code as its `index`."""
    files = (
        {"index.js": text, "cfn-response.js": NODE_ANSWER}
        if runtime.startswith("nodejs")
        else {"index.py": text, "cfnresponse.py": PYTHON_ANSWER}
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # Always the same moment, so that the same code has the same digest.
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return data.getvalue()
