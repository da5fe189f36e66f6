"""What was measured, as a table with the targets beside it, and as files to compare with later."""

import json
import os
import platform
import sysconfig
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).with_name("results")
OURS = "windtunnel"


@dataclass
class Figure:
    """One server in one case: medians over the rounds. `why` says why there is none."""

    rate: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    cpu_us: float = 0.0
    memory_mb: float = 0.0
    rounds: int = 0
    why: str = ""
    note: str = ""


@dataclass
class Report:
    """Figures by case, then by server."""

    titles: dict[str, str] = field(default_factory=dict[str, str])
    figures: dict[str, dict[str, Figure]] = field(default_factory=dict[str, dict[str, Figure]])
    servers: dict[str, str] = field(default_factory=dict[str, str])

    def rate(self, case: str, server: str) -> float | None:
        figure = self.figures.get(case, {}).get(server)
        return figure.rate if figure and not figure.why else None

    def best_peer(self, case: str) -> float | None:
        rates = [rate for server in self.figures.get(case, {}) if server != OURS and (rate := self.rate(case, server))]
        return max(rates, default=None)


def combine(samples: list[Figure]) -> Figure:
    names = ("rate", "p50_ms", "p99_ms", "cpu_us", "memory_mb")
    notes = "; ".join(dict.fromkeys(s.note for s in samples if s.note))
    return Figure(**{name: median(getattr(s, name) for s in samples) for name in names}, rounds=len(samples), note=notes)


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


@dataclass(frozen=True)
class Target:
    """One figure that windtunnel has to reach: `measured` is None as long as something of it is missing."""

    case: str
    text: str
    measured: float | None
    bound: float
    at_least: bool
    unit: str

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "open"
        return "ok" if (self.measured >= self.bound) == self.at_least or self.measured == self.bound else "miss"

    @property
    def line(self) -> str:
        measured = "-" if self.measured is None else f"{self.measured:,.2f}{self.unit}"
        return f"{self.verdict:<5} {measured:>10}  {self.text}"


PEER_RATIOS = (
    ("send", "SendMessage at least 10 x MiniStack", "ministack", 10),
    ("publish", "Publish to 3 queues at least 6 x MiniStack", "ministack", 6),
    ("get-64m", "GetObject 64 MB at least 2 x the best peer", "", 2),
    ("put-64m", "PutObject 64 MB at least 1.5 x the best peer", "", 1.5),
    ("list", "ListObjectsV2 of 1,000 at least 10 x MiniStack", "ministack", 10),
    ("invoke", "warm Invoke at least 3 x MiniStack", "ministack", 3),
)


def targets(report: Report) -> list[Target]:
    found: list[Target] = []
    for case, text, peer, bound in PEER_RATIOS:
        ours, theirs = report.rate(case, OURS), report.rate(case, peer) if peer else report.best_peer(case)
        found.append(Target(case, text, ours / theirs if ours and theirs else None, bound, at_least=True, unit=" x"))
    shallow, deep = report.rate("drain-200", OURS), report.rate("drain-deep", OURS)
    slower = shallow / deep if shallow and deep else None
    found.append(Target("drain-deep", "Receive+Delete 100,000 deep within 1.3 x of 200 deep", slower, 1.3, at_least=False, unit=" x"))
    figures = {case: servers[OURS] for case, servers in report.figures.items() if OURS in servers and not servers[OURS].why}
    cpu = figures["send"].cpu_us if "send" in figures else None
    start = figures["start"].p50_ms / 1000 if "start" in figures else None
    idle = figures["start"].memory_mb if "start" in figures else None
    found.append(Target("send", "SendMessage at most 60 µs of server CPU", cpu, 60, at_least=False, unit=" µs"))
    found.append(Target("start", "start to first answer in less than 0.5 s", start, 0.5, at_least=False, unit=" s"))
    found.append(Target("start", "idle memory below 80 MB", idle, 80, at_least=False, unit=" MB"))
    return [target for target in found if target.case in report.figures]


def rows(report: Report) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for case, servers in report.figures.items():
        for index, (server, figure) in enumerate(servers.items()):
            title = report.titles[case] if not index else ""
            if figure.why:
                found.append((title, server, "n/a", "", "", "", "", figure.why))
                continue
            rate = f"{figure.rate:,.0f}" if figure.rate >= 100 else f"{figure.rate:,.2f}"
            times = (f"{figure.p50_ms:,.2f}", f"{figure.p99_ms:,.2f}", f"{figure.cpu_us:,.0f}", f"{figure.memory_mb:,.0f}")
            found.append((title, server, rate, *times, figure.note))
    return found


HEAD = ("case", "server", "per second", "p50 ms", "p99 ms", "CPU µs each", "RSS MB", "")


def table(report: Report) -> str:
    lines = [HEAD, *rows(report)]
    widths = [max(len(line[i]) for line in lines) for i in range(7)]

    def line(cells: tuple[str, ...]) -> str:
        left = f"{cells[0]:<{widths[0]}}  {cells[1]:<{widths[1]}}"
        return "  ".join([left, *(f"{cells[i]:>{widths[i]}}" for i in range(2, 7)), cells[7]]).rstrip()

    return "\n".join(map(line, lines))


def machine() -> str:
    """The load says how far to trust the rates: well above 2 on two cores, somebody else was at work too. A Python that was built
    without the optimisation a profile guides takes more CPU, in all servers alike."""
    optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    python = f"Python {platform.python_version()} ({'with' if optimised else 'without'} --enable-optimizations)"
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, {python}, load {os.getloadavg()[0]:.1f}"


def save(report: Report) -> None:
    RESULTS.mkdir(exist_ok=True)
    document = {
        "machine": machine(),
        "servers": report.servers,
        "figures": {case: {server: asdict(figure) for server, figure in servers.items()} for case, servers in report.figures.items()},
        "targets": [{**asdict(target), "verdict": target.verdict} for target in targets(report)],
    }
    (RESULTS / "latest.json").write_text(json.dumps(document, indent=1) + "\n")
    cells = [HEAD, ("---",) * len(HEAD), *rows(report)]
    text = ["# Benchmarks", "", f"{machine()}. " + ", ".join(f"{name} {version}" for name, version in report.servers.items()) + ".", ""]
    text += ["| " + " | ".join(row) + " |" for row in cells]
    text += ["", "```", *(target.line for target in targets(report)), "```", ""]
    (RESULTS / "latest.md").write_text("\n".join(text))
