"""The folder of exported files: what a person or another program takes away."""

import json
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from tickledger.reporting.table import Table


class Exports(dg.ConfigurableResource[None]):
    """Writes tables and documents into `folder`, each as one step, so that no reader sees half of one."""

    folder: str

    def write_table(self, name: str, table: Table) -> Path:
        """Write `table` as `name` (CSV, UTF-8, header row) and return its path."""
        path = Path(self.folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(table.as_csv(), encoding="utf-8", newline="")
        return partial.replace(path)

    def write_tables(self, tables: Mapping[str, Table]) -> list[Path]:
        """Write each of `tables` under its name."""
        return [self.write_table(name, table) for name, table in tables.items()]

    def write_documents(self, documents: Mapping[str, Mapping[str, object]]) -> list[Path]:
        """Write each of `documents` under its name."""
        return [self.write_document(name, document) for name, document in documents.items()]

    def write_document(self, name: str, document: Mapping[str, object]) -> Path:
        """Write `document` as JSON and return its path."""
        path = Path(self.folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        return partial.replace(path)
