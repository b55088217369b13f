"""Back-adjustment of daily bars for splits and distributions, by the rule `ADJUSTMENT_RULE` states.

Adjusted prices are for features and returns only: each later event rescales all that came before it, so their level
says nothing, and money is always reckoned in raw prices.

The same record of an action changes bars, orders, positions and lots. Of the kinds, bars feel those after which a share
is worth less because its holder has been given something: more shares, cash, or shares of another company. A merger, a
ticker change and a delisting end a symbol; its bars stay its own, raw and adjusted, and are not chained to those of
the symbol that follows, because bar ids, features and the rows that refer to them name the symbol as it was traded.
The new symbol starts without a history, and what a merger or a delisting paid concerns no later bar.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tickledger.domain.bar import BarKey

Floats = npt.NDArray[np.float64]

ADJUSTMENT_RULE: Final = (
    "Prices are back-adjusted for splits and cash distributions. The last bar of a symbol has factor 1; going back in "
    "time, factor(t-1) = factor(t) / split(t) / (1 + distribution(t) / close(t)), where split(t) is the product of the "
    "ratios and distribution(t) the sum of the USD per share (after that day's split) of the events that take effect "
    "at bar t, the first bar on or after their ex-date. A distribution is a dividend, a return of capital, or the "
    "fair market value of spun-off shares where it is given. Adjusted price = raw price × factor; adjusted volume = "
    "raw volume × the product of all later split ratios. Mergers, ticker changes and delistings change no price. An "
    "action that is told twice counts once."
)

_ADJUSTED_COLUMNS: Final = (
    "bar_id",
    "symbol",
    "timestamp",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "raw_close",
    "factor",
)


def adjust(bars: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Daily `bars` adjusted for `actions` by `ADJUSTMENT_RULE`, sorted by symbol and timestamp.

    Columns: `bar_id, symbol, timestamp, open, high, low, close` (USD, adjusted)`, volume` (shares, adjusted,
    float64)`, raw_close` (USD)`, factor`. Bars without a `bar_id` get that of their first version. The order of the
    rows of either frame does not matter. An event before a symbol's second bar or after its last changes nothing.
    """
    ordered = bars.sort_values(["symbol", "timestamp"], ignore_index=True)
    splits, distributions = _events_by_bar(ordered, actions)
    close = ordered["close"].to_numpy(dtype=float)
    starts = np.flatnonzero(~ordered["symbol"].duplicated().to_numpy())
    factor = 1 / _product_of_later(splits * (1 + distributions / close), starts)
    shares = _product_of_later(splits, starts)
    return ordered.assign(
        bar_id=ordered["bar_id"] if "bar_id" in ordered else first_version_ids(ordered),
        **{column: ordered[column].to_numpy(dtype=float) * factor for column in ("open", "high", "low", "close")},
        volume=ordered["volume"].to_numpy(dtype=float) * shares,
        raw_close=close,
        factor=factor,
    )[list(_ADJUSTED_COLUMNS)]


def first_version_ids(bars: pd.DataFrame, *, interval: str = "1day") -> pd.Series:
    """The `bar_id` that each bar has as long as it was never restated: bars from a file have no other."""
    keys = zip(bars["symbol"], bars["timestamp"], strict=True)
    return pd.Series(
        [str(BarKey(symbol=symbol, interval=interval, bar_at=bar_at)) for symbol, bar_at in keys],
        index=bars.index,
        dtype="str",
    )


def _events_by_bar(bars: pd.DataFrame, actions: pd.DataFrame) -> tuple[Floats, Floats]:
    """For each bar the product of the split ratios and the sum of the USD per share that take effect at it."""
    splits, distributions = np.ones(len(bars)), np.zeros(len(bars))
    events = _effective_events(bars, actions)
    positions = events["position"].to_numpy(dtype=np.int64)
    is_split = (events["kind"] == "split").to_numpy(dtype=bool)
    np.multiply.at(splits, positions[is_split], events["ratio"].to_numpy(dtype=float)[is_split])
    np.add.at(distributions, positions, events["distribution"].fillna(0.0).to_numpy(dtype=float))
    return splits, distributions


def _effective_events(bars: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """The actions that some bar feels, with the `position` of that bar: the symbol's first on or after the ex-date."""
    events = _distinct(actions)
    events = events.assign(
        distribution=_distribution(events),
        effective_from=pd.to_datetime(events["ex_date"]).dt.tz_localize("UTC").dt.as_unit("us"),
    )
    # Sums and products of floats depend on their order in the last digit, so the order is fixed.
    events = events.sort_values(["effective_from", "symbol", "kind", "ratio", "distribution"])
    days = bars[["symbol", "timestamp"]].assign(position=np.arange(len(bars))).sort_values("timestamp")
    felt = pd.merge_asof(events, days, left_on="effective_from", right_on="timestamp", by="symbol", direction="forward")
    return felt[felt["position"].notna()]


def _distinct(actions: pd.DataFrame) -> pd.DataFrame:
    """Each action once: rows of one id, or without ids rows that say the same, are one action told twice."""
    said = [column for column in actions if column != "corporate_action_id"]
    if "corporate_action_id" not in actions:
        return actions.drop_duplicates(said)
    has_id = actions["corporate_action_id"].notna()
    is_repeated = actions.duplicated("corporate_action_id").where(has_id, actions.duplicated(said))
    return actions[~is_repeated.astype(bool)]


def _distribution(actions: pd.DataFrame) -> pd.Series:
    """USD per share that each action hands out; NaN where it hands out nothing or nobody knows its worth."""
    cash = actions["amount"].where(actions["kind"].isin(["dividend", "return_of_capital"]))
    if "fmv_new" not in actions:
        return cash
    return cash.where(actions["kind"] != "spinoff", actions["ratio"] * actions["fmv_new"])


def _product_of_later(steps: Floats, starts: npt.NDArray[np.intp]) -> Floats:
    """For each position the product of the `steps` after it, up to the end of its run; `starts` begin the runs."""
    product = np.ones_like(steps)
    for start, stop in pairwise([*starts.tolist(), len(steps)]):
        product[start : stop - 1] = np.cumprod(steps[start + 1 : stop][::-1])[::-1]
    return product
