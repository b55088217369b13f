"""The lease of an account: one process at a time may trade it, and one that lost it finds out before it sends.

A lease is a row with an epoch that grows at each acquisition and an instant at which it runs out, by the database's
clock. Three checks rest on it, each for another way of being late:

    guard       in the transaction that writes an order: the epoch is still ours and has not run out. It holds the row
                until the commit, so after another's acquisition no order of ours is committed.
    objection   right before the socket write: the time since the last renewal was *sent*, by a clock that goes on
                while the process or the machine is suspended, is shorter than the lease less the margin.
    acquire     waits out the margin after the lease has run out, so two margins lie between the last moment at which
                one process begins a write to its socket and the first at which another does.

Locks: `guard` takes the lease's row (shared), the journal of orders before its own locks, the session's record after
them; neither takes a lock of the other. Everything else here is one statement that is committed with its end and takes
the lease's row alone. So nothing waits in a circle, and a frozen process holds no lock but those of a guarded
transaction, which whoever acquires next ends.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, Engine

from tickledger.db.accounts import mode_of
from tickledger.db.engine import create_ledger_engine
from tickledger.db.lease_statements import ACQUIRE, END_FROZEN, GUARD, IS_FREE, READ, RELEASE, RENEW
from tickledger.db.versions import refusals
from tickledger.domain.account import Mode
from tickledger.domain.errors import ConfigurationError, FencedError
from tickledger.domain.trading_session import Lease

#: How long a lease lasts that is not renewed: what a successor waits for after a crash, besides the margin.
DURATION: Final = timedelta(seconds=10)
#: Far more than a message takes from our socket to the broker's, and than two clocks drift apart in `DURATION`.
MARGIN: Final = timedelta(seconds=2)
#: How long `renew` may keep its caller waiting, and how long a statement may take before the server gives it up.
PATIENCE: Final = timedelta(milliseconds=50)
_STATEMENT: Final = timedelta(seconds=1)
_RENEWALS: Final = 4


def seconds_since_boot() -> float:
    """A clock that only goes forward, and goes on while the process is stopped and the machine sleeps."""
    return time.clock_gettime(_COUNTS_SLEEP)


# Linux alone leaves sleep out of CLOCK_MONOTONIC.
_COUNTS_SLEEP: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def read_lease(engine: Engine, account_id: str) -> Lease | None:
    """The last lease of an account, whether or not it is still in force; None before the first."""
    with refusals("the lease"), engine.connect() as connection:
        return _lease(connection.execute(READ, {"account_id": account_id}))


@dataclass(slots=True)
class _Renewal:
    """One renewal under way: when it was sent, and what became of it once `is_done`."""

    lease: Lease
    sent_at: float
    is_done: threading.Event = field(default_factory=threading.Event)
    error: FencedError | ConfigurationError | None = None


class LeaseKeeper:
    """The lease of `account_id`, as the process `holder` (host, process id, session) has it or tries to have it.

    Call `renew` every `renewal_interval` from the loop that trades: a loop that hangs has to lose its lease. All of it
    raises ConfigurationError where the database does not answer; `objection` then comes by itself, as time goes by.
    `elapsed` counts seconds as `seconds_since_boot` does.
    """

    def __init__(
        self,
        engine: Engine,
        account_id: str,
        *,
        holder: str,
        duration: timedelta = DURATION,
        margin: timedelta = MARGIN,
        patience: timedelta = PATIENCE,
        elapsed: Callable[[], float] = seconds_since_boot,
    ) -> None:
        if not timedelta(0) < margin < duration:
            raise ValueError(f"expected a margin between 0 and the lease's {duration}, found {margin}")
        # A connection of its own: those of the ledger may all be in use when a renewal is due.
        url = engine.url.render_as_string(hide_password=False)
        self._engine = create_ledger_engine(url, pool_size=1, within=min(_STATEMENT, margin))
        self._account_id = account_id
        self._holder = holder
        self._duration = duration
        self._margin = margin
        self._patience = patience.total_seconds()
        self._elapsed = elapsed
        self._mode: Mode | None = None
        self._lease: Lease | None = None
        self._valid_until = 0.0
        self._why_not = f"the lease of account {account_id} was not acquired"
        self._renewal: _Renewal | None = None
        self._settling = threading.Lock()

    @property
    def lease(self) -> Lease | None:
        """The lease as it was last renewed, None while there is none or it is lost."""
        return self._lease

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against sending an order now."""
        return self.objection() is None

    @property
    def renewal_interval(self) -> timedelta:
        """How often to renew: several renewals may fail before the lease has run out."""
        return (self._duration - self._margin) / _RENEWALS

    def acquire(self) -> Lease | None:
        """The lease, under an epoch above all before it; None while another's is in force, and for a margin after.

        A lease that was released is free at once. Ask again every second or so: who waits takes no lock. Raises
        LedgerError where the account is not recorded.
        """
        asked = {"account_id": self._account_id, "margin": self._margin}
        with refusals("the lease"), self._connected() as connection:
            self._mode = self._mode or mode_of(connection, self._account_id)
            if connection.execute(IS_FREE, asked).scalar() is False:
                return None
            connection.execute(END_FROZEN, asked)
            sent_at = self._elapsed()
            wanted = asked | {"mode": self._mode, "holder": self._holder, "duration": self._duration}
            acquired = _lease(connection.execute(ACQUIRE, wanted))
        if acquired is not None:
            with self._settling:
                self._lease, self._renewal = acquired, None
                self._valid_until = self._last_moment(sent_at)
        return acquired

    def renew(self) -> None:
        """Ask for the lease to last another `duration` from now; returns or raises within twice the `patience`.

        Raises FencedError where the epoch is not ours any more, ConfigurationError where the database has not
        answered or could not: a renewal whose answer comes later counts when it comes, from when it was sent.
        """
        if self._renewal is not None and not self._renewal.is_done.is_set():
            # What is on its way was asked for by an earlier call; this one asks anew once it has come.
            self._await(self._renewal)
        if self._lease is None:
            raise FencedError(self._why_not)
        renewal = self._renewal = _Renewal(self._lease, sent_at=self._elapsed())
        # In a thread, because a database that hangs keeps whoever asks it for as long; nothing waits for it at the end
        # of the process.
        threading.Thread(target=self._carry_out, args=[renewal], name="lease renewal", daemon=True).start()
        self._await(renewal)
        if renewal.error is not None:
            raise renewal.error

    def release(self) -> None:
        """Give the lease up, so that another may have it at once; only when nothing of ours can reach the broker.

        A lease that is lost already is left alone.
        """
        lease = self._lease
        self._lose("the lease was released")
        if lease is not None:
            with refusals("the lease"), self._connected() as connection:
                connection.execute(RELEASE, {"account_id": lease.account_id, "epoch": lease.epoch})

    def close(self) -> None:
        """Close the connection; the lease stays as it is."""
        self._engine.dispose()

    def guard(self, connection: Connection, account_id: str) -> None:
        """Raise FencedError unless this process may trade `account_id` until the transaction of `connection` ends.

        One statement, first in a short transaction or last in a long one: until its end the lease cannot be renewed.
        """
        lease, reason = self._lease, self.objection()
        if account_id != self._account_id:
            reason = f"the lease is of account {self._account_id}, not of {account_id}"
        if lease is None or reason is not None:
            raise FencedError(reason or self._why_not)
        asked = {"account_id": account_id, "epoch": lease.epoch}
        if connection.execute(GUARD, asked).scalar() is not True:
            raise self._fenced(lease, _lease(connection.execute(READ, {"account_id": account_id})))

    def objection(self) -> str | None:
        """Why no order may be sent now, None where one may; asks nobody but the clock."""
        lease = self._lease
        if lease is None:
            return self._why_not
        late = self._elapsed() - self._valid_until
        if late < 0:
            return None
        return (
            f"the lease of account {self._account_id}, epoch {lease.epoch}, was not renewed in time ({late:.1f} s ago)"
        )

    def _await(self, renewal: _Renewal) -> None:
        if not renewal.is_done.wait(self._patience):
            waited = self._elapsed() - renewal.sent_at
            raise ConfigurationError(f"the database has not renewed the lease of {self._account_id} in {waited:.2f} s")

    def _carry_out(self, renewal: _Renewal) -> None:
        """Renew on the server, in a thread; what comes of it is in force when `is_done` is set."""
        lease = renewal.lease
        asked = {"account_id": lease.account_id, "epoch": lease.epoch, "duration": self._duration}
        try:
            with refusals("the lease"), self._connected() as connection:
                renewed = _lease(connection.execute(RENEW, asked))
                if renewed is not None:
                    self._settle(renewal, renewed)
                else:
                    found = _lease(connection.execute(READ, {"account_id": lease.account_id}))
                    renewal.error = self._fenced(lease, found)
        except ConfigurationError as error:
            renewal.error = error
        except Exception as error:  # noqa: BLE001  whoever waits has to be told, whatever it is
            renewal.error = ConfigurationError(f"the lease of {lease.account_id} could not be renewed: {error!r}")
        finally:
            renewal.is_done.set()

    def _settle(self, renewal: _Renewal, renewed: Lease) -> None:
        with self._settling:
            if self._lease is not None and self._lease.epoch == renewed.epoch:
                self._lease = renewed
                self._valid_until = max(self._valid_until, self._last_moment(renewal.sent_at))

    def _lose(self, reason: str, *, of: int | None = None) -> None:
        with self._settling:
            if self._lease is not None and of in {None, self._lease.epoch}:
                self._lease, self._why_not = None, reason

    def _last_moment(self, sent_at: float) -> float:
        """Until when orders may be sent by a lease that was asked for at `sent_at`: the server began later than we."""
        return sent_at + (self._duration - self._margin).total_seconds()

    def _fenced(self, lease: Lease, found: Lease | None) -> FencedError:
        """What to raise where the record has `found` instead of our `lease`; only one that ran out may be renewed."""
        ours = f"the lease of account {lease.account_id}, epoch {lease.epoch}"
        if found is not None and found.epoch == lease.epoch and found.released_at is None:
            return FencedError(f"{ours}, ran out at {found.expires_at:%Y-%m-%d %H:%M:%S} UTC")
        state = "is not recorded any more"
        if found is not None:
            state = (
                "was released" if found.epoch == lease.epoch else f"is over: epoch {found.epoch} is {found.holder}'s"
            )
        error = FencedError(f"{ours}, {state}")
        self._lose(str(error), of=lease.epoch)
        return error

    def _connected(self) -> Connection:
        # Each statement is committed with its end: a process that stops between two holds no lock.
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def _lease(result: CursorResult[Any]) -> Lease | None:
    row = result.mappings().first()
    return None if row is None else Lease(**row)
