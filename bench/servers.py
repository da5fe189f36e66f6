"""The servers under test: how each is installed, started, asked whether it serves, and ended."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bench import proc
from bench.sign import REGION, Signer

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "bench/.peers"
PACKAGES = {"moto": "moto[server]", "ministack": "ministack"}
NAMES = ("windtunnel", *PACKAGES)
OURS = {
    "windtunnel": (),
    "windtunnel-fsync": ("--durability", "fsync"),
    "windtunnel-workers": ("--workers", "2"),
    "windtunnel-postgres": ("--store", "{store}"),
}
"""What we measure ourselves as, with the options of each; only the first unless others are named."""
STORE_VARIABLE = "BENCH_STORE"
START_SECONDS_MAX = 30.0


class NotServing(RuntimeError):
    """The server can't be started here; the message says why."""


def generator_core() -> int | None:
    """The core that the generator stays on; servers go where the system puts them, as they would for a user."""
    available = sorted(os.sched_getaffinity(0))
    return available[0] if len(available) > 1 else None


def install(name: str) -> Path:
    """The peer's own virtual environment, made on first use."""
    home = PEERS / name
    if not (home / ".ready").exists():
        print(f"installing {PACKAGES[name]} into bench/.peers/{name}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([home / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", PACKAGES[name]], check=True)
        (home / ".ready").touch()
    return home / "bin"


def version(name: str) -> str:
    python = Path(sys.executable) if name in OURS else PEERS / name / "bin/python"
    code = f"import importlib.metadata as m; print(m.version('{name.partition('-')[0]}'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "from source"


def command(name: str, port: int, data: Path) -> tuple[list[str], dict[str, str]]:
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    if name in OURS:
        store = os.environ.get(STORE_VARIABLE, "")
        if name == "windtunnel-postgres" and not store:
            raise NotServing(f"set {STORE_VARIABLE}=postgresql://… to a database that may be filled")
        options = [option.format(store=store) for option in OURS[name]]
        script = Path(sys.executable).with_name("windtunnel")
        start = [str(script)] if script.exists() else [sys.executable, "-c", "from windtunnel.app.cli import main; main()"]
        paths = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
        return [*start, "up", "--port", str(port), "--data", str(data), *options], {**environment, "PYTHONPATH": paths}
    program = install(name)
    if name == "moto":
        return [str(program / "moto_server"), "-H", "127.0.0.1", "-p", str(port)], environment
    state = {"STATE_DIR": str(data / "state"), "S3_DATA_DIR": str(data / "s3")}
    return [str(program / "ministack")], {**environment, **state, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Server:
    """A running server. `signer` is who asks it."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"
    data: Path
    started_in: float
    signer: Signer
    note: str = ""

    def client(self, service: str) -> Any:
        """A plain botocore client, for what is set up outside the measure."""
        session = botocore.session.get_session()
        return session.create_client(
            service,
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=self.signer.access_key,
            aws_secret_access_key=self.signer.secret_key,
            config=Config(retries={"max_attempts": 0}, read_timeout=60, s3={"addressing_style": "path"}),
        )

    def memory(self) -> int:
        return proc.memory(self.process.pid)

    def stop(self) -> None:
        children = [process for process in proc.tree(self.process.pid) if process != self.process.pid]
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue
        shutil.rmtree(self.data, ignore_errors=True)


def start(name: str) -> Server:
    """Starts a server, and returns when it has answered its first API request."""
    data = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    port = free_port()
    arguments, environment = command(name, port, data)
    signer = Signer(f"127.0.0.1:{port}", "test", "test")
    log = (data / "server.log").open("wb")
    began = time.perf_counter()
    # Packages that pip installed are compiled in any case, sources of a checkout only where Python may keep what it compiles.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(arguments, env={**inherited, **environment}, cwd=data, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    log.close()
    server = Server(name, port, process, data, 0.0, signer)
    try:
        wait_for_answer(server, began)
    except BaseException:
        server.stop()
        raise
    return server


def wait_for_answer(server: Server, began: float) -> None:
    request = server.signer.sqs("ListQueues", b"{}")
    while time.perf_counter() - began < START_SECONDS_MAX and server.process.poll() is None:
        if answers(server.port, request):
            server.started_in = time.perf_counter() - began
            return
        time.sleep(0.005)
    last = (server.data / "server.log").read_text(errors="replace").strip().splitlines()[-1:]
    raise NotServing(f"{server.name} did not answer ListQueues: {' '.join(last) or 'no output'}")


def answers(port: int, request: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request)
            return connection.recv(12).endswith(b" 200")
    except OSError:
        return False


def issue_key(server: Server) -> None:
    """windtunnel checks signatures of keys that IAM has issued, so it is measured with one; its peers check none."""
    try:
        iam = server.client("iam")
        iam.create_user(UserName="bench")
        document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
        iam.put_user_policy(UserName="bench", PolicyName="all", PolicyDocument=document)
        key = iam.create_access_key(UserName="bench")["AccessKey"]
    except (BotoCoreError, ClientError) as fault:
        server.note = f"no key from IAM, so signatures were not checked ({str(fault)[:80]})"
        return
    server.signer = Signer(server.signer.host, key["AccessKeyId"], key["SecretAccessKey"])
    server.note = "with a key that IAM issued: signatures checked, policies evaluated"
