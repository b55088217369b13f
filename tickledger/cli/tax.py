"""``tickledger tax``: the tax engine on files alone, no database."""

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from tickledger.tax.form_8949 import BasisReporting
from tickledger.tax.methods import Method
from tickledger.tax.schedule_d import FilingStatus

_TAXPAYER_NUMBER: Final = re.compile(r"(\d{3})-?(\d{2})-?(\d{4})")


def _taxpayer_number(text: str) -> str:
    """A social security or taxpayer identification number as the forms print it, with two dashes."""
    if not text:
        return text
    if (number := _TAXPAYER_NUMBER.fullmatch(text.strip())) is None:
        raise typer.BadParameter("expected nine digits such as 123-45-6789")
    return "-".join(number.groups())


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
    reporting: Annotated[
        BasisReporting, typer.Option(help="What the brokers told the IRS: decides the boxes of Form 8949.")
    ] = BasisReporting.BASIS_REPORTED,
    pdf: Annotated[bool, typer.Option("--pdf", help="Fill in the official forms, and notes on them.")] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="With --pdf: rows on an attached statement, their totals on Form 8949.")
    ] = False,
    txf: Annotated[bool, typer.Option("--txf", help="Write forms.txf, which tax software imports.")] = False,
    whole_dollars: Annotated[bool, typer.Option("--whole-dollars", help="Round every amount of the forms.")] = False,
    name: Annotated[str, typer.Option(help="Name(s) shown on the return, for the head of the forms.")] = "",
    ssn: Annotated[
        str, typer.Option(help="Social security number, for the head of the forms.", callback=_taxpayer_number)
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON document on stdout.")] = False,
) -> None:
    """Lots, wash sales, realized gains, Form 8949 and Schedule D from files of fills.

    Writes gains.csv, lots.csv, wash_sales.csv, form_8949.csv and schedule_d.json into the folder, and the forms that
    are asked for. Files may be .csv, .csv.gz or .parquet. Not tax advice.
    """
    if summary and not pdf:
        raise typer.BadParameter("expected together with --pdf, whose Form 8949 it is about", param_hint="--summary")
    from tickledger.cli.tax_forms import FormWishes
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
        forms=FormWishes(
            has_pdf=pdf,
            has_txf=txf,
            has_summary=summary,
            in_whole_dollars=whole_dollars,
            reporting=reporting,
            name=name,
            taxpayer_number=ssn,
        ),
    )
    if not run_tax(files, wishes, out=out, as_json=json):
        raise typer.Exit(code=1)
