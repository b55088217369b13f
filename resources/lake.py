"""Columnar frames (adjusted bars, features) as Parquet files, one for each partition, rebuilt from the record."""

import os
from pathlib import Path

import dagster as dg
import pandas as pd


class ParquetLake(dg.ConfigurableIOManager):
    """Stores a frame with a `timestamp` column under ``folder/stage/entity``, split by the partition of each row.

    Loading several partitions gives one frame in partition order. A partition that was never stored is an error that
    names it, except before the first one stored: there the data had not begun.
    """

    folder: str

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        if not context.has_asset_partitions:
            _write(self._path(context, "all"), obj)
            return
        for key in context.asset_partition_keys:
            window = _time_window(context.asset_partitions_def, key)
            rows = obj["timestamp"].between(window.start, window.end, inclusive="left")
            _write(self._path(context, key), obj[rows])

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        keys = sorted(context.asset_partition_keys) if context.has_asset_partitions else ["all"]
        first = min((path.stem for path in self._path(context, "all").parent.glob("*.parquet")), default="")
        wanted = [key for key in keys if key >= first]
        missing = [key for key in wanted if not self._path(context, key).exists()]
        if missing or not first:
            asset = context.asset_key.to_user_string()
            raise dg.Failure(f"{asset} has no stored data for {', '.join(missing or keys)}: materialize it first")
        return pd.concat([pd.read_parquet(self._path(context, key)) for key in wanted], ignore_index=True)

    def _path(self, context: dg.InputContext | dg.OutputContext, key: str) -> Path:
        return Path(self.folder, *context.asset_key.path, f"{key}.parquet")


def _time_window(partitions: dg.PartitionsDefinition, key: str) -> dg.TimeWindow:
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        raise dg.DagsterInvariantViolationError(f"expected time partitions, found {type(partitions).__name__}")
    return partitions.time_window_for_partition_key(key)


def _write(path: Path, frame: pd.DataFrame) -> None:
    """Replace `path` as one step, so that a reader or a crash never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        frame.to_parquet(partial, index=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
