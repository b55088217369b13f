"""The market that ``tickledger up`` makes where no broker is named: a gateway on the bundled sample, at speed.

Every time it begins anew, with an account of its own: the gateway forgets what it held, and the record does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from tickledger.bars.calendars import session_open
from tickledger.cli.ports import LOOPBACK, free_port
from tickledger.domain.account import Mode
from tickledger.settings import Settings, origins

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: From here on every symbol of the sample is traded; to its end there are nine months.
FIRST_SESSION: Final = date(2012, 7, 2)
#: Seconds of the wall from a close to the next open: a session ends, its books are made, the next one starts.
NIGHT_SECONDS: Final = 60.0
#: USD, as much as the demonstration's account has: the limits of the settings fit it.
_CASH: Final = 100_000
_SYMBOLS: Final = "AAPL,FB,GOOG,IBM,MSFT"
_FIRST_NUMBER: Final = 9_000_001
_PREFIX: Final = "DU"
_BROKER_SETTINGS: Final = ("ib_host", "ib_port", "gateway_control")


def names_a_broker(settings: Settings) -> bool:
    """Whether the settings say where to trade: a live account, or the address of a gateway."""
    found = origins(settings)
    return settings.mode is Mode.LIVE or any(found[name] != "default" for name in _BROKER_SETTINGS)


@dataclass(frozen=True, slots=True)
class SimulatedMarket:
    """A gateway of the sample: its ports, its account, and how many seconds of it pass in one of the wall's."""

    port: int
    control_port: int
    account: str
    speed: float

    @classmethod
    def new(cls, engine: "Engine", speed: float) -> Self:
        """One on free ports, whose account the record does not know yet."""
        return cls(free_port(), free_port(), _new_account(engine), speed)

    @property
    def starts_at(self) -> datetime:
        """Half a night before the first open."""
        return session_open(FIRST_SESSION) - timedelta(seconds=NIGHT_SECONDS / 2 * self.speed)

    @property
    def command(self) -> Sequence[str]:
        """The module that runs it, and its arguments."""
        options = {
            "--host": LOOPBACK,
            "--port": self.port,
            "--control-port": self.control_port,
            "--account": self.account,
            "--cash": _CASH,
            "--speed": f"{self.speed:g}",
            "--nights": f"{NIGHT_SECONDS:g}",
            "--start": f"{self.starts_at:%Y-%m-%dT%H:%M:%S%z}",
        }
        return ["tickledger.cli", "gateway", *(str(part) for option in options.items() for part in option)]

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings with which another process trades at it."""
        return {
            "TICKLEDGER_MODE": str(Mode.PAPER),
            "TICKLEDGER_IB_HOST": LOOPBACK,
            "TICKLEDGER_IB_PORT": str(self.port),
            "TICKLEDGER_IB_ACCOUNT": self.account,
            "TICKLEDGER_GATEWAY_CONTROL": f"{LOOPBACK}:{self.control_port}",
            "TICKLEDGER_SYMBOLS": _SYMBOLS,
        }


def _new_account(engine: "Engine") -> str:
    from tickledger.db.accounts import read_accounts

    known = {account.account_id for account in read_accounts(engine)}
    number = _FIRST_NUMBER
    while f"{_PREFIX}{number}" in known:
        number += 1
    return f"{_PREFIX}{number}"
