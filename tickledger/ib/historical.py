"""Historical bars, chunk by chunk, within IB's pacing rules: what breaks them is refused.

The rules (interactivebrokers.github.io/tws-api/historical_limitations.html): at most 60 requests in ten minutes, where
BID_ASK counts twice; no identical request within 15 seconds; fewer than six for the same contract and kind of data
within two seconds. A download is a list of chunks that can be asked for one by one: one that was interrupted goes on
with those that are not done.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Literal

import pandas as pd

from tickledger.domain.errors import BrokerUnavailableError
from tickledger.ib.library import LibraryObject
from tickledger.ib.orders import NEW_YORK, ib_contract
from tickledger.ib.requests import RequestRefusedError, Requests
from tickledger.ib.wire import Wire

Interval = Literal["1day", "1hour", "1min", "5sec"]
Shown = Literal["TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK"]

#: IB's name of a bar's size and of a request's length, and that length: days, or seconds within a day. A month may
#: have 28 days.
_SIZES: Final[dict[Interval, tuple[str, str, timedelta]]] = {
    "1day": ("1 day", "1 Y", timedelta(days=365)),
    "1hour": ("1 hour", "1 M", timedelta(days=28)),
    "1min": ("1 min", "1 D", timedelta(days=1)),
    "5sec": ("5 secs", "3600 S", timedelta(hours=1)),
}
_COLUMNS: Final = ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
_DAY: Final = timedelta(days=1)
_WINDOW: Final = 600.0
_MOST_IN_WINDOW: Final = 60
_IDENTICAL: Final = 15.0
_BURST: Final = 2.0
_MOST_IN_BURST: Final = 5
_SERVICE_ERROR: Final = 162
_ATTEMPTS: Final = 3
_DATE_LENGTH: Final = 8


@dataclass(frozen=True, slots=True, order=True)
class Chunk:
    """One request: the bars of `symbol` that end by `ends_at`, one request's length back."""

    symbol: str
    interval: Interval
    ends_at: datetime
    shown: Shown = "TRADES"
    is_regular_hours: bool = True

    @property
    def starts_at(self) -> datetime:
        """Where the request begins; what it brings from before is not kept."""
        return _earlier(self.ends_at, _SIZES[self.interval][2])


def chunks(
    symbol: str, interval: Interval, *, start: datetime, end: datetime, shown: Shown = "TRADES"
) -> tuple[Chunk, ...]:
    """The requests that cover [start, end), the latest first, as IB counts back; the same ones for the same dates.

    Requests of days end at New York's midnight: IB's days are sessions, not 24 hours.
    """
    if start.tzinfo is None or end.tzinfo is None or start >= end:
        raise ValueError(f"history of {symbol}: expected aware instants, the start first, found {start} and {end}")
    length = _SIZES[interval][2]
    ends_at = end.astimezone(UTC) if length < _DAY else _midnight_after(end)
    wanted = []
    while ends_at > start:
        wanted.append(Chunk(symbol, interval, ends_at, shown))
        ends_at = _earlier(ends_at, length)
    return tuple(wanted)


def _midnight_after(instant: datetime) -> datetime:
    """The first midnight of New York that is not before `instant`."""
    local = instant.astimezone(NEW_YORK)
    midnight = datetime.combine(local.date(), time(), tzinfo=NEW_YORK)
    if midnight < local:
        midnight = datetime.combine(local.date() + _DAY, time(), tzinfo=NEW_YORK)
    return midnight.astimezone(UTC)


def _earlier(ends_at: datetime, length: timedelta) -> datetime:
    """`ends_at` less a length; days are days of New York's calendar, summer time or not."""
    if length < _DAY:
        return ends_at - length
    return (ends_at.astimezone(NEW_YORK) - length).astimezone(UTC)


class HistoryPacer:
    """How long a request has to wait, by the requests that were made; `monotonic` are seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._made: deque[tuple[float, Chunk]] = deque()

    def wait(self, chunk: Chunk) -> float:
        """Seconds until `chunk` may be requested."""
        now = self._monotonic()
        while self._made and now - self._made[0][0] >= _WINDOW:
            self._made.popleft()
        return max(0.0, self._window(chunk) - now, self._same(chunk) - now, self._burst(chunk) - now)

    def made(self, chunk: Chunk) -> None:
        """`chunk` was requested now."""
        self._made.append((self._monotonic(), chunk))

    def _window(self, chunk: Chunk) -> float:
        used = _weight(chunk)
        for at, made in reversed(self._made):
            used += _weight(made)
            if used > _MOST_IN_WINDOW:
                return at + _WINDOW
        return 0.0

    def _same(self, chunk: Chunk) -> float:
        return max((at + _IDENTICAL for at, made in self._made if made == chunk), default=0.0)

    def _burst(self, chunk: Chunk) -> float:
        alike = [at for at, made in self._made if (made.symbol, made.shown) == (chunk.symbol, chunk.shown)]
        return alike[-_MOST_IN_BURST] + _BURST if len(alike) >= _MOST_IN_BURST else 0.0


def _weight(chunk: Chunk) -> int:
    return 2 if chunk.shown == "BID_ASK" else 1


class HistoricalData:
    """Bars of the past over an adapter's connection, one request at a time."""

    def __init__(
        self,
        *,
        wire: Wire,
        requests: Requests,
        answer_within: float = 60.0,
        monotonic: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._requests = requests
        self._within = answer_within
        self._sleep = sleep
        self._pacer = HistoryPacer(monotonic or asyncio.get_running_loop().time)
        self._lock = asyncio.Lock()
        wire.listen("historicalData", requests.row)
        wire.listen("historicalDataEnd", lambda number, *_: requests.end(number))

    async def bars(
        self, symbol: str, interval: Interval, *, start: datetime, end: datetime, shown: Shown = "TRADES"
    ) -> pd.DataFrame:
        """All bars of [start, end) by time; raises BrokerUnavailableError where a part could not be had."""
        wanted = chunks(symbol, interval, start=start, end=end, shown=shown)
        frames = [frame async for _, frame in self.download(wanted)]
        return _joined(frames, start=start, end=end)

    async def download(
        self, wanted: Collection[Chunk], *, done: Collection[Chunk] = ()
    ) -> AsyncIterator[tuple[Chunk, pd.DataFrame]]:
        """The chunks that are not `done`, each with its bars as soon as they are there.

        Raises BrokerUnavailableError at the chunk that could not be had; those before it are complete.
        """
        finished = set(done)
        for chunk in wanted:
            if chunk not in finished:
                yield chunk, await self.chunk(chunk)

    async def chunk(self, chunk: Chunk) -> pd.DataFrame:
        """The bars of one request: columns of the ledger's raw bars, `timestamp` UTC, each at its start."""
        async with self._lock:
            for attempt in range(_ATTEMPTS):
                await self._sleep(self._pacer.wait(chunk))
                self._pacer.made(chunk)
                try:
                    return _frame(chunk, await self._ask(chunk))
                except RequestRefusedError as error:
                    if error.code == _SERVICE_ERROR and "no data" in error.text.lower():
                        return _frame(chunk, [])
                    if not _is_pacing(error) or attempt == _ATTEMPTS - 1:
                        raise
        raise BrokerUnavailableError(f"history of {chunk.symbol}: refused for its pacing {_ATTEMPTS} times")

    async def _ask(self, chunk: Chunk) -> list[Any]:
        number = self._requests.new_id()
        size, duration, _ = _SIZES[chunk.interval]
        ends_at = f"{chunk.ends_at.astimezone(UTC):%Y%m%d %H:%M:%S} UTC"

        def ask(client: LibraryObject, _: int) -> None:
            client.reqHistoricalData(
                number,
                ib_contract(chunk.symbol),
                ends_at,
                duration,
                size,
                chunk.shown,
                chunk.is_regular_hours,
                2,  # instants as seconds since 1970; days stay dates
                False,
                [],
            )

        kind = f"history of {chunk.symbol} until {chunk.ends_at}"
        try:
            return await self._requests.rows_of(kind, ask, within=self._within, number=number)
        except RequestRefusedError:
            raise
        except BrokerUnavailableError:
            self._requests.tell(lambda client: client.cancelHistoricalData(number))
            raise


def _is_pacing(error: RequestRefusedError) -> bool:
    return error.code == _SERVICE_ERROR and "pacing" in error.text.lower()


def _frame(chunk: Chunk, bars: list[Any]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "symbol": pd.Series([chunk.symbol] * len(bars), dtype="str"),
            "timestamp": pd.to_datetime([_instant(bar.date) for bar in bars], utc=True).as_unit("us"),
            **{name: pd.Series([getattr(bar, name) for bar in bars], dtype="float64") for name in _COLUMNS[2:6]},
            # What has no volume (a midpoint) says −1.
            "volume": pd.Series([max(int(bar.volume), 0) for bar in bars], dtype="int64"),
        },
        columns=_COLUMNS,
    )
    bounds = [chunk.starts_at, chunk.ends_at]
    if chunk.interval == "1day":
        # A day's bar stands at 00:00Z of its date.
        bounds = [datetime.combine(at.astimezone(NEW_YORK).date(), time(), tzinfo=UTC) for at in bounds]
    kept = (frame["timestamp"] >= bounds[0]) & (frame["timestamp"] < bounds[1])
    return frame[kept].reset_index(drop=True)


def _instant(date: str) -> datetime:
    if len(date) == _DATE_LENGTH:
        return datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC)
    return datetime.fromtimestamp(int(date), UTC)


def _joined(frames: list[pd.DataFrame], *, start: datetime, end: datetime) -> pd.DataFrame:
    bars = pd.concat(frames, ignore_index=True).drop_duplicates(["symbol", "timestamp"])
    kept = bars[(bars["timestamp"] >= start) & (bars["timestamp"] < end)]
    return kept.sort_values("timestamp", ignore_index=True)
