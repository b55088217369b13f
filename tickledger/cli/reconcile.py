"""``tickledger reconcile``: our record against a broker's file."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    *,
    statement: Annotated[
        list[Path],
        typer.Option(
            help="A broker's file; may be given again. Its format is recognized: docs/statements.md lists them."
        ),
    ],
    account: Annotated[
        str | None, typer.Option(help="Of this account alone; also for files that do not name theirs.")
    ] = None,
    fills: Annotated[
        Path | None, typer.Option(help="fills.csv to compare with, instead of the ledger; no database is opened.")
    ] = None,
    corporate_actions: Annotated[Path | None, typer.Option(help="With --fills: corporate_actions.csv.")] = None,
    accounts: Annotated[Path | None, typer.Option(help="With --fills: accounts.csv.")] = None,
    year: Annotated[
        int | None, typer.Option(min=1913, max=9998, help="Tax year of 1099-B rows that do not tell it.")
    ] = None,
    zone: Annotated[
        str, typer.Option(help="Time zone that the statement's times are in; files do not say it.")
    ] = "America/New_York",
    day_first: Annotated[bool, typer.Option("--day-first", help="03/02/2025 is the third of February.")] = False,
    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Keep the file and the breaks in the ledger.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="Folder for breaks.csv and elements.csv (every element: read, ignored, why).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Hold the record beside a broker's statements or 1099-B, and tell every difference with its cause.

    Executions, commissions, positions, cash, dividends, corporate actions, open lots, realized gains, and the boxes of
    a 1099-B. Nothing of the record is changed: `tickledger breaks apply` records what a break proposes. A file that is
    given again changes nothing.

    Exits 1 where a break is worth money, or a part of a file cannot be used.
    """
    from tickledger.cli.console import out as stdout
    from tickledger.cli.reconcile_output import print_result, result_as_json, write_result
    from tickledger.cli.reconcile_run import Wish, reconciled

    wish = Wish.of_options(
        statements=tuple(statement),
        account=account,
        fills=fills,
        corporate_actions=corporate_actions,
        accounts=accounts,
        tax_year=year,
        zone=zone,
        is_day_first=day_first,
        is_recorded=record and fills is None,
    )
    result = reconciled(wish)
    if out is not None:
        write_result(result, out)
    if json:
        stdout.print_json(data=result_as_json(result), ensure_ascii=False)
    else:
        print_result(result)
    if result.has_errors or any(found.is_money_relevant for found in result.unsettled):
        raise typer.Exit(1)
