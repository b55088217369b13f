"""What each request of a client means: its fields in order, and who answers it."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final

from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.gateway import answers
from tickledger.gateway.answers import NEW_YORK, TradingDays
from tickledger.gateway.execution_filter import answer_executions
from tickledger.gateway.fields import FieldReader
from tickledger.gateway.history_request import HistoryRequest
from tickledger.gateway.listings import Listing
from tickledger.gateway.market_lines import BarLine, QuoteLine, TickLine
from tickledger.gateway.order_desk import NO_SUCH_CONTRACT, UNKNOWN_CONTRACT
from tickledger.gateway.order_terms import invalid, read_instant
from tickledger.gateway.placed_order import MANUAL_ORDER_TIME, Terms, read_contract, read_placed_order
from tickledger.gateway.session import Handler

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


def handlers(floor: "Floor") -> Mapping[int, Handler]:
    """Who answers which message."""
    return {number: partial(handler, floor) for number, handler in _HANDLERS.items()}


def _listing(floor: "Floor", session: "Session", request_id: int, contract: Terms) -> Listing | None:
    listing = floor.directory.find(contract)
    if listing is None:
        session.error(request_id, UNKNOWN_CONTRACT, NO_SUCH_CONTRACT)
    return listing


def _skip(reader: FieldReader, *names: str) -> None:
    for name in names:
        reader.text(name)


# Contracts.


def _contract_details(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    _skip(reader, "includeExpired", "secIdType", "secId")
    if session.version >= _BOND_ISSUER:
        _skip(reader, "issuerId")
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
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    if contract["secType"] == "BAG":
        _skip_legs(reader)
    if reader.boolean("deltaNeutralContract"):
        _skip(reader, "conId", "delta", "price")
    generic = frozenset(tick.strip() for tick in reader.text("genericTickList").split(",") if tick.strip())
    is_snapshot = reader.boolean("snapshot") | reader.boolean("regulatorySnapshot")
    _skip(reader, "mktDataOptions")
    reader.end()
    listing = _listing(floor, session, request_id, contract)
    if listing is not None:
        floor.feed.subscribe(session, request_id, listing, generic=generic, is_snapshot=is_snapshot)


def _skip_legs(reader: FieldReader) -> None:
    for _ in range(reader.count("comboLegsCount")):
        _skip(reader, "conId", "ratio", "action", "exchange")


def _cancel_market_data(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    reader.end()
    floor.feed.unsubscribe(session, request_id, QuoteLine)


def _market_data_type(_floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
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
    _skip(reader, "numberOfTicks")
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
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    bar_size = reader.identifier("barSize")
    what = reader.text("whatToShow")
    _skip(reader, "useRTH", "realTimeBarsOptions")
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
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    reader.end()
    floor.feed.unsubscribe(session, request_id, BarLine)


# History.


def _historical_data(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    _skip(reader, "includeExpired")
    end, bar_size, duration = (reader.text(name) for name in ("endDateTime", "barSizeSetting", "durationStr"))
    is_regular = reader.boolean("useRTH")
    what = reader.text("whatToShow")
    format_date = reader.integer("formatDate") or 1
    if contract["secType"] == "BAG":
        _skip_legs(reader)
    keeps_up = reader.boolean("keepUpToDate")
    _skip(reader, "chartOptions")
    reader.end()
    listing = _listing(floor, session, request_id, contract)
    if listing is None:
        return
    try:
        ends_at = read_instant(end) if end.strip() else None
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
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    reader.end()
    floor.history.cancel(session, request_id)


def _head_timestamp(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    contract = read_contract(reader)
    _skip(reader, "includeExpired", "useRTH", "whatToShow")
    format_date = reader.integer("formatDate")
    reader.end()
    listing = _listing(floor, session, request_id, contract)
    if listing is not None:
        floor.history.tell_head(session, request_id, listing, as_epoch=format_date == 2)  # noqa: PLR2004  as the API


def _cancel_head_timestamp(_floor: "Floor", _session: "Session", reader: FieldReader) -> None:
    reader.identifier("reqId")
    reader.end()


# Orders.


def _place_order(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    floor.orders.place(session, read_placed_order(reader, version=session.version))


def _cancel_order(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    order_id = reader.identifier("orderId")
    if session.version >= MANUAL_ORDER_TIME:
        _skip(reader, "manualCancelOrderTime")
    reader.end()
    floor.orders.cancel(session, order_id)


def _global_cancel(floor: "Floor", _session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    reader.end()
    floor.orders.cancel_all()


def _open_orders(floor: "Floor", session: "Session", reader: FieldReader, *, of_all: bool) -> None:
    _skip(reader, "version")
    reader.end()
    floor.orders.tell_open(session, of_all=of_all)


def _auto_open_orders(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    is_on = reader.boolean("autoBind")
    reader.end()
    floor.orders.bind_automatically(session, is_on=is_on)


def _completed_orders(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    is_api_only = reader.boolean("apiOnly")
    reader.end()
    floor.orders.tell_completed(session, is_api_only=is_api_only)


def _executions(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    answer_executions(floor, session, reader)


def _ids(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version", "numIds")
    reader.end()
    session.send(answers.next_valid_id(floor.books.next_order_id(session.client_id)))


# The account.


def _has_account(floor: "Floor", session: "Session", request_id: int, account: str) -> bool:
    if account in {"", "All", floor.settings.account, f"{floor.settings.account}A"}:
        return True
    refusal = invalid(f"Invalid account code '{account}'", where="b5")
    session.error(request_id, refusal.code, refusal.text)
    return False


def _account_updates(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    is_on = reader.boolean("subscribe")
    account = reader.text("acctCode")
    reader.end()
    if not is_on:
        floor.accounts.unsubscribe_updates(session)
    elif _has_account(floor, session, answers.NO_REQUEST, account):
        floor.accounts.subscribe_updates(session)


def _account_updates_multi(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    account, model = reader.text("account"), reader.text("modelCode")
    is_ledger = reader.boolean("ledgerAndNLV")
    reader.end()
    if _has_account(floor, session, request_id, account):
        floor.accounts.subscribe_multi(session, request_id, model, is_ledger=is_ledger)


def _positions(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    reader.end()
    floor.accounts.subscribe_positions(session)


def _cancel_positions(_floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    reader.end()
    session.wants_positions = False


def _positions_multi(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    account, model = reader.text("account"), reader.text("modelCode")
    reader.end()
    if _has_account(floor, session, request_id, account):
        floor.accounts.subscribe_positions_multi(session, request_id, model)


def _account_summary(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    _skip(reader, "groupName")
    tags = tuple(tag.strip() for tag in reader.text("tags").split(",") if tag.strip())
    reader.end()
    floor.accounts.subscribe_summary(session, request_id, tags)


def _cancel_account_request(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    request_id = reader.identifier("reqId")
    reader.end()
    floor.accounts.cancel(session, request_id)


def _profit(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    account = reader.text("account")
    _skip(reader, "modelCode")
    reader.end()
    if _has_account(floor, session, request_id, account):
        floor.accounts.subscribe_profit(session, request_id, None)


def _profit_single(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    account = reader.text("account")
    _skip(reader, "modelCode")
    contract_id = reader.identifier("conId")
    reader.end()
    if _has_account(floor, session, request_id, account):
        floor.accounts.subscribe_profit(session, request_id, contract_id)


def _cancel_profit(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    reader.end()
    floor.accounts.cancel(session, request_id)


# The rest.


def _current_time(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    reader.end()
    session.send(answers.current_time(floor.venue.now))


def _managed_accounts(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version")
    reader.end()
    session.send(answers.managed_accounts([floor.settings.account]))


def _log_level(_floor: "Floor", _session: "Session", reader: FieldReader) -> None:
    _skip(reader, "version", "logLevel")
    reader.end()


_HANDLERS: Final[Mapping[int, FloorHandler]] = {
    1: _market_data,
    2: _cancel_market_data,
    3: _place_order,
    4: _cancel_order,
    5: partial(_open_orders, of_all=False),
    6: _account_updates,
    7: _executions,
    8: _ids,
    9: _contract_details,
    14: _log_level,
    15: _auto_open_orders,
    16: partial(_open_orders, of_all=True),
    17: _managed_accounts,
    20: _historical_data,
    25: _cancel_historical_data,
    49: _current_time,
    50: _realtime_bars,
    51: _cancel_realtime_bars,
    58: _global_cancel,
    59: _market_data_type,
    61: _positions,
    62: _account_summary,
    63: _cancel_account_request,
    64: _cancel_positions,
    74: _positions_multi,
    75: _cancel_account_request,
    76: _account_updates_multi,
    77: _cancel_account_request,
    81: _matching_symbols,
    87: _head_timestamp,
    90: _cancel_head_timestamp,
    91: _market_rule,
    92: _profit,
    93: _cancel_profit,
    94: _profit_single,
    95: _cancel_profit,
    97: _tick_by_tick,
    98: _cancel_tick_by_tick,
    99: _completed_orders,
}
