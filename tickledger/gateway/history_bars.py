"""Historical bars from the tape: trades adjusted for splits (and dividends, where asked for), or the quotes' sides."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from tickledger.bars.calendars import session_open, sessions
from tickledger.domain.bar import Quote
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.exchange.venue_orders import MinuteBar
from tickledger.exchange.venue_tape import MarketTape, trading_date
from tickledger.gateway.history_request import (
    MINUTE,
    HistoryRequest,
    HistoryRequestError,
    is_regular_minute,
)
from tickledger.gateway.market_lines import RunningBar

#: Quotes are made minute by minute; more sessions than these take too long.
_MOST_SESSIONS_OF_QUOTES: Final = 10
#: A symbol that traded last so long before an ex-date has no price that the dividend could be set against.
_LONGEST_PAUSE: Final = timedelta(days=30)
_ONE: Final = Decimal(1)
_SUB_PENNY: Final = Decimal("0.0001")


def history(tape: MarketTape, request: HistoryRequest, *, now: datetime) -> list[RunningBar]:
    """The bars a request asks for, the oldest first; the last one may still be growing at `now`.

    Raises HistoryRequestError where quotes of too long a time are asked for.
    """
    end = min(request.ends_at or now, now)
    since = request.since(end)
    if request.what in {"TRADES", "ADJUSTED_LAST"}:
        pieces = _adjusted(tape, request, _trades(tape, request, since, end), today=trading_date(now))
        return _resampled(request, pieces)
    return _of_quotes(tape, request, since, end)


def _trades(tape: MarketTape, request: HistoryRequest, since: datetime, end: datetime) -> list[MinuteBar]:
    symbol = request.listing.symbol
    if request.is_intraday:
        return _minutes(tape, request, since, end)
    days = list(tape.daily_bars(symbol, since=trading_date(since), until=end))
    today = trading_date(end)
    growing = tape.minute_bars(symbol, since=session_open(today), until=end) if sessions(today, today) else ()
    if growing and not (days and days[-1].starts_at.date() == today):
        merged = RunningBar.of(growing[0].starts_at, growing[0])
        for minute in growing[1:]:
            merged.merge(minute)
        midnight = request.bucket(growing[0].starts_at.replace(hour=0, minute=0))
        days.append(MinuteBar(symbol, midnight, merged.open, merged.high, merged.low, merged.close, merged.volume))
    return days


def _minutes(tape: MarketTape, request: HistoryRequest, since: datetime, end: datetime) -> list[MinuteBar]:
    bars = tape.minute_bars(request.listing.symbol, since=since, until=end)
    return [bar for bar in bars if not request.is_regular or is_regular_minute(bar.starts_at)]


def _resampled(request: HistoryRequest, bars: Iterable[MinuteBar]) -> list[RunningBar]:
    merged: dict[datetime, RunningBar] = {}
    for bar in bars:
        bucket = request.bucket(bar.starts_at)
        if bucket in merged:
            merged[bucket].merge(bar)
        else:
            merged[bucket] = RunningBar.of(bucket, bar)
    return list(merged.values())


def _adjusted(
    tape: MarketTape, request: HistoryRequest, bars: Sequence[MinuteBar], *, today: date
) -> Iterator[MinuteBar]:
    """As IB tells them: TRADES in terms of today's shares, ADJUSTED_LAST without the steps of dividends too."""
    symbol = request.listing.symbol
    actions = [action for action in tape.corporate_actions if action.symbol == symbol and action.ex_date <= today]
    splits = {
        action.ex_date: Decimal(action.ratio.numerator) / action.ratio.denominator
        for action in actions
        if action.kind is CorporateActionKind.SPLIT and action.ratio
    }
    dividends = _dividend_factors(tape, actions) if request.what == "ADJUSTED_LAST" else {}
    if not splits and not dividends:
        yield from bars
        return
    for bar in bars:
        day = trading_date(bar.starts_at) if request.is_intraday else bar.starts_at.date()
        yield _scaled(bar, shares=_product_after(splits, day), paid=_product_after(dividends, day))


def _dividend_factors(tape: MarketTape, actions: Sequence[CorporateAction]) -> Mapping[date, Decimal]:
    factors: dict[date, Decimal] = {}
    for action in actions:
        if action.kind is CorporateActionKind.DIVIDEND and action.amount:
            since = action.ex_date - _LONGEST_PAUSE
            before = tape.daily_bars(action.symbol, since=since, until=session_open_of(action.ex_date))
            if before and before[-1].close > action.amount:
                factors[action.ex_date] = 1 - action.amount / before[-1].close
    return factors


def session_open_of(day: date) -> datetime:
    """The open of the first session on `day` or after."""
    return session_open(sessions(day, date(day.year + 1, 1, 31))[0])


def _product_after(factors: Mapping[date, Decimal], day: date) -> Decimal:
    product = _ONE
    for since, factor in factors.items():
        if since > day:
            product *= factor
    return product


def _scaled(bar: MinuteBar, *, shares: Decimal, paid: Decimal) -> MinuteBar:
    def price(raw: Decimal) -> Decimal:
        return (raw / shares * paid).quantize(_SUB_PENNY)

    prices = (price(bar.open), price(bar.high), price(bar.low), price(bar.close))
    return MinuteBar(bar.symbol, bar.starts_at, *prices, volume=round(bar.volume * shares))


def _of_quotes(tape: MarketTape, request: HistoryRequest, since: datetime, end: datetime) -> list[RunningBar]:
    symbol = request.listing.symbol
    days = sessions(trading_date(since), trading_date(end))
    if len(days) > _MOST_SESSIONS_OF_QUOTES:
        text = (
            f"HMDS query returned no data: {request.what} of more than {_MOST_SESSIONS_OF_QUOTES} sessions is not kept"
        )
        raise HistoryRequestError(text)
    merged: dict[datetime, list[Quote]] = {}
    for day in days:
        for minute in tape.minutes_of(symbol, day):
            if not since <= minute.starts_at <= end - MINUTE or (request.is_regular and not minute.is_regular):
                continue
            quotes = [tick.quote for tick in tape.ticks_of(symbol, minute) if tick.quote is not None]
            starts_at = minute.starts_at if request.is_intraday else minute.starts_at.replace(hour=0, minute=0)
            merged.setdefault(request.bucket(starts_at), []).extend(quotes)
    make = _bid_ask if request.what == "BID_ASK" else partial(_side_of, side=_SIDES[request.what])
    return [make(starts_at, quotes) for starts_at, quotes in merged.items() if quotes]


def _side_of(starts_at: datetime, quotes: Sequence[Quote], *, side: Callable[[Quote], Decimal]) -> RunningBar:
    bar = RunningBar.at(starts_at, side(quotes[0]))
    for quote in quotes:
        bar.take(side(quote), 0)
    return bar


def _bid_ask(starts_at: datetime, quotes: Sequence[Quote]) -> RunningBar:
    """IB's reading of BID_ASK: the average bid as open, the highest ask, the lowest bid, the average ask as close."""
    bids, asks = [quote.bid for quote in quotes], [quote.ask for quote in quotes]
    bid, ask = (round(sum(prices, Decimal(0)) / len(prices), 4) for prices in (bids, asks))
    return RunningBar(starts_at, bid, max(asks), min(bids), ask, count=len(quotes))


_SIDES: Final[Mapping[str, Callable[[Quote], Decimal]]] = {
    "BID": lambda quote: quote.bid,
    "ASK": lambda quote: quote.ask,
    "MIDPOINT": lambda quote: (quote.bid + quote.ask) / 2,
}
