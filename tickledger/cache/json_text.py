"""Values as JSON and back: money as decimal strings, instants as ISO 8601 in UTC, names as the specification has them.

`to_json` raises ValueError for what must not be written (an instant without a zone, a number that is none);
`from_json` for text that is not a value of the kind.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tickledger.cache.keys import Kind
from tickledger.domain.bar import Bar, BarKey, Print, Quote
from tickledger.domain.live_view import (
    ExposureSummary,
    IntervalBar,
    LimitsInForce,
    LivePosition,
    LiveValue,
    MarketSnapshot,
    PortfolioSummary,
    SessionBeat,
)
from tickledger.domain.signal import Signal, SignalType
from tickledger.domain.trading_session import SessionState

Fields = Mapping[str, Any]
_encode: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
#: The limit that the specification calls by another name.
_MAX_EXPOSURE: Final = "max_portfolio_exposure"


def to_json(value: LiveValue) -> str:
    """`value` as one JSON object."""
    return _encode(_WRITERS[type(value)](value))


def from_json(kind: Kind, text: str) -> LiveValue:
    """The value of `kind` that `text` holds; a bar is that of one interval."""
    return from_fields(kind, json.loads(text))


def from_fields(kind: Kind, fields: Any) -> LiveValue:  # noqa: ANN401  what JSON may be
    """As `from_json`, of an object that was parsed."""
    try:
        return _READERS[kind](fields)
    except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise ValueError(f"expected the fields of {kind}, found {str(fields)[:200]} ({error!r})") from error


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"expected an aware instant, found {moment.isoformat()}")
    return moment.astimezone(UTC).isoformat()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected an instant with its offset, found {text!r}")
    return moment.astimezone(UTC)


def _money(amount: Decimal) -> str:
    if not amount.is_finite():
        raise ValueError(f"expected an amount, found {amount}")
    return f"{amount:f}"


def _amounts(amounts: Mapping[str, Decimal]) -> Fields:
    return {name: _money(amount) for name, amount in amounts.items()}


def _decimals(fields: Fields) -> Mapping[str, Decimal]:
    return {name: Decimal(text) for name, text in fields.items()}


def _market(value: MarketSnapshot) -> Fields:
    quote, last = value.quote, value.last
    instants = [moment for moment in (quote and quote.quoted_at, last and last.traded_at) if moment]
    return {
        "symbol": value.symbol,
        "bid": _money(quote.bid) if quote else None,
        "ask": _money(quote.ask) if quote else None,
        "bid_size": quote.bid_size if quote else None,
        "ask_size": quote.ask_size if quote else None,
        "quoted_at": _instant(quote.quoted_at) if quote else None,
        "last": _money(last.price) if last else None,
        "last_size": last.size if last else None,
        "last_at": _instant(last.traded_at) if last else None,
        "volume": value.volume,
        "timestamp": _instant(max(instants)) if instants else None,
    }


def _read_market(fields: Fields) -> MarketSnapshot:
    symbol = fields["symbol"]
    quote = (
        Quote(
            symbol=symbol,
            quoted_at=_moment(fields["quoted_at"]),
            bid=Decimal(fields["bid"]),
            ask=Decimal(fields["ask"]),
            bid_size=int(fields["bid_size"]),
            ask_size=int(fields["ask_size"]),
        )
        if fields["quoted_at"] is not None
        else None
    )
    last = (
        Print(symbol, _moment(fields["last_at"]), Decimal(fields["last"]), int(fields["last_size"]))
        if fields["last_at"] is not None
        else None
    )
    return MarketSnapshot(symbol, quote, last, fields["volume"])


def _bar(value: IntervalBar) -> Fields:
    bar = value.bar
    return {
        "symbol": bar.symbol,
        "interval": value.interval,
        "timestamp": _instant(BarKey.parse(bar.bar_id).bar_at),
        "open": _money(bar.open),
        "high": _money(bar.high),
        "low": _money(bar.low),
        "close": _money(bar.close),
        "volume": bar.volume,
        "session_date": bar.session_date.isoformat(),
        "bar_id": bar.bar_id,
    }


def _read_bar(fields: Fields) -> IntervalBar:
    bar = Bar(
        bar_id=fields["bar_id"],
        symbol=fields["symbol"],
        session_date=date.fromisoformat(fields["session_date"]),
        open=Decimal(fields["open"]),
        high=Decimal(fields["high"]),
        low=Decimal(fields["low"]),
        close=Decimal(fields["close"]),
        volume=fields["volume"],
    )
    return IntervalBar(fields["interval"], bar)


def _position(value: LivePosition) -> Fields:
    return {
        "symbol": value.symbol,
        "quantity": _money(value.quantity),
        "avg_cost": _money(value.average_cost),
        "price": _money(value.price),
        "unrealized_pnl": _money(value.unrealized_pnl),
        "timestamp": _instant(value.valued_at),
    }


def _read_position(fields: Fields) -> LivePosition:
    return LivePosition(
        symbol=fields["symbol"],
        quantity=Decimal(fields["quantity"]),
        average_cost=Decimal(fields["avg_cost"]),
        price=Decimal(fields["price"]),
        unrealized_pnl=Decimal(fields["unrealized_pnl"]),
        valued_at=_moment(fields["timestamp"]),
    )


def _portfolio(value: PortfolioSummary) -> Fields:
    return {
        "total_value": _money(value.total_value),
        "cash": _money(value.cash),
        "positions_value": _money(value.positions_value),
        "pnl": _money(value.pnl),
        "timestamp": _instant(value.valued_at),
    }


def _read_portfolio(fields: Fields) -> PortfolioSummary:
    return PortfolioSummary(
        total_value=Decimal(fields["total_value"]),
        cash=Decimal(fields["cash"]),
        positions_value=Decimal(fields["positions_value"]),
        pnl=Decimal(fields["pnl"]),
        valued_at=_moment(fields["timestamp"]),
    )


def _signal(value: Signal) -> Fields:
    return {
        "signal_id": value.signal_id,
        "strategy": value.strategy,
        "symbol": value.symbol,
        "signal_type": value.signal_type.value,
        "confidence": value.confidence,
        "timestamp": _instant(value.signalled_at),
        "session_date": value.session_date.isoformat(),
        "feature_row_id": value.feature_row_id,
        "model_version_id": value.model_version_id,
        "component_ids": list(value.component_ids),
        "metadata": dict(value.metadata),
    }


def _read_signal(fields: Fields) -> Signal:
    return Signal(
        signal_id=fields["signal_id"],
        symbol=fields["symbol"],
        session_date=date.fromisoformat(fields["session_date"]),
        signalled_at=_moment(fields["timestamp"]),
        signal_type=SignalType(fields["signal_type"]),
        confidence=float(fields["confidence"]),
        strategy=fields["strategy"],
        feature_row_id=fields["feature_row_id"],
        model_version_id=fields["model_version_id"],
        component_ids=tuple(fields["component_ids"]),
        metadata=dict(fields["metadata"]),
    )


def _limits(value: LimitsInForce) -> Fields:
    limits = _amounts(value.limits)
    return {
        "max_position_size": limits.get("max_position_size"),
        "max_exposure": limits.get(_MAX_EXPOSURE),
        "limits": limits,
        "timestamp": _instant(value.loaded_at),
    }


def _read_limits(fields: Fields) -> LimitsInForce:
    return LimitsInForce(_decimals(fields["limits"]), _moment(fields["timestamp"]))


def _exposure(value: ExposureSummary) -> Fields:
    return {
        "total_exposure": _money(value.total_exposure),
        "net_exposure": _money(value.net_exposure),
        "sector_exposure": _amounts(value.sector_exposure),
        "timestamp": _instant(value.measured_at),
    }


def _read_exposure(fields: Fields) -> ExposureSummary:
    return ExposureSummary(
        Decimal(fields["total_exposure"]),
        Decimal(fields["net_exposure"]),
        _decimals(fields["sector_exposure"]),
        _moment(fields["timestamp"]),
    )


def _beat(value: SessionBeat) -> Fields:
    return {
        "session_id": value.session_id,
        "session_date": value.session_date.isoformat(),
        "state": value.state.value,
        "reason": value.reason,
        "epoch": value.epoch,
        "market_at": _instant(value.market_at) if value.market_at else None,
        "detail": dict(value.detail),
        "timestamp": _instant(value.beat_at),
    }


def _read_beat(fields: Fields) -> SessionBeat:
    return SessionBeat(
        session_id=fields["session_id"],
        session_date=date.fromisoformat(fields["session_date"]),
        state=SessionState(fields["state"]),
        beat_at=_moment(fields["timestamp"]),
        market_at=_moment(fields["market_at"]) if fields["market_at"] else None,
        epoch=fields["epoch"],
        reason=fields["reason"],
        detail=dict(fields["detail"]),
    )


_WRITERS: Final[Mapping[type, Callable[[Any], Fields]]] = {
    MarketSnapshot: _market,
    IntervalBar: _bar,
    LivePosition: _position,
    PortfolioSummary: _portfolio,
    Signal: _signal,
    LimitsInForce: _limits,
    ExposureSummary: _exposure,
    SessionBeat: _beat,
}
_READERS: Final[Mapping[Kind, Callable[[Fields], LiveValue]]] = {
    Kind.QUOTE: _read_market,
    Kind.BARS: _read_bar,
    Kind.POSITION: _read_position,
    Kind.PORTFOLIO: _read_portfolio,
    Kind.SIGNAL: _read_signal,
    Kind.LIMITS: _read_limits,
    Kind.EXPOSURE: _read_exposure,
    Kind.SESSION: _read_beat,
}
