"""The session's side of the cache: it tells what it knows, and never waits.

Each `publish_…` puts a value in the place of the one before it, which takes less than a microsecond and cannot fail; a
thread of the publisher's own writes what changed in batches, twice a second. Awaiting a server for each value
would cap the session at a thousand or two a second and stop it with a server that hangs.

Losing the server costs freshness alone: the thread connects again, waiting longer after each failure, and then writes
everything that still holds, as on the first connection. Nothing here raises into the caller; `health` tells.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Final, Self

from tickledger.cache.keys import LIFETIMES, Kind, Scope
from tickledger.cache.outgoing import Outgoing, OutgoingValues, json_array
from tickledger.cache.store import CacheDownError, Message, Sink
from tickledger.domain.bar import Bar, Print, Quote
from tickledger.domain.live_view import (
    ExposureSummary,
    IntervalBar,
    LimitsInForce,
    LivePosition,
    PortfolioSummary,
    SessionBeat,
)
from tickledger.domain.signal import Signal

#: A session's bars of one minute, of a symbol, fit in.
BARS_KEPT: Final = 390
INTERVAL_SECONDS: Final = 0.5
# So many values are encoded, in a millisecond, before the thread waits for the server and lets the session's run.
_CHUNK: Final = 32
_PING_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 5.0
_REFUSED_WAIT_SECONDS: Final = 1.0
_JOIN_SECONDS: Final = 3.0
#: A value is renewed well before it ends.
_RENEWALS_IN_A_LIFE: Final = 3


@dataclass(frozen=True, slots=True)
class CacheHealth:
    """How publishing goes. Nothing here is of use to trading; it is for those who watch.

    `flush_age` is the seconds since everything was last written, None before that. `refused` counts values that the
    server or JSON did not take, `dropped` those that had no room. `problem` is the last one, empty while all is well.
    """

    server: str
    is_connected: bool
    waiting: int
    written: int
    flush_age: float | None
    connections: int
    refused: int
    dropped: int
    problem: str


class CachePublisher:
    """See the module. One thread publishes; a context starts the thread that writes, and ends it.

    `interval` is the seconds between two batches, `bars_kept` how many bars of a symbol and interval are kept.
    """

    def __init__(
        self, sink: Sink, scope: Scope, *, interval: float = INTERVAL_SECONDS, bars_kept: int = BARS_KEPT
    ) -> None:
        self._values = OutgoingValues(scope, bars_kept=bars_kept)
        self._writer = _Writer(sink, scope, self._values, interval)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what is waiting, if the server answers, and end; takes a few seconds at most."""
        self._writer.end()

    def health(self) -> CacheHealth:
        """How publishing goes at this moment."""
        return self._writer.health()

    def publish_quote(self, quote: Quote) -> None:
        """The best bid and offer of a symbol."""
        self._values.put_quote(quote)

    def publish_quotes(self, quotes: Iterable[Quote]) -> None:
        """As `publish_quote`, of several."""
        for quote in quotes:
            self._values.put_quote(quote)

    def publish_print(self, told: Print, *, volume: int | None = None) -> None:
        """A trade of somebody's; `volume` is the day's, where the market tells it."""
        self._values.put_print(told, volume)

    def publish_bar(self, bar: Bar, *, interval: str) -> None:
        """A bar that is complete; it is added to the last ones of its symbol and `interval`."""
        self._values.put_bar(IntervalBar(interval, bar))

    def publish_position(self, position: LivePosition) -> None:
        """What is held of a symbol; one that was closed has zero shares."""
        self._values.put(Kind.POSITION, (position.symbol,), position)

    def publish_portfolio(self, summary: PortfolioSummary) -> None:
        """What the account is worth."""
        self._values.put(Kind.PORTFOLIO, (), summary)

    def publish_signal(self, signal: Signal) -> None:
        """A strategy's opinion on a symbol."""
        self._values.put(Kind.SIGNAL, (signal.strategy, signal.symbol), signal)

    def publish_limits(self, limits: LimitsInForce) -> None:
        """The limits that the session enforces."""
        self._values.put(Kind.LIMITS, (), limits)

    def publish_exposure(self, exposure: ExposureSummary) -> None:
        """What is at stake."""
        self._values.put(Kind.EXPOSURE, (), exposure)

    def publish_state(self, beat: SessionBeat) -> None:
        """The session lives, and how it is; it counts as dead when it has not said so for half a minute."""
        self._values.put(Kind.SESSION, (), beat)

    def warm(
        self,
        *,
        quotes: Iterable[Quote] = (),
        positions: Iterable[LivePosition] = (),
        limits: LimitsInForce | None = None,
        bars: Mapping[str, Iterable[Bar]] | None = None,
    ) -> None:
        """What a session that starts knows already; `bars` by interval, each oldest first."""
        for quote in quotes:
            self.publish_quote(quote)
        for position in positions:
            self.publish_position(position)
        if limits is not None:
            self.publish_limits(limits)
        for interval, series in (bars or {}).items():
            for bar in series:
                self.publish_bar(bar, interval=interval)


class _Writer:
    """The thread that writes."""

    def __init__(self, sink: Sink, scope: Scope, values: OutgoingValues, interval: float) -> None:
        self._sink = sink
        self._scope = scope
        self._values = values
        self._interval = interval
        self._ending = Event()
        # A daemon: a server that hangs does not keep the process from ending.
        self._thread = Thread(target=self._run, name="cache publisher", daemon=True)
        self._renewals = {kind: monotonic() for kind, lifetime in LIFETIMES.items() if lifetime.is_renewed}
        self._is_connected = False
        self._failures = 0
        self._connections = 0
        self._written = 0
        self._refused = 0
        self._spoken_at = monotonic()
        self._flushed_at: float | None = None
        self._problem = ""

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_SECONDS)

    def health(self) -> CacheHealth:
        flushed_at = self._flushed_at
        return CacheHealth(
            server=self._sink.shown,
            is_connected=self._is_connected,
            waiting=self._values.waiting,
            written=self._written,
            flush_age=None if flushed_at is None else monotonic() - flushed_at,
            connections=self._connections,
            refused=self._refused + self._values.unreadable,
            dropped=self._values.dropped,
            problem=self._problem or self._values.problem,
        )

    def _run(self) -> None:
        wait = 0.0
        while not self._ending.wait(wait):
            wait = self._flushed()
        if self._is_connected:
            self._flushed()
        self._sink.close()

    def _flushed(self) -> float:
        """Write what is waiting; the seconds to wait before the next time."""
        try:
            if not self._is_connected:
                self._connect()
            refused = self._flush()
        except Exception as error:  # noqa: BLE001  whatever happens, the thread goes on trying and the session on trading
            return self._failed(error)
        self._failures = 0
        self._problem = refused
        return _REFUSED_WAIT_SECONDS if refused else self._interval

    def _connect(self) -> None:
        self._sink.open()
        self._connections += 1
        self._is_connected = True
        # The server may have started again, with nothing in it.
        self._values.mark_all()

    def _failed(self, error: Exception) -> float:
        self._is_connected = False
        self._problem = str(error) if isinstance(error, CacheDownError) else repr(error)
        self._failures += 1
        return float(min(self._interval * 2 ** min(self._failures - 1, 10), _LONGEST_WAIT_SECONDS))

    def _flush(self) -> str:
        """Write everything that is waiting; why the last refused value was refused, empty where none was."""
        self._renew()
        problem = ""
        values = self._values.batch()
        while chunk := tuple(islice(values, _CHUNK)):
            problem = self._write(chunk) or problem
        if monotonic() - self._spoken_at > _PING_SECONDS:
            self._write(())
        if not problem:
            self._flushed_at = monotonic()
        return problem

    def _write(self, chunk: Sequence[Outgoing]) -> str:
        answers = self._sink.write([one.entry for one in chunk], list(self._messages(chunk)))
        self._spoken_at = monotonic()
        refused = [(one, why) for one, why in zip(chunk, answers, strict=True) if why]
        self._written += len(chunk) - len(refused)
        self._refused += len(refused)
        self._values.mark(one for one, _ in refused)
        return refused[-1][1] if refused else ""

    def _messages(self, chunk: Sequence[Outgoing]) -> Iterator[Message]:
        """One message a kind, with all its values: a message costs the server and its readers more than a value."""
        told: dict[Kind, list[str]] = {}
        for one in chunk:
            told.setdefault(one.kind, []).extend(one.told)
        for kind, texts in told.items():
            if texts:
                yield Message(self._scope.channel(kind), json_array(texts))

    def _renew(self) -> None:
        now = monotonic()
        for kind, renewed_at in self._renewals.items():
            is_due = now - renewed_at > LIFETIMES[kind].seconds / _RENEWALS_IN_A_LIFE
            if is_due and self._values.is_vouched_for:
                self._renewals[kind] = now
                self._values.mark_kind(kind)
