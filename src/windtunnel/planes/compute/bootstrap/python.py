"""Lambda's Python runtime: takes invocations from the Runtime API, calls the handler, sends back what it answers.

It runs inside the sandbox with whatever Python the function asks for (3.8 and up), so it stands alone, uses the standard
library only and imports little of it: what it imports is the cold start. It behaves as AWS's own runtime does
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html); it speaks HTTP over an inherited socket where the
region gives one, which saves a listener and a connection, and over AWS_LAMBDA_RUNTIME_API otherwise.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

API = "/2018-06-01/runtime"
EVENT_NEWLINE = "\x1e\r"  # a line break inside one log event; the region turns it back
EVENT_OPEN = "\x1e"  # at the end of an event whose last line has no break
PURE_PACKAGES = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})


class Fault(Exception):
    """An error that the runtime finds, not the function."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace or []


class Connection:
    """HTTP/1.1 to the Runtime API, with just what that API needs."""

    def __init__(self) -> None:
        inherited = os.environ.pop("WINDTUNNEL_RUNTIME_FD", "")
        if inherited:
            self.handle = int(inherited)
            os.set_inheritable(self.handle, False)
        else:
            import socket

            host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
            self.handle = socket.create_connection((host, int(port))).detach()
        self.rest = b""

    def send(self, data: bytes) -> None:
        sent = os.write(self.handle, data)
        while sent < len(data):
            sent += os.write(self.handle, memoryview(data)[sent:])

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        data = self.rest
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                break
            data += self.more()
        lines = data[:end].decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        size = end + 4 + int(headers.get("content-length", "0"))
        if len(data) < size:
            pieces = [data]
            have = len(data)
            while have < size:
                pieces.append(self.more())
                have += len(pieces[-1])
            data = b"".join(pieces)
        self.rest = data[size:]
        return int(lines[0][9:12]), headers, data[end + 4 : size]

    def more(self) -> bytes:
        data = os.read(self.handle, 262144)
        if not data:
            os._exit(0)  # the region is gone
        return data


def post(path: str, body: bytes, headers: str = "") -> bytes:
    return (
        f"POST {API}{path} HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


NEXT = f"GET {API}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n".encode()


class CognitoIdentity:
    """context.identity"""

    def __init__(self, given: dict[str, Any]) -> None:
        self.cognito_identity_id = given.get("cognitoIdentityId")
        self.cognito_identity_pool_id = given.get("cognitoIdentityPoolId")


class Client:
    """context.client_context.client"""

    def __init__(self, given: dict[str, Any]) -> None:
        self.installation_id = given.get("installation_id")
        self.app_title = given.get("app_title")
        self.app_version_name = given.get("app_version_name")
        self.app_version_code = given.get("app_version_code")
        self.app_package_name = given.get("app_package_name")


class ClientContext:
    """context.client_context"""

    def __init__(self, given: dict[str, Any]) -> None:
        self.client = Client(given["client"]) if given.get("client") else None
        self.custom = given.get("custom")
        self.env = given.get("env")


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, headers: dict[str, str]) -> None:
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        given = headers.get("lambda-runtime-client-context")
        self.client_context = ClientContext(json.loads(given)) if given else None
        given = headers.get("lambda-runtime-cognito-identity")
        self.identity = CognitoIdentity(json.loads(given) if given else {})
        # The region's clock may stand still or jump, so what is left is counted from now on this machine's.
        left = headers.get("windtunnel-remaining-ms")
        milliseconds = float(left) if left else int(headers["lambda-runtime-deadline-ms"]) - time.time() * 1000
        self._deadline = time.monotonic() + milliseconds / 1000

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return f"LambdaContext([{','.join(f'{k}={v}' for k, v in vars(self).items() if k[0] != '_')}])"


def set_up_logging() -> Callable[[str], None]:
    """The root logger writes AWS's lines; answers a function that tells it which request runs."""
    import logging

    current = [""]
    structured = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"

    class LambdaFormatter(logging.Formatter):
        converter = staticmethod(time.gmtime)

        def format(self, record: logging.LogRecord) -> str:
            record.aws_request_id = current[0]
            if not structured:
                return super().format(record)
            line: dict[str, Any] = {
                "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
                "level": record.levelname,
                "message": record.getMessage(),
                "logger": record.name,
            }
            if record.exc_info and record.exc_info[0]:
                import traceback

                line["errorType"] = record.exc_info[0].__name__
                line["errorMessage"] = str(record.exc_info[1])
                line["stackTrace"] = traceback.format_list(traceback.extract_tb(record.exc_info[2]))
            return json.dumps({**line, "requestId": current[0]} if current[0] else line, ensure_ascii=False, default=str)

    class LambdaHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            sys.stdout.write(self.format(record).rstrip("\n").replace("\n", EVENT_NEWLINE) + "\n")

    handler = LambdaHandler()
    handler.setFormatter(
        LambdaFormatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S")
    )
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO") if structured else ""
    if level:
        root.setLevel({"TRACE": "DEBUG", "FATAL": "CRITICAL", "WARN": "WARNING"}.get(level, level))

    def tell(request_id: str) -> None:
        current[0] = request_id

    return tell


def set_up_path() -> None:
    """The function's own folder first, then layers, then the interpreter's packages, then those that the region lends."""
    task = os.environ["LAMBDA_TASK_ROOT"]
    opt = os.environ.pop("WINDTUNNEL_OPT", "/opt")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    sys.path[:1] = [task, f"{opt}/python", f"{opt}/python/lib/{version}/site-packages"]
    sys.path.extend(path for path in os.environ.pop("WINDTUNNEL_PACKAGES", "").split(os.pathsep) if path)
    lent = os.environ.pop("WINDTUNNEL_PURE_PACKAGES", "")
    if lent:
        from importlib.machinery import PathFinder

        class Lent:
            """Packages without compiled parts, of another Python version: the AWS SDK and what it needs."""

            @staticmethod
            def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
                return PathFinder.find_spec(name, [lent]) if path is None and name in PURE_PACKAGES else None

        sys.meta_path.append(Lent)  # type: ignore[arg-type]


def find_handler(name: str) -> Callable[[Any, LambdaContext], Any]:
    """Imports "folder/module.function"; every way this fails has AWS's name."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {error}") from error
    try:
        if module_name.split(".")[0] in sys.builtin_module_names:
            raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
        import importlib

        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {(error.text or "").strip()}\n']
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace) from error
    handler = getattr(module, function_name, None)
    if handler is None:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
    return handler


def encode(value: object) -> Any:
    if type(value).__name__ == "Decimal":
        return float(value)  # type: ignore[arg-type]
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def marshal(value: object) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=sys.version_info < (3, 12), default=encode).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def describe(error: BaseException, request_id: str) -> tuple[str, bytes]:
    """The error as the caller of the function sees it; it is logged as one event as well."""
    import traceback

    kind, trace = type(error).__name__, []
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        # As AWS's client writes them: without marks below the lines, and with the importer's own frames.
        frames = [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]
        while frames and frames[0][0] == __file__:
            del frames[0]
        trace = traceback.format_list(frames)
    message = str(error)
    shape = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}
    if os.environ.get("AWS_EXECUTION_ENV") == "AWS_Lambda_python3.8":
        del shape["requestId"]  # AWS's client of that version is an older one
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"timestamp": stamp, "log_level": "ERROR", **shape})
    else:
        line = f"[ERROR] {kind}: {message}" if kind else f"[ERROR] {message}"
        line += "\nTraceback (most recent call last):\n" + "".join(trace)
    lines = line.rstrip("\n").split("\n")
    # Blanks at the beginning would be lost where the log is looked at; and this event, unlike others, does not end its last line.
    lines = ["\u00a0" * (len(text) - len(text.lstrip(" "))) + text.lstrip(" ") for text in lines]
    sys.stdout.write(EVENT_NEWLINE.join(lines) + EVENT_OPEN + "\n")
    return kind, json.dumps(shape).encode()


def peak() -> str:
    """The most memory this process has held, in KB; the region would otherwise ask the kernel after each invocation."""
    try:
        import resource
    except ImportError:
        return ""
    return f"Windtunnel-Peak-Kb: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == 'darwin' else 1)}\r\n"


def answer(handler: Callable[[Any, LambdaContext], Any], headers: dict[str, str], body: bytes) -> bytes:
    """Runs the handler once; answers the request that reports what came of it."""
    context = LambdaContext(headers)
    trace_id = headers.get("lambda-runtime-trace-id")
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    path = "/invocation/" + context.aws_request_id
    try:
        try:
            event = json.loads(body)
        except ValueError as error:
            raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error
        return post(path + "/response", marshal(handler(event, context)), peak())
    except Exception as error:
        kind, shape = describe(error, context.aws_request_id)
        return post(path + "/error", shape, f"Lambda-Runtime-Function-Error-Type: {kind}\r\n{peak()}")


def main() -> NoReturn:
    connection = Connection()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    import builtins

    builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]  # `site`, which brings them, costs 30 ms
    set_up_path()
    tell = set_up_logging()
    try:
        handler = find_handler(os.environ["_HANDLER"])
    except Exception as error:
        kind, shape = describe(error, "")
        sys.stdout.flush()
        connection.send(post("/init/error", shape, f"Lambda-Runtime-Function-Error-Type: {kind}\r\n"))
        connection.receive()
        sys.exit(1)
    connection.send(NEXT)
    while True:
        _, headers, body = connection.receive()
        tell(headers["lambda-runtime-aws-request-id"])
        report = answer(handler, headers, body)
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send(report + NEXT)  # both at once: the region sees the answer and the readiness in one turn
        connection.receive()


if __name__ == "__main__":
    sys.modules["bootstrap"] = sys.modules["__main__"]
    main()
