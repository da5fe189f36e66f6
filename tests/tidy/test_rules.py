"""The rules bite where they should, and only there."""

from collections.abc import Callable, Iterator
from textwrap import dedent

import pytest

from tests.tidy import rules

Rule = Callable[[rules.Module], Iterator[rules.Finding]]

BROKEN: list[tuple[Rule, str, str]] = [
    (rules.file_is_short, "src/windtunnel/aws/x.py", "x = 1\n" * 501),
    (rules.functions_are_short, "src/windtunnel/aws/x.py", "def f():\n" + "    x = 1\n" * 70),
    (rules.module_says_why_it_exists, "src/windtunnel/aws/x.py", "import os\n"),
    (rules.nothing_is_put_off, "src/windtunnel/aws/x.py", "# TO" + "DO: later\n"),
    (rules.only_the_kernel_knows_time_and_chance, "src/windtunnel/aws/x.py", "import time\n"),
    (rules.only_the_kernel_knows_time_and_chance, "src/windtunnel/aws/x.py", "from uuid import uuid4\n"),
    (rules.only_the_kernel_knows_time_and_chance, "src/windtunnel/aws/x.py", "from asyncio import sleep\n"),
    (rules.only_the_kernel_knows_time_and_chance, "src/windtunnel/aws/x.py", "import os\nx = os.environ['X']\n"),
    (rules.only_the_kernel_knows_time_and_chance, "src/windtunnel/aws/x.py", "from datetime import datetime as dt, UTC\nx = dt.now(UTC)\n"),
    (rules.only_the_kernel_knows_time_and_chance, "src/windtunnel/fabric/x.py", "def f(loop): return loop.time()\n"),
    (rules.bugs_are_not_swallowed, "src/windtunnel/aws/x.py", "try: pass\nexcept Exception: pass\n"),
    (rules.bugs_are_not_swallowed, "src/windtunnel/aws/x.py", "try: pass\nexcept (OSError, Exception): pass\n"),
    (rules.bugs_are_not_swallowed, "src/windtunnel/aws/x.py", "try: pass\nexcept: pass\n"),
    (rules.bugs_are_not_swallowed, "src/windtunnel/aws/x.py", "import contextlib\nwith contextlib.suppress(Exception): pass\n"),
    (rules.modules_hold_no_state, "src/windtunnel/aws/x.py", "cache = {'a': 1}\n"),
    (rules.modules_hold_no_state, "src/windtunnel/aws/x.py", "CACHE: dict[str, int] = {}\n"),
    (rules.modules_hold_no_state, "src/windtunnel/aws/x.py", "from collections import defaultdict\nQUEUES = defaultdict(list)\n"),
    (rules.modules_hold_no_state, "src/windtunnel/aws/x.py", "TABLE = {'a': 1}\ndef f(): TABLE['b'] = 2\n"),
    (rules.modules_hold_no_state, "src/windtunnel/aws/x.py", "TABLE = ['a']\ndef f(): TABLE.append('b')\n"),
    (rules.modules_hold_no_state, "src/windtunnel/aws/x.py", "count = 0\ndef f():\n    global count\n    count += 1\n"),
    (rules.services_keep_to_themselves, "src/windtunnel/services/sqs/x.py", "from windtunnel.services.sns import topics\n"),
    (rules.services_keep_to_themselves, "src/windtunnel/services/sqs/x.py", "from windtunnel.kernel.clock import Clock\n"),
    (rules.services_keep_to_themselves, "src/windtunnel/services/sqs/x.py", "import windtunnel.wire.route\n"),
    (rules.areas_have_no_face, "src/windtunnel/services/logs/x/__init__.py", '"""x"""\nfrom windtunnel.services.logs.x import y\n'),
    (rules.tests_move_the_clock, "tests/stories/test_x.py", "import time\ndef test_x():\n    time.sleep(1)\n    assert True\n"),
    (rules.tests_can_fail, "tests/stories/test_x.py", "def test_x():\n    print(1)\n"),
]

TIDY: list[tuple[Rule, str, str]] = [
    (rules.file_is_short, "src/windtunnel/aws/x.py", "x = 1\n" * 500),
    (rules.functions_are_short, "src/windtunnel/aws/x.py", "def f():\n" + "    x = 1\n" * 69),
    (rules.only_the_kernel_knows_time_and_chance, "src/windtunnel/kernel/clock.py", "import time\n"),
    (rules.only_the_kernel_knows_time_and_chance, "src/windtunnel/planes/compute/bootstrap/run.py", "import os\nx = os.environ\n"),
    (rules.only_the_kernel_knows_time_and_chance, "src/windtunnel/gateway/x.py", "def f(loop): return loop.time()\n"),
    (
        rules.only_the_kernel_knows_time_and_chance,
        "src/windtunnel/aws/x.py",
        "from datetime import datetime, UTC\nx = datetime.fromtimestamp(0, UTC)\n",
    ),
    (rules.bugs_are_not_swallowed, "src/windtunnel/fabric/cloud.py", "try: pass\nexcept Exception: pass\n"),
    (rules.bugs_are_not_swallowed, "src/windtunnel/aws/x.py", "try: pass\nexcept BaseException:\n    x = 1\n    raise\n"),
    (rules.modules_hold_no_state, "src/windtunnel/aws/x.py", "TABLE = {'a': 1}\ndef f(TABLE): TABLE['b'] = 2\n"),
    (
        rules.services_keep_to_themselves,
        "src/windtunnel/services/sqs/x.py",
        "from windtunnel.kernel.store import Table\nfrom windtunnel.services.sqs import rules\n",
    ),
    (rules.areas_have_no_face, "src/windtunnel/services/logs/x/__init__.py", '"""x"""\n'),
    (rules.areas_have_no_face, "src/windtunnel/services/logs/__init__.py", '"""x"""\nx = 1\n'),
    (rules.tests_can_fail, "tests/stories/test_x.py", "def same(a): assert a\ndef test_x():\n    same(1)\n"),
]


@pytest.mark.parametrize(("rule", "name", "text"), BROKEN)
def test_a_rule_finds_what_breaks_it(rule: Rule, name: str, text: str) -> None:
    assert [line for line, _ in rule(rules.Module(name, dedent(text)))] != []


@pytest.mark.parametrize(("rule", "name", "text"), TIDY)
def test_a_rule_lets_pass_what_is_tidy(rule: Rule, name: str, text: str) -> None:
    assert list(rule(rules.Module(name, dedent(text)))) == []
