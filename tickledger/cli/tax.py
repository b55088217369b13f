"""``tickledger tax``: the tax engine on files alone, no database."""

from pathlib import Path
from typing import Annotated

import typer

from tickledger.tax.methods import Method
from tickledger.tax.schedule_d import FilingStatus


def run(
    *,
    fills: Annotated[Path, typer.Option(help="fills.csv: every purchase and sale, from the first on.")],
    year: Annotated[int, typer.Option(min=1913, max=9998, help="Tax year of the forms.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; made where it is not there.")],
    method: Annotated[Method, typer.Option(help="How lots are chosen where an account does not say.")] = Method.FIFO,
    corporate_actions: Annotated[Path | None, typer.Option(help="corporate_actions.csv: splits and the rest.")] = None,
    accounts: Annotated[Path | None, typer.Option(help="accounts.csv: kinds, owners, modes, methods by date.")] = None,
    carryover: Annotated[
        Path | None, typer.Option(help="schedule_d.json of the year before, or a table short_term, long_term.")
    ] = None,
    opening_lots: Annotated[
        Path | None, typer.Option(help="lots.csv of an earlier run, where fills do not go back to the start.")
    ] = None,
    identity: Annotated[Path | None, typer.Option(help="identity.csv: substantially identical symbols.")] = None,
    taxpayer: Annotated[
        str | None, typer.Option(help="Whose forms; needed where accounts have several owners.")
    ] = None,
    filing_status: Annotated[
        FilingStatus, typer.Option(help="Decides the yearly limit on a deductible loss.")
    ] = FilingStatus.OTHER,
    taxable_income: Annotated[
        str | None, typer.Option(help="Form 1040, line 15, for the carryover worksheet; negative where it is.")
    ] = None,
    policy: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for an unsettled point of law; each is printed.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON document on stdout.")] = False,
) -> None:
    """Lots, wash sales, realized gains, Form 8949 and Schedule D from files of fills.

    Writes gains.csv, lots.csv, wash_sales.csv, form_8949.csv and schedule_d.json into the folder. Files may be
    .csv, .csv.gz or .parquet. Not tax advice.
    """
    from tickledger.cli.tax_run import TaxFiles, Wishes, run_tax

    files = TaxFiles(
        fills=fills,
        corporate_actions=corporate_actions,
        accounts=accounts,
        carryover=carryover,
        opening_lots=opening_lots,
        identity=identity,
    )
    wishes = Wishes(
        tax_year=year,
        method=method,
        taxpayer=taxpayer,
        filing_status=filing_status,
        taxable_income=taxable_income,
        policies=tuple(policy or ()),
    )
    if not run_tax(files, wishes, out=out, as_json=json):
        raise typer.Exit(code=1)
