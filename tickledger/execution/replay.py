"""A replay: the trading session on recorded bars and signals, with the simulated broker in process.

Everything is a function of its arguments: the same ones give the same rows with the same ids, and a period
replayed in parts, each from the `state_after` the one before, gives the rows of the whole.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import pandas as pd

from tickledger.bars.calendars import session_open
from tickledger.bars.corporate_actions import domain_actions
from tickledger.domain.account import Account
from tickledger.domain.errors import LedgerError
from tickledger.domain.order import OrderSide, RiskLimit
from tickledger.domain.position import Mark, PortfolioState
from tickledger.domain.session_record import SessionRecord
from tickledger.domain.signal import Signal
from tickledger.exchange.fees import FeeSchedule, charges, schedule
from tickledger.exchange.fill_models import FillModel
from tickledger.execution.clock import ReplayClock
from tickledger.execution.journal import BufferedJournal
from tickledger.execution.order_state import TERMINAL
from tickledger.execution.portfolio import holdings_of
from tickledger.execution.session import TradingSession
from tickledger.execution.simulated import SimulatedBroker
from tickledger.execution.tape import ReplayedMarket, tape
from tickledger.risk.pre_trade import CostEstimate, PreTradeRisk
from tickledger.strategies.sizing import SizingPolicy


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
    sessions = tape(bars, domain_actions(corporate_actions), start=start, end=end)
    journal = BufferedJournal()
    if not sessions:
        return journal.record()
    fill_model = FillModel(slippage_bps, max_participation)
    fee_schedule = schedule(fees)
    clock = ReplayClock(session_open(sessions[0].session_date))
    broker = SimulatedBroker(
        account_id=account.account_id, clock=clock, opening=opening, fees=fee_schedule, fill_model=fill_model
    )
    session = TradingSession(
        account_id=account.account_id,
        clock=clock,
        market_data=ReplayedMarket(sessions, clock=clock, broker=broker),
        broker=broker,
        predictor=RecordedSignals(signals, strategy=strategy),
        risk=PreTradeRisk(limits, cost_estimate(fee_schedule, fill_model), _known(sectors)),
        journal=journal,
        opening=opening,
        sizing=sizing or SizingPolicy(),
    )
    asyncio.run(session.run())
    return journal.record()


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

    def signals(self, session_date: date) -> Sequence[Signal]:
        """The signals made at the close of a session, in the order in which they were given."""
        return list(self._by_date[session_date].values()) if session_date in self._by_date else []
