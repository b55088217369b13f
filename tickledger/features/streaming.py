"""The features of `tickledger.features.daily` in streaming form: bar by bar, as a session has them.

Fed with the same bars from the same beginning, they equal the batch form to 1e-9. The trailing windows know the last
64 bars alone; Wilder's averages, the exponential ones and what is made of them remember the beginning of the history,
by a part that shrinks by a fourteenth a bar: `SETTLED_AFTER` bars later it is less than 1e-9 of any value.

A corporate action that takes effect overnight changes the terms of the prices. Features have no scale, so the history
only has to be told in the new terms: `rescale`.
"""

from collections.abc import Mapping
from typing import Final

from tickledger.features.streaming_parts import LONGEST, PARTS, History, StreamBar

#: The first bar that has features is the 64th.
WARM_UP: Final = LONGEST
#: How many bars make two streams that began at different bars equal to 1e-9.
SETTLED_AFTER: Final = 500


class FeatureStream:
    """The features of one symbol; `count` is how many bars it has seen."""

    def __init__(self) -> None:
        self._history = History()
        self._parts = [part() for part in PARTS]
        self.count = 0

    def update(self, bar: StreamBar) -> Mapping[str, float] | None:
        """Take the next complete bar.

        Its features in the order of `FEATURE_NAMES`; None for each of the first 63 bars. Prices have to be above 0.
        """
        self.learn(bar)
        if self.count < WARM_UP:
            return None
        values: dict[str, float] = {}
        for part in self._parts:
            part.write(self._history, values)
        values["day_of_week"] = bar.weekday
        return values

    def learn(self, bar: StreamBar) -> None:
        """Take the next complete bar, whose features nobody asks for."""
        self.count += 1
        self._history.learn(bar)
        for part in self._parts:
            part.learn(self._history)

    def rescale(self, *, price_factor: float, volume_factor: float) -> None:
        """As if every price and every volume so far had been multiplied by these.

        For a split of two for one ½ and 2. For a dividend 1 / (1 + amount / close) and 1, where the close is that of
        the ex-date, as in `ADJUSTMENT_RULE`; until it is known the last close less the amount stands for it.
        """
        self._history.rescale(price_factor)
        for part in self._parts:
            part.rescale(price_factor, volume_factor)


class StreamingFeatures:
    """The features of every symbol, for bars of one interval."""

    def __init__(self) -> None:
        self._streams: dict[str, FeatureStream] = {}

    def update(self, symbol: str, bar: StreamBar) -> Mapping[str, float] | None:
        """As `FeatureStream.update`, of `symbol`."""
        return self._of(symbol).update(bar)

    def learn(self, symbol: str, bar: StreamBar) -> None:
        """As `FeatureStream.learn`, of `symbol`."""
        self._of(symbol).learn(bar)

    def rescale(self, symbol: str, *, price_factor: float, volume_factor: float) -> None:
        """Tell the history of `symbol` in the terms of a corporate action; nothing where there is none."""
        stream = self._streams.get(symbol)
        if stream is not None:
            stream.rescale(price_factor=price_factor, volume_factor=volume_factor)

    def forget(self, symbol: str) -> None:
        """Begin anew with the next bar of `symbol`."""
        self._streams.pop(symbol, None)

    def count(self, symbol: str) -> int:
        """How many bars of `symbol` were seen."""
        stream = self._streams.get(symbol)
        return 0 if stream is None else stream.count

    def _of(self, symbol: str) -> FeatureStream:
        stream = self._streams.get(symbol)
        if stream is None:
            stream = self._streams[symbol] = FeatureStream()
        return stream
