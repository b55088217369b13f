"""The blocking schema check that guards every frame that crosses an asset's boundary."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import dagster as dg
import pandas as pd
import pandera.errors
import pandera.pandas as pa

from tickledger.db.versions import ReplaceResult

# Dagster recognizes the bare class alone as an annotation, mypy asks for its parameter.
if TYPE_CHECKING:
    Materialized = dg.MaterializeResult[None]
else:
    Materialized = dg.MaterializeResult

#: What an asset with a value yields: the frame, which the IO manager stores, and the check of it.
CheckedFrame = Iterator[dg.Output[pd.DataFrame] | dg.AssetCheckResult]

#: As many failures as a person reads; the count says how many there are.
SHOWN: Final = 20


def schema_spec(asset: Sequence[str], schema: type[pa.DataFrameModel]) -> dg.AssetCheckSpec:
    """The check that `asset` makes of its own frame before anything downstream may use it."""
    return dg.AssetCheckSpec(
        name="schema",
        asset=dg.AssetKey(asset),
        blocking=True,
        description=f"Every row satisfies the pandera schema {schema.__name__}.",
    )


def schema_result(asset: Sequence[str], schema: type[pa.DataFrameModel], frame: pd.DataFrame) -> dg.AssetCheckResult:
    """Validate `frame` whole; a failure lists column, check, value and row of each case."""
    failures = _failures(schema, frame)
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(asset),
        check_name="schema",
        passed=failures.empty,
        metadata={
            "rows": len(frame),
            "failures": len(failures),
            "cases": dg.MetadataValue.md(failures.head(SHOWN).to_markdown(index=False)),
        },
    )


def _failures(schema: type[pa.DataFrameModel], frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty and frame.columns.empty:
        return pd.DataFrame()  # a frame of no rows of the domain, such as the open lots of an account that holds none
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases: pd.DataFrame = error.failure_cases[["column", "check", "failure_case", "index"]]
        return cases
    return pd.DataFrame()


def replace_metadata(result: ReplaceResult) -> dict[str, int]:
    """What writing a scope changed, for people: a second run of the same thing inserts and supersedes nothing."""
    return {"inserted": result.inserted, "unchanged": result.unchanged, "superseded": result.superseded}


def frame_of(rows: Sequence[Any]) -> pd.DataFrame:
    """Domain rows as a frame for validation: decimals as float64, all else as it is."""
    records = [{name: _plain(value) for name, value in asdict(row).items()} for row in rows]
    return pd.DataFrame.from_records(records)


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def materialized(
    asset: Sequence[str], schema: type[pa.DataFrameModel], rows: Sequence[object], metadata: Mapping[str, Any]
) -> Materialized:
    """The result of `asset`, whose `rows` are in the ledger: how many, `metadata`, and the check of their frame."""
    frame = frame_of(rows)
    return dg.MaterializeResult(
        asset_key=dg.AssetKey(asset),
        metadata={"dagster/row_count": len(frame), **metadata},
        check_results=[schema_result(asset, schema, frame)],
    )
