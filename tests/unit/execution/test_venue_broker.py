"""The simulated broker: what it tells of a venue, what it will not do, and that parts of a period make up the whole."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.trading import ACCOUNT, order
from tests.unit.exchange.venues import days
from tests.unit.execution.remote_venue import MemoryJournal
from tickledger.bars.calendars import session_close, session_open
from tickledger.domain.broker import BrokerFill
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.order import Order, OrderModification, OrderReport, OrderStatus, OrderType, TimeInForce
from tickledger.domain.ports import RemoteReport
from tickledger.domain.position import Holding, PortfolioState
from tickledger.exchange.fees import schedule
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_path import TapeStyle
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.execution.clock import ReplayClock
from tickledger.execution.order_journal import Opening
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.order_state import NEXT_STATES, TERMINAL
from tickledger.execution.portfolio import Portfolio
from tickledger.execution.venue_broker import VenueBroker

S = OrderStatus
NAME = ACCOUNT.account_id
DAYS = [date(2012, 1, 4), date(2012, 1, 5), date(2012, 1, 6)]
BARS = days({f"{day}": "10 12 9 11" for day in DAYS}, volume=1_000_000)
SPREAD = Decimal("0.01")


@dataclass
class Market:
    """A venue and the broker before it."""

    venue: Venue
    broker: VenueBroker

    def advance(self, at: datetime) -> list[RemoteReport]:
        self.broker.take(self.venue.advance(at))
        return self.told()

    def told(self) -> list[RemoteReport]:
        return list(asyncio.run(self.broker.reports()))

    def place(self, *orders: Order) -> list[RemoteReport]:
        for placed in orders:
            asyncio.run(self.broker.place(placed))
        return self.told()

    def cancel(self, placed: Order) -> list[RemoteReport]:
        asyncio.run(self.broker.cancel(placed.order_id))
        return self.told()

    def session(self, *orders: Order, day: date = DAYS[0]) -> list[RemoteReport]:
        """Everything told from placing orders to the close of a session."""
        return [*self.place(*orders), *self.advance(session_close(day))]


def traded_before(cash: str = "1000", held: str = "0", **terms: Any) -> PortfolioState:
    """An account that has traded before, with `held` X."""
    holdings = {"X": Holding(Decimal(held), Decimal(10))} if held != "0" else {}
    dates = dict.fromkeys(holdings, DAYS[0])
    return PortfolioState(Decimal(cash), holdings, dates, previous_equity=Decimal(cash), **terms)


def market(
    opening: PortfolioState | None = None,
    *,
    bars: pd.DataFrame = BARS,
    actions: Iterable[CorporateAction] = (),
    start: date = DAYS[0],
    **changed: Any,
) -> Market:
    """A market in the morning of `start`, before it begins, at a cash account."""
    opening = traded_before() if opening is None else opening
    tape = MarketTape.from_bars(bars, corporate_actions=actions, seed=3, style=TapeStyle(ticks_per_minute=4))
    terms = {
        "accounts": {NAME: Decimal(0) if opening.previous_equity is None else opening.cash},
        "holdings": {NAME: opening.holdings},
        "starts_at": session_open(start) - timedelta(hours=6),
        "fees": schedule("ib_fixed"),
        "initial_margin": Decimal(1),
        "watches_all": False,
        "cancels_on_split": True,
    }
    venue = Venue(tape, VenueSettings(**{**terms, **changed}))
    broker = VenueBroker(venue, account_id=NAME, opening=opening, bar_id_of=lambda symbol, day: f"bar {symbol} {day}")
    return Market(venue, broker)


def story(reports: Iterable[RemoteReport]) -> list[Any]:
    """Statuses, and the shares of each fill."""
    told: list[Any] = []
    for report in reports:
        match report:
            case OrderReport():
                told.append(report.status)
            case BrokerFill():
                told.append(report.execution.quantity)
    return told


def executions(reports: Iterable[RemoteReport]) -> list[Execution]:
    return [report.execution for report in reports if isinstance(report, BrokerFill)]


def reason(reports: Sequence[RemoteReport]) -> str:
    last = reports[-1]
    assert isinstance(last, OrderReport)
    return last.reason


@pytest.mark.parametrize(
    ("terms", "without_a_bar"),
    [
        (TimeInForce.DAY, [S.SUBMITTED, S.CANCELLED]),
        (TimeInForce.OPG, [S.SUBMITTED, S.CANCELLED]),
        (TimeInForce.IOC, [S.SUBMITTED, S.CANCELLED]),
        (TimeInForce.GTC, [S.SUBMITTED]),
    ],
)
def test_without_a_bar_only_a_good_till_cancelled_order_waits(terms: TimeInForce, without_a_bar: list[S]) -> None:
    a_day_late = market(bars=days({f"{DAYS[1]}": "10 12 9 11"}))
    assert story(a_day_late.session(order("BUY 10 X", time_in_force=terms))) == without_a_bar
    waited = without_a_bar == [S.SUBMITTED]
    assert story(a_day_late.session(day=DAYS[1])) == ([Decimal(10), S.FILLED] if waited else [])


def test_an_order_for_the_opening_auction_alone_is_over_when_it_missed_it() -> None:
    reports = market().session(order("BUY 10 X LIMIT 9.50", time_in_force=TimeInForce.OPG))
    assert story(reports) == [S.SUBMITTED, S.CANCELLED]
    assert "auction left it" in reason(reports)


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("BUY 5 X", "10.00"),
        ("SELL 5 X", "10.00"),
        ("BUY 5 X LIMIT 10.00", "10.00"),
        ("BUY 5 X LIMIT 9.50", "9.50"),
        ("BUY 5 X LIMIT 8.99", None),
        ("SELL 5 X LIMIT 9.50", "10.00"),
        ("SELL 5 X LIMIT 11.50", "11.50"),
        ("SELL 5 X LIMIT 12.01", None),
        ("BUY 5 X STOP 12.01", None),
        ("SELL 5 X STOP 8.99", None),
        ("BUY 5 X STOP_LIMIT 9.50 9.75", "9.75"),
    ],
)
def test_a_session_of_10_12_9_11_fills(text: str, price: str | None) -> None:
    filled = executions(market(traded_before(held="5")).session(order(text)))
    assert [execution.price for execution in filled] == ([] if price is None else [Decimal(price)])


@pytest.mark.parametrize(
    ("text", "best", "worst"),
    [("BUY 5 X STOP 9.50", "10", "10"), ("BUY 5 X STOP 11.00", "11", "12"), ("SELL 5 X STOP 9.50", "9.50", "9")],
)
def test_a_stop_fills_where_the_market_is_when_it_is_set_off(text: str, best: str, worst: str) -> None:
    (filled,) = executions(market(traded_before(held="5")).session(order(text)))
    low, high = sorted(map(Decimal, (best, worst)))
    assert low - SPREAD <= filled.price <= high + SPREAD


def test_sales_fill_before_purchases() -> None:
    reports = market(traded_before(cash="0", held="50")).session(order("BUY 49 X"), order("SELL 50 X"))
    # 500 − 1.00 − 0.0096 − 0.0045 come in; 490 and 1.00 go out.
    assert story(reports) == [S.SUBMITTED, S.SUBMITTED, Decimal(50), S.FILLED, Decimal(49), S.FILLED]


def test_what_cash_does_not_cover_with_its_charges_is_rejected_and_cash_stays_whole() -> None:
    poor = market(traded_before(cash="1000.99"))
    reports = poor.session(order("BUY 100 X"))
    assert story(reports) == [S.SUBMITTED, S.REJECTED]
    assert "cash of 1000.99 falls short by 0.0100" in reason(reports)
    assert poor.venue.account(NAME).cash == Decimal("1000.99")


def test_what_is_left_of_an_order_that_ran_out_of_cash_is_cancelled() -> None:
    thin = market(traded_before(cash="1000"), max_participation=Decimal("0.01"))
    reports = thin.session(order("BUY 1000 X LIMIT 10.00", time_in_force=TimeInForce.GTC))
    assert story(reports)[0] is S.SUBMITTED
    assert story(reports)[-1] is S.CANCELLED
    assert executions(reports)
    assert thin.venue.account(NAME).cash >= 0


def test_more_than_is_held_cannot_be_sold_nor_anything_short() -> None:
    assert story(market(traded_before(held="5")).session(order("SELL 6 X"))) == [S.SUBMITTED, S.REJECTED]
    assert story(market(traded_before(held="5")).place(order("SELL_SHORT 1 X"))) == [S.REJECTED]
    lending = market(initial_margin=Decimal("0.5"))
    (short,) = executions(lending.session(order("SELL_SHORT 10 X")))
    (cover,) = executions(lending.session(order("BUY_TO_COVER 10 X"), day=DAYS[1]))
    assert [short.side.sign, cover.side.sign] == [-1, 1]
    assert [short.side.value, cover.side.value] == ["SELL_SHORT", "BUY_TO_COVER"]


def test_an_order_that_was_sent_before_is_not_taken_twice() -> None:
    twice = order("BUY 10 X")
    account = market()
    assert story(account.session(twice, twice)) == [S.SUBMITTED, Decimal(10), S.FILLED]
    assert account.place(twice) == []


def test_a_cancelled_order_is_over_and_one_that_is_not_there_is_not_spoken_of() -> None:
    account, placed = market(), order("BUY 10 X")
    account.place(placed)
    assert story([*account.cancel(placed), *account.cancel(placed)]) == [S.CANCELLED]
    assert account.cancel(order("BUY 11 X")) == []
    assert story(account.session()) == []


def test_a_modification_takes_the_place_of_the_terms_it_names() -> None:
    account, placed = market(), order("BUY 10 X LIMIT 8.00")
    account.place(placed)
    asyncio.run(account.broker.modify(placed, OrderModification(quantity=Decimal(7), limit_price=Decimal("9.50"))))
    (filled,) = executions(account.session())
    assert (filled.quantity, filled.price) == (Decimal(7), Decimal("9.50"))


def test_all_orders_of_the_account_are_cancelled_those_of_others_too() -> None:
    account = market()
    account.place(order("BUY 10 X"), order("BUY 5 X LIMIT 9", time_in_force=TimeInForce.GTC))
    asyncio.run(account.broker.cancel_all())
    assert story(account.told()) == [S.CANCELLED, S.CANCELLED]
    assert account.venue.working() == []


def test_an_order_of_another_account_is_refused() -> None:
    reports = market().place(replace(order("BUY 10 X"), account_id="OTHER"))
    assert story(reports) == [S.REJECTED]
    assert "expected an order of account" in reason(reports)


def test_an_execution_has_its_final_charges_its_bar_and_its_date() -> None:
    (filled,) = executions(market(traded_before(held="100")).session(order("SELL 100 X")))
    assert (filled.side.value, filled.trade_date, filled.bar_id) == ("SELL", DAYS[0], f"bar X {DAYS[0]}")
    assert (filled.commission, filled.fees) == (Decimal("1.00"), Decimal("0.0192") + Decimal("0.0090"))
    assert not filled.commission_is_estimated
    assert filled.executed_at == session_open(DAYS[0])
    assert filled.exchange == "SIMULATED"


def test_a_new_account_is_told_its_deposit_once_and_has_its_cash_then() -> None:
    new = market(PortfolioState(cash=Decimal(1_000)))
    assert new.venue.account(NAME).cash == 0
    (deposit,) = new.told()
    assert isinstance(deposit, CashTransaction)
    assert (deposit.kind, deposit.amount, deposit.session_date) == (CashKind.DEPOSIT, Decimal(1_000), DAYS[0])
    assert new.venue.account(NAME).cash == 1_000
    assert new.told() == []


def test_dividends_are_told_as_cash_and_orders_that_a_split_changes_are_cancelled() -> None:
    dividend = CorporateAction("X", DAYS[1], CorporateActionKind.DIVIDEND, amount=Decimal("0.25"))
    split = CorporateAction("X", DAYS[2], CorporateActionKind.SPLIT, ratio=Fraction(2))
    account = market(traded_before(held="100"), actions=[dividend, split])
    lasting = order("SELL 100 X LIMIT 30", time_in_force=TimeInForce.GTC)
    account.place(lasting)
    on_ex_date = account.advance(session_open(DAYS[1]))
    assert [row.amount for row in on_ex_date if isinstance(row, CashTransaction)] == [Decimal("25.00")]
    assert story(on_ex_date) == []
    after = account.advance(session_open(DAYS[2]))
    assert story(after) == [S.CANCELLED]
    assert reason(after).endswith("Corporate action: split of X.")
    assert account.venue.account(NAME).holdings[0].quantity == 200


def test_the_record_agrees_with_the_broker_at_the_start_and_after_a_restart() -> None:
    opening = traded_before(cash="100000", held="50")
    held, journal = {"X": Decimal(50)}, MemoryJournal(Opening({"X": Decimal(50)}, opening.cash, date(2012, 1, 3)))

    async def day() -> PortfolioState:
        account = market(opening)
        clock = ReplayClock(account.venue.now)
        manager = OrderManager(account.broker, journal, clock, NAME)
        assert (await manager.start()).is_clean
        lasting = order("BUY 10 X LIMIT 5", time_in_force=TimeInForce.GTC)
        for placed in (order("BUY 20 X"), lasting, order("SELL 60 X LIMIT 20")):
            await manager.place(replace(placed, submitted_at=clock.now()))
        account.broker.take(account.venue.advance(session_close(DAYS[0])))
        clock.advance(session_close(DAYS[0]))
        await manager.take_reports()
        result = manager.last_reconciliation
        assert result is not None
        assert not result.breaks
        state = account.venue.account(NAME)
        held["X"] = state.holdings[0].quantity
        (working,) = manager.working()
        return replace(
            opening,
            cash=state.cash,
            holdings={"X": Holding(held["X"], Decimal(10))},
            working_orders=(working.order,),
            order_sequences={working.order.order_id: working.next_sequence},
        )

    async def next_morning(state: PortfolioState) -> None:
        journal.opening = Opening(held, state.cash, DAYS[0])
        account = market(state, start=DAYS[1])
        manager = OrderManager(account.broker, journal, ReplayClock(account.venue.now), NAME)
        result = await manager.start()
        assert result.is_clean
        assert result.transitions == ()
        assert [row.order.quantity for row in manager.working()] == [10]

    asyncio.run(next_morning(asyncio.run(day())))


def test_fills_that_differ_in_nothing_but_their_number_are_two() -> None:
    account = market(fees=schedule("none"))
    account.advance(session_open(DAYS[0]))
    account.place(order("BUY 100 X LIMIT 8.00"))
    (resting,) = account.venue.working()
    for _ in range(2):
        account.broker.take(account.venue.fill_now(resting.order_key, Decimal(50)))
    first, second = executions(account.told())
    assert first.execution_id != second.execution_id
    assert replace(first, execution_id="") == replace(second, execution_id="")


# What holds of every account, whatever is sent.


@st.composite
def bars(draw: st.DrawFn) -> pd.DataFrame:
    frames = []
    for symbol in "XY":
        rows = {}
        for day in DAYS:
            if day == DAYS[0] or draw(st.integers(0, 5)):
                low, high = sorted(draw(st.integers(900, 1100)) for _ in range(2))
                open_, close = (draw(st.integers(low, high)) for _ in range(2))
                rows[f"{day}"] = " ".join(f"{price / 100:.2f}" for price in (open_, high, low, close))
        frames.append(days(rows, symbol=symbol, volume=draw(st.sampled_from([300, 20_000, 1_000_000]))))
    return pd.concat(frames)


@st.composite
def sent_orders(draw: st.DrawFn) -> list[list[Order]]:
    """The orders of three mornings and evenings: before the first session, and after the close of each but the last."""
    sent: list[list[Order]] = []
    instants = [session_open(DAYS[0]) - timedelta(hours=6), session_close(DAYS[0]), session_close(DAYS[1])]
    for turn, instant in enumerate(instants):
        orders = []
        for number in range(draw(st.integers(0, 4))):
            kind = draw(st.sampled_from(["", " LIMIT {0}", " STOP {0}", " STOP_LIMIT {0} {1}"]))
            prices = [f"{draw(st.integers(880, 1120)) / 100:.2f}" for _ in range(2)]
            side, shares = draw(st.sampled_from(["BUY", "SELL"])), draw(st.integers(1, 900))
            text = f"{side} {shares} {draw(st.sampled_from('XY'))}{kind}".format(*prices)
            placed = order(text, time_in_force=draw(st.sampled_from(list(TimeInForce))))
            if placed.time_in_force is TimeInForce.OPG and placed.order_type in {OrderType.STOP, OrderType.STOP_LIMIT}:
                placed = replace(placed, time_in_force=TimeInForce.DAY)
            orders.append(replace(placed, order_id=f"ord_{7 * number % 5}_{turn}", submitted_at=instant))
        sent.append(orders)
    return sent


TERMS = st.fixed_dictionaries(
    {
        "slippage_bps": st.sampled_from([Decimal(0), Decimal(5), Decimal(200)]),
        "max_participation": st.sampled_from([None, Decimal("0.01"), Decimal("0.5")]),
        "fees": st.sampled_from([schedule("none"), schedule("ib_fixed"), schedule("ib_tiered")]),
    }
)
OPENING = PortfolioState(
    Decimal(9_000),
    {"X": Holding(Decimal(300), Decimal(10))},
    {"X": DAYS[0]},
    previous_equity=Decimal(12_000),
)


def played(on: Market, sent: Sequence[Sequence[Order]], turns: Iterable[int]) -> list[RemoteReport]:
    reports: list[RemoteReport] = []
    for turn in turns:
        reports += on.place(*sent[turn])
        reports += on.advance(session_close(DAYS[turn]))
    return reports


@settings(max_examples=examples(60), deadline=None)
@given(frame=bars(), sent=sent_orders(), terms=TERMS)
def test_cash_is_never_below_zero_and_what_is_told_adds_up(
    frame: pd.DataFrame, sent: list[list[Order]], terms: dict[str, Any]
) -> None:
    on = market(OPENING, bars=frame, **terms)
    book = Portfolio.opened(NAME, OPENING)
    reports = played(on, sent, range(3))
    for execution in executions(reports):
        book.apply_execution(execution)
        assert book.cash >= 0
        assert book.quantity(execution.symbol) >= 0
    state = on.venue.account(NAME)
    assert state.cash == book.cash
    held = {row.symbol: row.quantity for row in state.holdings if row.quantity}
    assert held == {symbol: holding.quantity for symbol, holding in book.holdings.items()}
    ids = [execution.execution_id for execution in executions(reports)]
    assert len(set(ids)) == len(ids)


@settings(max_examples=examples(60), deadline=None)
@given(frame=bars(), sent=sent_orders(), terms=TERMS)
def test_fills_are_inside_the_bar_but_for_spread_and_slippage_and_never_beyond_the_limit(
    frame: pd.DataFrame, sent: list[list[Order]], terms: dict[str, Any]
) -> None:
    keys = zip(frame["symbol"], frame["timestamp"].dt.date, strict=True)
    ranges = dict(zip(keys, zip(frame["low"].map(str), frame["high"].map(str), strict=True), strict=True))
    placed = {row.order_id: row for orders in sent for row in orders}
    for fill in executions(played(market(OPENING, bars=frame, **terms), sent, range(3))):
        low, high = map(Decimal, ranges[fill.symbol, fill.trade_date])
        slip = fill.price * terms["slippage_bps"] / 9_000
        assert low - SPREAD - slip <= fill.price <= high + SPREAD + slip
        limit = placed[fill.order_id].limit_price
        assert limit is None or fill.side.sign * (limit - fill.price) >= 0


@settings(max_examples=examples(60), deadline=None)
@given(frame=bars(), sent=sent_orders(), terms=TERMS)
def test_orders_go_through_states_that_may_follow_each_other_and_end_once(
    frame: pd.DataFrame, sent: list[list[Order]], terms: dict[str, Any]
) -> None:
    reports = played(market(OPENING, bars=frame, **terms), sent, range(3))
    for placed in (row for orders in sent for row in orders):
        steps = [row.status for row in reports if isinstance(row, OrderReport) and row.order_id == placed.order_id]
        filled = sum(row.quantity for row in executions(reports) if row.order_id == placed.order_id)
        assert filled <= placed.quantity
        assert (filled == placed.quantity) == (steps[-1] is S.FILLED)
        assert all(after in NEXT_STATES[before] for before, after in pairwise([S.PENDING, *steps]))
        assert not TERMINAL.intersection(steps[:-1])


@settings(max_examples=examples(150), deadline=None)
@given(frame=bars(), sent=sent_orders(), terms=TERMS, cut=st.integers(1, 2), is_reversed=st.booleans())
def test_a_period_in_parts_with_its_orders_restored_is_told_as_the_whole(
    frame: pd.DataFrame,
    sent: list[list[Order]],
    terms: dict[str, Any],
    cut: int,
    is_reversed: bool,  # noqa: FBT001 - a draw
) -> None:
    whole = played(market(OPENING, bars=frame, **terms), sent, range(3))
    before = market(OPENING, bars=frame, **terms)
    first = played(before, sent, range(cut))
    state, steps = before.venue.account(NAME), [row for row in first if isinstance(row, OrderReport)]
    over = {row.order_id for row in steps if row.status in TERMINAL}
    working = [row for orders in sent[:cut] for row in orders if row.order_id not in over]
    restored = PortfolioState(
        state.cash,
        {row.symbol: Holding(row.quantity, row.average_cost) for row in state.holdings if row.quantity},
        working_orders=tuple(working[::-1] if is_reversed else working),
        working_executions=tuple(row for row in executions(first) if row.order_id not in over),
        previous_equity=state.equity,
    )
    # Orders of the evening come to the second part: it begins at the close of the first, or in the next morning.
    after = market(restored, bars=frame, **{**terms, "starts_at": session_close(DAYS[cut - 1])})
    assert [*first, *played(after, sent, range(cut, 3))] == whole
