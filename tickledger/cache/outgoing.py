"""What a publisher has told and a store has not got yet: the latest of each kind, and the last bars of each symbol.

The `put_…` methods belong to the session's thread and cost a few operations of a dict each; `batch`, `mark` and the
rest belong to the thread that writes. Everything is bounded, however long no store can be reached.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, TypeVar

from tickledger.cache.json_text import to_json
from tickledger.cache.keys import LIFETIMES, Kind, Scope
from tickledger.cache.latest import LatestValues
from tickledger.cache.store import Entry
from tickledger.domain.bar import Print, Quote
from tickledger.domain.live_view import IntervalBar, LiveValue, MarketSnapshot

Name = tuple[str, ...]
Price = TypeVar("Price")
_MOST_NAMES: Final = 20_000
_MOST_WAITING_BARS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One value on its way: what is to be written, and what is told of it on its kind's channel."""

    kind: Kind
    name: Name
    entry: Entry
    told: tuple[str, ...]


class OutgoingValues:
    """See the module; `bars_kept` is how many bars of a symbol and interval are kept."""

    def __init__(self, scope: Scope, *, bars_kept: int) -> None:
        self._scope = scope
        self._quotes: LatestValues[str, Quote] = LatestValues(_MOST_NAMES)
        self._prints: LatestValues[str, tuple[Print, int]] = LatestValues(_MOST_NAMES)
        plain = [kind for kind in Kind if not kind.is_of_the_market]
        self._plain: dict[Kind, LatestValues[Name, LiveValue]] = {kind: LatestValues(_MOST_NAMES) for kind in plain}
        self._new_bars: deque[IntervalBar] = deque(maxlen=_MOST_WAITING_BARS)
        self._series = BarSeries(bars_kept)
        #: How many values could not be written as JSON, and why the last one could not.
        self.unreadable = 0
        self.problem = ""

    @property
    def waiting(self) -> int:
        """How many values are to be written."""
        latest = sum(len(one) for one in self._all_latest())
        return latest + len(self._new_bars) + len(self._series.marked)

    @property
    def dropped(self) -> int:
        """How many values had no room."""
        return sum(one.dropped for one in self._all_latest())

    def put_quote(self, quote: Quote) -> None:
        self._quotes.put(quote.symbol, quote)

    def put_print(self, told: Print, volume: int | None) -> None:
        """A print; `volume` is that of the day where the market tells it, else the prints are added up."""
        if volume is None:
            before = self._prints.get(told.symbol)
            volume = told.size + (before[0][1] if before else 0)
        self._prints.put(told.symbol, (told, volume))

    def put_bar(self, bar: IntervalBar) -> None:
        self._new_bars.append(bar)

    def put(self, kind: Kind, name: Name, value: LiveValue) -> None:
        self._plain[kind].put(name, value)

    def batch(self) -> Iterator[Outgoing]:
        """What is to be written now; a value that cannot be is counted and left out."""
        return chain(self._market(), self._bars(), *(self._others(kind) for kind in self._plain))

    def mark(self, refused: Iterable[Outgoing]) -> None:
        """Have these written again."""
        for one in refused:
            if one.kind is Kind.QUOTE:
                self._quotes.mark(one.name[0])
            elif one.kind is Kind.BARS:
                self._series.marked.add(one.name)
            else:
                self._plain[one.kind].mark(one.name)

    def mark_all(self) -> None:
        """Have everything that still holds written again."""
        self._quotes.mark_all()
        self._prints.mark_all()
        for kind in (Kind.BARS, *self._plain):
            self.mark_kind(kind)

    @property
    def is_vouched_for(self) -> bool:
        """Whether the session lives, so that what it told and did not change still holds.

        One whose heartbeat has stopped vouches for nothing, though its process is there: it hangs, or it was frozen and
        another has its place. One that never told a heartbeat is taken at its process's word.
        """
        found = self._plain[Kind.SESSION].get(())
        return found is None or found[1] < LIFETIMES[Kind.SESSION].seconds

    def mark_kind(self, kind: Kind) -> None:
        """Have every value of a kind that is no price of the moment written again."""
        if kind is Kind.BARS:
            if self.is_vouched_for:
                self._series.mark_all()
        else:
            self._plain[kind].mark_all()

    def _all_latest(self) -> Iterator[LatestValues[Any, Any]]:
        return chain((self._quotes, self._prints), self._plain.values())

    def _market(self) -> Iterator[Outgoing]:
        for symbol in dict.fromkeys(chain(self._quotes.take(), self._prints.take())):
            quote, quote_age = _fresh(self._quotes.get(symbol))
            told, print_age = _fresh(self._prints.get(symbol))
            last, volume = told or (None, None)
            if quote or last:
                snapshot = MarketSnapshot(symbol, quote, last, volume)
                yield from self._encoded(Kind.QUOTE, (symbol,), snapshot, min(quote_age, print_age))

    def _others(self, kind: Kind) -> Iterator[Outgoing]:
        latest, holds = self._plain[kind], LIFETIMES[kind].is_renewed and self.is_vouched_for
        for name in latest.take():
            if (found := latest.get(name)) is not None:
                yield from self._encoded(kind, name, found[0], 0 if holds else found[1])

    def _encoded(self, kind: Kind, name: Name, value: LiveValue, age: float) -> Iterator[Outgoing]:
        seconds = LIFETIMES[kind].seconds - age
        if seconds > 0 and (text := self._text(value)) is not None:
            yield Outgoing(kind, name, Entry(self._scope.key(kind, *name), text, seconds), (text,))

    def _bars(self) -> Iterator[Outgoing]:
        told: dict[Name, list[str]] = {}
        name: Name
        for _ in range(len(self._new_bars)):
            new = self._new_bars.popleft()
            if (text := self._text(new)) is not None:
                name = new.bar.symbol, new.interval
                self._series.add(name, new.bar.bar_id, text)
                told.setdefault(name, []).append(text)
        for name in self._series.take():
            entry = Entry(self._scope.key(Kind.BARS, *name), self._series.text(name), LIFETIMES[Kind.BARS].seconds)
            yield Outgoing(Kind.BARS, name, entry, tuple(told.get(name, ())))

    def _text(self, value: LiveValue) -> str | None:
        try:
            return to_json(value)
        except Exception as error:  # noqa: BLE001  one bad value must not keep all others from being written
            self.unreadable += 1
            self.problem = f"{type(value).__name__} cannot be written: {error}"
            return None


class BarSeries:
    """The last bars of each symbol and interval, as JSON; a bar that comes again takes its own place."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._series: dict[Name, deque[tuple[str, str]]] = {}
        self.marked: set[Name] = set()

    def add(self, name: Name, bar_id: str, text: str) -> None:
        if name not in self._series and len(self._series) >= _MOST_NAMES:
            return
        series = self._series.setdefault(name, deque(maxlen=self._most))
        if series and series[-1][0] == bar_id:
            series.pop()
        series.append((bar_id, text))
        self.marked.add(name)

    def text(self, name: Name) -> str:
        return json_array(text for _, text in self._series[name])

    def take(self) -> Iterator[Name]:
        while self.marked:
            yield self.marked.pop()

    def mark_all(self) -> None:
        self.marked.update(self._series)


def json_array(texts: Iterable[str]) -> str:
    """The JSON array of values that are JSON already."""
    return f"[{','.join(texts)}]"


def _fresh(found: tuple[Price, float] | None) -> tuple[Price | None, float]:
    """A price and its age, unless it is older than a quote may be."""
    longest = LIFETIMES[Kind.QUOTE].seconds
    return found if found and found[1] < longest else (None, longest)
