"""What the gateway says, as frames: one function for each kind of message but those of orders (`order_answers`).

Fields stand in the order of the protocol; where a server version changes them, the function takes the version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from tickledger.domain.bar import Print, Quote
from tickledger.exchange.venue_orders import AccountHolding
from tickledger.gateway.fields import Value, message, text_frame
from tickledger.gateway.listings import (
    CENT,
    CURRENCY,
    MARKET_RULE,
    ORDER_TYPES,
    SMART,
    STOCK,
    VALID_EXCHANGES,
    Listing,
)

NEW_YORK: Final = ZoneInfo("America/New_York")
TIME_ZONE: Final = "US/Eastern"
NO_REQUEST: Final = -1

_SIZE_RULES: Final = 164
_ORDER_REJECT: Final = 166
_BOND_ISSUER: Final = 176


def stamp(at: datetime) -> str:
    """An instant as TWS tells it, in New York: ``20130328 10:15:00 US/Eastern``."""
    return f"{at.astimezone(NEW_YORK):%Y%m%d %H:%M:%S} {TIME_ZONE}"


def contract_fields(listing: Listing, exchange: str = SMART) -> tuple[Value, ...]:
    """The eleven fields of a contract in an answer."""
    return (
        *(listing.contract_id, listing.symbol, STOCK, "", 0, "", "", exchange, CURRENCY),
        *(listing.symbol, _trading_class(listing)),
    )


def _trading_class(listing: Listing) -> str:
    return "NMS" if listing.primary_exchange == "NASDAQ" else listing.symbol


def server_version(version: int, now: datetime) -> bytes:
    """The answer to the handshake; it has two fields and no number."""
    return message(version, f"{now.astimezone(NEW_YORK):%Y%m%d %H:%M:%S} EST")


def managed_accounts(accounts: Sequence[str]) -> bytes:
    """15."""
    return message(15, 1, ",".join(accounts))


def next_valid_id(order_id: int) -> bytes:
    """9."""
    return message(9, 1, order_id)


def error(request_id: int, code: int, text: str, *, version: int) -> bytes:
    """4: an error, a warning or information, by its code; -1 where it belongs to no request."""
    tail = ("",) if version >= _ORDER_REJECT else ()
    return message(4, 2, request_id, code, text, *tail)


def current_time(now: datetime) -> bytes:
    """49."""
    return message(49, 1, int(now.timestamp()))


@dataclass(frozen=True, slots=True)
class TradingDays:
    """The sessions of the coming days, as TWS writes them: all hours, and the regular ones."""

    trading: str
    liquid: str


def contract_details(request_id: int, listing: Listing, exchange: str, *, days: TradingDays, version: int) -> bytes:
    """10."""
    name = listing.name
    valid = ",".join(VALID_EXCHANGES)
    is_old = version < _SIZE_RULES
    sizes: tuple[Value, ...] = (("0.0001", "0.0001", 100) if not is_old else (100,)) if version > 162 else ()  # noqa: PLR2004
    return message(
        *((10, 8) if is_old else (10,)),
        *(request_id, listing.symbol, STOCK, "", 0, "", exchange or SMART, CURRENCY, listing.symbol),
        *("NMS" if listing.primary_exchange == "NASDAQ" else listing.symbol, _trading_class(listing)),
        *(listing.contract_id, CENT, *(("1",) if is_old else ()), "", ORDER_TYPES, valid, 1, 0),
        *(name.long_name, listing.primary_exchange, "", name.industry, name.category, "", TIME_ZONE),
        *(days.trading, days.liquid, "", "", 0, 1, "", "", ",".join([str(MARKET_RULE)] * len(VALID_EXCHANGES))),
        *("", "COMMON", *sizes),
    )


def contract_details_end(request_id: int) -> bytes:
    """52."""
    return message(52, 1, request_id)


def symbol_samples(request_id: int, listings: Sequence[Listing], *, version: int) -> bytes:
    """79: what matches a pattern."""
    fields: list[Value] = []
    for one in listings:
        fields += [one.contract_id, one.symbol, STOCK, one.primary_exchange, CURRENCY, 0]
        fields += [one.name.long_name, ""] if version >= _BOND_ISSUER else []
    return message(79, request_id, len(listings), *fields)


def market_rule(rule_id: int) -> bytes:
    """93: the price increments of US stocks."""
    return message(93, rule_id, 2, 0, "0.0001", 1, CENT)


# Market data. There are many of these: their texts are put together without looking at each field's kind.


def tick_price(request_id: int, kind: int, price: Decimal, size: int, *, mask: int = 0) -> bytes:
    """1."""
    return text_frame(f"1\0006\0{request_id}\0{kind}\0{price:f}\0{size}\0{mask}\0")


def tick_size(request_id: int, kind: int, size: int) -> bytes:
    """2."""
    return text_frame(f"2\0006\0{request_id}\0{kind}\0{size}\0")


def tick_generic(request_id: int, kind: int, value: Value) -> bytes:
    """45."""
    return message(45, 6, request_id, kind, value)


def tick_string(request_id: int, kind: int, value: str) -> bytes:
    """46."""
    return text_frame(f"46\0006\0{request_id}\0{kind}\0{value}\0")


def tick_request_params(request_id: int, *, bbo_exchange: str = "9c0001", permissions: int = 3) -> bytes:
    """81."""
    return message(81, request_id, CENT, bbo_exchange, permissions)


def market_data_type(request_id: int, kind: int) -> bytes:
    """58: 1 real time, 2 frozen, 3 delayed, 4 delayed and frozen."""
    return message(58, 1, request_id, kind)


def snapshot_end(request_id: int) -> bytes:
    """57."""
    return message(57, 1, request_id)


def tick_by_tick_trade(request_id: int, kind: int, one: Print, exchange: str) -> bytes:
    """99 of kind 1 (Last) or 2 (AllLast)."""
    return message(99, request_id, kind, int(one.traded_at.timestamp()), one.price, one.size, 0, exchange, "")


def tick_by_tick_quote(request_id: int, quote: Quote) -> bytes:
    """99 of kind 3 (BidAsk)."""
    at = int(quote.quoted_at.timestamp())
    return message(99, request_id, 3, at, quote.bid, quote.ask, quote.bid_size, quote.ask_size, 0)


def tick_by_tick_midpoint(request_id: int, quote: Quote) -> bytes:
    """99 of kind 4 (MidPoint)."""
    return message(99, request_id, 4, int(quote.quoted_at.timestamp()), (quote.bid + quote.ask) / 2)


@dataclass(frozen=True, slots=True)
class HistoryBar:
    """A bar as it is told: `label` is its time in the form that was asked for."""

    label: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    average: Decimal
    count: int


def realtime_bar(request_id: int, starts_at: datetime, bar: HistoryBar) -> bytes:
    """50: a bar of five seconds."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    return message(50, 3, request_id, int(starts_at.timestamp()), *prices, bar.volume, bar.average, bar.count)


def historical_data(request_id: int, bars: Sequence[HistoryBar], *, start: str, end: str) -> bytes:
    """17; it says by itself that there is no more."""
    fields: list[Value] = []
    for bar in bars:
        fields += [bar.label, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average, bar.count]
    return message(17, request_id, start, end, len(bars), *fields)


def historical_update(request_id: int, bar: HistoryBar) -> bytes:
    """90: the bar that is forming, or the one that was just begun. The prices stand in an order of their own."""
    prices = (bar.open, bar.close, bar.high, bar.low)
    return message(90, request_id, bar.count, bar.label, *prices, bar.average, bar.volume)


def head_timestamp(request_id: int, label: str) -> bytes:
    """88."""
    return message(88, request_id, label)


# The account.


def position(account: str, listing: Listing, holding: AccountHolding) -> bytes:
    """61."""
    return message(61, 3, account, *contract_fields(listing, ""), holding.quantity, holding.average_cost)


def position_end() -> bytes:
    """62."""
    return message(62, 1)


def position_multi(request_id: int, account: str, model: str, listing: Listing, holding: AccountHolding) -> bytes:
    """71."""
    told = (holding.quantity, holding.average_cost, model)
    return message(71, 1, request_id, account, *contract_fields(listing, ""), *told)


def position_multi_end(request_id: int) -> bytes:
    """72."""
    return message(72, 1, request_id)


def account_value(account: str, key: str, value: Value, currency: str) -> bytes:
    """6."""
    return message(6, 2, key, value, currency, account)


def portfolio_value(account: str, listing: Listing, holding: AccountHolding) -> bytes:
    """7."""
    value = holding.quantity * holding.market_price
    unrealized = (holding.market_price - holding.average_cost) * holding.quantity
    return message(
        *(7, 8, listing.contract_id, listing.symbol, STOCK, "", 0, "0", "", listing.primary_exchange, CURRENCY),
        *(listing.symbol, _trading_class(listing), holding.quantity, holding.market_price, value),
        *(holding.average_cost, unrealized, holding.realized_pnl, account),
    )


def account_time(now: datetime) -> bytes:
    """8."""
    return message(8, 1, f"{now.astimezone(NEW_YORK):%H:%M}")


def account_download_end(account: str) -> bytes:
    """54."""
    return message(54, 1, account)


def account_update_multi(request_id: int, account: str, model: str, entry: tuple[str, Value, str]) -> bytes:
    """73; `entry` is a key, its value and the currency."""
    return message(73, 1, request_id, account, model, *entry)


def account_update_multi_end(request_id: int) -> bytes:
    """74."""
    return message(74, 1, request_id)


def account_summary(request_id: int, account: str, tag: str, value: Value, currency: str) -> bytes:
    """63."""
    return message(63, 1, request_id, account, tag, value, currency)


def account_summary_end(request_id: int) -> bytes:
    """64."""
    return message(64, 1, request_id)


def profit_and_loss(request_id: int, amounts: Iterable[Value]) -> bytes:
    """94: daily, unrealized, realized."""
    return message(94, request_id, *amounts)


def single_profit_and_loss(request_id: int, amounts: Iterable[Value]) -> bytes:
    """95: the position, then daily, unrealized, realized and the value."""
    return message(95, request_id, *amounts)
