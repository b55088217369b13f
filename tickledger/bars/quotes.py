"""The market as it stands: the last quote and the last print of each symbol, and when they came."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tickledger.domain.bar import Print, Quote


@dataclass(slots=True, eq=False)
class LastTicks:
    """What is newest of one symbol, and when one of its kind last arrived, by our clock; None for what never came."""

    quote: Quote | None = None
    quote_arrived_at: datetime | None = None
    print: Print | None = None
    print_arrived_at: datetime | None = None


class QuoteStore:
    """The last ticks by symbol. It takes what it is given: `TickCheck` stands before it."""

    def __init__(self) -> None:
        self._last: dict[str, LastTicks] = {}

    def __iter__(self) -> Iterator[str]:
        """The symbols that anything came of, in the order in which they were first heard of."""
        return iter(self._last)

    def take_quote(self, quote: Quote, arrived_at: datetime) -> None:
        """`quote` stands from now on, unless it is older than the one that does; it is a sign of life in any case."""
        last = self._of(quote.symbol)
        last.quote_arrived_at = arrived_at
        if last.quote is None or quote.quoted_at >= last.quote.quoted_at:
            last.quote = quote

    def take_print(self, trade: Print, arrived_at: datetime) -> None:
        """`trade` is the last print from now on, unless it is older; it is a sign of life in any case."""
        last = self._of(trade.symbol)
        last.print_arrived_at = arrived_at
        if last.print is None or trade.traded_at >= last.print.traded_at:
            last.print = trade

    def quote(self, symbol: str) -> Quote | None:
        """The standing quote, or None where none has come."""
        last = self._last.get(symbol)
        return None if last is None else last.quote

    def print(self, symbol: str) -> Print | None:
        """The last print, or None where none has come."""
        last = self._last.get(symbol)
        return None if last is None else last.print

    def quote_arrived_at(self, symbol: str) -> datetime | None:
        """When a quote last arrived, by our clock."""
        last = self._last.get(symbol)
        return None if last is None else last.quote_arrived_at

    def print_arrived_at(self, symbol: str) -> datetime | None:
        """When a print last arrived, by our clock."""
        last = self._last.get(symbol)
        return None if last is None else last.print_arrived_at

    def is_stale(self, symbol: str, now: datetime, after: timedelta) -> bool:
        """Whether neither a quote nor a print of `symbol` has arrived within `after` up to `now`."""
        last = self._last.get(symbol)
        if last is None:
            return True
        since = now - after
        return not any(at is not None and at >= since for at in (last.quote_arrived_at, last.print_arrived_at))

    def forget(self, symbol: str) -> None:
        """Nothing is known of `symbol` any more."""
        self._last.pop(symbol, None)

    def _of(self, symbol: str) -> LastTicks:
        last = self._last.get(symbol)
        if last is None:
            last = self._last[symbol] = LastTicks()
        return last
