"""A trading session put together from its terms and its ports: the same for live trading, replays and tests."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from tickledger.bars.building import BarBuilder
from tickledger.bars.trading_hours import seconds_of
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.market import BarsClosed
from tickledger.domain.order import Order
from tickledger.domain.ports import Clock, Journal, MarketData, Predictor, RemoteBroker
from tickledger.domain.signal import OrderIntent
from tickledger.exchange.fees import schedule
from tickledger.exchange.fill_models import FillModel
from tickledger.exchange.venue_orders import MinuteBar
from tickledger.execution.account_book import AccountBook
from tickledger.execution.algos.adaptive import Adaptive
from tickledger.execution.algos.parent import Algorithm
from tickledger.execution.algos.twap import Twap
from tickledger.execution.algos.volume_curve import VolumeCurve, even_curve, volume_curve
from tickledger.execution.algos.vwap import Vwap
from tickledger.execution.order_journal import DurableJournal
from tickledger.execution.order_manager import ASK_AGAIN_AFTER, RECONCILE_EVERY, OrderManager
from tickledger.execution.order_reconciliation import PATIENCE
from tickledger.execution.replay import cost_estimate
from tickledger.execution.session import Onlooker, TradingSession
from tickledger.execution.session_desk import SessionDesk
from tickledger.execution.session_terms import SessionTerms
from tickledger.execution.streaming_predictor import LineageRecord, OpeningPredictor, StreamingPredictor
from tickledger.execution.working_desk import WorkingDesk
from tickledger.risk.buying_power import MarginTerms
from tickledger.risk.order_controls import OrderControls, OrderFacts
from tickledger.risk.pre_trade import PreTradeRisk
from tickledger.strategies.streaming import StreamingSignals

_MINUTE = "1min"
#: How long the record may be away before a session ends.
RECORD_PATIENCE = timedelta(seconds=5)


class SessionJournalPort(Journal, LineageRecord, Protocol):
    """Where a session records what it decides, and what that rests on."""


@dataclass(frozen=True, slots=True)
class SessionPorts:
    """What a session is connected to. `facts` are asked by risk for every order."""

    clock: Clock
    market_data: MarketData
    broker: RemoteBroker
    order_journal: DurableJournal
    journal: SessionJournalPort
    facts: Callable[[OrderIntent], OrderFacts]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A session and those of its parts that others look at."""

    session: TradingSession
    account: AccountBook
    orders: OrderManager
    risk: PreTradeRisk


def assembled(terms: SessionTerms, ports: SessionPorts, *, onlookers: Sequence[Onlooker] = ()) -> Assembled:
    """The session of these terms; raises ConfigurationError for an algorithm that there is not."""
    account = AccountBook(terms.account_id, terms.opening)
    for transaction in terms.cash:
        account.take_cash(transaction)
    # What is older than today is told in today's terms once the opening has brought the corporate actions.
    account.remember(sorted((bar for bar in terms.history if bar.session_date < terms.session_date), key=_when))
    orders = OrderManager(
        ports.broker,
        ports.order_journal,
        ports.clock,
        terms.account_id,
        patience=PATIENCE * terms.pace,
        ask_again_after=ASK_AGAIN_AFTER * terms.pace,
        reconcile_every=RECONCILE_EVERY * terms.pace,
    )
    risk = risk_of(terms, ports.facts)
    working_desk = _working_desk(terms, orders, ports.clock)
    desk = SessionDesk(
        account=account,
        orders=orders,
        risk=risk,
        journal=ports.journal,
        policy=terms.policy,
        working_desk=working_desk,
        origins=terms.origins,
        ended=terms.ended,
        ask_again_after=ASK_AGAIN_AFTER * terms.pace,
    )
    session = TradingSession(
        market_data=ports.market_data,
        account=account,
        orders=orders,
        desk=desk,
        predictor=_predictor(terms, ports.journal),
        journal=ports.journal,
        sizing=terms.sizing,
        policy=terms.policy,
        working_desk=working_desk,
        previous_close=terms.previous_close,
        patience=RECORD_PATIENCE * terms.pace,
        onlookers=onlookers,
    )
    return Assembled(session, account, orders, risk)


def risk_of(terms: SessionTerms, facts: Callable[[OrderIntent], OrderFacts]) -> PreTradeRisk:
    """The rules of the account: its limits, and the controls of orders that go to a broker."""
    controls = OrderControls(
        facts=facts,
        average_daily_volumes=terms.volumes,
        margin=MarginTerms(terms.margin_rule, holds_overnight=terms.policy.flatten_before is None),
        wash_sale_policy=terms.wash_sale_policy,
    )
    rules = PreTradeRisk(
        terms.limits, cost_estimate(schedule(terms.fees), FillModel()), terms.sectors, controls=controls
    )
    # What is closed every day and guarded by stops does not see the gaps that a position held overnight may see.
    stop_loss, is_intraday = terms.policy.stop_loss, terms.policy.flatten_before is not None
    return replace(rules, adverse_move=stop_loss) if stop_loss is not None and is_intraday else rules


def bar_intervals(interval: str) -> tuple[str, ...]:
    """The bars that a session of `interval` builds: its own, and the minutes of history; the shorter first."""
    return tuple(sorted({_MINUTE, interval}, key=seconds_of))


def warmed(history: Sequence[Bar], builder: BarBuilder, terms: SessionTerms) -> list[BarsClosed]:
    """Let a builder know the minutes of the days before; the bars that they make, in order."""
    return builder.warm(sorted(history, key=_when), until=terms.warmed_until)


def _predictor(terms: SessionTerms, record: LineageRecord) -> Predictor:
    if terms.signals is not None:
        return OpeningPredictor(terms.signals, record, quote_limit=terms.policy.quote_limit)
    predictor = StreamingPredictor(
        StreamingSignals(interval=terms.interval),
        record,
        interval=terms.interval,
        strategy=terms.strategy,
        symbols=terms.symbols,
        corporate_actions=terms.corporate_actions,
    )
    builder = BarBuilder(bar_intervals(terms.interval))
    predictor.warm(warmed(terms.history, builder, terms))
    return predictor


def _working_desk(terms: SessionTerms, orders: OrderManager, clock: Clock) -> WorkingDesk | None:
    window = terms.policy.working_time
    if window is None or terms.algorithm == "none":
        return None
    curves = _curves(terms)
    makers: Mapping[str, Callable[[Order], Algorithm]] = {
        "twap": lambda _: Twap(slices=max(int(window.total_seconds()) // 60, 1)),
        "vwap": lambda order: Vwap(curve=curves[order.symbol]),
        "adaptive": lambda _: Adaptive(),
    }
    if terms.algorithm not in makers:
        raise ConfigurationError(f"expected an algorithm of {', '.join(makers)}, found {terms.algorithm}")
    return WorkingDesk(orders, clock, algorithm_of=makers[terms.algorithm], window=window)


def _curves(terms: SessionTerms) -> Mapping[str, VolumeCurve]:
    """How the volume of each symbol spreads over the session, by the minutes of the days before."""
    curves: defaultdict[str, VolumeCurve] = defaultdict(lambda: even_curve(terms.session_date))
    for symbol, bars in groupby(sorted(terms.history, key=lambda bar: bar.symbol), key=lambda bar: bar.symbol):
        minutes = [MinuteBar(symbol, _when(bar), bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]
        curves[symbol] = volume_curve(minutes, session_date=terms.session_date, enough=1)
    return curves


def _when(bar: Bar) -> datetime:
    return BarKey.parse(bar.bar_id).bar_at
