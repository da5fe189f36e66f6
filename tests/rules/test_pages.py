"""Page tokens name a place in the key order, and nothing that we did not issue is taken for one."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windtunnel.aws import pages

parts = st.one_of(st.text(), st.binary(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.booleans(), st.none())


@given(st.lists(parts).map(tuple))
def test_a_token_gives_back_its_key_and_is_the_same_each_time(key: tuple[Any, ...]) -> None:
    token = pages.encode(key)
    assert pages.decode(token) == key
    assert [type(part) for part in pages.decode(token)] == [type(part) for part in key]
    assert pages.encode(key) == token
    assert token.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "change",
    [lambda t: t[:-1], lambda t: t + "A", lambda t: t + "=", lambda t: "!" + t, lambda t: "", lambda t: t.swapcase(), lambda t: "é"],
)
def test_a_text_that_is_not_a_token_of_ours_is_refused(change: Any) -> None:
    with pytest.raises(ValueError, match="not one of ours"):
        pages.decode(change(pages.encode(("queue", 17))))


def _counted(count: int, taken: list[int]) -> Iterator[tuple[tuple[int], str]]:
    for number in range(count):
        taken.append(number)
        yield (number,), f"item {number}"


def test_a_page_takes_one_item_more_than_it_gives() -> None:
    taken: list[int] = []
    given_, token = pages.page(_counted(1_000_000, taken), 2)
    assert given_ == [((0,), "item 0"), ((1,), "item 1")]
    assert taken == [0, 1, 2]
    assert token is not None
    assert pages.decode(token) == (2,)


def test_the_last_page_has_no_token_even_when_it_is_full() -> None:
    assert pages.page(_counted(2, []), 2) == ([((0,), "item 0"), ((1,), "item 1")], None)
    assert pages.page(_counted(0, []), 2) == ([], None)


def test_a_page_of_a_reverse_scan_names_the_last_item_given_because_ends_are_exclusive() -> None:
    token = pages.page(iter([((9,), "i"), ((8,), "h"), ((7,), "g")]), 2, reverse=True)[1]
    assert token is not None
    assert pages.decode(token) == (8,)
