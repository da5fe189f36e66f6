"""What a function can't do: see the machine, outlive its time, eat its memory, or leave anything behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.planes.kit import Bench, invocation, invoke, machine, streamed, value
from windtunnel.planes.compute import Environment, Kind, Missing, Outcome, Pool, runtime_for

MARK = f"sandbox-of-{os.getpid()}"
FOREVER = "import time\ndef handler(event, context):\n    print('begun')\n    time.sleep(event or 3600)\n"


def test_a_function_is_killed_when_its_time_is_up_with_all_that_it_started(sandbox: Bench) -> None:
    code = """
import os, time
def handler(event, context):
    print("begun")
    if not os.fork():
        os.setsid()
    time.sleep(3600)
"""

    async def story(environment: Environment) -> Outcome:
        outcome = await environment.invoke(invocation())
        assert not environment.alive
        await environment.close()
        return outcome

    outcome = sandbox.within(sandbox.spec(code, timeout=0.3, environment={"MARK": MARK}), story)
    assert (outcome.kind, outcome.payload, outcome.log_tail[:1]) == (Kind.TIMEOUT, b"", ("begun",))
    assert 300 <= outcome.duration_ms < 600
    assert not _processes_of_this_test()


def test_only_tmp_can_be_written_and_nothing_of_the_machine_is_seen(sandbox: Bench) -> None:
    code = """
import os
def attempt(path):
    try:
        open(path, "w").write("x")
    except OSError as error:
        return error.strerror
def handler(event, context):
    paths = ["/tmp/a", "/var/task/a", "/var/task/app.py", "/opt/a", "/etc/passwd", "/usr/a", "/var/runtime/a", "/a"]
    answers = [attempt(path) for path in paths]
    return [answers, os.listdir("/tmp"), os.path.exists(event), os.getpid() < 4, os.getuid() != 0, os.listdir("/home")]
"""
    read_only = "Read-only file system"
    outcome = sandbox.run(code, str(sandbox.folder))
    answers, files, sees_machine, small_pid, unprivileged, homes = value(outcome)
    assert answers[0] is None
    assert set(answers[1:]) <= {read_only, "Permission denied"}
    assert [files, sees_machine, small_pid, unprivileged, homes] == [["a"], False, True, True, ["sbx_user1051"]]


def test_packages_installed_below_tmp_are_found_and_cannot_be_written(sandbox: Bench, tmp_path: Path) -> None:
    module = tmp_path / "packages" / "answer.py"
    module.parent.mkdir()
    module.write_text("VALUE = 42")
    module.chmod(0o666)
    code = """
def handler(event, context):
    import answer
    try:
        open(answer.__file__, "a")
    except OSError as error:
        return [answer.VALUE, answer.__file__, error.strerror]
"""
    spec = sandbox.spec(code)
    packages = str(module.parent)
    runtime = msgspec.structs.replace(
        spec.runtime, readable=(*spec.runtime.readable, packages), environment={**spec.runtime.environment, "WINDTUNNEL_PACKAGES": packages}
    )
    assert packages.startswith("/tmp/")
    outcome = sandbox.within(msgspec.structs.replace(spec, runtime=runtime), invoke)
    assert outcome == [42, f"/var/lang{module}", "Read-only file system"]


def test_two_environments_do_not_share_tmp_and_one_keeps_its_own(sandbox: Bench) -> None:
    code = """
import os
def handler(event, context):
    before = os.listdir("/tmp")
    open("/tmp/" + event, "w").close()
    return before
"""

    async def story(first: Environment) -> list[object]:
        second = await Environment.start(sandbox.machine, first.spec, sandbox.log)
        answers = [await invoke(first, "a", "1"), await invoke(second, "b", "2"), await invoke(first, "c", "3")]
        await second.close()
        return answers

    assert sandbox.within(sandbox.spec(code), story) == [[], [], ["a"]]


def test_tmp_is_as_large_as_the_function_asked(sandbox: Bench) -> None:
    code = """
def handler(event, context):
    try:
        open("/tmp/a", "wb").write(bytes(3 << 20))
    except OSError as error:
        return error.strerror
"""
    assert value(sandbox.run(code, tmp_mb=2)) == "No space left on device"


def test_a_function_that_takes_more_memory_than_it_has_is_killed(bench: Bench) -> None:
    code = "import time\ndef handler(event, context):\n    kept = [bytearray(1 << 20) for _ in range(400)]\n    time.sleep(5)"
    groups = bench.machine.groups
    for way in (groups, None):
        bench.machine.groups = way
        outcome = bench.run(code, memory_mb=128)
        message = "RequestId: request-1 Error: Runtime exited with error: signal: killed"
        assert (outcome.kind, value(outcome)) == (Kind.EXIT, {"errorType": "Runtime.OutOfMemory", "errorMessage": message})
        assert outcome.max_memory_mb == 128
    bench.machine.groups = groups


def test_memory_that_is_taken_in_no_time_is_too_much_as_well(bench: Bench) -> None:
    outcome = bench.run("import time\ndef handler(event, context):\n    kept = b'x' * (2 << 30)\n    time.sleep(5)", memory_mb=128)
    assert (outcome.error_type, outcome.max_memory_mb) == ("Runtime.OutOfMemory", 128)


def test_what_lies_in_tmp_is_not_memory(sandbox: Bench) -> None:
    code = """
def handler(event, context):
    with open("/tmp/a", "wb") as file:
        for _ in range(200):
            file.write(bytes(1 << 20))
    return 1
"""
    assert sandbox.run(code, memory_mb=128, tmp_mb=512).payload == b"1"


def test_a_fork_bomb_ends_at_1024_processes_and_dies_with_its_environment(sandbox: Bench) -> None:
    code = """
import os, signal
def handler(event, context):
    count = 0
    while True:
        try:
            if not os.fork():
                signal.pause()
        except BlockingIOError:
            return count
        count += 1
"""
    outcome = sandbox.run(code, memory_mb=10240, environment={"MARK": MARK})
    assert outcome.kind is Kind.OK
    assert 900 < value(outcome) <= 1024
    assert not _processes_of_this_test()


def test_a_hundred_megabytes_of_output_neither_block_nor_fill_memory(bench: Bench) -> None:
    seen = [0, 0]

    def on_log(_: str, lines: Sequence[str]) -> None:
        seen[0] += len(lines)
        seen[1] = max(seen[1], *map(len, lines))

    code = "def handler(event, context):\n    for _ in range(100): print(('x' * 1023 + '\\n') * 1024, end='')\n    print('y' * (1 << 20))"

    async def story() -> Outcome:
        environment = await Environment.start(bench.machine, bench.spec(code, timeout=20.0), on_log)
        try:
            return await environment.invoke(invocation())
        finally:
            await environment.close()

    outcome = asyncio.run(story())
    assert outcome.kind is Kind.OK
    assert seen == [100 * 1024 + 4, 256 * 1024]
    assert sum(map(len, outcome.log_tail)) <= 4096


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
@pytest.mark.parametrize("mode", [None, "plain"])
def test_when_the_region_is_killed_its_functions_die(bench: Bench, mode: str | None) -> None:
    mark = f"mark-{os.getpid()}-{mode}"
    program = f"""
import asyncio, sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.planes.kit import *
async def main():
    with machine({mode!r}) as made:
        spec = Spec(runtime_for(PYTHON), "app.handler", {str(bench.folder / "code")!r}, timeout=100.0, environment={{"MARK": {mark!r}}})
        environment = await Environment.start(made, spec, lambda *_: print("up", flush=True))
        await environment.invoke(invocation())
asyncio.run(main())
"""
    bench.spec(FOREVER)
    region = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert region.stdout is not None
    assert region.stdout.readline() == b"up\n"
    (process,) = [pid for pid in _all_processes() if _has_in_environment(pid, mark)]
    handle = os.pidfd_open(process)
    region.send_signal(signal.SIGKILL)
    region.wait()
    region.stdout.close()
    asyncio.run(_readable(handle))
    os.close(handle)


def test_a_custom_runtime_speaks_the_runtime_api_itself(bench: Bench) -> None:
    code = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  event=$(curl -sS -D "${TMPDIR:-/tmp}/head" "$api/invocation/next")
  id=$(grep -i '^lambda-runtime-aws-request-id' "${TMPDIR:-/tmp}/head" | tr -d '\\r' | cut -d' ' -f2)
  curl -sS -X POST -d "{\\"got\\": $event}" "$api/invocation/$id/response" > /dev/null
done
"""

    async def story(environment: Environment) -> list[object]:
        return [await invoke(environment, 1), await invoke(environment, [2], "request-2")]

    assert bench.within(bench.spec(code, name="bootstrap", runtime="provided.al2023"), story) == [{"got": 1}, {"got": [2]}]


def test_nobody_else_can_ask_for_a_custom_runtimes_events(bench: Bench) -> None:
    if bench.machine.mode != "uid":
        pytest.skip("sandboxes have no users of their own here")

    async def story(environment: Environment) -> bytes:
        await bench.heard.wait()
        reader, writer = await asyncio.open_connection(*bench.texts()[0].split(":"))
        writer.write(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    code = '#!/bin/sh\necho "$AWS_LAMBDA_RUNTIME_API"\nsleep 100'
    assert bench.within(bench.spec(code, name="bootstrap", runtime="provided.al2023"), story) == b""


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="this machine has no bash")
def test_the_shell_is_that_of_amazon_linux(sandbox: Bench) -> None:
    code = """
import subprocess
def handler(event, context):
    return subprocess.run(["/bin/sh", "-c", "set -euo pipefail; echo $0"], capture_output=True, text=True).stdout
"""
    assert value(sandbox.run(code)) == "/bin/sh\n"


def test_a_wrapper_script_of_a_layer_runs_around_the_runtime(sandbox: Bench) -> None:
    wrapper = sandbox.folder / "layer" / "wrapper"
    wrapper.parent.mkdir()
    wrapper.write_text('#!/bin/sh\nexport ADDED=1\nexec "$@"\n')
    wrapper.chmod(0o755)
    code = "import os\ndef handler(event, context): return os.environ['ADDED']"
    environment = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
    assert value(sandbox.run(code, layers=[str(wrapper.parent)], environment=environment)) == "1"


def test_an_init_phase_that_takes_too_long_is_ended_and_one_that_is_tried_again_is_part_of_the_invocation(bench: Bench) -> None:
    code = "import time\ntime.sleep(0.4)\ndef handler(event, context): return 'late'"
    ended = bench.run(code, init_timeout=0.05)
    assert (ended.kind, ended.payload, ended.init_ms) == (Kind.TIMEOUT, b"", None)
    late = bench.run(code, init_timeout=60, timeout=60, again=True)
    assert (late.kind, late.payload, late.init_ms, late.duration_ms >= 400) == (Kind.OK, b'"late"', None, True)


def test_an_environment_that_died_while_idle_says_so(bench: Bench) -> None:
    async def story(environment: Environment) -> Outcome:
        await environment.invoke(invocation())
        environment.kill()
        await environment.close()
        return await environment.invoke(invocation(None, "request-2"))

    outcome = bench.within(bench.spec("def handler(event, context): pass"), story)
    message = "RequestId: request-2 Error: Runtime exited with error: signal: killed"
    assert (outcome.kind, value(outcome)) == (Kind.EXIT, {"errorType": "Runtime.ExitError", "errorMessage": message})


def test_an_answer_that_is_not_streamed_comes_as_one_stream_all_the_same(bench: Bench) -> None:
    pieces, outcome = bench.within(bench.spec("def handler(event, context): return 'x' * 3_000_000"), streamed)
    assert (pieces, outcome.kind) == ([b'"' + b"x" * 3_000_000 + b'"'], Kind.OK)


def test_a_custom_runtime_without_bootstrap_is_an_invalid_entrypoint(bench: Bench) -> None:
    outcome = bench.run("", runtime="provided.al2023")
    assert value(outcome) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": "RequestId: request-1 Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
    }


@pytest.mark.parametrize(
    ("bootstrap", "told"), [("#!/no/such/program\n", "bootstrap: no such file or directory"), ("#!/bin/sh\nno-such-command\n", "not found")]
)
def test_what_a_bootstrap_does_not_find_is_exit_status_127(bench: Bench, bootstrap: str, told: str) -> None:
    outcome = bench.run(bootstrap, name="bootstrap", runtime="provided.al2023")
    assert value(outcome) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: request-1 Error: Runtime exited with error: exit status 127",
    }
    assert bench.texts()[0].endswith(told)


@pytest.mark.parametrize("mode", ["userns", "plain"])
def test_where_less_is_allowed_functions_run_all_the_same(tmp_path: Path, mode: str) -> None:
    with machine(mode) as made:
        bench = Bench(made, tmp_path)
        layer = tmp_path / "layer" / "python"
        layer.mkdir(parents=True)
        (layer / "shared.py").write_text("NAME = 'layer'")
        code = """
import shared, tempfile
def handler(event, context):
    open(tempfile.mkstemp()[1], "w").write("x")
    return [shared.NAME, event]
"""
        outcome = bench.run(code, 5, layers=[str(tmp_path / "layer")])
        assert (bench.texts(), outcome.payload) == ([], b'["layer", 5]')


def test_a_caller_that_goes_away_ends_the_environment(bench: Bench) -> None:
    async def story(environment: Environment) -> None:
        assert await environment.ready() is None
        task = asyncio.create_task(environment.invoke(invocation()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not environment.alive

    bench.within(bench.spec(FOREVER), story)


def test_the_pool_uses_the_warmest_first_and_evicts_the_oldest(bench: Bench) -> None:
    spec = bench.spec("import os\nME = os.urandom(4).hex()\ndef handler(event, context): return ME")

    async def story() -> None:
        pool = Pool(bench.machine, most=2)
        first, second = await pool.acquire("a", spec, bench.log), await pool.acquire("a", spec, bench.log)
        pool.release(first)
        pool.release(second)
        assert pool.counts("a") == (2, 0)
        assert await pool.acquire("a", spec, bench.log) is second
        other = await pool.acquire("b", spec, bench.log)
        assert (first.alive, second.alive, other.alive, pool.counts("a")) == (False, True, True, (0, 1))
        pool.retire("a")
        assert second.alive, "it may finish what it does"
        pool.release(second)
        assert not second.alive
        await pool.close()
        assert not other.alive

    asyncio.run(story())


def test_a_new_machine_removes_what_a_killed_one_left(bench: Bench) -> None:
    if sys.platform != "linux":
        pytest.skip("who lives is asked of /proc")
    left = bench.machine.folder.with_name("windtunnel-compute-4194305-left")  # above the highest process number there is
    left.mkdir()
    with machine(bench.machine.mode):
        assert (left.exists(), bench.machine.folder.exists()) == (False, True)


def test_what_cannot_run_here_says_what_would_change_that() -> None:
    for name in ("dotnet8", "cobol74"):
        missing = runtime_for(name)
        assert isinstance(missing, Missing)
        assert len(missing.message) > 20


def _all_processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _has_in_environment(pid: int, text: str) -> bool:
    """The runtime itself, not the launcher, which carries the same text in its arguments."""
    try:
        return text.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _processes_of_this_test() -> list[int]:
    """Those in sandboxes of this process: others on this machine may have sandboxes too."""
    found: list[int] = []
    for pid in _all_processes():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if MARK.encode() in environment:
            found.append(pid)
    return found


async def _readable(handle: int) -> None:
    """A process handle is readable once the process has ended."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(handle, ended.set)
    async with asyncio.timeout(5):
        await ended.wait()


def test_programs_find_the_language_where_awss_runtimes_have_it(sandbox: Bench) -> None:
    code = """
import os, subprocess, sys
def handler(event, context):
    program = f"/var/lang/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    asked = [program, "-c", "import json, sys; print(json.dumps(sys.version))"]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip() == '"' + sys.version.replace(chr(10), chr(92) + "n") + '"'
"""
    assert sandbox.within(sandbox.spec(code), invoke) is True
