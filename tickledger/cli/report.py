"""``tickledger report``: tax reports of the ledger, on the terminal, as CSV, Excel or PDF."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tickledger.cli.report_output import Format
from tickledger.tax.methods import Method


class Kind(StrEnum):
    """What may be asked for; `all` is every report there is."""

    GAINS = "gains"
    OPEN_LOTS = "open-lots"
    WASH_SALES = "wash-sales"
    HARVEST = "harvest"
    ESTIMATED_TAX = "estimated-tax"
    YEAR_END = "year-end"
    FORM_8949 = "form-8949"
    SCHEDULE_D = "schedule-d"
    TRADES = "trades"
    ALL = "all"


def run(
    kind: Annotated[Kind, typer.Argument(help="Which report, or all of them.")],
    *,
    account: Annotated[str | None, typer.Option(help="Only this account; else all of the taxpayer's.")] = None,
    year: Annotated[
        int | None,
        typer.Option(min=1913, max=9998, help="Tax year; that of the day the reports stand on unless given."),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="As it was recorded until the end of this day, New York time.")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="The day on which the reports stand: today, or the last session where money is simulated.",
        ),
    ] = None,
    taxpayer: Annotated[
        str | None, typer.Option(help="Whose reports; needed where accounts have several owners.")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="TOML or CSV of what you state: rates, income, last year's tax, payments.")
    ] = None,
    lot: Annotated[str | None, typer.Option(help="year-end: only this lot, or the purchase that opened it.")] = None,
    by: Annotated[str | None, typer.Option(metavar="DATE", help="year-end: a further day on which to sell.")] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="csv (a folder), xlsx or pdf; the name of --out may say it.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for xlsx and pdf, folder for csv.")] = None,
    identity: Annotated[Path | None, typer.Option(help="identity.csv: substantially identical symbols.")] = None,
    method: Annotated[Method, typer.Option(help="How lots are chosen where a sale does not name them.")] = Method.FIFO,
    policy: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for an unsettled point of law.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Realized gains, open lots, wash sales, harvest candidates, estimated tax, year-end what-if, forms and trades.

    Everything is computed from the ledger's record when it is asked for. Without --format and --out the tables are
    printed. Reports of accounts that are not live carry a watermark. Estimates, no tax advice.
    """
    from tickledger.cli.report_output import format_of, print_json, print_reports, written
    from tickledger.cli.report_run import Wish, made

    as_format = format_of(format_, out)
    wish = Wish.of_options(
        kind=kind, account=account, year=year, as_of=as_of, on=on, taxpayer=taxpayer, profile=profile, lot=lot, by=by,
        identity=identity, method=method, policies=tuple(policy or ()),
    )  # fmt: skip
    cover, reports, has_errors = made(wish)
    if as_format is not None:
        files = written(cover, reports, as_format=as_format, out=out, name=f"report-{kind}-{cover.tax_year}")
        for file in files:
            typer.echo(str(file), err=json)
    if json:
        print_json(cover, reports)
    elif as_format is None:
        print_reports(cover, reports)
    if has_errors:
        raise typer.Exit(code=1)
