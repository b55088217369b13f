"""What requests about orders and the account mean: their fields in order, and who answers them."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from tickledger.gateway import answers
from tickledger.gateway.execution_filter import answer_executions
from tickledger.gateway.fields import FieldReader
from tickledger.gateway.market_requests import FloorHandler, skip
from tickledger.gateway.order_terms import invalid
from tickledger.gateway.placed_order import MANUAL_ORDER_TIME, read_placed_order

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor
    from tickledger.gateway.session import Session


def _place_order(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    floor.orders.place(session, read_placed_order(reader, version=session.version))


def _cancel_order(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    order_id = reader.identifier("orderId")
    if session.version >= MANUAL_ORDER_TIME:
        skip(reader, "manualCancelOrderTime")
    reader.end()
    floor.orders.cancel(session, order_id)


def _global_cancel(floor: "Floor", _session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    reader.end()
    floor.orders.cancel_all()


def _open_orders(floor: "Floor", session: "Session", reader: FieldReader, *, of_all: bool) -> None:
    skip(reader, "version")
    reader.end()
    floor.orders.tell_open(session, of_all=of_all)


def _auto_open_orders(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
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
    skip(reader, "version", "numIds")
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
    skip(reader, "version")
    is_on = reader.boolean("subscribe")
    account = reader.text("acctCode")
    reader.end()
    if not is_on:
        floor.accounts.unsubscribe_updates(session)
    elif _has_account(floor, session, answers.NO_REQUEST, account):
        floor.accounts.subscribe_updates(session)


def _account_updates_multi(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    account, model = reader.text("account"), reader.text("modelCode")
    is_ledger = reader.boolean("ledgerAndNLV")
    reader.end()
    if _has_account(floor, session, request_id, account):
        floor.accounts.subscribe_multi(session, request_id, model, is_ledger=is_ledger)


def _positions(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    reader.end()
    floor.accounts.subscribe_positions(session)


def _cancel_positions(_floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    reader.end()
    session.wants_positions = False


def _positions_multi(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    account, model = reader.text("account"), reader.text("modelCode")
    reader.end()
    if _has_account(floor, session, request_id, account):
        floor.accounts.subscribe_positions_multi(session, request_id, model)


def _account_summary(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    skip(reader, "groupName")
    tags = tuple(tag.strip() for tag in reader.text("tags").split(",") if tag.strip())
    reader.end()
    floor.accounts.subscribe_summary(session, request_id, tags)


def _cancel_account_request(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    request_id = reader.identifier("reqId")
    reader.end()
    floor.accounts.cancel(session, request_id)


def _profit(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    account = reader.text("account")
    skip(reader, "modelCode")
    reader.end()
    if _has_account(floor, session, request_id, account):
        floor.accounts.subscribe_profit(session, request_id, None)


def _profit_single(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    request_id = reader.identifier("reqId")
    account = reader.text("account")
    skip(reader, "modelCode")
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
    skip(reader, "version")
    reader.end()
    session.send(answers.current_time(floor.venue.now))


def _managed_accounts(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    skip(reader, "version")
    reader.end()
    session.send(answers.managed_accounts([floor.settings.account]))


def _log_level(_floor: "Floor", _session: "Session", reader: FieldReader) -> None:
    skip(reader, "version", "logLevel")
    reader.end()


HANDLERS: Final[Mapping[int, FloorHandler]] = {
    3: _place_order,
    4: _cancel_order,
    5: partial(_open_orders, of_all=False),
    6: _account_updates,
    7: _executions,
    8: _ids,
    14: _log_level,
    15: _auto_open_orders,
    16: partial(_open_orders, of_all=True),
    17: _managed_accounts,
    49: _current_time,
    58: _global_cancel,
    61: _positions,
    62: _account_summary,
    63: _cancel_account_request,
    64: _cancel_positions,
    74: _positions_multi,
    75: _cancel_account_request,
    76: _account_updates_multi,
    77: _cancel_account_request,
    92: _profit,
    93: _cancel_profit,
    94: _profit_single,
    95: _cancel_profit,
    99: _completed_orders,
}
