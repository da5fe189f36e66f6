"""Schedules run when AWS's pages say, and expressions that AWS refuses are refused."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windtunnel.aws.schedules import Dialect, parse

THURSDAY = "2026-01-01T00:00:00"


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text + "+00:00").timestamp()


def _runs(expression: str, after: str = THURSDAY, count: int = 3, timezone: str = "UTC") -> list[str]:
    schedule, moment, found = parse(expression, "scheduler"), _epoch(after), list[str]()
    while len(found) < count:
        following = schedule.next(moment, timezone)
        if following is None:
            break
        moment = following
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("cron(0 12 * * ? *)", ["2026-01-01T12:00", "2026-01-02T12:00", "2026-01-03T12:00"]),
        ("cron(5,35 14 * * ? *)", ["2026-01-01T14:05", "2026-01-01T14:35", "2026-01-02T14:05"]),
        ("cron(0/15 * * * ? *)", ["2026-01-01T00:15", "2026-01-01T00:30", "2026-01-01T00:45"]),
        ("cron(*/25 23 * * ? *)", ["2026-01-01T23:00", "2026-01-01T23:25", "2026-01-01T23:50"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-01-01T18:00", "2026-01-02T18:00", "2026-01-05T18:00"]),
        ("cron(0 18 ? * 2-6 *)", ["2026-01-01T18:00", "2026-01-02T18:00", "2026-01-05T18:00"]),
        ("cron(0 0 ? * FRI-MON *)", ["2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00"]),
        ("cron(0 8 1 * ? *)", ["2026-01-01T08:00", "2026-02-01T08:00", "2026-03-01T08:00"]),
        ("cron(0 0 31 * ? *)", ["2026-01-31T00:00", "2026-03-31T00:00", "2026-05-31T00:00"]),
        ("cron(0 0 L * ? *)", ["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00"]),
        ("cron(0 0 LW * ? *)", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-31T00:00"]),
        ("cron(0 0 1W * ? *)", ["2026-02-02T00:00", "2026-03-02T00:00", "2026-04-01T00:00"]),
        ("cron(0 0 15W FEB,MAR,AUG ? *)", ["2026-02-16T00:00", "2026-03-16T00:00", "2026-08-14T00:00"]),
        ("cron(15 10 ? * 6L *)", ["2026-01-30T10:15", "2026-02-27T10:15", "2026-03-27T10:15"]),
        ("cron(0 2 ? * SAT#3 *)", ["2026-01-17T02:00", "2026-02-21T02:00", "2026-03-21T02:00"]),
        ("cron(0 2 ? * 2#5 *)", ["2026-03-30T02:00", "2026-06-29T02:00", "2026-08-31T02:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
        ("cron(0-59/30 0-23/12 ? * * *)", ["2026-01-01T00:30", "2026-01-01T12:00", "2026-01-01T12:30"]),
        ("cron(0 0 1 1 ? 2027-2028)", ["2027-01-01T00:00", "2028-01-01T00:00"]),
        ("cron(15 10 ? * 6L 2002-2005)", []),
        ("at(2026-05-01T10:20:30)", ["2026-05-01T10:20"]),
        ("at(2025-05-01T10:20:30)", []),
        ("rate(5 minutes)", ["2026-01-01T00:05", "2026-01-01T00:10", "2026-01-01T00:15"]),
        ("rate(1 day)", ["2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00"]),
    ],
)
def test_a_schedule_runs_at_its_times(expression: str, runs: list[str]) -> None:
    assert _runs(expression) == runs


def test_a_schedule_runs_by_the_clock_of_its_time_zone() -> None:
    expected = ["2026-03-28T07:00", "2026-03-29T06:00", "2026-03-30T06:00"]
    assert _runs("cron(0 8 * * ? *)", "2026-03-27T12:00:00", timezone="Europe/Berlin") == expected
    assert _runs("at(2026-07-01T08:00:00)", timezone="Asia/Tokyo") == ["2026-06-30T23:00"]


def test_a_time_that_the_clocks_skip_is_not_run_and_one_that_comes_twice_is_run_once() -> None:
    spring = ["2026-03-28T01:30", "2026-03-30T00:30", "2026-03-31T00:30"]
    assert _runs("cron(30 2 * * ? *)", "2026-03-28T00:00:00", timezone="Europe/Berlin") == spring
    autumn = ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]
    assert _runs("cron(30 2 * * ? *)", "2026-10-24T00:00:00", timezone="Europe/Berlin") == autumn


def test_a_rate_counts_from_its_start_when_it_has_one() -> None:
    schedule = parse("rate(10 minutes)")
    assert [schedule.next(after, start=1000.0) for after in (0.0, 1000.0, 1599.0, 1600.0)] == [1000.0, 1600.0, 1600.0, 2200.0]


RATES = ["rate()", "rate(10)", "rate(10 seconds)", "rate(10 years)", "rate(10 minutess)", "rate(foo minutes)", "rate(0 minutes)"]
RATES += ["rate(-10 minutes)", "rate( 10 minutes )", " rate(10 minutes)"]
CRONS = ["cron()", "cron(INVALID)", "cron(0 1 * * * *)", "cron(0 1 ? * ? *)", "cron(7 20 * * NOT *)", "cron(0 dummy ? * MON-FRI *)"]
CRONS += [
    "cron(71 8 1 * ? *)",
    "cron(0 24 * * ? *)",
    "cron(0 0 0 * ? *)",
    "cron(0 0 * 13 ? *)",
    "cron(0 0 ? * 8 *)",
    "cron(0 0 * * ? 1969)",
]
CRONS += ["cron(0/0 * * * ? *)", "cron(0 0 32W * ? *)", "cron(0 0 ? * 2#6 *)", "cron(0 12 * * ?)"]


@pytest.mark.parametrize("expression", [*RATES, *CRONS, "at(2021-12-31)", "at(2021-12-31T23:59:59Z)", "at(2021-13-01T00:00:00)"])
@pytest.mark.parametrize("dialect", ["events", "scheduler"])
def test_a_bad_expression_is_refused_in_the_services_words(expression: str, dialect: Dialect) -> None:
    messages = {"events": "Parameter ScheduleExpression is not valid.", "scheduler": f"Invalid Schedule Expression {expression}."}
    with pytest.raises(ValueError, match=r"valid") as refusal:
        parse(expression, dialect)
    assert str(refusal.value) == messages[dialect]


@pytest.mark.parametrize("expression", ["rate(1 minutes)", "rate(10 minute)", "rate(10 MINUTES)", "at(2022-12-31T23:59:59)"])
def test_scheduler_takes_what_rules_refuse(expression: str) -> None:
    assert parse(expression, "scheduler").text == expression
    with pytest.raises(ValueError, match=r"Parameter ScheduleExpression is not valid\."):
        parse(expression, "events")


def test_a_time_zone_must_exist() -> None:
    with pytest.raises(ValueError, match="ScheduleExpressionTimezone"):
        parse("rate(1 minute)").next(0.0, "Mars/Olympus")


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "0/7", "10-20", "59"]),
    st.sampled_from(["*", "0", "2", "22-3", "*/5"]),
    st.sampled_from(["* * ?", "L * ?", "15W 2-11/3 ?", "? * 6L", "? DEC-FEB SUN", "? * 3#2", "31 * ?"]),
)


@given(FIELDS, st.integers(0, 4_000_000_000), st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]))
def test_runs_rise_and_do_not_depend_on_where_between_two_of_them_one_asks(fields: tuple[str, str, str], after: int, timezone: str) -> None:
    schedule = parse(f"cron({fields[0]} {fields[1]} {fields[2]} *)")
    first = schedule.next(after, timezone)
    assert first is not None
    second = schedule.next(first, timezone)
    assert second is not None
    assert all(a < b for a, b in pairwise((after, first, second)))
    assert schedule.next((after + first) / 2, timezone) == first
    assert schedule.next(first - 1, timezone) == first
