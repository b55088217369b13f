"""Values for the cache, said in few words, and the strategies that make any of them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from tickledger.cache.keys import Kind, Scope
from tickledger.domain.account import Mode
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

PAPER = Scope(Mode.PAPER, "DU123", is_simulated_market=False)
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


def quote(symbol: str, bid: str, ask: str, *, at: datetime = NOON) -> Quote:
    return Quote(symbol, at, Decimal(bid), Decimal(ask), bid_size=100, ask_size=200)


def a_print(symbol: str, price: str, size: int, *, at: datetime = NOON) -> Print:
    return Print(symbol, at, Decimal(price), size)


def minute_bar(symbol: str, minute: int, close: str = "10.00") -> Bar:
    key = BarKey(symbol, "1min", NOON + timedelta(minutes=minute))
    low, high = sorted([Decimal(10), Decimal(close)])
    return Bar(str(key), symbol, NOON.date(), Decimal(10), high, low, Decimal(close), volume=500)


def position(symbol: str, quantity: str) -> LivePosition:
    return LivePosition(symbol, Decimal(quantity), Decimal("10.00"), Decimal("10.50"), Decimal("0.5"), NOON)


def signal(strategy: str, symbol: str, kind: SignalType = SignalType.BUY) -> Signal:
    return Signal(f"sig_{strategy}_{symbol}", symbol, NOON.date(), NOON, kind, 0.75, strategy, "feat_1")


def limits(**values: str) -> LimitsInForce:
    return LimitsInForce({name: Decimal(value) for name, value in values.items()}, NOON)


def beat(state: SessionState = SessionState.RUNNING) -> SessionBeat:
    return SessionBeat("session_1", NOON.date(), state, NOON)


# --- any of them

_text = st.text(max_size=12)
_symbol = st.text(min_size=1, max_size=8)
_amount = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15)
_size = st.integers(0, 10**12)
_moment = st.datetimes(timezones=st.timezones() | st.just(UTC), min_value=datetime(1990, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.astimezone(UTC)
)
_day = st.dates(min_value=date(1990, 1, 1))
_amounts = st.dictionaries(_text, _amount, max_size=4)


@st.composite
def _snapshots(draw: st.DrawFn) -> MarketSnapshot:
    symbol = draw(_symbol)
    quotes = st.builds(Quote, st.just(symbol), _moment, _amount, _amount, _size, _size)
    prints = st.builds(Print, st.just(symbol), _moment, _amount, _size)
    return MarketSnapshot(symbol, draw(st.none() | quotes), draw(st.none() | prints), draw(st.none() | _size))


@st.composite
def _bars(draw: st.DrawFn) -> IntervalBar:
    key = BarKey(
        draw(_symbol), draw(st.sampled_from(["1s", "1min", "5min", "1day"])), draw(_moment).replace(microsecond=0)
    )
    open_, high, low, close = (draw(_amount) for _ in range(4))
    return IntervalBar(key.interval, Bar(str(key), key.symbol, draw(_day), open_, high, low, close, draw(_size)))


_signals = st.builds(
    Signal,
    signal_id=_text,
    symbol=_symbol,
    session_date=_day,
    signalled_at=_moment,
    signal_type=st.sampled_from(SignalType),
    confidence=st.floats(0, 1),
    strategy=_text,
    feature_row_id=_text,
    model_version_id=st.none() | _text,
    component_ids=st.lists(_text, max_size=3).map(tuple),
    metadata=st.dictionaries(_text, _text, max_size=3),
)

#: Any value of each kind, as it is told on the kind's channel.
VALUES: Mapping[Kind, st.SearchStrategy[LiveValue]] = {
    Kind.QUOTE: _snapshots(),
    Kind.BARS: _bars(),
    Kind.POSITION: st.builds(LivePosition, _symbol, _amount, _amount, _amount, _amount, _moment),
    Kind.PORTFOLIO: st.builds(PortfolioSummary, _amount, _amount, _amount, _amount, _moment),
    Kind.SIGNAL: _signals,
    Kind.LIMITS: st.builds(LimitsInForce, _amounts, _moment),
    Kind.EXPOSURE: st.builds(ExposureSummary, _amount, _amount, _amounts, _moment),
    Kind.SESSION: st.builds(
        SessionBeat,
        session_id=_text,
        session_date=_day,
        state=st.sampled_from(SessionState),
        beat_at=_moment,
        market_at=st.none() | _moment,
        epoch=st.none() | st.integers(0, 10**9),
        reason=_text,
        detail=st.dictionaries(_text, _text, max_size=3),
    ),
}
