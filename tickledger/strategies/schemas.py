"""Signals as a frame: for people, for the check where they cross an asset's boundary, and for `signals.csv`."""

from collections.abc import Sequence
from typing import Annotated, Final

import numpy as np
import pandas as pd
import pandera.pandas as pa

from tickledger.domain.signal import Signal, SignalType
from tickledger.strategies.signals import COMPOSITE, ML, STRATEGIES

Instant = Annotated[pd.DatetimeTZDtype, "us", "UTC"]

_MODEL_BASED: Final = (ML, COMPOSITE)


class SignalsFrame(pa.DataFrameModel):
    """One row a signal: the columns of `signals.csv` (`model_version` is its id, empty where none was asked).

    `session_date` is a day without a zone; `component_ids` are separated by ``;``, empty where there are none.
    """

    signal_id: str = pa.Field(unique=True, str_startswith="sig_")
    symbol: str = pa.Field(str_length={"min_value": 1})
    signalled_at: Instant
    signal_type: str = pa.Field(isin=[str(signal_type) for signal_type in SignalType])
    confidence: float = pa.Field(ge=0, le=1)
    strategy: str = pa.Field(isin=STRATEGIES)  # type: ignore[assignment]  # hides a method for tests; unused here
    model_version: str
    feature_row_id: str = pa.Field(str_startswith="feat_")
    session_date: np.dtype("datetime64[us]")  # type: ignore[valid-type]  # pandera reads the dtype itself
    component_ids: str

    class Config:
        strict = True

    @pa.dataframe_check(error="one signal for each symbol, session and strategy")
    def is_single(cls, frame: pd.DataFrame) -> bool:  # noqa: N805  pandera makes it a class method
        return not frame.duplicated(["symbol", "session_date", "strategy"]).any()

    @pa.dataframe_check(error="a model version exactly where a model was asked")
    def names_its_model(cls, frame: pd.DataFrame) -> "pd.Series[bool]":  # noqa: N805  the same
        return frame["strategy"].isin(_MODEL_BASED) == (frame["model_version"] != "")

    @pa.dataframe_check(error="components exactly where the strategy is the composite")
    def names_its_components(cls, frame: pd.DataFrame) -> "pd.Series[bool]":  # noqa: N805  the same
        return (frame["strategy"] == COMPOSITE) == (frame["component_ids"] != "")


def signals_frame(signals: Sequence[Signal]) -> pd.DataFrame:
    """The signals in their order, as `SignalsFrame` describes them."""
    records = [
        {
            "signal_id": signal.signal_id,
            "symbol": signal.symbol,
            "signalled_at": signal.signalled_at,
            "signal_type": str(signal.signal_type),
            "confidence": signal.confidence,
            "strategy": signal.strategy,
            "model_version": signal.model_version_id or "",
            "feature_row_id": signal.feature_row_id,
            "session_date": signal.session_date,
            "component_ids": ";".join(signal.component_ids),
        }
        for signal in signals
    ]
    return pd.DataFrame.from_records(records, columns=list(_DTYPES)).astype(_DTYPES)


_DTYPES: Final = {
    "signal_id": "str",
    "symbol": "str",
    "signalled_at": "datetime64[us, UTC]",
    "signal_type": "str",
    "confidence": "float64",
    "strategy": "str",
    "model_version": "str",
    "feature_row_id": "str",
    "session_date": "datetime64[us]",
    "component_ids": "str",
}
