"""What is wrong with the gateway at the moment: the state behind the faults, and where it bites.

`FaultActions` throws the switches; the desks ask here before they answer.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tickledger.gateway.answers import NO_REQUEST
from tickledger.gateway.books import ExecutionRecord, OrderRecord
from tickledger.gateway.faults import Fault
from tickledger.gateway.placed_order import PlacedOrder

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor
    from tickledger.gateway.session import Session

PRESET_TERM: Final = 10349
_EVENT_OF_REQUEST: Final = {"placeOrder": "order", "cancelOrder": "cancel"}
_CANCEL_TEXTS: Final = {
    10147: "OrderId {} that needs to be cancelled is not found.",
    10148: "OrderId {} that needs to be cancelled can not be cancelled, state: Filled.",
}


@dataclass(frozen=True, slots=True)
class OrderFault:
    """What happens to an order: whether it goes on to the venue, and whether its client is cut off after that."""

    goes_on: bool
    is_cut_off: bool = False


@dataclass(slots=True)
class _Armed:
    parameters: Mapping[str, Any]
    left: int


@dataclass(slots=True)
class FaultSwitches:
    """The switches. Those that are armed bite a number of times, for a symbol or a request alone where it is told."""

    floor: "Floor"
    is_link_down: bool = False
    are_feeds_dead: bool = False
    dead_symbols: set[str] = field(default_factory=set)
    is_nothing_subscribed: bool = False
    unsubscribed: set[str] = field(default_factory=set)
    waiting: list[Fault] = field(default_factory=list)
    apply: Callable[[Fault], None] = lambda _: None
    _armed: dict[str, list[_Armed]] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _held_status: dict[int, bytes] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)

    def arm(self, fault: Fault) -> None:
        """Let a fault bite the next `times` it can."""
        times = int(fault.parameters.get("times", 1))
        self._armed.setdefault(fault.do, []).append(_Armed(fault.parameters, times))

    def take(self, name: str, **found: object) -> Mapping[str, Any] | None:
        """The fields of an armed fault that fits what was found; it has bitten once more then."""
        for armed in self._armed.get(name, ()):
            asked = {key: armed.parameters.get(key) for key in found}
            if armed.left > 0 and all(value is None or value == found[key] for key, value in asked.items()):
                armed.left -= 1
                self.counted[name] += 1
                return armed.parameters
        return None

    def happened(self, event: str) -> None:
        """Count an event, and apply the faults that wait for it."""
        self._counts[event] += 1
        for fault in [one for one in self.waiting if one.on == event and one.nth == self._counts[event]]:
            self.waiting.remove(fault)
            self.apply(fault)

    # The system.

    def is_silent(self, symbol: str) -> bool:
        """Whether nothing is told of a symbol's market."""
        return self.is_link_down or self.are_feeds_dead or symbol in self.dead_symbols

    def is_unsubscribed(self, symbol: str) -> bool:
        """Whether the account has no right to the symbol's market data."""
        return self.is_nothing_subscribed or symbol in self.unsubscribed

    def refuses_client(self, client_id: int) -> bool:
        """Whether a client id counts as in use."""
        return self.take("refuse_client", client=client_id) is not None

    def on_connect(self, _session: "Session") -> None:
        """A client has come in."""
        self.happened("connect")

    def on_request(self, session: "Session", name: str, request_id: int) -> bool:
        """Whether a request goes on to who answers it."""
        for event in (name, _EVENT_OF_REQUEST.get(name)):
            if event is not None:
                self.happened(event)
        refused = self.take("refuse_request", request=name)
        if refused is not None:
            session.error(request_id, int(refused["code"]), refused["text"])
            return False
        return self.take("drop_request", request=name) is None and session.connection.is_open

    # Orders.

    def take_order_fault(self, session: "Session", placed: PlacedOrder, symbol: str) -> OrderFault | None:
        """What happens to an order before the venue has it, None where nothing does."""
        if placed.is_set("whatIf"):
            return None
        if self._stops_order(session, placed, symbol):
            return OrderFault(goes_on=False)
        if self.take("preset_term", symbol=symbol) is not None:
            text = "Order TIF was set to DAY based on order preset."
            self.floor.later(0, lambda: session.error(placed.order_id, PRESET_TERM, text))
        if self.take("cut_after_order", symbol=symbol) is not None:
            session.connection.mute()
            return OrderFault(goes_on=True, is_cut_off=True)
        return None

    def _stops_order(self, session: "Session", placed: PlacedOrder, symbol: str) -> bool:
        if self.take("cut_before_order", symbol=symbol) is not None:
            session.connection.abort()
            return True
        refused = self.take("refuse_order", symbol=symbol)
        if refused is not None:
            session.error(placed.order_id, int(refused["code"]), refused["text"])
        elif self.take("drop_order", symbol=symbol) is None:
            return False
        self.floor.books.use(session.client_id, placed.order_id)
        return True

    def hits_cancel(self, session: "Session", record: OrderRecord) -> bool:
        """Whether a cancellation goes no further."""
        symbol, order_id = record.listing.symbol, record.identity.order_id
        refused = self.take("refuse_cancel", symbol=symbol)
        if refused is not None:
            code = int(refused["code"])
            text = _CANCEL_TEXTS.get(code, "OrderId {} can not be cancelled").format(order_id)
            session.error(order_id, code, text)
            return True
        if self.take("drop_cancel", symbol=symbol) is not None:
            return True
        crossed = None if record.is_done else self.take("fill_before_cancel", symbol=symbol)
        if crossed is not None:
            self.floor.orders.fill_now(record, crossed["quantity"])
        return False

    # What is told of orders.

    def statuses(self, record: OrderRecord, frame: bytes) -> Iterable[bytes]:
        """An orderStatus as it is sent: once, several times, or after the next one."""
        symbol, key = record.listing.symbol, record.permanent_id
        held = self._held_status.pop(key, None)
        if held is not None:
            return (frame, held)
        if not record.is_done and self.take("reorder_status", symbol=symbol) is not None:
            self._held_status[key] = frame
            return ()
        doubled = self.take("duplicate_status", symbol=symbol)
        return (frame,) * (int(doubled["copies"]) if doubled is not None else 1)

    def commission_delay(self, execution: ExecutionRecord) -> float | None:
        """Seconds until the commission of an execution is told, None where it is not."""
        symbol = execution.order.listing.symbol
        late = self.take("delay_commission", symbol=symbol)
        if late is not None:
            return float(late["seconds"])
        if self.take("drop_commission", symbol=symbol) is not None:
            execution.is_commission_known = True
            return None
        return 0.0

    def on_fill(self, execution: ExecutionRecord) -> None:
        """An execution happened: its correction may follow."""
        self.happened("fill")
        corrected = self.take("correct_execution", symbol=execution.order.listing.symbol)
        if corrected is not None:
            change = Decimal(str(corrected["price"]))
            self.floor.later(float(corrected["seconds"]), lambda: self._correct(execution, change))

    def _correct(self, execution: ExecutionRecord, change: Decimal) -> None:
        first = execution.told
        if change:
            self.floor.venue.reprice(first.execution_id, change)
        told = replace(first, execution_id=next_revision(first.execution_id), price=first.price + change)
        corrected = ExecutionRecord(execution.order, told, execution.commission, execution.realized)
        self.floor.books.enter(corrected)
        self.floor.orders.tell_execution(corrected)


def next_revision(execution_id: str) -> str:
    """The id of a correction: the number after the last dot is one higher."""
    stem, dot, revision = execution_id.rpartition(".")
    if not dot or not revision.isdigit():
        raise ValueError(f"expected an execution id that ends in a revision such as .01, found {execution_id!r}")
    return f"{stem}.{int(revision) + 1:0{len(revision)}}"


def tell_out_of_the_blue(sessions: Iterable["Session"], parameters: Mapping[str, Any]) -> None:
    """Send an error to the sessions, or to one client's alone."""
    wanted = parameters["client"]
    for session in sessions:
        if wanted is None or session.client_id == wanted:
            request_id = int(parameters.get("request_id", NO_REQUEST))
            session.error(request_id, int(parameters["code"]), parameters["text"])
