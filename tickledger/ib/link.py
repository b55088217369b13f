"""How far the link to IB can be relied on, by the messages that tell of it: pure state, no sockets.

CONNECTED: the gateway has its link to IB, and no market data farm is missing. DEGRADED: one of the two is not so.
While the link is lost, nothing may be modified: what was sent then has made two orders of one. After it is restored
everything has to be asked for again, fills included.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from tickledger.domain.broker import Connectivity
from tickledger.ib.errors import ErrorClass, meaning_of

_BROKEN_LINK = 2110
_DATA_FARMS = frozenset({2103, 2104, 2108})


class Effect(Enum):
    """What a message of the link asks for: ask the broker for all, request all market data again, or reconnect."""

    SNAPSHOT = auto()
    RESUBSCRIBE = auto()
    RECONNECT = auto()


@dataclass(slots=True)
class LinkState:
    """What is lost at the moment: the link (and by which code), data farms by name; how often the link was lost."""

    lost_link_code: int | None = None
    losses: int = 0
    lost_farms: set[str] = field(default_factory=set)

    @property
    def connectivity(self) -> Connectivity:
        """Of a connection that is up."""
        is_whole = self.lost_link_code is None and not self.lost_farms
        return Connectivity.CONNECTED if is_whole else Connectivity.DEGRADED

    @property
    def has_link(self) -> bool:
        """Whether the gateway reaches IB: whether orders do."""
        return self.lost_link_code is None

    def take(self, code: int, text: str) -> frozenset[Effect]:
        """Book a message; what it asks for."""
        match meaning_of(code).error_class:
            case ErrorClass.LINK_LOST:
                self.lost_link_code = self.lost_link_code or code
                self.losses += 1
            case ErrorClass.LINK_RESTORED:
                self.lost_link_code = None
                return frozenset({Effect.SNAPSHOT})
            case ErrorClass.LINK_RESTORED_DATA_LOST:
                self.lost_link_code = None
                self.lost_farms.clear()
                return frozenset({Effect.SNAPSHOT, Effect.RESUBSCRIBE})
            case ErrorClass.FATAL:
                return frozenset({Effect.RECONNECT})
            case _ if code in _DATA_FARMS or meaning_of(code).error_class is ErrorClass.FARM_RESTORED:
                return self._farm(code, text)
        return frozenset()

    def _farm(self, code: int, text: str) -> frozenset[Effect]:
        farm = text.rpartition(":")[2].strip().lower() if ":" in text else ""
        if meaning_of(code).error_class is ErrorClass.FARM_LOST:
            self.lost_farms.add(farm)
            return frozenset()
        was_lost = farm in self.lost_farms
        self.lost_farms.discard(farm)
        # No message of its own ends 2110; that a farm answers says that the link is there.
        was_broken = self.lost_link_code == _BROKEN_LINK
        if was_broken:
            self.lost_link_code = None
        if not was_lost and not was_broken:
            return frozenset()
        return frozenset({Effect.SNAPSHOT, Effect.RESUBSCRIBE} if was_lost else {Effect.SNAPSHOT})
