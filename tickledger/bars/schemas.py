"""The frames of bars and corporate actions, as pandera checks them wherever one crosses a boundary.

Validate with ``RawBars.validate(frame, lazy=True)``: every failure is then reported, not only the first.
"""

from typing import Annotated

import pandas as pd
import pandera.pandas as pa
from pandera.engines.pandas_engine import DateTime

from tickledger.bars.quality import HIGHEST_PRICE, LARGEST_VOLUME, LOWEST_PRICE
from tickledger.domain.corporate_action import CorporateActionKind

_ROUNDING = 1e-12
Instant = Annotated[pd.DatetimeTZDtype, "us", "UTC"]


class RawBars(pa.DataFrameModel):
    """Raw OHLCV bars: USD per share and whole shares; `bar_id` where they come from the ledger.

    Other columns are welcome: the ledger adds where a row came from.
    """

    bar_id: str | None = pa.Field(unique=True)
    symbol: str = pa.Field(str_length={"min_value": 1, "max_value": 32})
    timestamp: Instant
    open: float = pa.Field(ge=LOWEST_PRICE, le=HIGHEST_PRICE)
    high: float = pa.Field(ge=LOWEST_PRICE, le=HIGHEST_PRICE)
    low: float = pa.Field(ge=LOWEST_PRICE, le=HIGHEST_PRICE)
    close: float = pa.Field(ge=LOWEST_PRICE, le=HIGHEST_PRICE)
    volume: int = pa.Field(ge=0, le=int(LARGEST_VOLUME))

    class Config:
        unique = ("symbol", "timestamp")

    @pa.dataframe_check(error="open and close lie between low and high")
    @classmethod
    def prices_lie_in_range(cls, bars: pd.DataFrame) -> pd.Series:
        return _in_range(bars)


class CorporateActions(pa.DataFrameModel):
    """Corporate actions: `ex_date` naive midnight, `ratio` new per old share, `amount` USD per share."""

    corporate_action_id: str | None = pa.Field(unique=True)
    symbol: str = pa.Field(str_length={"min_value": 1, "max_value": 32})
    ex_date: DateTime
    kind: str = pa.Field(isin=[kind.value for kind in CorporateActionKind])
    ratio: float = pa.Field(gt=0, nullable=True)
    amount: float = pa.Field(gt=0, nullable=True)
    new_symbol: str | None = pa.Field(nullable=True)
    fmv_old: float | None = pa.Field(ge=0, nullable=True)
    fmv_new: float | None = pa.Field(ge=0, nullable=True)
    cash_in_lieu: float | None = pa.Field(ge=0, nullable=True)

    @pa.check("ex_date", error="a date: midnight, without a time zone")
    @classmethod
    def is_a_date(cls, ex_dates: pd.Series) -> pd.Series:
        is_midnight: pd.Series = ex_dates == ex_dates.dt.normalize()
        return is_midnight

    @pa.dataframe_check(error="a split has a ratio, a dividend an amount")
    @classmethod
    def says_what_it_does(cls, actions: pd.DataFrame) -> pd.Series:
        splits_well = (actions["kind"] != "split") | actions["ratio"].notna()
        return splits_well & ((actions["kind"] != "dividend") | actions["amount"].notna())


class AdjustedBars(pa.DataFrameModel):
    """Back-adjusted bars: prices × `factor`, volume × the later splits, beside the raw close."""

    bar_id: str = pa.Field(unique=True)
    symbol: str
    timestamp: Instant
    open: float = pa.Field(gt=0)
    high: float = pa.Field(gt=0)
    low: float = pa.Field(gt=0)
    close: float = pa.Field(gt=0)
    volume: float = pa.Field(ge=0)
    raw_close: float = pa.Field(ge=LOWEST_PRICE, le=HIGHEST_PRICE)
    factor: float = pa.Field(gt=0)

    class Config:
        strict = True
        unique = ("symbol", "timestamp")

    @pa.dataframe_check(error="open and close lie between low and high")
    @classmethod
    def prices_lie_in_range(cls, bars: pd.DataFrame) -> pd.Series:
        return _in_range(bars)

    @pa.dataframe_check(error="the adjusted close is the raw close times the factor")
    @classmethod
    def close_is_adjusted(cls, bars: pd.DataFrame) -> pd.Series:
        is_adjusted: pd.Series = (bars["close"] / (bars["raw_close"] * bars["factor"]) - 1).abs() < _ROUNDING
        return is_adjusted


def _in_range(bars: pd.DataFrame) -> pd.Series:
    in_range: pd.Series = bars["open"].between(bars["low"], bars["high"]) & bars["close"].between(
        bars["low"], bars["high"]
    )
    return in_range
