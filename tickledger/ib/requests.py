"""Questions to the gateway whose answers are lists: each is complete, or it is an error.

Each question has its own end marker on the wire. An answer that does not end in time, an error message in its place
and a connection that goes away raise BrokerUnavailableError: no caller may take what did not come for an empty list.
Questions of one kind wait for each other, because most answers do not say which question they belong to.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from tickledger.domain.broker import BrokerPosition
from tickledger.domain.errors import BrokerUnavailableError
from tickledger.domain.money import exact
from tickledger.ib import library
from tickledger.ib.errors import ErrorClass, meaning_of
from tickledger.ib.library import LibraryObject
from tickledger.ib.order_ids import LARGEST_ID
from tickledger.ib.orders import our_symbol, shares
from tickledger.ib.pacing import Lane, Pacer
from tickledger.ib.wire import Wire

_SUMMARY_TAG: Final = "TotalCashValue"
_HARMLESS: Final = frozenset({ErrorClass.NOTICE, ErrorClass.FARM_LOST, ErrorClass.FARM_RESTORED})


class RequestRefusedError(BrokerUnavailableError):
    """The gateway answered a question with an error message."""

    def __init__(self, kind: str, code: int, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{kind}: error {code}: {text}")


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An openOrder message with the latest orderStatus that came with it, if one did."""

    contract: LibraryObject
    order: LibraryObject
    state: LibraryObject
    filled: Decimal = Decimal(0)
    status: str = ""


@dataclass(slots=True)
class _Question:
    """A question that waits for its end marker."""

    kind: str
    future: asyncio.Future[None]
    rows: list[Any] = field(default_factory=list)


class Requests:
    """The questions of one adapter; `use` says over which connection they go."""

    def __init__(self, wire: Wire, pacer: Pacer, *, timeout: float) -> None:
        self._pacer = pacer
        self._timeout = timeout
        self._client: LibraryObject = None
        self._next_id = LARGEST_ID + 1
        self._by_id: dict[int, _Question] = {}
        self._by_kind: dict[str, _Question] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._listen(wire)

    def use(self, client: LibraryObject) -> None:
        """Ask over this connection from now on."""
        self._client = client

    def abandon(self, reason: str) -> None:
        """The connection is gone: every question fails."""
        self._client = None
        for question in [*self._by_id.values(), *self._by_kind.values()]:
            _fail(question, BrokerUnavailableError(f"{question.kind}: {reason}"))

    def new_id(self) -> int:
        """An id for a request; never that of an order."""
        self._next_id += 1
        return self._next_id

    async def current_time(self, *, within: float) -> datetime:
        """The gateway's time; the cheapest question there is."""
        rows = await self._ask("current time", lambda client: client.reqCurrentTime(), within=within)
        return datetime.fromtimestamp(rows[-1], UTC)

    async def open_orders(self) -> list[OpenOrder]:
        """The working orders of all clients, and those entered by hand."""
        rows = await self._ask("open orders", lambda client: client.reqAllOpenOrders())
        return _joined(rows)

    async def completed_orders(self, *, within: float) -> list[OpenOrder]:
        """The day's orders that are over; IB often does not answer, so the caller says how long to wait."""
        rows: list[OpenOrder] = await self._ask(
            "completed orders", lambda client: client.reqCompletedOrders(False), within=within
        )
        return rows

    async def executions(self, account_id: str) -> list[str]:
        """The ids of the executions that the gateway still tells of; the fills themselves were told on the way."""
        wanted = library.ExecutionFilter(acctCode=account_id)
        rows: list[str] = await self._ask_by_id(
            "executions", lambda client, number: client.reqExecutions(number, wanted)
        )
        return rows

    async def positions(self, account_id: str) -> tuple[BrokerPosition, ...]:
        """What the account holds; a symbol told twice counts as it was told last.

        From the first question on the gateway tells every change as well: see `position_watch`.
        """
        rows = await self._ask("positions", lambda client: client.reqPositions())
        latest: dict[str, BrokerPosition] = {row.symbol: row for row in rows if row.account_id == account_id}
        return tuple(position for position in latest.values() if position.quantity)

    async def cash(self, account_id: str) -> Decimal:
        """The account's cash, USD; raises BrokerUnavailableError where it is not told, or in another currency."""
        number = self.new_id()
        try:
            rows = await self._ask_by_id(
                "cash", lambda client, _: client.reqAccountSummary(number, "All", _SUMMARY_TAG), number=number
            )
        finally:
            self.tell(lambda client: client.cancelAccountSummary(number))
        found = [
            (value, currency) for account, tag, value, currency in rows if (account, tag) == (account_id, _SUMMARY_TAG)
        ]
        if len(found) != 1 or found[0][1] != "USD":
            raise BrokerUnavailableError(f"cash of {account_id}: expected one amount in USD, found {found}")
        return exact(float(found[0][0]))

    async def rows_of(
        self, kind: str, ask: Callable[[LibraryObject, int], None], *, within: float, number: int | None = None
    ) -> list[Any]:
        """The rows of a question about data, whose answers carry its id; orders and their questions go before it."""
        return await self._ask_by_id(kind, ask, within=within, number=number, lane=Lane.DATA)

    def tell(self, say: Callable[[LibraryObject], None]) -> None:
        """Send a message that has no answer; nothing where there is no connection."""

        def send(client: LibraryObject) -> None:
            # Without a connection there is nothing to end either.
            with contextlib.suppress(OSError):
                say(client)

        self._send(send)

    def row(self, number: int, row: object) -> None:
        """A row of the answer to question `number`."""
        if (question := self._by_id.get(number)) is not None:
            question.rows.append(row)

    def end(self, number: int) -> None:
        """The answer to question `number` is complete."""
        _finish(self._by_id.get(number))

    async def _ask(self, kind: str, ask: Callable[[LibraryObject], None], *, within: float | None = None) -> list[Any]:
        async with self._locks[kind]:
            question = self._by_kind[kind] = _Question(kind, asyncio.get_running_loop().create_future())
            try:
                return await self._answer(question, ask, within=within)
            finally:
                del self._by_kind[kind]

    async def _ask_by_id(
        self,
        kind: str,
        ask: Callable[[LibraryObject, int], None],
        *,
        within: float | None = None,
        number: int | None = None,
        lane: Lane = Lane.URGENT,
    ) -> list[Any]:
        number = number if number is not None else self.new_id()
        question = self._by_id[number] = _Question(kind, asyncio.get_running_loop().create_future())
        try:
            return await self._answer(question, lambda client: ask(client, number), within=within, lane=lane)
        finally:
            del self._by_id[number]

    async def _answer(
        self,
        question: _Question,
        ask: Callable[[LibraryObject], None],
        *,
        within: float | None,
        lane: Lane = Lane.URGENT,
    ) -> list[Any]:
        if self._client is None or not self._client.isConnected():
            raise BrokerUnavailableError(f"{question.kind}: not connected")
        allowed = within if within is not None else self._timeout
        is_sent = asyncio.get_running_loop().create_future()

        def send(client: LibraryObject) -> None:
            is_sent.set_result(None)
            try:
                ask(client)
            except OSError as error:
                _fail(question, BrokerUnavailableError(f"{question.kind}: {error}"))

        self._send(send, lane)
        # What waits in the pacer has not been asked yet: the time to answer begins when it leaves.
        await asyncio.wait({is_sent, question.future}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({question.future}, timeout=allowed)
        if not question.future.done():
            raise BrokerUnavailableError(f"{question.kind}: expected an answer within {allowed:g} s, found none")
        question.future.result()
        return question.rows

    def _send(self, ask: Callable[[LibraryObject], None], lane: Lane = Lane.URGENT) -> None:
        client = self._client
        if client is not None:
            self._pacer.submit(lambda: ask(client), lane=lane)

    def _listen(self, wire: Wire) -> None:
        wire.listen("currentTime", lambda seconds: self._only("current time", seconds))
        wire.listen("openOrder", lambda _, *told: self._add("open orders", OpenOrder(*told)))
        wire.listen("orderStatus", lambda *told: self._add("open orders", told))
        wire.listen("openOrderEnd", lambda: _finish(self._by_kind.get("open orders")))
        wire.listen("completedOrder", self._completed)
        wire.listen("completedOrdersEnd", lambda: _finish(self._by_kind.get("completed orders")))
        wire.listen("execDetails", lambda number, _, execution: self.row(number, execution.execId))
        wire.listen("execDetailsEnd", self.end)
        wire.listen("position", self._position)
        wire.listen("positionEnd", lambda: _finish(self._by_kind.get("positions")))
        wire.listen("accountSummary", lambda number, *told: self.row(number, told))
        wire.listen("accountSummaryEnd", self.end)
        wire.listen("error", self._error)

    def _add(self, kind: str, row: object) -> None:
        if (question := self._by_kind.get(kind)) is not None:
            question.rows.append(row)

    def _only(self, kind: str, row: object) -> None:
        self._add(kind, row)
        _finish(self._by_kind.get(kind))

    def _completed(self, contract: LibraryObject, order: LibraryObject, state: LibraryObject) -> None:
        filled = shares(order.filledQuantity) if library.is_set(order.filledQuantity) else Decimal(0)
        self._add("completed orders", OpenOrder(contract, order, state, filled, state.status))

    def _position(self, account_id: str, contract: LibraryObject, quantity: float, average_cost: float) -> None:
        position = BrokerPosition(account_id, our_symbol(contract), shares(quantity), exact(average_cost))
        self._add("positions", position)

    def _error(self, number: int, code: int, text: str, *_: object) -> None:
        question = self._by_id.get(number)
        if question is not None and meaning_of(code).error_class not in _HARMLESS:
            _fail(question, RequestRefusedError(question.kind, code, text))


def _finish(question: _Question | None) -> None:
    if question is not None and not question.future.done():
        question.future.set_result(None)


def _fail(question: _Question, error: BrokerUnavailableError) -> None:
    if not question.future.done():
        question.future.set_exception(error)


def _joined(rows: list[Any]) -> list[OpenOrder]:
    """Each open order once, as it was told last, with its latest status."""
    orders: dict[int, OpenOrder] = {}
    statuses: dict[int, tuple[str, Decimal]] = {}
    for row in rows:
        if isinstance(row, OpenOrder):
            orders[row.order.permId] = row
        else:
            statuses[row[5]] = (row[1], shares(row[2]))
    return [_with_status(order, statuses.get(number)) for number, order in orders.items()]


def _with_status(order: OpenOrder, told: tuple[str, Decimal] | None) -> OpenOrder:
    status, filled = told or (order.state.status, Decimal(0))
    return OpenOrder(order.contract, order.order, order.state, filled, status)
