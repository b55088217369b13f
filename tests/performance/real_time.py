"""The real-time path inside the process: what a tick, a bar's features and a minute's signals cost.

Anchors of the same run: for ticks, the least that anybody does with one (the last price and a bar of floats in a
dictionary, nothing checked); for features, the batch form over the last 300 bars, which a session without streaming
features would compute at every bar.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

import pandas as pd
from rich.console import Console
from rich.table import Table

from tickledger.bars.building import BarBuilder
from tickledger.bars.calendars import session_open
from tickledger.bars.quotes import QuoteStore
from tickledger.bars.tick_checks import TickCheck
from tickledger.bars.tick_intake import TickIntake
from tickledger.domain.bar import Bar, BarKey, Print, Quote
from tickledger.features.daily import bar_features
from tickledger.features.streaming import FeatureStream
from tickledger.features.streaming_parts import StreamBar
from tickledger.strategies.streaming import StreamingSignals

SYMBOLS: Final = tuple(f"SYM{number:03d}" for number in range(100))
RATE: Final = 10_000
TICKS: Final = 200_000
MINUTES: Final = 390
_BATCH: Final = 300
_BATCHES: Final = 10
_START: Final = session_open(datetime.fromisoformat("2012-03-01").date())
_MINUTE: Final = timedelta(minutes=1)
_CAPTION: Final = """\
CPU time of one process. A tick: checked, kept in the quote store, booked in bars of 1 s, 1 min and 5 min, and the
clock told to the bars, at 10,000 a second over 100 symbols. A minute: the bars of all symbols to features, row ids and
the signals of two strategies."""


@dataclass(frozen=True)
class Cost:
    """Of so many equal pieces of work: CPU microseconds of one."""

    count: int
    microseconds: float


def prints(count: int) -> list[Print]:
    """Random walks of all symbols in cents, `RATE` prints a second from the open on."""
    rng = Random(1)  # noqa: S311  the same work in every run
    cents = {symbol: rng.randint(1_000, 50_000) for symbol in SYMBOLS}
    told = []
    for number in range(count):
        symbol = rng.choice(SYMBOLS)
        cents[symbol] += rng.choice((-1, 0, 1))
        at = _START + timedelta(microseconds=number * 1_000_000 // RATE)
        told.append(Print(symbol, at, Decimal(cents[symbol]).scaleb(-2), 100))
    return told


def measured(work: Callable[[], object], count: int) -> Cost:
    began = time.process_time()
    work()
    return Cost(count, (time.process_time() - began) * 1e6 / count)


def cost_of_prints(told: Sequence[Print]) -> tuple[Cost, TickIntake]:
    """The whole way of a print, and what took it."""
    intake = TickIntake(TickCheck(), QuoteStore(), BarBuilder())

    def work() -> None:
        for trade in told:
            intake.print(trade, trade.traded_at)
            intake.bars.advance(trade.traded_at)

    return measured(work, len(told)), intake


def cost_of_quotes(told: Sequence[Print]) -> tuple[Cost, TickIntake]:
    """The way of a quote, and what took it."""
    cent = Decimal("0.01")
    quotes = [Quote(one.symbol, one.traded_at, one.price - cent, one.price, 100, 200) for one in told]
    intake = TickIntake(TickCheck(), QuoteStore(), BarBuilder())

    def work() -> None:
        for quote in quotes:
            intake.quote(quote, quote.quoted_at)

    return measured(work, len(quotes)), intake


def cost_of_least(told: Sequence[Print]) -> Cost:
    """The last price and a minute's bar in dictionaries of floats, nothing checked, nothing completed."""
    last: dict[str, float] = {}
    bars: dict[tuple[str, int], list[float]] = {}

    def work() -> None:
        for trade in told:
            price, symbol = float(trade.price), trade.symbol
            last[symbol] = price
            bar = bars.setdefault((symbol, int(trade.traded_at.timestamp() // 60)), [price, price, price, price, 0])
            bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
            bar[4] += trade.size

    return measured(work, len(told))


def minutes(symbol: str, count: int) -> list[Bar]:
    """A random walk of one symbol by the minute."""
    rng = Random(symbol)  # noqa: S311  the same work in every run
    cents, bars = rng.randint(1_000, 50_000), []
    for number in range(count):
        before, cents = cents, max(cents + rng.randint(-9, 9), 100)
        high, low = max(before, cents) + rng.randint(0, 4), min(before, cents) - rng.randint(0, 4)
        bar_id = str(BarKey(symbol, "1min", _START + number * _MINUTE))
        open_, top, bottom, close = (Decimal(each).scaleb(-2) for each in (before, high, low, cents))
        bars.append(Bar(bar_id, symbol, _START.date(), open_, top, bottom, close, rng.randint(0, 9_000)))
    return bars


def cost_of_features(bars: Sequence[Bar]) -> Cost:
    """All features of one symbol, bar by bar."""
    told = [
        StreamBar(float(bar.open), float(bar.high), float(bar.low), float(bar.close), float(bar.volume), 3.0)
        for bar in bars
    ]
    stream = FeatureStream()

    def work() -> None:
        for bar in told:
            stream.update(bar)

    return measured(work, len(told))


def cost_of_batch(bars: Sequence[Bar], *, length: int = _BATCH, times: int = _BATCHES) -> Cost:
    """The same features by the batch form over the last `length` bars, as often as a bar comes."""
    last = bars[-length:]
    frame = pd.DataFrame(
        {
            "bar_id": [bar.bar_id for bar in last],
            "symbol": [bar.symbol for bar in last],
            "timestamp": pd.to_datetime([BarKey.parse(bar.bar_id).bar_at for bar in last], utc=True),
            **{
                name: [float(getattr(bar, name)) for bar in last] for name in ("open", "high", "low", "close", "volume")
            },
        }
    )

    def work() -> None:
        for _ in range(times):
            bar_features(frame, feature_set="intraday-1min-v1")

    return measured(work, times)


def cost_of_signals(by_minute: Sequence[Sequence[Bar]]) -> tuple[Cost, int]:
    """A minute's bars of all symbols to signals, once warm, and how many there were."""
    streaming = StreamingSignals(interval="1min")
    warm = len(by_minute) // 2
    for bars in by_minute[:warm]:
        streaming.take(bars)
    made = 0

    def work() -> None:
        nonlocal made
        for bars in by_minute[warm:]:
            made += len(streaming.take(bars)[1])

    return measured(work, len(by_minute) - warm), made


def table_of_real_time() -> Table:
    """Measure everything."""
    told = prints(TICKS)
    least, (one_print, _), (one_quote, _) = cost_of_least(told), cost_of_prints(told), cost_of_quotes(told)
    histories = [minutes(symbol, MINUTES) for symbol in SYMBOLS]
    features, batch = cost_of_features(histories[0]), cost_of_batch(histories[0])
    minute, _ = cost_of_signals(list(zip(*histories, strict=True)))
    names = ("what", "CPU µs", "limit", "anchor µs", "ratio", f"% of a core at {RATE:,}/s")
    table = Table(*names, title="The real-time path", caption=_CAPTION, caption_justify="left")
    for name, cost, anchor in (("a print, to bars", one_print, least), ("a quote, to the store", one_quote, least)):
        share = f"{cost.microseconds * RATE / 1e4:.1f}"
        ratio = f"{cost.microseconds / anchor.microseconds:.1f}"
        table.add_row(name, f"{cost.microseconds:.2f}", "15", f"least {anchor.microseconds:.2f}", ratio, share)
    ratio = f"{features.microseconds / batch.microseconds:.4f}"
    anchor_text = f"batch of {_BATCH} bars {batch.microseconds:,.0f}"
    table.add_row("all features of a bar", f"{features.microseconds:.1f}", "150", anchor_text, ratio, "")
    name = f"a minute of {len(SYMBOLS)} symbols, to signals"
    table.add_row(name, f"{minute.microseconds:,.0f}", "100,000", "", "", "")
    return table


if __name__ == "__main__":
    Console(width=140).print(table_of_real_time())
