"""The features of one symbol in streaming form, in the groups in which the batch forms are defined.

Each part takes bar by bar and remembers no more than it needs: trailing windows, and averages that each bar moves on.
Values are written down from the 64th bar on; before that the parts only learn. The formulas are those of the batch
modules and stand there, with their sources.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Final, NamedTuple, Protocol

from tickledger.features.returns import HORIZONS
from tickledger.features.series import FLATNESS
from tickledger.features.streaming_averages import Ema, WilderAverage
from tickledger.features.streaming_windows import Ring, Tail, deviation, direction, is_flat
from tickledger.features.volatility import SESSIONS_A_YEAR

#: The longest window is 63 changes, which span one bar more.
LONGEST: Final = 64
_QUARTER: Final = 63
_MONTH: Final = 21
_BAND: Final = 20
_FORTNIGHT: Final = 14
_YEARLY: Final = sqrt(SESSIONS_A_YEAR)
_MIDDLE: Final = 50.0
#: Below it TA-Lib takes a sum of movements for zero.
_EPSILON: Final = 1e-14


class StreamBar(NamedTuple):
    """A bar as floats: USD per share, shares, and the day (0 is Monday)."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    weekday: float

    @property
    def typical_price(self) -> float:
        """The mean of high, low and close."""
        return (self.high + self.low + self.close) / 3


_NO_BAR: Final = StreamBar(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True, eq=False)
class History:
    """What several parts look at: the current bar, and the last closes, highs and lows, its own included."""

    bar: StreamBar = _NO_BAR
    closes: Tail = field(default_factory=lambda: Tail(LONGEST))
    highs: Tail = field(default_factory=lambda: Tail(_BAND))
    lows: Tail = field(default_factory=lambda: Tail(_BAND))

    def learn(self, bar: StreamBar) -> None:
        """One bar more."""
        self.bar = bar
        self.closes.append(bar.close)
        self.highs.append(bar.high)
        self.lows.append(bar.low)

    def rescale(self, price: float) -> None:
        """As if all prices had been multiplied by `price`."""
        for tail in (self.closes, self.highs, self.lows):
            tail.rescale(price)


class Part(Protocol):
    """A group of features of one symbol.

    `learn` takes the bar that `history` has just learned of; `write` adds the features of that bar to `values`;
    `rescale` is as if all prices and volumes so far had been multiplied.
    """

    def learn(self, history: History, /) -> None: ...

    def write(self, history: History, values: dict[str, float], /) -> None: ...

    def rescale(self, price: float, volume: float, /) -> None: ...


@dataclass(slots=True, eq=False)
class Returns:
    """`tickledger.features.returns`."""

    def learn(self, _history: History) -> None:
        """Nothing beside the history."""

    def write(self, history: History, values: dict[str, float]) -> None:
        """Returns over days, within the day, and from the high of a quarter."""
        bar = history.bar
        closes, close = history.closes.values, bar.close
        for days in HORIZONS:
            values[f"log_return_{days}"] = log(close / closes[-1 - days])
        values["overnight_gap"] = log(bar.open / closes[-2])
        values["intraday_return"] = log(close / bar.open)
        values["drawdown_63"] = close / max(closes[-_QUARTER:]) - 1

    def rescale(self, _price: float, _volume: float) -> None:
        """Nothing beside the history."""


@dataclass(slots=True, eq=False)
class _Rsi:
    window: int
    gains: WilderAverage
    losses: WilderAverage

    @classmethod
    def over(cls, window: int) -> "_Rsi":
        return cls(window, WilderAverage(window, window), WilderAverage(window, window))

    def learn(self, change: float) -> None:
        self.gains.update(max(change, 0.0))
        self.losses.update(max(-change, 0.0))

    def value(self, closes: list[float]) -> float:
        compared = closes[-self.window - 1 :]
        if is_flat(max(compared), min(compared)):
            return _MIDDLE
        gain, loss = self.gains.value or 0.0, self.losses.value or 0.0
        moved = gain + loss
        return 100.0 * (gain / moved) if moved >= _EPSILON else 0.0

    def rescale(self, price: float) -> None:
        self.gains.rescale(price)
        self.losses.rescale(price)


@dataclass(slots=True, eq=False)
class Momentum:
    """`tickledger.features.momentum`."""

    fast_rsi: _Rsi = field(default_factory=lambda: _Rsi.over(2))
    slow_rsi: _Rsi = field(default_factory=lambda: _Rsi.over(_FORTNIGHT))
    fast_k: Tail = field(default_factory=lambda: Tail(3))
    slow_k: Tail = field(default_factory=lambda: Tail(3))
    typical: Ring = field(default_factory=lambda: Ring(_BAND))
    range_percent: float = _MIDDLE

    def learn(self, history: History) -> None:
        """The movement of the close, the place of the close in the range, and the typical price."""
        bar = history.bar
        closes = history.closes.values
        if len(closes) > 1:
            change = closes[-1] - closes[-2]
            self.fast_rsi.learn(change)
            self.slow_rsi.learn(change)
        self.typical.append(bar.typical_price)
        if len(history.highs.values) >= _FORTNIGHT:
            top, bottom = max(history.highs.last(_FORTNIGHT)), min(history.lows.last(_FORTNIGHT))
            flat = is_flat(top, bottom)
            self.fast_k.append(_MIDDLE if flat else (bar.close - bottom) / ((top - bottom) / 100.0))
            self.range_percent = -_MIDDLE if flat else (top - bar.close) / ((top - bottom) / -100.0)
            self.slow_k.append(sum(self.fast_k.last(3)) / 3)

    def write(self, history: History, values: dict[str, float]) -> None:
        """Oscillators."""
        closes = history.closes.values
        values["rsi_2"] = self.fast_rsi.value(closes)
        values["rsi_14"] = self.slow_rsi.value(closes)
        values["stochastic_k_14"] = self.slow_k.values[-1]
        values["stochastic_d_14"] = sum(self.slow_k.last(3)) / 3
        values["williams_r_14"] = self.range_percent
        values["cci_20"] = self._cci(history.bar.typical_price)

    def _cci(self, price: float) -> float:
        prices = self.typical.values
        if is_flat(max(prices), min(prices)):
            return 0.0
        # Summed one by one in TA-Lib's order: a window of nearly one price would show any other rounding.
        total = 0.0
        for each in prices:
            total += each
        mean, deviations = total / _BAND, 0.0
        for each in prices:
            deviations += abs(each - mean)
        above = price - mean
        return above / (0.015 * (deviations / _BAND)) if above and deviations else 0.0

    def rescale(self, price: float, _volume: float) -> None:
        """What is remembered in dollars; percents stay."""
        self.fast_rsi.rescale(price)
        self.slow_rsi.rescale(price)
        self.typical.rescale(price)


@dataclass(slots=True, eq=False)
class Directional:
    """`tickledger.features.directional`."""

    up: WilderAverage = field(default_factory=lambda: WilderAverage(_FORTNIGHT, _FORTNIGHT - 1))
    down: WilderAverage = field(default_factory=lambda: WilderAverage(_FORTNIGHT, _FORTNIGHT - 1))
    true_range: WilderAverage = field(default_factory=lambda: WilderAverage(_FORTNIGHT, _FORTNIGHT - 1))
    index: WilderAverage = field(default_factory=lambda: WilderAverage(_FORTNIGHT, _FORTNIGHT))
    balance: float = 0.0

    def learn(self, history: History) -> None:
        """The movement of high and low against the range."""
        bar = history.bar
        highs, lows, closes = history.highs.values, history.lows.values, history.closes.values
        if len(highs) == 1:
            return
        up, down = bar.high - highs[-2], lows[-2] - bar.low
        tied = abs(up - down) <= FLATNESS * bar.high
        had_range = self.true_range.value is not None
        rises = self.up.update(up if up > down and not tied and up > 0 else 0.0)
        falls = self.down.update(down if down > up and not tied and down > 0 else 0.0)
        moved = self.true_range.update(max(bar.high, closes[-2]) - min(bar.low, closes[-2]))
        if rises is None or falls is None or moved is None:
            return
        plus = 100 * (rises / moved) if moved else 0.0
        minus = 100 * (falls / moved) if moved else 0.0
        self.balance = plus - minus
        # The first directions are those of the seed, which the index leaves out.
        if had_range:
            both = plus + minus
            self.index.update(100 * (abs(self.balance) / both) if both else 0.0)

    def write(self, _history: History, values: dict[str, float]) -> None:
        """How strong the trend is, and which way it goes."""
        values["adx_14"] = self.index.value or 0.0
        values["directional_balance_14"] = self.balance

    def rescale(self, price: float, _volume: float) -> None:
        """What is remembered in dollars; the index stays."""
        for average in (self.up, self.down, self.true_range):
            average.rescale(price)


@dataclass(slots=True, eq=False)
class Trend:
    """`tickledger.features.trend`."""

    ema_20: Ema = field(default_factory=lambda: Ema(20))
    fast: Ema = field(default_factory=lambda: Ema(12))
    slow: Ema = field(default_factory=lambda: Ema(26))
    signal: Ema = field(default_factory=lambda: Ema(9))
    ppo: float = 0.0

    def learn(self, history: History) -> None:
        """The averages of the close, and of the oscillator made of two of them."""
        bar = history.bar
        self.ema_20.update(bar.close)
        fast, slow = self.fast.update(bar.close), self.slow.update(bar.close)
        if fast is not None and slow is not None:
            self.ppo = (fast - slow) / slow * 100.0
            self.signal.update(self.ppo)

    def write(self, history: History, values: dict[str, float]) -> None:
        """The close, or a fast average of it, above slower ones."""
        closes, close = history.closes.values, history.bar.close
        for window in (10, 50):
            values[f"sma_{window}_gap"] = close / (sum(closes[-window:]) / window) - 1
        values["ema_20_gap"] = close / (self.ema_20.value or close) - 1
        values["ppo_pct"] = self.ppo
        values["ppo_histogram_pct"] = self.ppo - (self.signal.value or 0.0)

    def rescale(self, price: float, _volume: float) -> None:
        """What is remembered in dollars; the oscillator stays."""
        for average in (self.ema_20, self.fast, self.slow):
            average.rescale(price)


@dataclass(slots=True, eq=False)
class Volatility:
    """`tickledger.features.volatility`."""

    true_range: WilderAverage = field(default_factory=lambda: WilderAverage(_FORTNIGHT, _FORTNIGHT))
    log_returns: Tail = field(default_factory=lambda: Tail(_QUARTER))

    def learn(self, history: History) -> None:
        """The true range and the return."""
        bar = history.bar
        closes = history.closes.values
        if len(closes) > 1:
            before = closes[-2]
            self.true_range.update(max(bar.high, before) - min(bar.low, before))
            self.log_returns.append(log(bar.close / before))

    def write(self, history: History, values: dict[str, float]) -> None:
        """How much the price moves, and where it stands in the band."""
        bar = history.bar
        values["natr_14_pct"] = (self.true_range.value or 0.0) / bar.close * 100.0
        values["day_range"] = log(bar.high / bar.low)
        for window in (10, 21, 63):
            values[f"volatility_{window}"] = self._deviation(window) * _YEARLY
        closes = history.closes.last(LONGEST)
        usual = 0.0 if is_flat(max(closes), min(closes)) else values["volatility_63"]
        values["volatility_ratio_10_63"] = values["volatility_10"] / usual if usual else 1.0
        band = closes[-_BAND:]
        mean = sum(band) / _BAND
        width = 4.0 * deviation(band, mean, less=0)
        is_narrow = is_flat(max(band), min(band)) or not width
        values["bollinger_position_20"] = 0.5 if is_narrow else 0.5 + (bar.close - mean) / width
        values["bollinger_width_20"] = width / mean

    def _deviation(self, window: int) -> float:
        returns = self.log_returns.last(window)
        return deviation(returns, sum(returns) / window, less=1)

    def rescale(self, price: float, _volume: float) -> None:
        """What is remembered in dollars; returns stay."""
        self.true_range.rescale(price)


@dataclass(slots=True, eq=False)
class Volume:
    """`tickledger.features.volume`."""

    volumes: Tail = field(default_factory=lambda: Tail(_MONTH))
    signed: Tail = field(default_factory=lambda: Tail(_MONTH))
    located: Tail = field(default_factory=lambda: Tail(_MONTH))
    flows: Tail = field(default_factory=lambda: Tail(_FORTNIGHT))
    typical: float | None = None

    def learn(self, history: History) -> None:
        """The volume, and on which side it was traded."""
        bar = history.bar
        closes, typical, span = history.closes.values, bar.typical_price, bar.high - bar.low
        self.volumes.append(bar.volume)
        self.located.append(((2 * bar.close - bar.high - bar.low) / span if span else 0.0) * bar.volume)
        if self.typical is not None:
            self.signed.append(direction(closes[-1], closes[-2]) * bar.volume)
            self.flows.append(direction(typical, self.typical) * typical * bar.volume)
        self.typical = typical

    def write(self, history: History, values: dict[str, float]) -> None:
        """How much was traded for this symbol's habit, and on which side."""
        total = sum(self.volumes.last(_MONTH))
        flows = self.flows.last(_FORTNIGHT)
        moving = sum(map(abs, flows))
        values["volume_ratio_21"] = history.bar.volume / (total / _MONTH) if total else 1.0
        values["volume_balance_21"] = sum(self.signed.last(_MONTH)) / total if total else 0.0
        values["money_flow_index_14"] = 100 * ((moving + sum(flows)) / 2 / moving) if moving else _MIDDLE
        values["chaikin_money_flow_21"] = sum(self.located.last(_MONTH)) / total if total else 0.0

    def rescale(self, price: float, volume: float) -> None:
        """What is remembered in shares and in dollars."""
        for tail in (self.volumes, self.signed, self.located):
            tail.rescale(volume)
        self.flows.rescale(price * volume)
        if self.typical is not None:
            self.typical *= price


#: In the order in which the batch form has them.
PARTS: Final[Sequence[Callable[[], Part]]] = (Returns, Momentum, Directional, Trend, Volatility, Volume)
