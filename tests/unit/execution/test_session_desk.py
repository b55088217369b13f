"""What a session sends, and above all what it does not: stops, sales and the end of the day, race by race.

The account holds 50 X at a cost of 10.00; a stop at 5 % below is at 9.50.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading import ACCOUNT, order
from tests.unit.execution.remote_venue import CANCELLED, REJECTED, WORKING
from tests.unit.execution.session_floor import CLOSES_AT, DAY, FLAT_BY_NIGHT, GUARDED, SessionFloor
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.order import OrderStatus, OrderType, TimeInForce
from tickledger.execution.session_policy import SessionPolicy

TEN_MINUTES = timedelta(minutes=10)


def guarded_floor(**changed: object) -> SessionFloor:
    """A session whose stop for 50 X is at the venue."""
    floor = SessionFloor(GUARDED, **changed)  # type: ignore[arg-type]  # each by its own name
    floor.settle()
    assert floor.at_work() == ["SELL 50 X STOP"]
    return floor


def test_a_holding_gets_a_stop_below_its_cost_as_large_as_it_is() -> None:
    floor = guarded_floor()
    stop = floor.at_venue("SELL 50 X STOP").terms
    assert (stop.stop_price, stop.time_in_force) == (Decimal("9.50"), TimeInForce.GTC)


def test_the_stops_of_a_session_that_ends_flat_end_with_the_day() -> None:
    floor = SessionFloor(FLAT_BY_NIGHT)
    floor.settle()
    assert floor.at_venue("SELL 50 X STOP").terms.time_in_force is TimeInForce.DAY


def test_one_stop_is_set_however_long_the_broker_takes_to_say_so() -> None:
    floor = SessionFloor(GUARDED)
    for _ in range(20):
        floor.beat()
    floor.settle()
    assert floor.at_work() == ["SELL 50 X STOP"]
    assert len(floor.line.sent) == 1


def test_a_stop_grows_with_every_part_of_a_purchase() -> None:
    floor = guarded_floor(weight="0.02")
    # 2 % of 100,500 are 201 shares at 10.00: 151 more.
    floor.bars("BUY X")
    floor.deliver()
    purchase = floor.at_venue("BUY 151 X")
    for quantity, held in ((51, 101), (40, 141), (60, 201)):
        floor.venue.fill(purchase, Decimal(quantity))
        floor.settle()
        assert floor.at_work()[-1] == f"SELL {held} X STOP"
        assert floor.held() == held
    assert floor.at_work() == ["SELL 201 X STOP"]


def test_a_stop_that_is_filled_in_part_is_for_what_is_left() -> None:
    floor = guarded_floor()
    floor.venue.fill(floor.at_venue("SELL 50 X STOP"), Decimal(20), Decimal("9.50"))
    floor.settle()
    assert floor.held() == floor.most_on_sale() == 30


def test_a_sale_waits_until_its_stop_is_over() -> None:
    floor = guarded_floor()
    floor.bars("SELL X")
    assert floor.at_work() == ["SELL 50 X STOP"]
    assert [kind for kind, _, _ in floor.venue.inbound] == ["cancel"]
    floor.deliver()
    floor.beat()
    floor.deliver()
    assert floor.at_work() == ["SELL 50 X"]
    floor.venue.fill(floor.at_venue("SELL 50 X"), Decimal(50))
    floor.settle()
    assert floor.held() == 0
    assert floor.at_work() == []


@pytest.mark.parametrize(("filled", "left"), [(50, []), (20, ["SELL 30 X"]), (49, ["SELL 1 X"])])
def test_a_stop_that_fills_while_its_cancellation_is_under_way_leaves_the_rest_to_sell(
    filled: int, left: list[str]
) -> None:
    floor = guarded_floor()
    stop = floor.at_venue("SELL 50 X STOP")
    floor.bars("SELL X")
    floor.venue.fill(stop, Decimal(filled), Decimal("9.50"))
    floor.deliver()
    for _ in range(3):
        floor.beat()
        floor.deliver()
        assert floor.most_on_sale() <= floor.venue.positions().get("X", 0)
    assert floor.at_work() == left


def test_a_cancellation_that_is_lost_is_asked_for_again_and_the_position_sold() -> None:
    floor = guarded_floor()
    floor.bars("SELL X")
    floor.venue.inbound.clear()
    floor.beat()
    assert floor.venue.inbound == []
    floor.beat(after=30)
    floor.settle()
    assert floor.at_work() == ["SELL 50 X"]


def test_a_cancellation_under_way_is_not_asked_for_at_every_beat() -> None:
    floor = guarded_floor()
    floor.bars("SELL X")
    for _ in range(100):
        floor.beat(after=0.01)
    assert [kind for kind, _, _ in floor.venue.inbound] == ["cancel"]


def test_a_stop_that_the_broker_ends_as_refused_lets_the_sale_through() -> None:
    floor = guarded_floor()
    stop = floor.at_venue("SELL 50 X STOP")
    floor.bars("SELL X")
    floor.venue.inbound.clear()
    floor.venue.end(stop, REJECTED, "too late to cancel")
    floor.settle()
    assert floor.at_work() == ["SELL 50 X"]


def test_nothing_is_sold_beside_a_stop_of_which_nobody_knows() -> None:
    floor = guarded_floor()
    floor.venue.disconnect()
    floor.beat()
    assert [state.status for state in floor.ours()] == [OrderStatus.UNKNOWN]
    floor.bars("SELL X")
    for _ in range(10):
        floor.beat()
    assert floor.line.sent == [floor.venue.orders[0].reference]


def test_a_sale_that_waits_is_not_kept_while_the_broker_is_away() -> None:
    floor = guarded_floor()
    floor.bars("SELL X")
    floor.venue.disconnect()
    floor.beat()
    assert any("not queued" in problem.found for problem in floor.problems())
    for _ in range(5):
        floor.beat(after=600)
    floor.venue.reconnect()
    floor.settle()
    # An hour later nobody says that it should be sold: it is guarded as before.
    assert floor.at_work() == ["SELL 50 X STOP"]
    floor.bars("SELL X")
    floor.settle()
    assert floor.at_work() == ["SELL 50 X"]


def test_what_the_broker_cannot_take_is_told_once_a_minute_and_neither_asked_of_risk_nor_queued() -> None:
    floor = SessionFloor(GUARDED, origins={})
    floor.venue.disconnect()
    for _ in range(30):
        floor.bars("BUY Y", after=1, Y="5")
    assert floor.line.sent == []
    assert floor.decisions() == []
    told = [problem for problem in floor.problems() if "not queued" in problem.found]
    assert len(told) == 1
    assert told[0].where == f"{ACCOUNT.account_id} Y"
    floor.venue.reconnect()
    floor.settle()
    assert floor.at_work() == []
    floor.bars("BUY Y", Y="5")
    floor.settle()
    assert floor.at_work() == ["BUY 201 Y"]


def test_a_position_without_a_stop_during_an_outage_gets_it_afterwards_and_no_decision_is_made_meanwhile() -> None:
    floor = SessionFloor(GUARDED, is_opened=False)
    floor.venue.disconnect()
    floor.open()
    for _ in range(50):
        floor.beat()
    assert floor.decisions() == []
    floor.venue.reconnect()
    floor.settle()
    assert floor.at_work() == ["SELL 50 X STOP"]


def test_what_is_short_by_somebodys_hand_is_not_sold_on() -> None:
    floor = SessionFloor(GUARDED)
    floor.settle()
    floor.venue.end(floor.at_venue("SELL 50 X STOP"), CANCELLED, "by hand")
    before = len(floor.decisions())
    # Somebody sells by hand more than there is: what is held is short now, and nothing of ours sells on.
    foreign = floor.venue.enter(order("SELL 60 X"), "")
    floor.venue.fill(foreign, Decimal(60))
    for _ in range(90):
        floor.beat()
    assert floor.held() == -10
    assert len(floor.decisions()) == before


def test_a_purchase_is_taken_back_before_the_position_is_sold_and_only_what_is_held_is() -> None:
    floor = SessionFloor(SessionPolicy(), weight="0.02")
    floor.bars("BUY X")
    floor.deliver()
    floor.venue.fill(floor.at_venue("BUY 151 X"), Decimal(30))
    floor.beat()
    floor.bars("SELL X")
    assert [kind for kind, _, _ in floor.venue.inbound] == ["cancel", "place"]
    assert floor.most_on_sale() == 80
    floor.settle()
    assert floor.at_work() == ["SELL 80 X"]


def test_a_sale_is_not_sent_twice_while_it_works() -> None:
    floor = SessionFloor(SessionPolicy())
    for _ in range(5):
        floor.bars("SELL X")
        floor.deliver()
    assert floor.at_work() == ["SELL 50 X"]


def test_a_position_that_is_sold_has_no_stop_any_more() -> None:
    floor = guarded_floor()
    foreign = floor.venue.enter(order("SELL 50 X"), "")
    floor.venue.fill(foreign, Decimal(50))
    floor.settle()
    assert floor.held() == 0
    assert floor.at_work() == []


def test_flattening_sells_everything_once() -> None:
    floor = SessionFloor(FLAT_BY_NIGHT)
    floor.settle()
    floor.beat_at(CLOSES_AT - TEN_MINUTES - timedelta(seconds=1))
    assert floor.at_work() == ["SELL 50 X STOP"]
    floor.beat_at(CLOSES_AT - TEN_MINUTES)
    for _ in range(20):
        floor.deliver()
        floor.beat()
    assert floor.at_work() == ["SELL 50 X"]
    floor.venue.fill(floor.at_venue("SELL 50 X"), Decimal(50))
    for _ in range(20):
        floor.beat()
        floor.deliver()
    assert floor.held() == 0
    assert floor.at_work() == []
    assert len(floor.line.sent) == 2  # the stop and the sale


def test_flattening_takes_back_purchases_and_sells_what_fills_of_them_after_all() -> None:
    floor = SessionFloor(FLAT_BY_NIGHT, weight="0.02")
    floor.bars("BUY X")
    floor.settle()
    purchase = floor.at_venue("BUY 151 X")
    floor.beat_at(CLOSES_AT - TEN_MINUTES)
    floor.venue.fill(purchase, Decimal(11))
    for _ in range(4):
        floor.beat()
        floor.deliver()
    for _ in range(4):
        for at_work in [one for one in floor.venue.orders if one.status == WORKING]:
            floor.venue.fill(at_work, at_work.terms.quantity - at_work.filled)
        floor.settle()
    assert floor.held() == 0
    assert floor.venue.positions() == {}


def test_nothing_is_sent_after_the_close() -> None:
    floor = SessionFloor(FLAT_BY_NIGHT, is_opened=False)
    floor.clock.advance(CLOSES_AT + timedelta(seconds=1))
    floor.open()
    floor.beat()
    floor.close()
    assert floor.line.sent == []


def test_positions_of_others_are_left_alone_by_signals_stops_and_the_end_of_the_day() -> None:
    floor = SessionFloor(FLAT_BY_NIGHT, origins={})
    floor.settle()
    floor.bars("SELL X")
    floor.settle()
    floor.beat_at(CLOSES_AT - TEN_MINUTES)
    floor.settle()
    assert floor.line.sent == []
    assert {problem.expected for problem in floor.problems()} == {"a position that a signal of ours opened"}


def test_what_somebody_buys_by_hand_after_our_position_is_gone_is_not_ours() -> None:
    floor = guarded_floor()
    floor.venue.fill(floor.at_venue("SELL 50 X STOP"), Decimal(50), Decimal("9.50"))
    floor.settle()
    foreign = floor.venue.enter(order("BUY 70 X"), "by-hand")
    floor.venue.fill(foreign, Decimal(70))
    floor.settle()
    assert floor.held() == 70
    assert floor.at_work() == []


def test_a_fill_with_a_strange_reference_in_a_symbol_without_bars_stops_nobody() -> None:
    floor = guarded_floor()
    foreign = floor.venue.enter(order("BUY 7 Q"), "somebody-else")
    floor.venue.fill(foreign, Decimal(7))
    floor.settle()
    assert floor.held("Q") == 7
    news = floor.bars("BUY Y", Y="5")
    # What Q is worth nobody knows, so nothing may be opened; what reduces may go on.
    assert [decision.is_approved for decision in news.decisions] == [False]
    floor.bars("SELL X")
    floor.settle()
    assert floor.at_work() == ["SELL 50 X"]
    floor.venue.fill(floor.at_venue("SELL 50 X"), Decimal(50))
    news = floor.close()
    assert floor.journal.balances == []
    assert any("no bar of Q" in problem.found for problem in news.problems)


@pytest.mark.parametrize("hindrance", ["paused", "closing", "stale", "no quote"])
def test_what_keeps_from_opening_lets_positions_be_closed(hindrance: str) -> None:
    policies = {
        "closing": SessionPolicy(quiet_before=timedelta(hours=7)),
        "stale": SessionPolicy(quote_limit=timedelta(seconds=10)),
        "no quote": SessionPolicy(quote_limit=timedelta(seconds=10)),
    }
    floor = SessionFloor(policies.get(hindrance), weight="0.02")
    if hindrance == "paused":
        floor.pause()
    if hindrance == "stale":
        floor.quote("X", "10", age=11)
        floor.quote("Y", "5", age=11)
    opened = floor.bars("BUY Y", after=0, Y="5")
    assert [decision.is_approved for decision in opened.decisions] == [False]
    closed = floor.bars("SELL X", after=0)
    assert [decision.is_approved for decision in closed.decisions] == [True]
    floor.deliver()
    assert floor.at_work() == ["SELL 50 X"]


def test_a_quote_is_fresh_up_to_its_limit_exactly() -> None:
    policy = SessionPolicy(quote_limit=timedelta(seconds=10))
    verdicts = []
    for age in (10, 10.001):
        floor = SessionFloor(policy)
        floor.quote("Y", "5", age=age)
        verdicts.append(floor.bars("BUY Y", after=0, Y="5").decisions[0].is_approved)
    assert verdicts == [True, False]


def test_a_session_that_stops_takes_its_purchases_back_and_leaves_its_stops() -> None:
    floor = guarded_floor(weight="0.02")
    floor.bars("BUY X")
    floor.settle()
    floor.pause(is_stopping=True)
    floor.deliver()
    assert floor.at_work() == ["SELL 50 X STOP"]


def test_the_same_day_gives_the_same_order_ids() -> None:
    def played() -> list[str]:
        floor = SessionFloor(GUARDED, weight="0.02")
        floor.bars("BUY X", X="9.90")
        floor.settle()
        floor.bars("SELL X")
        floor.settle()
        return floor.line.sent

    first = played()
    assert len(first) > 1
    assert first == played()
    assert len(set(first)) == len(first)


def test_a_restart_sets_no_second_stop_and_sends_nothing_again() -> None:
    floor = guarded_floor()
    floor.restart()
    floor.settle()
    assert floor.at_work() == ["SELL 50 X STOP"]
    assert len(floor.line.sent) == 1


def test_what_was_bought_today_is_guarded_by_a_process_that_has_heard_no_price_of_it_yet() -> None:
    floor = SessionFloor(GUARDED, origins={})
    floor.bars("BUY Y", Y="5")
    floor.deliver()
    floor.venue.fill(floor.at_venue("BUY 201 Y"), Decimal(201), Decimal(5))
    floor.restart()
    floor.settle()
    assert floor.at_venue("SELL 201 Y STOP").terms.stop_price == Decimal("4.75")


def test_a_process_that_dies_while_a_sale_waits_guards_what_is_left_as_before() -> None:
    floor = guarded_floor()
    floor.bars("SELL X")
    floor.deliver()
    floor.restart()
    floor.settle()
    assert floor.at_work() == ["SELL 50 X STOP"]
    assert floor.venue.orders[0].status == CANCELLED


def test_an_order_that_the_broker_refuses_is_told_and_asked_for_anew_by_the_next_signal() -> None:
    floor = SessionFloor(SessionPolicy())
    floor.bars("SELL X")
    floor.deliver()
    floor.venue.end(floor.at_venue("SELL 50 X"), REJECTED, "not today")
    news = floor.beat()
    assert [state.status for state in news.orders] == [OrderStatus.REJECTED]
    assert floor.at_work() == []
    floor.bars("SELL X")
    floor.deliver()
    assert floor.at_work() == ["SELL 50 X"]
    assert [one.status for one in floor.venue.orders] == [REJECTED, WORKING]
    assert floor.venue.orders[-1].terms.order_type is OrderType.MARKET


@pytest.mark.parametrize("counts_fills", [True, False])
def test_a_stop_that_is_said_to_be_cancelled_before_its_crossing_fill_is_told_is_not_sold_twice(
    *, counts_fills: bool
) -> None:
    floor = guarded_floor()
    floor.venue.counts_fills = counts_fills
    stop = floor.at_venue("SELL 50 X STOP")
    floor.bars("SELL X")
    floor.venue.answers = False
    floor.venue.fill(stop, Decimal(30), Decimal("9.50"), is_late=True)
    floor.deliver()
    for _ in range(20):
        floor.beat()
        floor.deliver()
        # The end was told, the fill was not, and the broker does not say what it has: nothing more is sold.
        assert floor.most_on_sale() == 0
    floor.venue.answers = True
    floor.venue.tell_late()
    floor.settle()
    floor.settle()
    assert floor.held() == 20
    assert floor.at_work() == ["SELL 20 X STOP"]


def test_a_sale_of_which_the_broker_confirms_that_nothing_was_filled_is_made_again_at_once() -> None:
    floor = SessionFloor(SessionPolicy())
    floor.venue.counts_fills = False
    floor.bars("SELL X")
    floor.deliver()
    floor.venue.end(floor.at_venue("SELL 50 X"), CANCELLED, "for reasons of its own")
    floor.beat()
    floor.beat(after=5)
    floor.bars("SELL X", after=1)
    floor.deliver()
    assert floor.at_work() == ["SELL 50 X"]


@pytest.mark.parametrize(("held", "guarded"), [("0", []), ("10", ["SELL 10 X STOP"])])
def test_never_is_more_on_sale_than_the_broker_has_whatever_the_record_says(held: str, guarded: list[str]) -> None:
    floor = guarded_floor()
    # Shares are gone without a fill: transferred away, or a reverse split that nobody recorded.
    floor.venue.holdings["X"] = Decimal(held)
    floor.beat(after=400)
    floor.settle()
    assert floor.at_work() == guarded
    floor.bars("SELL X")
    floor.settle()
    assert floor.most_on_sale() == Decimal(held)
    floor.bars("BUY X")
    floor.settle()
    assert floor.most_on_sale() == Decimal(held)
    assert len([problem for problem in floor.problems() if problem.where == "position of X"]) == 1


def test_what_the_broker_has_beyond_the_record_is_neither_bought_nor_sold_nor_guarded() -> None:
    floor = SessionFloor(GUARDED, origins={}, is_opened=False)
    floor.venue.holdings["Y"] = Decimal(70)
    floor.restart()
    for said in ("BUY Y", "SELL Y", "BUY Y"):
        floor.bars(said, Y="5")
        floor.settle()
    assert floor.line.sent == []
    [told] = [problem for problem in floor.problems() if problem.where == "position of Y"]
    assert told.expected.startswith("0 shares")
    assert told.found.startswith("70 at the broker")
    # Once the record explains it, or it is gone, the symbol is traded like any other.
    del floor.venue.holdings["Y"]
    floor.beat(after=400)
    floor.bars("BUY Y", Y="5")
    floor.settle()
    assert floor.at_work() == ["BUY 201 Y"]


def test_no_stop_is_set_at_a_price_that_an_unrecorded_split_has_left_behind() -> None:
    floor = SessionFloor(GUARDED, is_opened=False)
    floor.venue.holdings["X"] = Decimal(100)
    floor.restart()
    floor.bars("HOLD X", X="5")
    floor.settle()
    assert floor.at_work() == []
    assert any("no new stop" in problem.found for problem in floor.problems())


def test_what_somebody_buys_of_what_we_hold_is_guarded_and_sold_with_it() -> None:
    floor = guarded_floor()
    foreign = floor.venue.enter(order("BUY 20 X"), "by-hand")
    floor.venue.fill(foreign, Decimal(20))
    floor.settle()
    assert floor.held() == 70
    assert floor.at_work() == ["SELL 70 X STOP"]
    floor.bars("SELL X")
    floor.settle()
    assert floor.at_work() == ["SELL 70 X"]


def test_a_stop_is_by_the_cost_that_a_return_of_capital_has_left() -> None:
    action = CorporateAction("X", DAY, CorporateActionKind.RETURN_OF_CAPITAL, amount=Decimal(1))
    floor = SessionFloor(GUARDED, is_opened=False)
    floor.actions = (action,)
    floor.open()
    floor.settle()
    assert floor.at_venue("SELL 50 X STOP").terms.stop_price == Decimal("8.55")


def test_a_stop_stays_where_the_sale_that_would_follow_it_cannot_be_recorded() -> None:
    floor = guarded_floor()
    floor.journal.is_away = True
    with pytest.raises(ConfigurationError):
        floor.bars("SELL X")
    assert floor.venue.inbound == []
    floor.journal.is_away = False
    for _ in range(3):
        floor.settle()
    assert floor.at_work() == ["SELL 50 X STOP"]
    floor.bars("SELL X")
    floor.settle()
    assert floor.at_work() == ["SELL 50 X"]
