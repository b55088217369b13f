"""The last quote and print of each symbol, their age, and the way of a tick through check, store and bars."""

from datetime import timedelta

from tests.unit.bars.ticks import at, quote, spelled, trade
from tickledger.bars.building import BarBuilder
from tickledger.bars.quotes import QuoteStore
from tickledger.bars.tick_checks import TickCheck, TickFault
from tickledger.bars.tick_intake import TickIntake

NOON = at("12:00:00")
AGE = timedelta(seconds=30)


def test_the_newest_quote_and_print_stand() -> None:
    store = QuoteStore()
    first, second = quote("12:00:00", "1 9.99 10.01 1"), quote("12:00:01", "1 9.98 10.00 1")
    store.take_quote(second, NOON)
    store.take_quote(first, NOON + timedelta(seconds=2))  # overtaken on its way
    assert store.quote("AAPL") is second
    assert store.quote_arrived_at("AAPL") == NOON + timedelta(seconds=2)
    late, last = trade("11:59:59", "10"), trade("12:00:00", "11")
    store.take_print(last, NOON)
    store.take_print(late, NOON)
    assert store.print("AAPL") is last
    assert store.print_arrived_at("AAPL") == NOON
    assert list(store) == ["AAPL"]


def test_of_a_symbol_that_was_never_heard_of_nothing_is_known() -> None:
    store = QuoteStore()
    known = (store.quote("X"), store.print("X"), store.quote_arrived_at("X"), store.print_arrived_at("X"))
    assert known == (None, None, None, None)
    assert store.is_stale("X", NOON, AGE)
    assert list(store) == []


def test_a_symbol_is_stale_when_neither_kind_has_arrived_for_too_long() -> None:
    store = QuoteStore()
    store.take_quote(quote("12:00:00", "1 9.99 10.01 1"), NOON)
    assert not store.is_stale("AAPL", NOON + AGE, AGE)
    assert store.is_stale("AAPL", NOON + AGE + timedelta(microseconds=1), AGE)
    store.take_print(trade("12:00:00", "10"), NOON + timedelta(seconds=10))
    assert not store.is_stale("AAPL", NOON + timedelta(seconds=40), AGE)
    store.forget("AAPL")
    assert store.is_stale("AAPL", NOON, AGE)


def test_a_good_tick_is_kept_and_counted_and_a_bad_one_is_neither() -> None:
    intake = TickIntake(TickCheck(), QuoteStore(), BarBuilder(["1min"]))
    assert intake.quote(quote("12:00:00", "1 9.99 10.01 1"), NOON) is None
    assert intake.print(trade("12:00:00", "10.00"), NOON) is None
    slip, crossed = intake.print(trade("12:00:00", "100.0"), NOON), intake.quote(quote("12:00:00", "1 11 9 1"), NOON)
    assert slip is not None
    assert crossed is not None
    assert (slip.fault, crossed.fault) == (TickFault.PRICE_JUMP, TickFault.CROSSED)
    last = intake.quotes.print("AAPL")
    assert last is not None
    assert str(last.price) == "10.00"
    assert not intake.quotes.is_stale("AAPL", NOON, AGE)
    assert spelled(intake.bars.advance(at("12:01:00"))) == ["1min 12:01:00 AAPL 10.00 10.00 10.00 10.00 100"]
