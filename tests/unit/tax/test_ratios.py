"""How finely shares are counted: unrelated securities do not make each other's units finer."""

from fractions import Fraction

from tests.tax import action, computed, open_lines
from tickledger.tax.ratios import Ratios, ratios_of

TWENTY_SPLITS = [action(f"S{number} 2024-06-03 split", ratio="3/2") for number in range(20)]


def test_splits_of_one_security_multiply() -> None:
    twice = [action("A 2024-06-03 split", ratio="3/2"), action("A 2025-06-03 split", ratio="1/5")]
    ratios = ratios_of(twice, identity={}, underlyings={})
    assert (ratios.fineness, ratios.going_back, ratios.growth) == (2 * 5 * 3 * 1, 3, Fraction(3, 2))


def test_splits_of_many_securities_do_not() -> None:
    ratios = ratios_of(TWENTY_SPLITS, identity={}, underlyings={})
    assert (ratios.fineness, ratios.going_back, ratios.growth) == (6, 3, Fraction(3, 2))


def test_what_turns_into_another_or_is_identical_to_it_or_is_a_right_to_it_is_one_with_it() -> None:
    events = [
        action("A 2024-06-03 split", ratio="3/2"),
        action("A 2024-07-03 ticker_change", new_symbol="B"),
        action("B 2024-08-03 split", ratio="5"),
        action("C 2024-08-03 split", ratio="7"),
        action("D 2024-08-03 split", ratio="11"),
    ]
    ratios = ratios_of(events, identity={"B": "group", "C": "group"}, underlyings={"D": "C"})
    assert ratios.growth == Fraction(3, 2) * 5 * 7 * 11


def test_no_events_need_no_parts() -> None:
    assert (Ratios().fineness, Ratios().going_back, Ratios().growth) == (1, 1, Fraction(1))


def test_every_split_of_many_divides_evenly() -> None:
    result = computed(
        "\n".join(f"B{number} 2024-01-02 buys 5 S{number} @ 3" for number in range(20)),
        corporate_actions=TWENTY_SPLITS,
    )
    assert open_lines(result) == [f"B{number}: 7.5 sh. since 2024-01-02, basis 15.00" for number in range(20)]
