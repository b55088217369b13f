"""How a day begins, goes on after a restart, and ends: corporate actions, fills of before, closes that are recorded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.trading import signal
from tests.unit.execution.remote_venue import CANCELLED
from tests.unit.execution.session_floor import CLOSES_AT, DAY, GUARDED, SessionFloor
from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import InputError
from tickledger.domain.order import OrderStatus
from tickledger.domain.position import Holding
from tickledger.domain.signal import Signal
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.streaming_predictor import OpeningPredictor
from tickledger.features.snapshot import FeatureSnapshot

SPLIT = CorporateAction("X", DAY, CorporateActionKind.SPLIT, ratio=Fraction(2))
RENAMED = CorporateAction("X", DAY, CorporateActionKind.TICKER_CHANGE, new_symbol="N")
BEFORE_THE_OPEN = timedelta(minutes=30)


def test_no_stop_is_set_before_todays_actions_have_taken_effect() -> None:
    floor = SessionFloor(GUARDED, actions=(SPLIT,), is_opened=False)
    for _ in range(5):
        floor.beat()
    assert floor.line.sent == []
    floor.open()
    floor.beat()
    floor.deliver()
    stop = floor.at_venue("SELL 100 X STOP").terms
    assert stop.stop_price == Decimal("4.75")


def test_fills_of_today_are_booked_after_todays_split_whichever_process_books_them() -> None:
    floor = SessionFloor(SessionPolicy(), actions=(SPLIT,))
    assert floor.account.portfolio.holdings["X"] == Holding(Decimal(100), Decimal(5))
    floor.bars("SELL X", X="5")
    floor.deliver()
    sale = floor.at_venue("SELL 100 X")
    floor.venue.fill(sale, Decimal(60), Decimal(5))
    floor.beat()
    assert floor.held() == 40
    floor.restart()
    assert floor.account.portfolio.holdings["X"] == Holding(Decimal(40), Decimal(5))
    floor.beat()
    assert floor.held() == 40


def test_orders_placed_after_the_split_stay_as_they_are_when_a_process_starts_again() -> None:
    floor = SessionFloor(GUARDED, actions=(SPLIT,))
    floor.beat()
    floor.deliver()
    floor.beat()
    assert floor.at_work() == ["SELL 100 X STOP"]
    for _ in range(3):
        floor.restart()
        floor.beat()
        floor.deliver()
        floor.beat()
    assert floor.at_work() == ["SELL 100 X STOP"]
    assert floor.at_venue("SELL 100 X STOP").terms.stop_price == Decimal("4.75")
    assert len(floor.line.sent) == 1


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_a_company_turns_into_is_guarded_from_the_opening_on_where_it_is_ours(*, is_ours: bool) -> None:
    floor = SessionFloor(GUARDED, actions=(RENAMED,), origins=None if is_ours else {})
    floor.deliver()
    assert floor.at_work() == (["SELL 50 N STOP"] if is_ours else [])
    if is_ours:
        stop = floor.at_venue("SELL 50 N STOP").terms
        assert (stop.signal_id, stop.stop_price) == ("sig_before", Decimal("9.50"))
    for _ in range(2):
        floor.restart()
        floor.settle()
    assert len(floor.line.sent) == is_ours


def test_what_is_spun_off_is_guarded_beside_what_it_came_from() -> None:
    spun_off = CorporateAction(
        "X", DAY, CorporateActionKind.SPINOFF, None, None, "N", fmv_old=Decimal(8), fmv_new=Decimal(2)
    )
    floor = SessionFloor(GUARDED, actions=(replace(spun_off, ratio=Fraction(1)),))
    floor.settle()
    # Of a cost of 10.00 a fifth goes with the new shares.
    assert floor.at_work() == ["SELL 50 N STOP", "SELL 50 X STOP"]
    assert floor.at_venue("SELL 50 N STOP").terms.stop_price == Decimal("1.90")
    assert floor.at_venue("SELL 50 X STOP").terms.stop_price == Decimal("7.60")


def test_a_fill_is_told_once_however_often_the_process_starts() -> None:
    floor = SessionFloor(SessionPolicy())
    floor.bars("SELL X")
    floor.deliver()
    floor.venue.fill(floor.at_venue("SELL 50 X"), Decimal(20))
    floor.beat()
    for _ in range(3):
        floor.restart()
        floor.beat()
    assert [fill.quantity for fill in floor.fills()] == [20]
    assert floor.held() == 30


def test_a_fill_that_happened_while_no_process_ran_is_told_by_the_next_one() -> None:
    floor = SessionFloor(SessionPolicy())
    floor.bars("SELL X")
    floor.deliver()
    floor.venue.fill(floor.at_venue("SELL 50 X"), Decimal(50))
    floor.restart()
    floor.beat()
    assert [fill.quantity for fill in floor.fills()] == [50]
    assert floor.held() == 0


def test_a_broker_that_does_not_answer_at_the_start_is_a_problem_and_no_end() -> None:
    floor = SessionFloor(GUARDED)
    floor.settle()
    floor.venue.answers = False
    floor.restart()
    assert any(problem.where == "start" for problem in floor.problems())
    floor.bars("SELL X")
    assert [state.status for state in floor.ours()] == [OrderStatus.UNKNOWN]
    floor.venue.answers = True
    floor.beat(after=60)
    floor.bars("SELL X")
    floor.settle()
    assert floor.at_work() == ["SELL 50 X"]


def test_a_day_ends_with_what_is_held_at_its_last_price_and_losses_count_anew() -> None:
    floor = SessionFloor(SessionPolicy())
    floor.bars(X="11")
    news = floor.close()
    assert news.balance is not None
    assert (news.balance.cash, news.balance.equity) == (Decimal(100_000), Decimal(100_550))
    [position] = floor.journal.positions
    assert [position.quantity, position.close, position.unrealized_pnl] == [50, 11, 50]
    assert floor.account.previous_equity == 100_550


def test_a_stop_of_the_day_before_that_the_broker_ended_over_a_split_is_set_once() -> None:
    floor = SessionFloor(GUARDED)
    floor.settle()
    stop = floor.at_venue("SELL 50 X STOP")
    # The day before, in the order manager's eyes: its orders are of an earlier session than the split's.
    floor.venue.end(stop, CANCELLED, "split")
    floor.beat()
    floor.settle()
    assert floor.at_work() == ["SELL 50 X STOP"]
    assert len(floor.line.sent) == 2


def test_controls_are_obeyed_before_the_open_too() -> None:
    floor = SessionFloor(SessionPolicy(), is_opened=False, at=CLOSES_AT - timedelta(hours=6) - BEFORE_THE_OPEN)
    floor.pause()
    floor.open()
    news = floor.bars("BUY Y", Y="5")
    assert [decision.is_approved for decision in news.decisions] == [False]
    floor.pause(is_paused=False)
    news = floor.bars("BUY Y", Y="5")
    assert [decision.is_approved for decision in news.decisions] == [True]


class Unrecorded:
    """What signals of an evening rest on is in the record since then."""

    def record_bars(self, bars: Sequence[Bar], interval: str) -> None: ...

    def record_features(self, rows: Sequence[FeatureSnapshot]) -> None: ...

    def record_signals(self, signals: Sequence[Signal]) -> None: ...


def test_an_evenings_signals_are_traded_once_their_symbols_are_quoted() -> None:
    policy = SessionPolicy(quote_limit=timedelta(seconds=60))
    said = [signal("BUY Y 2012-01-03"), signal("SELL X 2012-01-03")]
    floor = SessionFloor(
        policy,
        is_opened=False,
        predictor=OpeningPredictor(said, Unrecorded(), quote_limit=policy.quote_limit),
        weight="0.01",
    )
    floor.open()
    floor.quote("Y", "4.99", age=70)
    assert floor.decisions() == []
    floor.quote("Y", "4.99")
    floor.quote("X", "10")
    floor.settle()
    # 1 % of 100,500 at 4.995, the middle of the quote.
    assert floor.at_work() == ["BUY 201 Y", "SELL 50 X"]
    floor.quote("Y", "4.99")
    floor.settle()
    assert len(floor.line.sent) == 2


def test_a_day_does_not_begin_with_an_action_that_lacks_its_terms() -> None:
    spun_off = CorporateAction("X", DAY, CorporateActionKind.SPINOFF, ratio=Fraction(1), new_symbol="N")
    floor = SessionFloor(GUARDED, actions=(spun_off,), is_opened=False)
    with pytest.raises(InputError, match=r"spinoff.*fmv_"):
        floor.open()
    assert floor.line.sent == []
