"""The judgement of the stored market data by Great Expectations, with its Data Docs."""

from pathlib import Path

import dagster as dg

from resources.expectations import ExpectationReport, validate_bars


class DataQuality(dg.ConfigurableResource[None]):
    """Runs the suites over the ledger's tables and publishes the Data Docs under `data_docs`."""

    data_docs: str

    def validate_bars(self, database_url: str) -> ExpectationReport:
        """Judge every stored bar; the report names each expectation that failed."""
        return validate_bars(database_url=database_url, data_docs=Path(self.data_docs))
