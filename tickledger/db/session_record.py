"""The record of a live session beside its orders, written behind it: the session adds, a thread commits in groups.

To add costs the session a list append. What was added is durable when `flushed` has returned, which the session waits
for before it sends an order that refers to it. While the database is away everything is kept and written again when it
is back; ids are functions of content, so a group whose commit was not confirmed is written again without harm. A row
that the record refuses is told once and for all: the others are still written, but no order may follow.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Engine

from tickledger.db.session_rows import (
    Addition,
    Bars,
    Close,
    FeatureRow,
    Features,
    Guard,
    SessionRows,
    Signals,
    row_count,
)
from tickledger.domain.bar import Bar
from tickledger.domain.errors import ConfigurationError, FencedError, LedgerError, TickledgerError
from tickledger.domain.execution import CashTransaction
from tickledger.domain.order import RiskDecision
from tickledger.domain.position import Balance, Position
from tickledger.domain.signal import Signal

#: How long a row may wait for others to be written with.
DELAY: Final = timedelta(milliseconds=50)
#: How long `flush` waits for the database.
PATIENCE: Final = timedelta(seconds=3)
#: Rows kept in memory: some hours of 100 symbols by the minute, about 0.5 GB.
CAPACITY: Final = 500_000
_GROUP: Final = 5_000
#: Seconds between attempts while the database is away.
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0)
_LONGEST_TOLD: Final = 300


class SessionRecorder:
    """The Journal port's non-order half, and the lineage below it, over the ledger; as a context, closed at its end.

    Methods that add return at once. They raise LedgerError after a row was refused, and ConfigurationError where more
    than `capacity` rows would wait: then nothing is added.
    """

    def __init__(
        self,
        engine: Engine,
        account_id: str,
        *,
        session_id: str,
        session_date: date,
        guard: Guard | None = None,
        delay: timedelta = DELAY,
        patience: timedelta = PATIENCE,
        capacity: int = CAPACITY,
    ) -> None:
        self._rows = SessionRows(engine, account_id, session_id=session_id, session_date=session_date, guard=guard)
        self._delay = delay.total_seconds()
        self._patience = patience.total_seconds()
        self._capacity = capacity
        self._positions: list[Position] = []
        self._state = threading.Condition()
        self._waiting: deque[Addition] = deque()
        self._waiting_rows = 0
        #: Additions so far, and how many of them, from the first, are dealt with: written or refused.
        self._added = self._done = 0
        self._oldest_at = 0.0
        self._is_hurried = self._is_closing = False
        self._failure: ConfigurationError | FencedError | None = None
        self._refusal: LedgerError | None = None
        self._waiters: list[_Waiter] = []
        self._written_rows = 0
        self._thread = threading.Thread(target=self._run, name="session record", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> TickledgerError | None:
        """What keeps rows from being written: a refusal for good; until it is mended, a database or a lease."""
        return self._refusal or self._failure

    @property
    def is_failing(self) -> bool:
        """Whether something keeps rows from being written."""
        return self.problem is not None

    @property
    def waiting_rows(self) -> int:
        """Rows that are not durable yet."""
        return self._waiting_rows

    @property
    def written_rows(self) -> int:
        """Rows that this recorder made durable; those that were there already are not counted."""
        return self._written_rows

    def record_bars(self, bars: Sequence[Bar], interval: str) -> None:
        """Add bars of one interval, which are published once: another bar of the same id is refused."""
        self._add(Bars(tuple(bars), interval))

    def record_features(self, rows: Sequence[FeatureRow]) -> None:
        """Add feature rows of bars that were added before or with them."""
        self._add(Features(tuple(rows)))

    def record_signals(self, signals: Sequence[Signal]) -> None:
        """Add signals and what composites were made of."""
        self._add(Signals(tuple(signals)))

    def record_risk_decision(self, decision: RiskDecision) -> None:
        """Add what risk said, where it is not written with its order."""
        self._add(decision)

    def record_cash_transaction(self, transaction: CashTransaction) -> None:
        """Add cash that no fill moved."""
        self._add(transaction)

    def record_position(self, position: Position) -> None:
        """Keep a holding at a close until its balance follows."""
        self._positions.append(position)

    def record_balance(self, balance: Balance) -> None:
        """Add an account's close: this balance and the positions since the one before, and no others of its date."""
        held, self._positions = self._positions, []
        self._add(Close(tuple(held), balance))

    async def flushed(self) -> None:
        """Wait until all that was added so far is durable, for the recorder's patience at most.

        Raises ConfigurationError where the database has not written it by then (it is kept, and written later),
        LedgerError where a row was refused, FencedError where another session took this one's place.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        with self._state:
            self._raise_refusal()
            if self._done >= self._added:
                return
            self._waiters.append(_Waiter(self._added, loop, done))
            self._hurry()
        # Not wait_for: it loses a cancellation that comes together with a result.
        await asyncio.wait({done}, timeout=self._patience)
        if not done.done():
            done.cancel()
            raise self._failure or self._too_late()
        done.result()

    def flush(self, timeout: timedelta | None = None) -> None:
        """As `flushed`, for a thread that is no event loop's; waits for `timeout`, else for the recorder's patience."""
        deadline = time.monotonic() + (self._patience if timeout is None else timeout.total_seconds())
        with self._state:
            wanted = self._added
            self._hurry()
            while self._refusal is None and self._done < wanted:
                left = deadline - time.monotonic()
                if left <= 0 or isinstance(self._failure, FencedError):
                    raise self._failure or self._too_late()
                self._state.wait(left)
            self._raise_refusal()

    def close(self, timeout: timedelta | None = None) -> None:
        """Write what waits and end the thread; raises as `flush` does, and what is not written then is lost."""
        try:
            self.flush(timeout)
        finally:
            with self._state:
                self._is_closing = True
                self._state.notify_all()
            self._thread.join(self._patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _add(self, addition: Addition) -> None:
        rows = row_count(addition)
        if rows == 0:
            return
        with self._state:
            self._raise_refusal()
            if self._waiting_rows + rows > self._capacity:
                raise self._too_far_behind()
            if not self._waiting:
                self._oldest_at = time.monotonic()
            self._waiting.append(addition)
            self._waiting_rows += rows
            self._added += 1
            # The thread looks again by itself after the delay: it need not be woken for each row.
            if len(self._waiting) == 1 or self._waiting_rows >= _GROUP:
                self._state.notify_all()

    def _hurry(self) -> None:
        self._is_hurried = True
        self._state.notify_all()

    def _run(self) -> None:
        while group := self._next_group():
            self._write(group)

    def _next_group(self) -> list[Addition]:
        """What is to be written together next; nothing when the recorder is closed."""
        with self._state:
            while not self._waiting and not self._is_closing:
                self._state.wait()
            while not (self._is_hurried or self._is_closing or self._waiting_rows >= _GROUP):
                left = self._oldest_at + self._delay - time.monotonic()
                if left <= 0:
                    break
                self._state.wait(left)
            group, rows = [], 0
            while self._waiting and (rows == 0 or rows + row_count(self._waiting[0]) <= _GROUP):
                rows += row_count(self._waiting[0])
                group.append(self._waiting.popleft())
            self._is_hurried = self._is_hurried and bool(self._waiting)
            return group

    def _write(self, group: list[Addition]) -> None:
        """Write a group until it is written or refused; one by one where something of it is refused."""
        attempts = 0
        while True:
            try:
                self._settle(group, self._rows.write(group))
            except (ConfigurationError, FencedError) as error:
                if not self._fail(error, pause=_PAUSES[min(attempts, len(_PAUSES) - 1)]):
                    return
                attempts += 1
            except Exception as error:  # noqa: BLE001  a thread that ends would leave the session waiting
                if len(group) == 1:
                    self._refuse(group, error)
                else:
                    for addition in group:
                        self._write([addition])
                return
            else:
                return

    def _settle(self, group: Sequence[Addition], written: int) -> None:
        with self._state:
            self._done += len(group)
            self._waiting_rows -= sum(map(row_count, group))
            self._written_rows += written
            self._failure = None
            self._state.notify_all()
            for waiter in [waiter for waiter in self._waiters if waiter.wanted <= self._done]:
                self._waiters.remove(waiter)
                waiter.tell(self._refusal)

    def _fail(self, error: ConfigurationError | FencedError, *, pause: float) -> bool:
        """Note that the database did not write, and wait; whether to try again."""
        with self._state:
            self._failure = error
            if isinstance(error, FencedError):
                self._tell_all(error)
            self._state.notify_all()
            return not self._state.wait_for(lambda: self._is_closing, timeout=pause)

    def _refuse(self, group: Sequence[Addition], error: Exception) -> None:
        if not isinstance(error, LedgerError):
            error = LedgerError(f"the record refuses {_short(group[0])}: {error!r}")
        with self._state:
            self._refusal = self._refusal or error
            self._tell_all(self._refusal)
        self._settle(group, 0)

    def _tell_all(self, error: TickledgerError) -> None:
        for waiter in self._waiters:
            waiter.tell(error)
        self._waiters.clear()

    def _raise_refusal(self) -> None:
        if self._refusal is not None:
            raise self._refusal

    def _too_late(self) -> ConfigurationError:
        waited = time.monotonic() - self._oldest_at
        return ConfigurationError(f"the database has not written {self._waiting_rows:,} rows within {waited:.1f} s")

    def _too_far_behind(self) -> ConfigurationError:
        why = "" if self._failure is None else f": {self._failure}"
        return ConfigurationError(f"{self._waiting_rows:,} rows wait for the database, as many as may{why}")


@dataclass(frozen=True, slots=True)
class _Waiter:
    """Somebody in an event loop who waits until so many additions are dealt with."""

    wanted: int
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]

    def tell(self, error: TickledgerError | None) -> None:
        """Have the wait end; a loop that is closed waits for nothing."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._end, error)

    def _end(self, error: TickledgerError | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


def _short(addition: Addition) -> str:
    text = str(addition)
    return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}…"
