"""The names of keys and channels, and how long each kind of value lives.

A key is made of the name that its kind has everywhere, then what tells two of a kind apart:

    market:quote:{symbol}                         simulated:market:quote:{symbol}
    market:ohlcv:{symbol}:{interval}              simulated:market:ohlcv:{symbol}:{interval}
    signal:{mode}:{account}:{strategy}:{symbol}
    position:current:{mode}:{account}:{symbol}
    portfolio:summary:{mode}:{account}
    risk:limits:position:{mode}:{account}
    risk:exposure:current:{mode}:{account}
    session:state:{mode}:{account}

What is about an account bears its mode and its id, so that two accounts on one server keep apart. So do the prices of
a simulated market: an invented price must never stand where another process looks for a real one. A channel is named
after its kind: ``channel:market:quote``, ``channel:position:current:paper:DU123``.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from tickledger.domain.account import Mode

_SIMULATED: Final = "simulated:"


class Kind(StrEnum):
    """What a value is; as text the first part of its key."""

    QUOTE = "market:quote"
    BARS = "market:ohlcv"
    POSITION = "position:current"
    PORTFOLIO = "portfolio:summary"
    SIGNAL = "signal"
    LIMITS = "risk:limits:position"
    EXPOSURE = "risk:exposure:current"
    SESSION = "session:state"

    @property
    def is_of_the_market(self) -> bool:
        """Whether it is the same for every account that looks at one market."""
        return self in {Kind.QUOTE, Kind.BARS}


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How many seconds a value is kept after it was published.

    What holds until it is changed (a position, a limit) is renewed for as long as its session lives; what is a moment's
    (a quote, an opinion, a heartbeat) is not, so that a value that is there is never older than this.
    """

    seconds: float
    is_renewed: bool


LIFETIMES: Final = {
    Kind.QUOTE: Lifetime(300, is_renewed=False),
    Kind.BARS: Lifetime(300, is_renewed=True),
    Kind.POSITION: Lifetime(300, is_renewed=True),
    Kind.PORTFOLIO: Lifetime(300, is_renewed=True),
    Kind.SIGNAL: Lifetime(900, is_renewed=False),
    Kind.LIMITS: Lifetime(3600, is_renewed=True),
    Kind.EXPOSURE: Lifetime(3600, is_renewed=True),
    Kind.SESSION: Lifetime(30, is_renewed=False),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose values they are, and whether the prices are those of a simulated market."""

    mode: Mode
    account_id: str
    is_simulated_market: bool

    def key(self, kind: Kind, *parts: str) -> str:
        """The key of one value; `parts` as in the module's table, without mode and account."""
        return ":".join((self._stem(kind), *map(_escaped, parts)))

    def prefix(self, kind: Kind) -> str:
        """What all keys of a kind begin with."""
        return f"{self._stem(kind)}:"

    def channel(self, kind: Kind) -> str:
        """Where the values of a kind are told as they change."""
        return f"channel:{self._stem(kind)}"

    def _stem(self, kind: Kind) -> str:
        if kind.is_of_the_market:
            return f"{_SIMULATED}{kind}" if self.is_simulated_market else kind.value
        return f"{kind}:{self.mode}:{_escaped(self.account_id)}"


@lru_cache(maxsize=50_000)
def _escaped(part: str) -> str:
    """`part` without what separates parts or means something in a pattern; ordinary symbols stay as they are."""
    return quote(part, safe=" /")
