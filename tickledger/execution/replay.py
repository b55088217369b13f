"""A replay: the trading session on recorded bars and signals, with the simulated broker in process.

Everything is a function of its arguments: the same ones give the same rows with the same ids, and a period
replayed in parts, each from the `state_after` the one before, gives the rows of the whole.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pandas as pd

from tickledger.bars.calendars import session_close, session_open
from tickledger.bars.calendars import sessions as days_between
from tickledger.bars.corporate_actions import domain_actions
from tickledger.domain.account import Account
from tickledger.domain.corporate_action import ENDINGS, CorporateAction
from tickledger.domain.errors import LedgerError
from tickledger.domain.market import MarketEvent, SessionClosed
from tickledger.domain.money import PRICE_INCREMENT
from tickledger.domain.order import OrderSide, RiskLimit
from tickledger.domain.position import Mark, PortfolioState
from tickledger.domain.session_record import SessionRecord
from tickledger.domain.signal import Signal
from tickledger.exchange.fees import FeeSchedule, charges, schedule
from tickledger.exchange.fill_models import FillModel
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import EARLY_HOURS, MarketTape
from tickledger.execution.account_book import AccountBook
from tickledger.execution.clock import ReplayClock
from tickledger.execution.journal import BufferedJournal
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.order_state import TERMINAL
from tickledger.execution.portfolio import holdings_of
from tickledger.execution.session import TradingSession
from tickledger.execution.session_desk import SessionDesk
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.tape import LONGEST_CLOSING, ReplayedMarket, TapeSession, tape
from tickledger.execution.venue_broker import VenueBroker
from tickledger.risk.pre_trade import CostEstimate, PreTradeRisk
from tickledger.strategies.sizing import SizingPolicy

#: The broker is in this process: nothing of it can be missed.
_NEVER: Final = timedelta.max
_A_MOMENT: Final = timedelta(minutes=1)


def replay(
    *,
    account: Account,
    start: date,
    end: date,
    opening: PortfolioState,
    bars: pd.DataFrame,
    corporate_actions: pd.DataFrame,
    signals: Sequence[Signal],
    limits: Sequence[RiskLimit],
    sectors: Mapping[str, str],
    sizing: SizingPolicy | None = None,
    slippage_bps: Decimal = Decimal(5),
    max_participation: Decimal | None = None,
    fees: str = "ib_fixed",
    strategy: str = "composite",
) -> SessionRecord:
    """Trade `account` on recorded data over the sessions of `start`–`end` and give back every row it left.

    `bars` are raw daily bars with their `bar_id`, `corporate_actions` as read from the ledger; those of `strategy`
    among the `signals` drive the orders. The cash of an `opening` without `previous_equity` is a deposit on the
    first session. The replay ends with the last session that has a bar. Raises InputError for corporate actions
    it cannot apply, LedgerError where the data contradict themselves, ConfigurationError for unknown `fees`.
    """
    actions = domain_actions(corporate_actions)
    sessions = tape(bars, actions, start=start, end=end)
    opened_on = start - timedelta(days=1)
    journal = BufferedJournal(account.account_id, opening, opened_on=opened_on)
    if not sessions:
        return journal.session_record()
    fee_schedule = schedule(fees)
    fill_model = FillModel(slippage_bps, max_participation)
    venue = Venue(
        _market_tape(sessions, bars), _venue_settings(account, sessions[0], opening, fee_schedule, fill_model)
    )
    clock = ReplayClock(venue.now)
    bar_ids = {(bar.symbol, bar.session_date): bar.bar_id for one in sessions for bar in one.bars.values()}
    broker = VenueBroker(
        venue,
        account_id=account.account_id,
        opening=opening,
        bar_id_of=lambda symbol, day: bar_ids.get((symbol, day)),
    )
    orders = OrderManager(broker, journal, clock, account.account_id, reconcile_every=_NEVER)
    account_book = AccountBook(account.account_id, opening)
    risk = PreTradeRisk(limits, cost_estimate(fee_schedule, fill_model), _known(sectors))
    desk = SessionDesk(
        account=account_book,
        orders=orders,
        risk=risk,
        journal=journal,
        policy=SessionPolicy(),
        ended=_ended(actions, before=start),
    )
    session = TradingSession(
        market_data=ReplayedMarket(sessions, clock=clock, venue=venue, broker=broker, journal=journal),
        account=account_book,
        orders=orders,
        desk=desk,
        predictor=RecordedSignals(signals, strategy=strategy),
        journal=journal,
        sizing=sizing or SizingPolicy(),
        previous_close=_previous_close(sessions[0]),
    )
    asyncio.run(session.run())
    return journal.session_record()


def _ended(actions: Iterable[CorporateAction], *, before: date) -> frozenset[str]:
    """The symbols that had ended by then."""
    return frozenset(action.symbol for action in actions if action.kind in ENDINGS and action.ex_date < before)


def _previous_close(first: TapeSession) -> datetime | None:
    """When the session before the first one closed, None where the calendar does not reach."""
    day = first.session_date
    before = days_between(day - LONGEST_CLOSING, day - timedelta(days=1))
    return session_close(before[-1]) if before else None


def _market_tape(sessions: Sequence[TapeSession], bars: pd.DataFrame) -> MarketTape:
    """The market of these sessions; an action of a day without a session takes effect with the next one."""
    first, last = (pd.Timestamp(one.session_date, tz="UTC") for one in (sessions[0], sessions[-1]))
    actions = [replace(action, ex_date=one.session_date) for one in sessions for action in one.corporate_actions]
    return MarketTape.from_bars(bars[bars["timestamp"].between(first, last)], corporate_actions=actions)


def _venue_settings(
    account: Account, first: TapeSession, opening: PortfolioState, fees: FeeSchedule, fill_model: FillModel
) -> VenueSettings:
    """A cash account without shorts, at a broker that cancels orders on a split, from before the first session on."""
    return VenueSettings(
        accounts={account.account_id: Decimal(0) if opening.previous_equity is None else opening.cash},
        holdings={account.account_id: opening.holdings},
        starts_at=session_open(first.session_date) - EARLY_HOURS - _A_MOMENT,
        max_participation=fill_model.max_participation,
        slippage_bps=fill_model.slippage_bps,
        fees=fees,
        initial_margin=Decimal(1),
        shortable={},
        price_increment=PRICE_INCREMENT,  # what a split makes of a limit
        takes_fractions=True,  # what a split leaves has to be sold
        watches_all=False,
        cancels_on_split=True,
    )


def state_after(record: SessionRecord, *, opening: PortfolioState) -> PortfolioState:
    """Where `record`, which started from `opening`, leaves its account: the opening of the replay that follows."""
    if not record.balances:
        return opening
    balance = record.balances[-1]
    held = [row for row in record.positions if row.session_date == balance.session_date]
    sequences = {**opening.order_sequences, **{event.order_id: event.sequence + 1 for event in record.order_events}}
    over = {event.order_id for event in record.order_events if event.status in TERMINAL}
    working = [order for order in (*opening.working_orders, *record.orders) if order.order_id not in over]
    known = {order.order_id for order in working}
    executions = (*opening.working_executions, *record.executions)
    return PortfolioState(
        cash=balance.cash,
        holdings=holdings_of(held),
        opened_dates={row.symbol: row.opened_date for row in held},
        marks={row.symbol: Mark(row.close, row.bar_id) for row in held},
        working_orders=tuple(working),
        working_executions=tuple(execution for execution in executions if execution.order_id in known),
        order_sequences={order_id: sequences[order_id] for order_id in known},
        previous_equity=balance.equity,
    )


def cost_estimate(fees: FeeSchedule, fill_model: FillModel) -> CostEstimate:
    """How risk estimates what an order costs: notional at the slipped price, and the charges of a single fill."""

    def estimate(side: OrderSide, quantity: Decimal, price: Decimal, trade_date: date) -> Decimal:
        slipped = fill_model.slipped(price, side)
        cost = charges(fees, side=side, quantity=quantity, price=slipped, trade_date=trade_date)
        return side.sign * quantity * slipped + cost.total

    return estimate


def _known(sectors: Mapping[str, str]) -> Mapping[str, str]:
    # A table of symbols has NaN where nobody has said the sector; NaN equals nothing, not even itself.
    return {symbol: sector for symbol, sector in sectors.items() if isinstance(sector, str)}


class RecordedSignals:
    """The Predictor port over signals that were made earlier; of one strategy, one a symbol and session."""

    def __init__(self, signals: Iterable[Signal], *, strategy: str) -> None:
        by_date: dict[date, dict[str, Signal]] = defaultdict(dict)
        for signal in signals:
            if signal.strategy == strategy:
                known = by_date[signal.session_date].setdefault(signal.symbol, signal)
                if known is not signal:
                    raise LedgerError(f"{strategy} has two signals: {known.signal_id} and {signal.signal_id}")
        self._by_date = by_date

    def signals(self, event: MarketEvent) -> Sequence[Signal]:
        """The signals made at the close of a session, in the order in which they were given; none of other events."""
        day = event.session_date
        return list(self._by_date[day].values()) if isinstance(event, SessionClosed) and day in self._by_date else []
