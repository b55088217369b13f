"""The way of a tick: checked, kept as the last of its kind, and counted in a bar."""

from dataclasses import dataclass
from datetime import datetime

from tickledger.bars.building import BarBuilder
from tickledger.bars.quotes import QuoteStore
from tickledger.bars.tick_checks import TickCheck, TickRefusal
from tickledger.domain.bar import Print, Quote


@dataclass(frozen=True, slots=True)
class TickIntake:
    """What a market data feed tells its ticks to. `now` is our clock at the tick's arrival."""

    check: TickCheck
    quotes: QuoteStore
    bars: BarBuilder

    def quote(self, quote: Quote, now: datetime) -> TickRefusal | None:
        """Take a quote; its refusal where it cannot be right."""
        checked = self.check.quote(quote, now)
        if isinstance(checked, TickRefusal):
            return checked
        self.quotes.take_quote(checked, now)
        return None

    def print(self, trade: Print, now: datetime) -> TickRefusal | None:
        """Take a print; its refusal where it cannot be right. One that is too late for its bar is no refusal."""
        checked = self.check.print(trade, now)
        if isinstance(checked, TickRefusal):
            return checked
        self.quotes.take_print(checked, now)
        self.bars.book(checked)
        return None
