"""The cases: what each sets up on a server, and what the generator then sends."""

import io
import json
import pickle
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from bench.load import Drain, Load, Outcome
from bench.proc import Cpu
from bench.servers import OURS, ROOT, Server, generator_core

CHUNK = 100
SETTLE_SECONDS_MAX = 20.0


@dataclass(frozen=True)
class Scale:
    """How long and how much: `--quick` is a smaller one."""

    seconds: float = 2.0
    connections: int = 8
    deep: int = 100_000
    fill_seconds: float = 60.0
    large_count: int = 6


QUICK = Scale(seconds=0.7, deep=20_000, fill_seconds=20.0, large_count=3)


class Unable(RuntimeError):
    """The server can't take part in this case; the message says why."""


@dataclass
class Prepared:
    """What one server needs for one case. `load` signs anew for every round; `settle` waits for what goes on after the answers."""

    load: Callable[[], Load]
    settle: Callable[[Outcome], str] | None = None
    note: str = ""


@dataclass(frozen=True)
class Case:
    """`unit` names what is counted: a request, or a pair of them."""

    name: str
    title: str
    prepare: Callable[[Server, Scale], Prepared]
    unit: str = "request"


def generate(load: Load) -> Outcome:
    """Runs the generator in its own process, on its own core."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=pickle.dumps(load),
        capture_output=True,
        cwd=ROOT,
        check=False,
        timeout=load.seconds + 150,
    )
    if done.returncode:
        raise Unable(done.stderr.decode(errors="replace").strip().splitlines()[-1][:160])
    return Outcome(**json.loads(done.stdout))


def send_all(server: Server, requests: list[bytes], seconds: float, connections: int = 4) -> int:
    """Sends each request once, for at most `seconds`; returns how many were answered."""
    outcome = generate(Load(server.port, server.process.pid, connections, seconds, requests=requests, once=True, core=generator_core()))
    if outcome.errors:
        raise Unable(outcome.errors[0][:160])
    return outcome.done


def create_queue(server: Server, name: str) -> str:
    return server.client("sqs").create_queue(QueueName=name)["QueueUrl"]


def message(number: int) -> str:
    return f"message {number:06d} " + "x" * 84


def batch(server: Server, url: str, number: int) -> bytes:
    entries = [{"Id": str(i), "MessageBody": message(number * 10 + i)} for i in range(10)]
    return server.signer.sqs("SendMessageBatch", json.dumps({"QueueUrl": url, "Entries": entries}).encode())


def simple(
    server: Server, scale: Scale, make: Callable[[], list[bytes]], *, warm: int = 50, connections: int = 0, count: int = 10**9
) -> Prepared:
    def load() -> Load:
        return Load(
            port=server.port,
            pid=server.process.pid,
            connections=connections or scale.connections,
            seconds=scale.seconds if count == 10**9 else 60.0,
            count=count,
            requests=make(),
            warm=warm,
            core=generator_core(),
        )

    return Prepared(load)


def held(server: Server, urls: list[str]) -> int:
    """How many messages the queues say they hold."""
    client, name = server.client("sqs"), "ApproximateNumberOfMessages"
    return sum(int(client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]) for url in urls)


def sending(make: Callable[[Server, str], list[bytes]], each: int) -> Callable[[Server, Scale], Prepared]:
    """Every round has a queue of its own, so that nobody's grows with his speed; afterwards the queue must hold what was sent."""

    def prepare(server: Server, scale: Scale) -> Prepared:
        urls: list[str] = []

        def requests() -> list[bytes]:
            urls.append(create_queue(server, f"send-{each}-{len(urls)}"))
            return make(server, urls[-1])

        def settle(outcome: Outcome) -> str:
            stored = held(server, urls[-1:])
            return "" if stored >= outcome.done * each else f"stored {stored:,} of {outcome.done * each:,}"

        return Prepared(simple(server, scale, requests).load, settle)

    return prepare


def single_messages(server: Server, url: str) -> list[bytes]:
    return [server.signer.sqs("SendMessage", json.dumps({"QueueUrl": url, "MessageBody": message(i)}).encode()) for i in range(256)]


def batches(server: Server, url: str) -> list[bytes]:
    return [batch(server, url, i) for i in range(64)]


def receive_delete(depth: int | None) -> Callable[[Server, Scale], Prepared]:
    """The queue is filled once; between chunks of 100 pairs it is filled up again, outside the measure."""

    def prepare(server: Server, scale: Scale) -> Prepared:
        wanted = depth or scale.deep
        url = create_queue(server, f"drain-{wanted}")
        began = time.perf_counter()
        filled = 10 * send_all(server, [batch(server, url, i) for i in range(wanted // 10)], scale.fill_seconds)
        took = time.perf_counter() - began
        note = "" if filled >= wanted else f"only {filled:,} messages deep: filling was stopped after {took:.0f} s"

        def load() -> Load:
            refill = [batch(server, url, i) for i in range(CHUNK // 10)]
            drain = Drain(server.signer, url, CHUNK, refill)
            return Load(server.port, server.process.pid, 4, scale.seconds * 2, drain=drain, core=generator_core())

        return Prepared(load, note=note)

    return prepare


def publish(server: Server, scale: Scale) -> Prepared:
    """Delivery counts: the time and the CPU until all three queues hold what was published are part of the measure."""
    urls: list[str] = []

    def make() -> list[bytes]:
        topic, urls[:] = fan_out(server, f"fan-out-{time.monotonic_ns()}")
        return [server.signer.sns({"Action": "Publish", "TopicArn": topic, "Message": message(i)}) for i in range(256)]

    def settle(outcome: Outcome) -> str:
        cpu, began = Cpu(server.process.pid), time.perf_counter()
        cpu.begin()
        while (delivered := held(server, urls)) < 3 * outcome.done and time.perf_counter() - began < SETTLE_SECONDS_MAX:
            time.sleep(0.02)
        if delivered < 3 * outcome.done:
            raise Unable(f"delivered {delivered:,} of {3 * outcome.done:,} in {SETTLE_SECONDS_MAX:.0f} s")
        cpu.end()
        outcome.cpu += cpu.seconds
        outcome.seconds += time.perf_counter() - began
        return ""

    return Prepared(simple(server, scale, make, warm=0).load, settle)


def fan_out(server: Server, name: str) -> tuple[str, list[str]]:
    """A topic and three queues that it delivers to."""
    sns, sqs = server.client("sns"), server.client("sqs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    urls = [create_queue(server, f"{name}-{i}") for i in range(3)]
    for url in urls:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, urls


def create_bucket(server: Server, name: str) -> None:
    server.client("s3").create_bucket(Bucket=name)


def put_object(size: int) -> Callable[[Server, Scale], Prepared]:
    def prepare(server: Server, scale: Scale) -> Prepared:
        create_bucket(server, f"put-{size}")
        large = size > 8 << 20

        def make() -> list[bytes]:
            body = bytes(range(256)) * (size // 256)
            return [server.signer.s3("PUT", f"/put-{size}/object-{i}", body) for i in range(1 if large else 8 if size > 1 << 16 else 128)]

        def settle(_outcome: Outcome) -> str:
            stored = server.client("s3").head_object(Bucket=f"put-{size}", Key="object-0")["ContentLength"]
            return "" if stored == size else f"stored {stored:,} bytes of {size:,}"

        return Prepared(_objects(server, scale, make, size).load, settle)

    return prepare


def get_object(size: int) -> Callable[[Server, Scale], Prepared]:
    def prepare(server: Server, scale: Scale) -> Prepared:
        create_bucket(server, f"get-{size}")
        body = bytes(range(256)) * (size // 256)
        send_all(server, [server.signer.s3("PUT", f"/get-{size}/object-{i}", body) for i in range(2)], 60.0, 1)

        def settle(outcome: Outcome) -> str:
            return "" if outcome.bytes >= outcome.done * size else f"got {outcome.bytes:,} bytes of {outcome.done * size:,}"

        prepared = _objects(server, scale, lambda: [server.signer.s3("GET", f"/get-{size}/object-{i}") for i in range(2)], size)
        return Prepared(prepared.load, settle)

    return prepare


def _objects(server: Server, scale: Scale, make: Callable[[], list[bytes]], size: int) -> Prepared:
    if size > 8 << 20:
        return simple(server, scale, make, warm=1, connections=1, count=scale.large_count)
    return simple(server, scale, make, warm=8, connections=4 if size > 1 << 16 else scale.connections)


def list_objects(server: Server, scale: Scale) -> Prepared:
    create_bucket(server, "list")
    send_all(server, [server.signer.s3("PUT", f"/list/folder/object-{i:05d}", b"x") for i in range(1000)], 60.0)
    answer = server.client("s3").list_objects_v2(Bucket="list", MaxKeys=1000)
    if answer["KeyCount"] != 1000:
        raise Unable(f"listed {answer['KeyCount']} objects of 1,000")
    return simple(
        server, scale, lambda: [server.signer.s3("GET", "/list", **{"list-type": "2", "max-keys": "1000"})], warm=4, connections=4
    )


def invoke(server: Server, scale: Scale) -> Prepared:
    """One connection, so one warm environment: what is measured is an invocation, not how many processes the machine can hold."""
    if server.name == "moto":
        raise Unable("moto runs functions in Docker only")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("app.py", "def handler(event, context):\n    return event\n")
    role = "arn:aws:iam::000000000000:role/bench"
    if server.name in OURS:
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        role = server.client("iam").create_role(
            RoleName="bench", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]["Arn"]
    client = server.client("lambda")
    runtime = "python{}.{}".format(*sys.version_info[:2])
    code = {"ZipFile": archive.getvalue()}
    client.create_function(FunctionName="echo", Runtime=runtime, Role=role, Handler="app.handler", Code=code, Timeout=30)
    event, deadline = {"hello": "world"}, time.monotonic() + 30
    while client.get_function(FunctionName="echo")["Configuration"].get("State", "Active") == "Pending" and time.monotonic() < deadline:
        time.sleep(0.05)
    answer = client.invoke(FunctionName="echo", Payload=json.dumps(event).encode())
    returned = answer["Payload"].read()
    if answer.get("FunctionError") or json.loads(returned) != event:
        raise Unable(f"the function answered {returned[:100]!r}")
    return simple(server, scale, lambda: [server.signer.invoke("echo", b'{"hello":"world"}')], warm=5, connections=1)


CASES = (
    Case("send", "SendMessage", sending(single_messages, 1)),
    Case("send-batch", "SendMessageBatch(10)", sending(batches, 10)),
    Case("drain-200", "Receive+Delete, 200 deep", receive_delete(200), "pair"),
    Case("drain-deep", "Receive+Delete, 100,000 deep", receive_delete(None), "pair"),
    Case("publish", "Publish to 3 queues, delivered", publish),
    Case("put-1k", "PutObject 1 KB", put_object(1 << 10)),
    Case("get-1k", "GetObject 1 KB", get_object(1 << 10)),
    Case("put-1m", "PutObject 1 MB", put_object(1 << 20)),
    Case("get-1m", "GetObject 1 MB", get_object(1 << 20)),
    Case("put-64m", "PutObject 64 MB", put_object(64 << 20)),
    Case("get-64m", "GetObject 64 MB", get_object(64 << 20)),
    Case("list", "ListObjectsV2 of 1,000", list_objects),
    Case("invoke", "Invoke, warm", invoke),
)
