"""Keys as bytes sort as the tuples do, and come back as they were."""

from hypothesis import given
from hypothesis import strategies as st

from windtunnel.kernel.store.keys import AFTER, Key, pack, unpack

INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)
TEXT = st.text()
PARTS = st.none() | st.booleans() | st.binary() | INTS | FLOATS | TEXT


@given(st.lists(PARTS).map(tuple))
def test_what_was_packed_comes_back(key: Key) -> None:
    back = unpack(pack(key))
    assert back == key
    assert [type(part) for part in back] == [type(part) for part in key]


@given(st.sampled_from([INTS, FLOATS, st.binary()]).flatmap(lambda parts: st.lists(st.tuples(parts, parts), min_size=2)))
def test_packed_keys_sort_as_tuples_do(keys: list[Key]) -> None:
    assert sorted(keys) == sorted(keys, key=pack)  # type: ignore[type-var]


@given(st.lists(st.tuples(TEXT, TEXT), min_size=2))
def test_text_sorts_by_its_utf_8(keys: list[tuple[str, str]]) -> None:
    assert sorted(keys, key=lambda key: (key[0].encode(), key[1].encode())) == sorted(keys, key=pack)


@given(st.lists(PARTS, min_size=1).map(tuple), st.lists(PARTS).map(tuple))
def test_a_prefix_bounds_all_that_begin_with_it(prefix: Key, rest: Key) -> None:
    base = pack(prefix)
    assert base <= pack((*prefix, *rest)) < base + AFTER
