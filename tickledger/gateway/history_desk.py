"""The history desk: answers requests for past bars, as slowly as IB lets clients ask, and keeps bars up to date."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tickledger.domain.bar import Print
from tickledger.gateway import answers
from tickledger.gateway.answers import stamp
from tickledger.gateway.history_bars import history
from tickledger.gateway.history_request import HistoryRequest, HistoryRequestError, check, is_regular_minute
from tickledger.gateway.listings import Listing
from tickledger.gateway.market_lines import RunningBar
from tickledger.gateway.order_terms import invalid

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor
    from tickledger.gateway.session import Session

HISTORY_ERROR: Final = 162
NOT_FOUND: Final = 366
_PREFIX: Final = "Historical Market Data Service error message:"
PACING_VIOLATION: Final = f"{_PREFIX}Historical data request pacing violation"
NO_DATA: Final = f"{_PREFIX}HMDS query returned no data"
_WINDOW_SECONDS: Final = 600.0
_MOST_IN_WINDOW: Final = 60
_SAME_SECONDS: Final = 15.0
_CONTRACT_SECONDS: Final = 2.0
_MOST_OF_CONTRACT: Final = 6


@dataclass(slots=True)
class _KeptLine:
    """A request whose last bar grows with every print."""

    session: "Session"
    request_id: int
    request: HistoryRequest
    bar: RunningBar


@dataclass(frozen=True, slots=True)
class _Asked:
    at: float
    key: HistoryRequest
    weight: int


class HistoryPace:
    """IB's limits: 60 requests in ten minutes, none twice within 15 s, 6 of one contract and kind within 2 s."""

    def __init__(self) -> None:
        self._asked: deque[_Asked] = deque()

    def is_violated(self, request: HistoryRequest, now: float) -> bool:
        """Whether this request comes too soon; it counts where it does not."""
        while self._asked and now - self._asked[0].at >= _WINDOW_SECONDS:
            self._asked.popleft()
        weight = 2 if request.what == "BID_ASK" else 1
        contract = [
            one
            for one in self._asked
            if now - one.at < _CONTRACT_SECONDS and (one.key.listing, one.key.what) == (request.listing, request.what)
        ]
        is_same = any(now - one.at < _SAME_SECONDS and one.key == request for one in self._asked)
        total = sum(one.weight for one in self._asked) + weight
        if is_same or len(contract) >= _MOST_OF_CONTRACT or total > _MOST_IN_WINDOW:
            return True
        self._asked.append(_Asked(now, request, weight))
        return False


class HistoryDesk:
    """Past bars for all sessions."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._pace = HistoryPace()
        self._kept: list[_KeptLine] = []

    def ask(self, session: "Session", request_id: int, request: HistoryRequest) -> None:
        """Answer a request with its bars, or with error 162 or 321."""
        settings = self._floor.settings
        if settings.has_history_pacing and self._pace.is_violated(request, self._floor.wall_seconds()):
            session.error(request_id, HISTORY_ERROR, PACING_VIOLATION)
            return
        try:
            check(request)
        except HistoryRequestError as error:
            refusal = invalid(str(error), where="bJ")
            session.error(request_id, refusal.code, refusal.text)
            return
        try:
            bars = history(self._floor.tape, request, now=self._floor.venue.now)
        except HistoryRequestError as error:
            session.error(request_id, HISTORY_ERROR, f"{_PREFIX}{error}")
            return
        if not bars:
            session.error(request_id, HISTORY_ERROR, f"{NO_DATA}: {request.listing.symbol}@SMART {request.what}")
            return
        end = min(request.ends_at or self._floor.venue.now, self._floor.venue.now)
        start = request.since(end)
        told = [bar.told(request.label(bar.starts_at)) for bar in bars]
        session.send(answers.historical_data(request_id, told, start=stamp(start), end=stamp(end)))
        if request.keeps_up:
            self._kept.append(_KeptLine(session, request_id, request, bars[-1]))

    def cancel(self, session: "Session", request_id: int) -> None:
        """End a request that is kept up to date; error 366 where there is none."""
        for line in self._kept:
            if line.session is session and line.request_id == request_id:
                self._kept.remove(line)
                return
        session.error(request_id, NOT_FOUND, f"No historical data query found for ticker id:{request_id}")

    def tell_head(self, session: "Session", request_id: int, listing: Listing, *, as_epoch: bool) -> None:
        """When the history of a symbol begins."""
        tape = self._floor.tape
        first = tape.first_day
        bars = tape.daily_bars(listing.symbol, since=first, until=self._floor.venue.now) if first else ()
        if not bars:
            session.error(request_id, HISTORY_ERROR, f"{NO_DATA}: {listing.symbol}")
            return
        at: datetime = bars[0].starts_at
        label = str(int(at.timestamp())) if as_epoch else f"{at:%Y%m%d-%H:%M:%S}"
        session.send(answers.head_timestamp(request_id, label))

    def forget(self, session: "Session") -> None:
        """End every request of a session."""
        self._kept = [line for line in self._kept if line.session is not session]

    def end_all(self) -> None:
        """End every request of all sessions, and tell nobody."""
        self._kept.clear()

    def on_print(self, one: Print) -> None:
        """Let the bars of the symbol grow; with the first print of the next bar a new one begins."""
        for line in self._kept:
            request = line.request
            if request.listing.symbol != one.symbol or self._floor.faults.is_silent(one.symbol):
                continue
            if request.is_regular and not is_regular_minute(one.traded_at):
                continue
            starts_at = request.bucket_of_trade(one.traded_at)
            if line.bar.starts_at != starts_at:
                line.bar = RunningBar.at(starts_at, one.price)
            line.bar.take(one.price, one.size)
            label = request.label(starts_at)
            line.session.send(answers.historical_update(line.request_id, line.bar.told(label)))
