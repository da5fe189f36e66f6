"""`make bench`: windtunnel, moto and MiniStack, the same requests to each, in turns."""

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack

from botocore.exceptions import BotoCoreError, ClientError

from bench import report as reports
from bench import servers
from bench.cases import CASES, QUICK, Case, Prepared, Scale, Unable, generate
from bench.report import Figure, Report
from bench.servers import NotServing, Server

START_ROUNDS = 3


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help=f"start, {', '.join(case.name for case in CASES)}")
    parser.add_argument("--servers", default=",".join(servers.NAMES), help="comma-separated, in this order (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each server has its turn in each case (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="shorter, smaller, one round unless --rounds is given")
    parser.add_argument("--save", action="store_true", help="write bench/results/latest.json and latest.md")
    return parser.parse_args(arguments)


def measure_start(name: str, rounds: int) -> Figure:
    """Time from the command to the first answered API request, and memory when nothing has been asked since."""
    samples: list[Figure] = []
    for _ in range(rounds):
        try:
            server = servers.start(name)
        except NotServing as fault:
            return Figure(why=str(fault)[:140])
        memory = server.memory() / 1e6
        server.stop()
        milliseconds = server.started_in * 1000
        samples.append(Figure(1000 / milliseconds, milliseconds, milliseconds, 0.0, memory))
    return reports.combine(samples)


def prepare(case: Case, server: Server, scale: Scale) -> Prepared | Figure:
    try:
        return case.prepare(server, scale)
    except (Unable, BotoCoreError, ClientError, OSError, KeyError) as fault:
        return Figure(why=f"{type(fault).__name__}: {fault}"[:140] if not isinstance(fault, Unable) else str(fault)[:140])


def measure(prepared: Prepared, server: Server) -> Figure:
    """One turn."""
    try:
        outcome = generate(prepared.load())
        if outcome.errors or not outcome.done:
            return Figure(why=" ".join((outcome.errors or ["nothing was answered"])[0].split())[:140])
        note = prepared.settle(outcome) if prepared.settle else ""
    except (Unable, BotoCoreError, ClientError, OSError) as fault:
        return Figure(why=str(fault)[:140])
    return Figure(
        rate=outcome.done / outcome.seconds,
        p50_ms=reports.percentile(outcome.latencies, 0.5) * 1000,
        p99_ms=reports.percentile(outcome.latencies, 0.99) * 1000,
        cpu_us=outcome.cpu / outcome.done * 1e6,
        memory_mb=server.memory() / 1e6,
        note=note or prepared.note,
    )


def run_case(case: Case, running: list[Server], scale: Scale, rounds: int) -> Iterator[tuple[str, Figure]]:
    prepared = {server.name: prepare(case, server, scale) for server in running}
    samples: dict[str, list[Figure]] = {server.name: [] for server in running}
    for _ in range(rounds):
        for server in running:
            ready = prepared[server.name]
            if isinstance(ready, Prepared) and not any(sample.why for sample in samples[server.name]):
                samples[server.name].append(measure(ready, server))
    for server in running:
        ready, taken = prepared[server.name], samples[server.name]
        failed = ready if isinstance(ready, Figure) else next((sample for sample in taken if sample.why), None)
        yield server.name, failed or reports.combine(taken)


def main() -> None:
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended then, too
    names = [name for name in options.servers.split(",") if name in {*servers.NAMES, *servers.OURS}]
    wanted = [case for case in CASES if not options.only or case.name in options.only]
    scale = QUICK if options.quick else Scale()
    rounds = 1 if options.quick and "--rounds" not in sys.argv else options.rounds
    report = Report()
    with ExitStack() as stack:
        running: list[Server] = []
        for name in names:
            try:
                server = servers.start(name)
            except NotServing as fault:
                print(fault, file=sys.stderr)
                continue
            stack.callback(server.stop)
            running.append(server)
            report.servers[name] = servers.version(name)
            if name in servers.OURS:
                servers.issue_key(server)
                print(f"{name}: {server.note}", file=sys.stderr)
        if not options.only or "start" in options.only:
            report.titles["start"] = "Start to first answer; idle"
            report.figures["start"] = {server.name: measure_start(server.name, min(rounds, START_ROUNDS)) for server in running}
        for case in wanted:
            print(f"{case.title} …", file=sys.stderr)
            report.titles[case.name] = case.title if case.unit == "request" else f"{case.title} (pairs)"
            report.figures[case.name] = dict(run_case(case, running, scale, rounds))
    print(f"{reports.machine()}; " + ", ".join(f"{name} {version}" for name, version in report.servers.items()))
    print(reports.table(report))
    if reports.OURS in report.servers:
        print("\n" + "\n".join(target.line for target in reports.targets(report)))
    if options.save:
        reports.save(report)


if __name__ == "__main__":
    main()
