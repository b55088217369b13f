"""Orders that hang together: the life of a bracket, and groups of which one cancels or reduces the others."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.exchange.venues import at, fills, minutes, order, steps, venue
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import VenueEvent, VenueStatus

OPEN = "2024-07-02 09:30"
#: Down to 9.90, up to 10.50, down to 9.50.
BARS = minutes(
    OPEN, ["10.00 10.10 9.90 10.00", "10.00 10.50 9.95 10.40", "10.40 10.45 9.50 9.60", *["9.60 9.70 9.50 9.60"] * 3]
)


def bracket(market: Venue, entry: str = "BUY 100 X LMT 9.95", *, target: str = "10.30") -> list[VenueEvent]:
    """An entry with a target and a stop at 9.80, sent as clients send it: the last one transmits all."""
    return [
        *market.submit(order(entry, key=1, is_transmitted=False)),
        *market.submit(order(f"SELL 100 X LMT {target} GTC", key=2, parent_key=1, is_transmitted=False)),
        *market.submit(order("SELL 100 X STP 9.80 GTC", key=3, parent_key=1)),
    ]


def until(market: Venue, text: str) -> list[VenueEvent]:
    return market.advance(at(f"2024-07-02 {text}"))


def test_a_bracket_waits_for_its_last_order_then_for_its_entry() -> None:
    market = venue(BARS, start=OPEN)
    events = bracket(market)
    assert steps(events, 1) == ["HELD untransmitted", "WORKING"]
    assert steps(events, 2) == ["HELD untransmitted", "HELD child"]
    assert steps(events, 3) == ["HELD child"]


def test_a_filled_target_takes_the_stop_away() -> None:
    market = venue(BARS, start=OPEN)
    bracket(market)
    events = until(market, "09:32")
    assert fills(events, 1) == ["09:30:15 100 @ 9.95"]
    assert steps(events, 2) == ["WORKING", "FILLED"]
    assert steps(events, 3) == ["HELD trigger", "CANCELLED 202"]
    assert fills(events, 2) == ["09:31:30 100 @ 10.30"]


def test_a_filled_stop_takes_the_target_away() -> None:
    market = venue(BARS, start="2024-07-02 09:32")
    bracket(market, "BUY 100 X MKT", target="10.60")
    events = until(market, "09:34")
    assert steps(events, 3)[-1] == "FILLED"
    assert steps(events, 2)[-1] == "CANCELLED 202"
    assert market.account("DU100").gross_position_value == 0


def test_a_cancelled_entry_takes_its_children_along() -> None:
    market = venue(BARS, start=OPEN)
    bracket(market)
    events = market.cancel(1)
    assert [steps(events, key) for key in (1, 2, 3)] == [["CANCELLED 202"]] * 3


def test_an_entry_cancelled_after_a_part_leaves_its_children_to_guard_that_part() -> None:
    market = venue(BARS, start=OPEN, max_participation=Decimal("0.01"))
    bracket(market)
    until(market, "09:30:59")
    assert market.update(1).filled == 40
    events = market.cancel(1)
    assert steps(events, 2) == ["WORKING"]
    assert steps(events, 3) == ["HELD trigger"]
    assert market.order(2).quantity == market.order(3).quantity == 40


def test_a_cancelled_child_takes_its_sibling_along_but_not_its_parent() -> None:
    market = venue(BARS, start=OPEN)
    bracket(market)
    events = market.cancel(3)
    assert steps(events, 2) == ["CANCELLED 202"]
    assert market.update(1).status is VenueStatus.WORKING


def test_a_rejected_entry_rejects_the_bracket() -> None:
    market = venue(BARS, start=OPEN)
    events = bracket(market, "BUY 500000 X LMT 9.95")
    assert steps(events, 1) == ["HELD untransmitted", "REJECTED 201"]
    assert steps(events, 2)[-1] == steps(events, 3)[-1] == "CANCELLED 202"


def test_an_order_that_a_modification_transmits_is_asked_for_its_credit_then() -> None:
    market = venue(BARS, start=OPEN)
    for key, quantity in ((1, 100), (2, 900_000)):
        text = f"BUY {quantity} X LMT 9.50"
        assert steps(market.submit(order(text, key=key, is_transmitted=False)), key) == ["HELD untransmitted"]
        modified = market.modify(order(text, key=key))
        assert steps(modified, key) == (["WORKING"] if key == 1 else ["REJECTED 201"])


def test_a_child_of_another_account_is_refused() -> None:
    market = venue(BARS, start=OPEN, accounts={"DU100": Decimal(100_000), "DU200": Decimal(100_000)})
    market.submit(order("BUY 100 X LMT 9.00"))
    child = order("SELL 100 X LMT 10.30", key=2, parent_key=1, account_id="DU200")
    assert steps(market.submit(child), 2) == ["REJECTED 201"]


def test_a_child_that_comes_after_its_entry_was_filled_works_at_once() -> None:
    market = venue(BARS, start=OPEN)
    market.submit(order("BUY 100 X MKT"))
    assert steps(market.submit(order("SELL 100 X LMT 10.30", key=2, parent_key=1)), 2) == ["WORKING"]


def oca(market: Venue, kind: int, **changed: Any) -> list[VenueEvent]:
    """A purchase of 100 at 9.95 and one of 200 at 9.80 in one group."""
    terms = {"oca_group": "entry", "oca_type": kind, **changed}
    return [
        *market.submit(order("BUY 100 X LMT 9.95", key=1, **terms)),
        *market.submit(order("BUY 200 X LMT 9.80", key=2, **terms)),
    ]


def test_type_1_cancels_the_others_on_any_fill() -> None:
    market = venue(BARS, start=OPEN, max_participation=Decimal("0.01"))
    oca(market, 1)
    events = until(market, "09:30:59")
    assert fills(events, 1) == ["09:30:15 40 @ 9.95"]
    assert steps(events, 2) == ["CANCELLED 202"]
    assert market.update(1).status is VenueStatus.WORKING


@pytest.mark.parametrize("kind", [2, 3])
def test_types_2_and_3_take_the_filled_part_off_the_others(kind: int) -> None:
    market = venue(BARS, start=OPEN, max_participation=Decimal("0.01"))
    oca(market, kind)
    events = until(market, "09:30:59")
    # 40 of 100 are filled: of the other 200 shares 40 % go, rounded down to 120 left.
    assert fills(events) == ["09:30:15 40 @ 9.95"]
    assert market.update(2).remaining == 120
    assert market.order(2).quantity == 120


def test_without_a_block_the_others_learn_of_a_fill_only_after_the_latency() -> None:
    def filled(kind: int) -> list[str]:
        market = venue(BARS, start=OPEN, latency=timedelta(seconds=20))
        terms: dict[str, Any] = {"oca_group": "entry", "oca_type": kind}
        market.submit(order("BUY 100 X MKT", key=1, good_after=at("2024-07-02 09:32:25"), **terms))
        market.submit(order("BUY 200 X LMT 9.80", key=2, **terms))
        return fills(until(market, "09:34"), 2)

    assert filled(2) == []
    assert filled(3) == ["09:32:30 200 @ 9.80"]


def test_cancelling_one_by_request_cancels_the_group_and_an_expiry_does_not() -> None:
    market = venue(BARS, start=OPEN)
    terms: dict[str, Any] = {"oca_group": "entry", "oca_type": 1}
    market.submit(order("BUY 100 X LMT 9.00", key=1, **terms))
    market.submit(order("BUY 100 X LMT 9.00 GTC", key=2, **terms))
    market.submit(order("BUY 100 X LMT 9.00 GTC", key=3, **terms))
    events = market.advance(at("2024-07-02 17:00"))
    assert steps(events, 1) == ["CANCELLED 202"]
    assert [found.order_key for found in market.working()] == [2, 3]
    assert steps(market.cancel(2), 3) == ["CANCELLED 202"]


def test_groups_of_different_accounts_have_nothing_to_do_with_each_other() -> None:
    accounts = {"DU100": Decimal(100_000), "DU200": Decimal(100_000)}
    market = venue(BARS, start=OPEN, accounts=accounts)
    terms: dict[str, Any] = {"oca_group": "entry", "oca_type": 1}
    market.submit(order("BUY 100 X LMT 9.00", key=1, **terms))
    market.submit(order("BUY 100 X MKT", key=2, account_id="DU200", **terms))
    assert market.update(1).status is VenueStatus.WORKING
