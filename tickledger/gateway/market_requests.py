"""What requests about contracts, market data and history mean: their fields in order, and who answers them."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.gateway import answers
from tickledger.gateway.answers import NEW_YORK, TradingDays
from tickledger.gateway.fields import FieldReader
from tickledger.gateway.history_request import EARLIEST_END, HistoryRequest
from tickledger.gateway.listings import Listing
from tickledger.gateway.market_lines import BarLine, QuoteLine, TickLine
from tickledger.gateway.order_desk import NO_SUCH_CONTRACT, UNKNOWN_CONTRACT
from tickledger.gateway.order_terms import invalid, read_instant
from tickledger.gateway.placed_order import Terms, read_contract

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor
    from tickledger.gateway.session import Session

_BOND_ISSUER: Final = 176
_DAYS_AHEAD: Final = 6
_TICK_KINDS: Final[Mapping[str, int]] = {"Last": 1, "AllLast": 2, "BidAsk": 3, "MidPoint": 4}
_BAR_KINDS: Final = frozenset(("TRADES", "MIDPOINT", "BID", "ASK"))
_FIVE_SECONDS: Final = 5
NO_TICK_KIND: Final = 10189

FloorHandler = Callable[["Floor", "Session", FieldReader], None]


def _listing(floor: "Floor", session: "Session", request_id: int, contract: Terms) -> Listing | None:
    listing = floor.directory.find(contract)
    if listing is None:
        session.error(request_id, UNKNOWN_CONTRACT, NO_SUCH_CONTRACT)
    return listing


def skip(reader: FieldReader, *names: str) -> None:
    for name in names:
        reader.text(name)


# Contracts.


def _contract_details(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    skip(reader, "includeExpired", "secIdType", "secId")
    if session.version >= _BOND_ISSUER:
        skip(reader, "issuerId")
    reader.end()
    listing = _listing(floor, session, request_id, contract)
    if listing is None:
        return
    days = _trading_days(floor)
    exchange = contract["exchange"]
    session.send(answers.contract_details(request_id, listing, exchange, days=days, version=session.version))
    session.send(answers.contract_details_end(request_id))


def _trading_days(floor: "Floor") -> TradingDays:
    today = floor.venue.now.astimezone(NEW_YORK).date()
    days = [today.fromordinal(today.toordinal() + ahead) for ahead in range(_DAYS_AHEAD)]
    return TradingDays(
        trading=";".join(_hours(day, ("0400", "2000")) for day in days),
        liquid=";".join(_hours(day, None) for day in days),
    )


def _hours(day: date, hours: tuple[str, str] | None) -> str:
    if not sessions(day, day):
        return f"{day:%Y%m%d}:CLOSED"
    opens, closes = (at.astimezone(NEW_YORK) for at in (session_open(day), session_close(day)))
    first, last = hours or (f"{opens:%H%M}", f"{closes:%H%M}")
    return f"{day:%Y%m%d}:{first}-{day:%Y%m%d}:{last}"


def _matching_symbols(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    found = floor.directory.matching(reader.text("pattern"))
    reader.end()
    session.send(answers.symbol_samples(request_id, found, version=session.version))


def _market_rule(_floor: "Floor", session: "Session", reader: FieldReader) -> None:
    rule = reader.identifier("marketRuleId")
    reader.end()
    session.send(answers.market_rule(rule))


# Market data.


def _market_data(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    if contract["secType"] == "BAG":
        _skip_legs(reader)
    if reader.boolean("deltaNeutralContract"):
        skip(reader, "conId", "delta", "price")
    generic = frozenset(tick.strip() for tick in reader.text("genericTickList").split(",") if tick.strip())
    is_snapshot = reader.boolean("snapshot") | reader.boolean("regulatorySnapshot")
    skip(reader, "mktDataOptions")
    reader.end()
    listing = _listing(floor, session, request_id, contract)
    if listing is not None:
        floor.feed.subscribe(session, request_id, listing, generic=generic, is_snapshot=is_snapshot)


def _skip_legs(reader: FieldReader) -> None:
    for _ in range(reader.count("comboLegsCount")):
        skip(reader, "conId", "ratio", "action", "exchange")


def _cancel_market_data(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    reader.end()
    floor.feed.unsubscribe(session, request_id, QuoteLine)


def _market_data_type(_floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    kind = reader.identifier("marketDataType")
    reader.end()
    if not 1 <= kind <= 4:  # noqa: PLR2004  the protocol's numbers
        refusal = invalid(f"Invalid market data type {kind}", where="b1")
        session.error(answers.NO_REQUEST, refusal.code, refusal.text)
        return
    session.market_data_type = kind


def _tick_by_tick(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    kind = reader.text("tickType")
    skip(reader, "numberOfTicks")
    ignores_size = reader.boolean("ignoreSize")
    reader.end()
    listing = _listing(floor, session, request_id, contract)
    if listing is None:
        return
    if kind not in _TICK_KINDS:
        text = f"Failed to request tick-by-tick data.Incorrect tick type {kind}"
        session.error(request_id, NO_TICK_KIND, text)
        return
    floor.feed.subscribe_ticks(TickLine(session, request_id, listing, _TICK_KINDS[kind], ignores_size=ignores_size))


def _cancel_tick_by_tick(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    reader.end()
    floor.feed.unsubscribe(session, request_id, TickLine)


def _realtime_bars(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    bar_size = reader.identifier("barSize")
    what = reader.text("whatToShow")
    skip(reader, "useRTH", "realTimeBarsOptions")
    reader.end()
    listing = _listing(floor, session, request_id, contract)
    if listing is None:
        return
    if bar_size != _FIVE_SECONDS or what not in _BAR_KINDS:
        refusal = invalid(f"Real-time bars are of 5 seconds and of {sorted(_BAR_KINDS)}", where="bK")
        session.error(request_id, refusal.code, refusal.text)
        return
    floor.feed.subscribe_bars(BarLine(session, request_id, listing, what))


def _cancel_realtime_bars(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    reader.end()
    floor.feed.unsubscribe(session, request_id, BarLine)


# History.


def _historical_data(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    skip(reader, "includeExpired")
    end, bar_size, duration = (reader.text(name) for name in ("endDateTime", "barSizeSetting", "durationStr"))
    is_regular = reader.boolean("useRTH")
    what = reader.text("whatToShow")
    format_date = reader.integer("formatDate") or 1
    if contract["secType"] == "BAG":
        _skip_legs(reader)
    keeps_up = reader.boolean("keepUpToDate")
    skip(reader, "chartOptions")
    reader.end()
    listing = _listing(floor, session, request_id, contract)
    if listing is None:
        return
    try:
        ends_at = max(read_instant(end), EARLIEST_END) if end.strip() else None
    except ValueError as error:
        refusal = invalid(str(error), where="bJ")
        session.error(request_id, refusal.code, refusal.text)
        return
    request = HistoryRequest(
        listing=listing,
        bar_size=bar_size,
        duration=duration,
        what=what,
        is_regular=is_regular,
        format_date=format_date,
        ends_at=ends_at,
        keeps_up=keeps_up,
    )
    floor.history.ask(session, request_id, request)


def _cancel_historical_data(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    reader.end()
    floor.history.cancel(session, request_id)


def _head_timestamp(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    skip(reader, "includeExpired", "useRTH", "whatToShow")
    format_date = reader.integer("formatDate")
    reader.end()
    listing = _listing(floor, session, request_id, contract)
    if listing is not None:
        floor.history.tell_head(session, request_id, listing, as_epoch=format_date == 2)  # noqa: PLR2004  as the API


def _cancel_head_timestamp(_floor: "Floor", _session: "Session", reader: FieldReader) -> None:
    reader.identifier("reqId")
    reader.end()


HANDLERS: Final[Mapping[int, FloorHandler]] = {
    1: _market_data,
    2: _cancel_market_data,
    9: _contract_details,
    20: _historical_data,
    25: _cancel_historical_data,
    50: _realtime_bars,
    51: _cancel_realtime_bars,
    59: _market_data_type,
    81: _matching_symbols,
    87: _head_timestamp,
    90: _cancel_head_timestamp,
    91: _market_rule,
    97: _tick_by_tick,
    98: _cancel_tick_by_tick,
}
