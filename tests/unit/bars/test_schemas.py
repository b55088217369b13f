"""The schemas accept what the package makes and refuse what it must never make."""

import pandas as pd
import pandera.errors
import pandera.pandas as pa
import pytest

from tickledger.bars.adjustment import adjust
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS
from tickledger.bars.schemas import AdjustedBars, CorporateActions, RawBars
from tickledger.bars.sources import read_bars_file, read_corporate_actions_file

RAW = read_bars_file(SAMPLE_BARS)[0].head(300)
ACTIONS = read_corporate_actions_file(SAMPLE_CORPORATE_ACTIONS)[0]
ADJUSTED = adjust(RAW, ACTIONS)


@pytest.mark.parametrize(("schema", "frame"), [(RawBars, RAW), (CorporateActions, ACTIONS), (AdjustedBars, ADJUSTED)])
@pytest.mark.parametrize("rows", [None, 0])
def test_what_the_package_makes_is_accepted_also_when_empty(
    schema: type[pa.DataFrameModel], frame: pd.DataFrame, rows: int | None
) -> None:
    schema.validate(frame.iloc[:rows], lazy=True)


def set_first(frame: pd.DataFrame, **cells: object) -> pd.DataFrame:
    changed = frame.copy()
    for column, value in cells.items():
        changed[column] = [value, *frame[column].iloc[1:]]
    return changed


@pytest.mark.parametrize(
    ("schema", "frame", "column"),
    [
        (RawBars, set_first(RAW, high=1.0), "high"),
        (RawBars, set_first(RAW, close=-1.0), "close"),
        (RawBars, set_first(RAW, open=float("nan")), "open"),
        (RawBars, set_first(RAW, volume=-1), "volume"),
        (RawBars, set_first(RAW, symbol=""), "symbol"),
        (RawBars, pd.concat([RAW, RAW.head(1)], ignore_index=True), "timestamp"),
        (RawBars, RAW.assign(timestamp=RAW["timestamp"].dt.as_unit("ns")), "timestamp"),
        (RawBars, RAW.assign(timestamp=RAW["timestamp"].dt.tz_localize(None)), "timestamp"),
        (RawBars, RAW.drop(columns="low"), "RawBars"),
        (CorporateActions, set_first(ACTIONS, kind="bonus"), "kind"),
        (CorporateActions, set_first(ACTIONS, ratio=0.0), "ratio"),
        (CorporateActions, set_first(ACTIONS, ratio=float("nan")), "kind"),
        (CorporateActions, ACTIONS.assign(ex_date=ACTIONS["ex_date"] + pd.Timedelta("9h")), "ex_date"),
        (AdjustedBars, set_first(ADJUSTED, factor=0.9), "factor"),
        (AdjustedBars, ADJUSTED.assign(adj_close=1.0), "AdjustedBars"),
    ],
)
def test_what_must_never_be_made_is_refused(schema: type[pa.DataFrameModel], frame: pd.DataFrame, column: str) -> None:
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        schema.validate(frame, lazy=True)
    assert column in set(caught.value.failure_cases["column"])
