"""``tickledger data``: market data into the record, and what the record of them looks like."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Bring market data into the record, or judge what is in it.", no_args_is_help=True)


class Interval(StrEnum):
    """How long the bars of a file are."""

    DAY = "1day"
    MINUTE = "1min"


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Raw bars, .csv, .csv.gz or .parquet: symbol, timestamp, open, high, low, close, volume.",
        ),
    ],
    *,
    interval: Annotated[
        Interval, typer.Option(help="1day: stamped with the session's date; 1min: with the minute's start in UTC.")
    ],
    corporate_actions: Annotated[
        Path | None, typer.Option(help="Splits, dividends and the rest: symbol, ex_date, kind, ratio, amount.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Bring bars, and corporate actions, into the record.

    Every good row goes in; every other one is told and goes to the quarantine, and the exit code is 1. A file that
    was brought before changes nothing; a bar that differs from the recorded one becomes its next version.
    """
    from tickledger.cli.data_import import MarketDataFiles, import_files

    files = MarketDataFiles(bars=file, interval=interval.value, corporate_actions=corporate_actions)
    if not import_files(files, as_json=json):
        raise typer.Exit(code=1)


@app.command()
def check(*, json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False) -> None:
    """Judge the bars in the record against the exchange's calendar, the splits and each other.

    A bar on a date that is no session is an error, and the exit code is 1. Missing sessions, jumps that no split
    explains, bars without trades and rows in the quarantine are warnings.
    """
    from tickledger.cli.data_check import check_record

    if not check_record(as_json=json):
        raise typer.Exit(code=1)
