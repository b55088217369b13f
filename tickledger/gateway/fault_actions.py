"""Throwing the switches: what each fault of `faults` does to a gateway, at the moment it happens."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

from tickledger.domain.errors import InputError, Problem
from tickledger.gateway.fault_switches import tell_out_of_the_blue
from tickledger.gateway.faults import Fault
from tickledger.gateway.order_terms import Refusal
from tickledger.gateway.placed_order import PlacedOrder

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor
    from tickledger.gateway.session import Session

LINK_LOST: Final = 1100
LINK_BACK_DATA_LOST: Final = 1101
LINK_BACK_DATA_KEPT: Final = 1102
FARM_BROKEN: Final = 2103
FARM_BACK: Final = 2104
_ORDER_IDS_OF_HAND: Final = 0


class Process(Protocol):
    """What the floor cannot do to itself: the gateway's process and its sockets."""

    def crash(self) -> None:
        """Close every socket at once, as a killed process does."""

    def restart_later(self, seconds: float) -> None:
        """Listen again after so many seconds."""

    def flood(self, rate: float, seconds: float, *, is_stamped: bool = False) -> None:
        """Send the quotes of all lines again, at a rate."""


class FaultActions:
    """The faults of one gateway."""

    def __init__(self, floor: "Floor", process: Process) -> None:
        self._floor = floor
        self._process = process
        floor.faults.apply = self.apply

    def apply(self, fault: Fault) -> None:
        """Let a fault happen now; those that wait for an order, a request and the like are armed."""
        action = _ACTIONS.get(fault.do)
        if action is None:
            self._floor.faults.arm(fault)
            return
        self._floor.faults.counted[fault.do] += 1
        action(self, fault.parameters)

    def plan(self, faults: Iterable[Fault]) -> None:
        """Let each happen when it says: now, after a while, or when its event or instant comes.

        Raises InputError before any of them happens where one cannot.
        """
        planned = list(faults)
        for fault in planned:
            self._check(fault)
        for fault in planned:
            if fault.on is not None or fault.at is not None:
                self._floor.faults.waiting.append(fault)
            elif fault.after is not None:
                self._floor.later(fault.after, lambda fault=fault: self.apply(fault))  # type: ignore[misc]
            else:
                self.apply(fault)

    def _check(self, fault: Fault) -> None:
        """Raises InputError for a symbol that is not listed, or an order by hand that TWS would not take."""
        if fault.do == "order_by_hand":
            self._of_hand(lambda: self._floor.orders.check_by_hand(order_by_hand(fault.parameters)))
            return
        symbol, symbols = fault.parameters.get("symbol"), fault.parameters.get("symbols") or ()
        born = (action.new_symbol for action in self._floor.tape.corporate_actions)
        listed = {*self._symbols(), *born, None}
        for one in (symbol, *symbols):
            if one not in listed:
                raise InputError([Problem(fault.do, expected="a symbol of the tape", found=one, column="symbol")])

    def _of_hand(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Refusal as refusal:
            found = f"{refusal.code}: {refusal.text}"
            raise InputError([Problem("order_by_hand", expected="an order TWS takes", found=found)]) from refusal

    def on_time(self) -> None:
        """Let those happen whose instant the venue has reached."""
        now = self._floor.venue.now
        for fault in [one for one in self._floor.faults.waiting if one.at is not None and one.at <= now]:
            self._floor.faults.waiting.remove(fault)
            self.apply(fault)

    def _lose_link(self, _: Mapping[str, Any]) -> None:
        self._floor.tell_all(LINK_LOST, "Connectivity between IB and Trader Workstation has been lost.")
        self._floor.faults.is_link_down = True

    def _restore_link(self, parameters: Mapping[str, Any]) -> None:
        self._floor.faults.is_link_down = False
        if parameters["data"] == "lost":
            self._floor.feed.end_all()
            self._floor.history.end_all()
            text = "Connectivity between IB and Trader Workstation has been restored - data lost."
            self._floor.tell_all(LINK_BACK_DATA_LOST, text)
        else:
            text = "Connectivity between IB and Trader Workstation has been restored - data maintained. "
            self._floor.tell_all(LINK_BACK_DATA_KEPT, f"{text}All data farms are connected: usfarm; ushmds.")
        self._floor.orders.release()

    def _daily_reset(self, parameters: Mapping[str, Any]) -> None:
        self._lose_link(parameters)
        if parameters["closes"]:
            self._floor.is_accepting = False
            self._close_all()
        self._roll_back_ids({"count": parameters["ids_back"]})
        self._floor.later(float(parameters["seconds"]), lambda: self._end_reset(parameters))

    def _end_reset(self, parameters: Mapping[str, Any]) -> None:
        self._floor.is_accepting = True
        self._restore_link(parameters)

    def _roll_back_ids(self, parameters: Mapping[str, Any]) -> None:
        count = int(parameters["count"])
        for client_id in self._floor.books.clients():
            self._floor.books.roll_back(client_id, count)

    def _break_farm(self, parameters: Mapping[str, Any]) -> None:
        self._floor.tell_all(FARM_BROKEN, "Market data farm connection is broken:usfarm")
        self._kill_feed(parameters)

    def _mend_farm(self, parameters: Mapping[str, Any]) -> None:
        faults = self._floor.faults
        if not parameters["resumes"]:
            self._floor.feed.kill(faults.dead_symbols if not faults.are_feeds_dead else self._symbols())
        faults.are_feeds_dead = False
        faults.dead_symbols.clear()
        self._floor.tell_all(FARM_BACK, "Market data farm connection is OK:usfarm")

    def _kill_feed(self, parameters: Mapping[str, Any]) -> None:
        if parameters["symbols"] is None:
            self._floor.faults.are_feeds_dead = True
        else:
            self._floor.faults.dead_symbols.update(parameters["symbols"])

    def _symbols(self) -> Iterable[str]:
        return self._floor.directory.symbols()

    def _crash(self, parameters: Mapping[str, Any]) -> None:
        self._process.crash()
        if parameters["restart_after"] is not None:
            self._process.restart_later(float(parameters["restart_after"]))

    def _sessions(self, client: float | None) -> list["Session"]:
        return [one for one in self._floor.sessions if client is None or one.client_id == client]

    def _close_all(self) -> None:
        self._disconnect({"client": None})

    def _disconnect(self, parameters: Mapping[str, Any]) -> None:
        for session in self._sessions(parameters["client"]):
            session.connection.close()

    def _half_open(self, parameters: Mapping[str, Any]) -> None:
        for session in self._sessions(parameters["client"]):
            session.connection.become_half_open()

    def _drip(self, parameters: Mapping[str, Any]) -> None:
        for session in self._sessions(parameters["client"]):
            session.connection.is_dripping = parameters["is_on"]

    def _error(self, parameters: Mapping[str, Any]) -> None:
        tell_out_of_the_blue(self._floor.sessions, parameters)

    def _unsubscribe(self, parameters: Mapping[str, Any]) -> None:
        if parameters["symbols"] is None:
            self._floor.faults.is_nothing_subscribed = True
        else:
            self._floor.faults.unsubscribed.update(parameters["symbols"])

    def _halt(self, parameters: Mapping[str, Any]) -> None:
        self._floor.tell(self._floor.venue.halt(parameters["symbol"]))

    def _resume(self, parameters: Mapping[str, Any]) -> None:
        self._floor.tell(self._floor.venue.resume(parameters["symbol"]))

    def _order_by_hand(self, parameters: Mapping[str, Any]) -> None:
        self._of_hand(lambda: self._floor.orders.place_by_hand(order_by_hand(parameters)))

    def _flood(self, parameters: Mapping[str, Any]) -> None:
        rate, seconds = float(parameters["rate"]), float(parameters["seconds"])
        self._process.flood(rate, seconds, is_stamped=parameters["is_stamped"])


def order_by_hand(parameters: Mapping[str, Any]) -> PlacedOrder:
    """The order somebody enters in TWS: its terms as a client would have sent them, and no id."""
    price = parameters["price"]
    order_type = parameters["order_type"]
    told = "" if price is None else f"{Decimal(str(price)):f}"
    is_stop = order_type == "STP"
    terms = {
        "action": parameters["action"],
        "totalQuantity": f"{Decimal(str(parameters['quantity'])):f}",
        "orderType": order_type,
        "lmtPrice": "" if is_stop else told,
        "auxPrice": told if is_stop else "",
        "tif": "DAY",
        "orderRef": parameters["reference"],
        "transmit": "1",
        "openClose": "O",
        "origin": "0",
    }
    contract = {"conId": "", "symbol": parameters["symbol"], "secType": "STK", "exchange": "SMART"}
    blank = dict.fromkeys(
        ("lastTradeDateOrContractMonth", "strike", "right", "multiplier", "primaryExchange", "localSymbol"), ""
    )
    contract |= blank | {"currency": "USD", "tradingClass": ""}
    return PlacedOrder(_ORDER_IDS_OF_HAND, contract, terms)


_ACTIONS: Final[Mapping[str, Callable[[FaultActions, Mapping[str, Any]], None]]] = {
    "lose_link": FaultActions._lose_link,  # noqa: SLF001  the table of the class's own actions
    "restore_link": FaultActions._restore_link,  # noqa: SLF001
    "daily_reset": FaultActions._daily_reset,  # noqa: SLF001
    "roll_back_ids": FaultActions._roll_back_ids,  # noqa: SLF001
    "break_farm": FaultActions._break_farm,  # noqa: SLF001
    "mend_farm": FaultActions._mend_farm,  # noqa: SLF001
    "kill_feed": FaultActions._kill_feed,  # noqa: SLF001
    "crash": FaultActions._crash,  # noqa: SLF001
    "disconnect": FaultActions._disconnect,  # noqa: SLF001
    "half_open": FaultActions._half_open,  # noqa: SLF001
    "drip": FaultActions._drip,  # noqa: SLF001
    "error": FaultActions._error,  # noqa: SLF001
    "unsubscribe": FaultActions._unsubscribe,  # noqa: SLF001
    "halt": FaultActions._halt,  # noqa: SLF001
    "resume": FaultActions._resume,  # noqa: SLF001
    "order_by_hand": FaultActions._order_by_hand,  # noqa: SLF001
    "flood": FaultActions._flood,  # noqa: SLF001
}
