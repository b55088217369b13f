"""The floor: the venue, the broker's books and the clients that are connected, and who is told what happens.

What the venue tells goes through here, in its order: executions and orders to those they concern, quotes, prints and
minutes to who asked for them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tickledger.domain.bar import Print, Quote
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import OrderUpdate, VenueEvent, VenueFill
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.gateway import answers
from tickledger.gateway.account_desk import AccountDesk
from tickledger.gateway.books import Books
from tickledger.gateway.fault_switches import FaultSwitches
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.history_desk import HistoryDesk
from tickledger.gateway.listings import Directory, SecurityName
from tickledger.gateway.market_feed import MarketFeed
from tickledger.gateway.order_desk import OrderDesk
from tickledger.gateway.session import Session

MARKET_DATA_FARM: Final = 2104
HISTORY_FARM: Final = 2106
SECURITY_FARM: Final = 2158
BROKEN_LINK: Final = 2110
_FARMS: Final = (
    (MARKET_DATA_FARM, "Market data farm connection is OK:usfarm"),
    (HISTORY_FARM, "HMDS data farm connection is OK:ushmds"),
    (SECURITY_FARM, "Sec-def data farm connection is OK:secdefnj"),
)
Scheduler = Callable[[float, Callable[[], None]], None]


class Floor:
    """Everything that outlives a connection.

    `later` runs something after so many seconds of the wall, which `wall_seconds` counts.
    """

    def __init__(
        self,
        venue: Venue,
        tape: MarketTape,
        settings: GatewaySettings,
        *,
        venue_settings: VenueSettings,
        names: Mapping[str, SecurityName],
        later: Scheduler,
        wall_seconds: Callable[[], float],
    ) -> None:
        self.venue = venue
        self.tape = tape
        self.settings = settings
        self.venue_settings = venue_settings
        self.directory = Directory(tape.symbols, names)
        self.books = Books(first_order_id=settings.first_order_id)
        self.sessions: list[Session] = []
        self.later = later
        self.wall_seconds = wall_seconds
        self.is_accepting = True
        self.faults = FaultSwitches(self)
        self.feed = MarketFeed(self)
        self.history = HistoryDesk(self)
        self.accounts = AccountDesk(self)
        self.orders = OrderDesk(self)

    def admit(self, session: Session, client_id: int) -> bool:
        """Whether the client id is free, in which case the session is on the floor."""
        if any(other.client_id == client_id for other in self.sessions) or self.faults.refuses_client(client_id):
            return False
        self.sessions.append(session)
        return True

    def welcome(self, session: Session) -> None:
        """What TWS says to a client that has just come in."""
        session.send(answers.managed_accounts([self.settings.account]))
        session.send(answers.next_valid_id(self.books.next_order_id(session.client_id)))
        broken = "Connectivity between Trader Workstation and server is broken. It will be restored automatically."
        for code, text in ((BROKEN_LINK, broken),) if self.faults.is_link_down else _FARMS:
            session.error(answers.NO_REQUEST, code, text)
        self.faults.on_connect(session)

    def dismiss(self, session: Session) -> None:
        """Forget a session; its orders go on."""
        if session in self.sessions:
            self.sessions.remove(session)
        self.feed.forget(session)
        self.history.forget(session)
        self.accounts.forget(session)

    def tell(self, events: Iterable[VenueEvent]) -> None:
        """Pass on what the venue told."""
        for event in events:
            match event:
                case Quote():
                    self.feed.on_quote(event)
                case Print():
                    self.feed.on_print(event)
                    self.history.on_print(event)
                case OrderUpdate():
                    self.orders.on_update(event)
                case VenueFill():
                    self.orders.on_fill(event)
                    self.accounts.on_fill(event)
                case _:
                    self.feed.on_other(event)

    def tell_all(self, code: int, text: str) -> None:
        """A message about the system to every client."""
        for session in self.sessions:
            session.error(answers.NO_REQUEST, code, text)
