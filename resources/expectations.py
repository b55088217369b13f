"""The Great Expectations suite over the bars in force in PostgreSQL, and its Data Docs.

It judges what was stored, whoever stored it: the same rules as the reader's, asked again of the database, and one
that only the whole history can answer (no close jumps without a split to explain it).
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.data_docs import detach, write_index

if TYPE_CHECKING:
    from great_expectations import Checkpoint
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.data_context.types.base import DataContextConfig
    from great_expectations.datasource.fluent import PostgresDatasource
    from great_expectations.expectations.expectation import Expectation

SUITE: Final = "stored_bars"
_PRICES: Final = ("open", "high", "low", "close")
_SITE: Final = "data_docs"
#: A close that falls by more than 60 % or rises by more than 150 % in a bar, splits set aside, is looked at by a
#: person: so does a slipped decimal point, and hardly ever a share.
_LARGEST_FALL: Final = -0.6
_LARGEST_RISE: Final = 1.5

#: The columns by which a bar is named where it does not meet an expectation.
_NAME: Final = ["symbol", "bar_at"]
_SHOWN: Final = 3
_KINDS: Final = {"critical": "failed", "warning": "warned", "info": "warned"}

#: Great Expectations accepts a query only if it begins with SELECT.
_BARS_IN_FORCE: Final = """SELECT b.symbol, b.interval, b.bar_at, b.volume,
       CAST(b.open AS double precision) AS open, CAST(b.high AS double precision) AS high,
       CAST(b.low AS double precision) AS low, CAST(b.close AS double precision) AS close,
       CAST(b.close * coalesce(split.ratio, 1) / b.close_before - 1 AS double precision) AS close_change
FROM (
    SELECT s.ticker AS symbol, m.*, lag(m.close) OVER w AS close_before, lag(m.session_date) OVER w AS date_before
    FROM market_data m LEFT JOIN symbols s USING (symbol_id)
    WHERE m.superseded_at IS NULL
    WINDOW w AS (PARTITION BY m.symbol_id, m.interval ORDER BY m.bar_at)
) b
LEFT JOIN LATERAL (
    SELECT exp(sum(ln(a.ratio))) AS ratio
    FROM corporate_actions a
    WHERE a.symbol_id = b.symbol_id AND a.kind = 'split' AND a.superseded_at IS NULL
      AND a.ex_date > b.date_before AND a.ex_date <= b.session_date
) split ON true
"""


@dataclass(frozen=True, slots=True)
class ExpectationReport:
    """What the suite found: how many expectations it judged, which failed, and where a person reads about it.

    `failed` costs success; `warnings` are unusual, not impossible.
    """

    success: bool
    evaluated: int
    failed: tuple[str, ...]
    index_page: Path
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Finding:
    """One expectation and what came of it: ``passed``, ``warned`` or ``failed``."""

    expectation: str
    kind: str
    told: str

    def __str__(self) -> str:
        return f"{self.expectation}: {self.told}"


def validate_bars(*, database_url: str, data_docs: Path) -> ExpectationReport:
    """Judge the bars in force at `database_url` (``postgresql+psycopg://…``) and write Data Docs into `data_docs`."""
    # Great Expectations reads this on import; nothing of a run may leave the machine.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # noqa: PLC0415 - seconds that only this check should cost

    context = gx.get_context(mode="ephemeral", project_config=_project(data_docs))
    ledger = context.data_sources.add_postgres("ledger", connection_string=database_url)
    try:
        (outcome,) = _checkpoint(context, ledger).run().run_results.values()
    finally:
        ledger.get_execution_engine().close()
        ledger.get_engine().dispose()
    findings = _findings(outcome.results)
    return ExpectationReport(
        success=all(finding.kind != "failed" for finding in findings),
        evaluated=len(findings),
        failed=tuple(str(finding) for finding in findings if finding.kind == "failed"),
        index_page=_publish(findings, data_docs),
        warnings=tuple(str(finding) for finding in findings if finding.kind == "warned"),
    )


def _checkpoint(context: "EphemeralDataContext", ledger: "PostgresDatasource") -> "Checkpoint":
    import great_expectations as gx  # noqa: PLC0415

    suite = gx.ExpectationSuite(name=SUITE, expectations=[*_of_cells(), *_of_bars()])
    bars = ledger.add_query_asset("bars_in_force", query=_BARS_IN_FORCE).add_batch_definition_whole_table("all")
    validation = gx.ValidationDefinition(name=SUITE, data=bars, suite=context.suites.add(suite))
    checkpoint = gx.Checkpoint(
        name=SUITE,
        validation_definitions=[context.validation_definitions.add(validation)],
        actions=[gx.checkpoint.UpdateDataDocsAction(name=_SITE, site_names=[_SITE])],
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": _NAME,
            "partial_unexpected_count": _SHOWN,
        },
    )
    return context.checkpoints.add(checkpoint)


def _project(data_docs: Path) -> "DataContextConfig":
    """A project in memory whose only files are the pages under `data_docs`."""
    from great_expectations.data_context.types import base  # noqa: PLC0415

    site = {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(data_docs)},
    }
    return base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        data_docs_sites={_SITE: site},
        progress_bars=base.ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def _of_cells() -> list["Expectation"]:
    import great_expectations.expectations as gxe  # noqa: PLC0415

    present = [
        gxe.ExpectColumnValuesToNotBeNull(column=column, description=f"{column} is there")
        for column in ("symbol", "bar_at", *_PRICES, "volume")
    ]
    positive = [
        gxe.ExpectColumnValuesToBeBetween(column=price, min_value=0, strict_min=True, description=f"{price} is above 0")
        for price in _PRICES
    ]
    volume = gxe.ExpectColumnValuesToBeBetween(column="volume", min_value=0, description="volume is not negative")
    return [*present, *positive, volume]


def _of_bars() -> list["Expectation"]:
    import great_expectations.expectations as gxe  # noqa: PLC0415
    from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: PLC0415

    in_range = [
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=above, column_B=below, or_equal=True, description=f"{above} is at least {below}"
        )
        for above, below in (("high", "low"), ("high", "open"), ("high", "close"), ("open", "low"), ("close", "low"))
    ]
    unique = gxe.ExpectCompoundColumnsToBeUnique(
        column_list=["symbol", "interval", "bar_at"], description="one bar per symbol, interval and time"
    )
    steady = gxe.ExpectColumnValuesToBeBetween(
        column="close_change",
        min_value=_LARGEST_FALL,
        max_value=_LARGEST_RISE,
        severity=FailureSeverity.WARNING,
        description="no close jumps without a split to explain it",
    )
    some = gxe.ExpectTableRowCountToBeBetween(min_value=1, description="there are bars")
    return [some, *in_range, unique, steady]


def _findings(results: Iterable[Any]) -> list[_Finding]:
    return [
        _Finding(
            expectation=result.expectation_config.description,
            kind="passed" if result.success else _KINDS[result.expectation_config.severity],
            told="met" if result.success else _told(result),
        )
        for result in results
    ]


def _told(result: Any) -> str:  # noqa: ANN401 - Great Expectations types its results so
    """What was found instead, with a few of the bars that are to blame."""
    if result.exception_info.get("raised_exception") is not False:
        return f"could not be judged: {result.exception_info}"
    found = result.result
    if "unexpected_count" not in found:
        return f"found {found.get('observed_value')}"
    bars = [_bar(cells) for cells in found.get("partial_unexpected_index_list") or []]
    examples = f", such as {'; '.join(bars)}" if bars else ""
    return f"not so for {found['unexpected_count']:,} of {found['element_count']:,} bars{examples}"


def _bar(cells: Mapping[str, Any]) -> str:
    values = ", ".join(f"{column} {value}" for column, value in cells.items() if column not in _NAME)
    return f"{cells['symbol']} at {cells['bar_at']}" + (f" ({values})" if values else "")


def _publish(findings: Sequence[_Finding], folder: Path) -> Path:
    """The pages of Great Expectations, made to stand on their own, behind an index that says what was found."""
    detach(folder)
    good = sum(finding.kind == "passed" for finding in findings)
    return write_index(
        folder,
        title="Stored bars",
        verdict=f"{good} of {len(findings)} expectations are met",
        is_good=all(finding.kind != "failed" for finding in findings),
        rows=[(finding.expectation, finding.told, finding.kind) for finding in findings],
    )
