"""Builders for the tests of the trading core: a small market, opinions on it, and a replay with roomy limits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from tickledger.bars.calendars import session_close, sessions
from tickledger.domain.account import Account, Mode
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.order import Order, OrderSide, OrderType, RiskLimit, TimeInForce
from tickledger.domain.position import PortfolioState
from tickledger.domain.session_record import SessionRecord
from tickledger.domain.signal import Signal, SignalType
from tickledger.execution.replay import replay
from tickledger.strategies.sizing import SizingPolicy

ACCOUNT: Final = Account("SIM0001", Mode.SIMULATED)
NEW_ACCOUNT: Final = PortfolioState(cash=Decimal(100_000))
ROOMY: Final = {
    "max_position_size": "1000000",
    "max_portfolio_exposure": "10",
    "max_sector_exposure": "10",
    "max_single_loss": "1000000",
    "max_daily_loss": "1000000",
}
_ACTION_COLUMNS: Final = [
    *("corporate_action_id", "symbol", "ex_date", "kind", "ratio", "amount", "new_symbol"),
    *("fmv_old", "fmv_new", "cash_in_lieu"),
]


def limits(**changed: str) -> list[RiskLimit]:
    """Limits that nothing reaches, but for those that are named."""
    values = {**ROOMY, **changed}
    return [RiskLimit(ACCOUNT.account_id, name, Decimal(value), date(1900, 1, 1)) for name, value in values.items()]


def bar(symbol: str, day: str, prices: str, volume: int = 1_000_000) -> Bar:
    """A bar, its prices as ``"open high low close"``."""
    session_date = date.fromisoformat(day)
    open_, high, low, close = map(Decimal, prices.split())
    return Bar(bar_id(symbol, session_date), symbol, session_date, open_, high, low, close, volume)


def bar_id(symbol: str, day: date) -> str:
    return str(BarKey(symbol, "1day", datetime.combine(day, time(), tzinfo=UTC)))


def market(start: str, prices: Mapping[str, Sequence[str | None]], volume: int = 1_000_000) -> pd.DataFrame:
    """Raw daily bars from the session of `start` on: for each symbol ``"open close"`` a session, None for no bar."""
    days = sessions(date.fromisoformat(start), date.max)
    rows = [
        _row(symbol, day, *map(float, cell.split()), volume=volume)
        for symbol, cells in prices.items()
        for day, cell in zip(days, cells, strict=False)
        if cell is not None
    ]
    return pd.DataFrame(rows, columns=["bar_id", "symbol", "timestamp", "open", "high", "low", "close", "volume"])


def _row(symbol: str, day: date, open_: float, close: float, *, volume: int) -> tuple[Any, ...]:
    stamp = pd.Timestamp(day, tz="UTC").as_unit("us")
    return (bar_id(symbol, day), symbol, stamp, open_, max(open_, close), min(open_, close), close, volume)


def actions(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Corporate actions; what a row does not name is empty."""
    frame = pd.DataFrame([{**dict.fromkeys(_ACTION_COLUMNS), **row} for row in rows], columns=_ACTION_COLUMNS)
    return frame.assign(ex_date=pd.to_datetime(frame["ex_date"]))


def signal(text: str) -> Signal:
    """A composite signal such as ``"BUY AAPL 2012-01-03"``, made at that session's close."""
    kind, symbol, day = text.split()
    session_date = date.fromisoformat(day)
    return Signal(
        signal_id=f"sig_{symbol}_{day}",
        symbol=symbol,
        session_date=session_date,
        signalled_at=session_close(session_date),
        signal_type=SignalType(kind),
        confidence=0.75,
        strategy="composite",
        feature_row_id=f"feat_{symbol}_{day}",
    )


def order(text: str, *, time_in_force: TimeInForce = TimeInForce.DAY) -> Order:
    """An order such as ``"BUY 100 AAPL"``, ``"SELL 100 AAPL LIMIT 12.50"``, ``"BUY 5 X STOP 9"`` or
    ``"BUY 5 X STOP_LIMIT 9 10"`` (stop, then limit).
    """
    side, quantity, symbol, *rest = text.split()
    kind = OrderType(rest[0]) if rest else OrderType.MARKET
    prices = [Decimal(price) for price in rest[1:]]
    return Order(
        order_id=f"ord_{text}".replace(" ", "_"),
        account_id=ACCOUNT.account_id,
        symbol=symbol,
        side=OrderSide(side),
        order_type=kind,
        quantity=Decimal(quantity),
        time_in_force=time_in_force,
        signal_id="sig_0",
        risk_decision_id="risk_0",
        submitted_at=datetime(2012, 1, 3, 21, tzinfo=UTC),
        session_date=date(2012, 1, 3),
        limit_price=prices[-1] if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None,
        stop_price=prices[0] if kind in {OrderType.STOP, OrderType.STOP_LIMIT} else None,
    )


def trade(
    bars: pd.DataFrame,
    signals: Iterable[str],
    *,
    corporate_actions: pd.DataFrame | None = None,
    opening: PortfolioState = NEW_ACCOUNT,
    start: date = date(2000, 1, 1),
    end: date = date(2030, 1, 1),
    weight: str = "0.5",
    sizing: SizingPolicy | None = None,
    risk_limits: Sequence[RiskLimit] | None = None,
    sectors: Mapping[str, str] | None = None,
    **settings: Any,
) -> SessionRecord:
    """Replay `signals` on `bars`, on all of them unless told otherwise, with limits that nothing reaches."""
    first = bars["timestamp"].min().date()
    return replay(
        account=ACCOUNT,
        start=max(start, first),
        end=end,
        opening=opening,
        bars=bars,
        corporate_actions=actions() if corporate_actions is None else corporate_actions,
        signals=[signal(text) for text in signals],
        limits=limits() if risk_limits is None else risk_limits,
        sectors=sectors or {},
        sizing=sizing or SizingPolicy(target_weight=Decimal(weight)),
        **settings,
    )
