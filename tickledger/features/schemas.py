"""The frame of daily features, as pandera checks it wherever it crosses a boundary.

Validate with ``DailyFeatures.validate(frame, lazy=True)``: every failure is then reported, not only the first.
"""

from typing import Annotated, Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

#: Oscillators reach the ends of their scales, and the last digits of their arithmetic a little further.
_ROUNDING = 1e-6


def _between(low: float, high: float) -> Any:  # noqa: ANN401 - pandera types its fields so
    return pa.Field(ge=low - _ROUNDING, le=high + _ROUNDING)


class DailyFeatures(pa.DataFrameModel):
    """The feature set `daily-v1`: one row per symbol and session, every feature present and finite."""

    feature_row_id: str = pa.Field(unique=True, str_startswith="feat_")
    bar_id: str = pa.Field(unique=True)
    symbol: str
    timestamp: Annotated[pd.DatetimeTZDtype, "us", "UTC"]
    log_return_1: float
    log_return_2: float
    log_return_5: float
    log_return_10: float
    log_return_21: float
    log_return_63: float
    overnight_gap: float
    intraday_return: float
    drawdown_63: float = _between(-1, 0)
    rsi_2: float = _between(0, 100)
    rsi_14: float = _between(0, 100)
    stochastic_k_14: float = _between(0, 100)
    stochastic_d_14: float = _between(0, 100)
    williams_r_14: float = _between(-100, 0)
    # A bar lies at most 10 mean deviations from the mean of 20 of which it is one.
    cci_20: float = _between(-10 / 0.015, 10 / 0.015)
    adx_14: float = _between(0, 100)
    directional_balance_14: float = _between(-100, 100)
    sma_10_gap: float = pa.Field(gt=-1, lt=10)
    sma_50_gap: float = pa.Field(gt=-1, lt=50)
    ema_20_gap: float = pa.Field(gt=-1)
    ppo_pct: float = pa.Field(gt=-100)
    ppo_histogram_pct: float
    natr_14_pct: float = pa.Field(ge=0)
    day_range: float = pa.Field(ge=0)
    volatility_10: float = pa.Field(ge=0)
    volatility_21: float = pa.Field(ge=0)
    volatility_63: float = pa.Field(ge=0)
    volatility_ratio_10_63: float = pa.Field(ge=0)
    # The same for deviations: at most √19 of them.
    bollinger_position_20: float = _between(0.5 - 19**0.5 / 4, 0.5 + 19**0.5 / 4)
    bollinger_width_20: float = pa.Field(ge=0)
    volume_ratio_21: float = _between(0, 21)
    volume_balance_21: float = _between(-1, 1)
    money_flow_index_14: float = _between(0, 100)
    chaikin_money_flow_21: float = _between(-1, 1)
    day_of_week: float = pa.Field(isin=range(7))

    class Config:
        strict = True
        unique = ("symbol", "timestamp")

    @pa.dataframe_check(error="every feature is finite")
    @classmethod
    def is_finite(cls, rows: pd.DataFrame) -> pd.Series:
        features = rows.select_dtypes("float64")
        return pd.Series(np.isfinite(features.to_numpy()).all(axis=1), index=rows.index)
