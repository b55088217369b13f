"""The collector of cycles while a large computation makes objects that stay."""

import gc
from collections.abc import Iterator

import pytest

from tickledger.tax.engine import collector_at_rest

MANY = 50_000


@pytest.fixture
def searches() -> Iterator[list[int]]:
    """How many objects each search of the collector had to look at."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            found.append(sum(len(gc.get_objects(generation)) for generation in range(info["generation"] + 1)))

    gc.collect()
    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


def test_nothing_is_searched_meanwhile_and_what_was_made_is_not_searched_at_once(searches: list[int]) -> None:
    with collector_at_rest():
        made = [[number] for number in range(MANY)]
        assert searches == []
    assert gc.isenabled()
    more = [[number] for number in range(MANY // 10)]
    assert len(made) + len(more) > MANY
    assert searches
    assert searches[0] < MANY


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_at_rest():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_somebody_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with collector_at_rest():
            pass
        # Some of what was frozen may end by itself.
        assert gc.get_freeze_count() > frozen / 2 > 0
    finally:
        gc.unfreeze()


def test_cycles_made_meanwhile_are_found_afterwards() -> None:
    class Node:
        """An object of which the collector can be asked whether it is still there."""

        def __init__(self) -> None:
            self.own = self

    with collector_at_rest():
        Node()
        assert any(type(each) is Node for each in gc.get_objects())
    gc.collect()
    assert not any(type(each) is Node for each in gc.get_objects())
