"""``tickledger what-if``: a sale or a purchase that has not happened, in after-tax dollars."""

from pathlib import Path
from typing import Annotated

import typer

from tickledger.tax.methods import Method


def run(
    *,
    sell: Annotated[
        str | None,
        typer.Option(metavar="LOT", help="Sell of this lot: its id, or that of the purchase that opened it."),
    ] = None,
    buy: Annotated[str | None, typer.Option(metavar="SYMBOL", help="Buy this symbol.")] = None,
    on: Annotated[str, typer.Option(metavar="DATE", help="Trade date, not before the last fill.")],
    quantity: Annotated[str | None, typer.Option(help="Shares; a sale without it is of the whole lot.")] = None,
    price: Annotated[
        str | None, typer.Option(help="USD per share; from the ledger, the last close unless given.")
    ] = None,
    charges: Annotated[str, typer.Option(help="Commission and fees of the trade, USD.")] = "0",
    rate_short: Annotated[
        str | None, typer.Option(help="Tax on a dollar of short-term gain, such as 0.37; with --rate-long.")
    ] = None,
    rate_long: Annotated[
        str | None, typer.Option(help="Tax on a dollar of long-term gain, such as 0.20; with --rate-short.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Account that buys; needed where there are several.")] = None,
    fills: Annotated[
        Path | None, typer.Option(help="fills.csv to answer from; without it, the ledger's record.")
    ] = None,
    accounts: Annotated[Path | None, typer.Option(help="accounts.csv, with --fills.")] = None,
    corporate_actions: Annotated[Path | None, typer.Option(help="corporate_actions.csv, with --fills.")] = None,
    opening_lots: Annotated[Path | None, typer.Option(help="lots.csv of an earlier run, with --fills.")] = None,
    identity: Annotated[Path | None, typer.Option(help="identity.csv: substantially identical symbols.")] = None,
    method: Annotated[Method, typer.Option(help="How lots are chosen where an account does not say.")] = Method.FIFO,
    policy: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for an unsettled point of law.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Gain, term, wash sales, the year's net and after-tax dollars of one sale or purchase, before it is made.

    The tax engine is run on the whole history with the trade and without it. No tax rates are assumed: without
    --rate-short and --rate-long the answer is before tax. Not tax advice.
    """
    from tickledger.cli.tax_run import TaxFiles
    from tickledger.cli.what_if_report import print_answer
    from tickledger.cli.what_if_run import Wish, answered, history_of_files, history_of_ledger

    wish = Wish.of_options(
        sell=sell, buy=buy, on=on, quantity=quantity, price=price, charges=charges,
        rate_short=rate_short, rate_long=rate_long, account=account,
    )  # fmt: skip
    if fills is None:
        companions = {
            "--accounts": accounts,
            "--corporate-actions": corporate_actions,
            "--opening-lots": opening_lots,
        }
        alone = [name for name, path in companions.items() if path is not None]
        if alone:
            raise typer.BadParameter("expected together with --fills, found no --fills", param_hint=", ".join(alone))
        source = history_of_ledger(wish, identity=identity, method=method, policies=policy or ())
    else:
        files = TaxFiles(
            fills=fills,
            accounts=accounts,
            corporate_actions=corporate_actions,
            opening_lots=opening_lots,
            identity=identity,
        )
        source = history_of_files(files, method=method, policies=policy or ())
    print_answer(answered(source, wish), as_json=json)
