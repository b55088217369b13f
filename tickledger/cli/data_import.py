"""What ``tickledger data import`` does: read the files whole, then record them, then say what came of it.

Nothing is opened before every file was read, so that a file that cannot be used changes nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from tickledger.cli.columns import aligned
from tickledger.cli.console import err, out
from tickledger.cli.ledger import opened_ledger
from tickledger.cli.problems import tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tickledger.bars.sources import Loaded
    from tickledger.db.ingestion import IngestionResult, IngestionSource
    from tickledger.domain.errors import Problem


@dataclass(frozen=True, slots=True)
class MarketDataFiles:
    """Where the bars are, how long each is, and where the corporate actions are."""

    bars: Path
    interval: str
    corporate_actions: Path | None = None


@dataclass(frozen=True, slots=True)
class _Import:
    """One file: what it holds, what it held, and what the record made of it."""

    contents: str
    source: "IngestionSource"
    loaded: "Loaded"
    result: "IngestionResult"


def import_files(files: MarketDataFiles, *, as_json: bool) -> bool:
    """Bring the files into the record; returns whether every row was good.

    Raises InputError where a file cannot be read or lacks a column, ConfigurationError where there is no ledger.
    """
    from tickledger.bars.sources import load_bars, load_corporate_actions

    with err.status("reading the files"):
        bars = load_bars(files.bars, interval=files.interval)
        source = _source(files.bars)
        actions = load_corporate_actions(files.corporate_actions) if files.corporate_actions else None
        actions_source = _source(files.corporate_actions) if files.corporate_actions else None
    with err.status("recording what they hold"), opened_ledger() as engine:
        imports = [_record_bars(engine, bars, source, interval=files.interval)]
        if actions is not None and actions_source is not None:
            imports.append(_record_corporate_actions(engine, actions, actions_source))
    return _report(imports, as_json=as_json)


def _source(path: Path) -> "IngestionSource":
    from tickledger.db.ingestion import IngestionSource

    with path.open("rb") as file:
        return IngestionSource(name=path.name, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _record_bars(engine: "Engine", loaded: "Loaded", source: "IngestionSource", *, interval: str) -> _Import:
    from tickledger.bars.survey import interval_in_words
    from tickledger.db.market_data import ingest_bars

    result = ingest_bars(engine, loaded.frame, rejects=loaded.rejects, source=source, interval=interval)
    return _Import(f"{interval_in_words(interval)} bars", source, loaded, result)


def _record_corporate_actions(engine: "Engine", loaded: "Loaded", source: "IngestionSource") -> _Import:
    from tickledger.db.corporate_actions import ingest_corporate_actions

    result = ingest_corporate_actions(engine, loaded.frame, rejects=loaded.rejects, source=source)
    return _Import("corporate actions", source, loaded, result)


def _report(imports: Sequence[_Import], *, as_json: bool) -> bool:
    warnings = [warning for one in imports for warning in one.loaded.warnings]
    refused = [reject.problem for one in imports for reject in one.loaded.rejects]
    tell(warnings, elsewhere="of the same kind")
    tell(refused, elsewhere="all of them in the quarantine")
    if as_json:
        out.print_json(data=_document(imports, refused, warnings), ensure_ascii=False)
    else:
        out.print(_table(imports))
    return not refused


def _document(
    imports: Sequence[_Import], refused: Sequence["Problem"], warnings: Sequence["Problem"]
) -> dict[str, Any]:
    return {
        "imports": [{"file": one.source.name, "contents": one.contents} | asdict(one.result) for one in imports],
        "refused": [asdict(problem) for problem in refused],
        "warnings": [asdict(problem) for problem in warnings],
    }


def _table(imports: Sequence[_Import]) -> Text:
    heading = ("file", "contents", "inserted", "unchanged", "restated", "quarantined", "ingestion")
    return aligned([heading, *(_row(one) for one in imports)])


def _row(one: _Import) -> Sequence[str]:
    result = one.result
    counts = (result.inserted, result.unchanged, result.restated, result.quarantined)
    return (one.source.name, one.contents, *(f"{count:,}" for count in counts), result.ingestion_id)
