"""Every module of ours keeps every rule."""

from collections.abc import Callable, Iterator

import pytest

from tests.tidy import rules


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Callable[[rules.Module], Iterator[rules.Finding]]) -> None:
    broken = [f"{module.name}:{line}: {message}" for module in rules.modules() for line, message in rule(module)]
    assert not broken, "\n".join(["", *broken])


def test_the_rules_look_at_the_package() -> None:
    assert {"src/windtunnel/aws/errors.py", "tests/tidy/rules.py", "tools/types.py"} <= {module.name for module in rules.modules()}
