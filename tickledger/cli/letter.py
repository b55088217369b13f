"""``tickledger letter``: the month of an account on two pages."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tickledger.cli.console import out as stdout
from tickledger.cli.ledger import opened_ledger
from tickledger.domain.errors import ConfigurationError
from tickledger.execution.clock import WallClock

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tickledger.reporting.letter import LetterRecord

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")


def run(
    *,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="The month.  [default: that of the last session]")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The account; needed where there are several.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The PDF.  [default: letter-ACCOUNT-YYYY-MM.pdf in this folder]")
    ] = None,
) -> None:
    """Write the monthly letter of an account: what it earned and lost, holds, costs and owes, in words and charts."""
    from tickledger.db.letters import read_letter_record
    from tickledger.reporting.letter import letter
    from tickledger.reporting.letter_pdf import letter_pdf

    with opened_ledger() as engine:
        record = read_letter_record(engine, _account(engine, account))
    year, number = _month(month, record)
    made = letter(record, year=year, month=number, generated_at=WallClock().now())
    target = out or Path(f"letter-{record.account.account_id}-{year}-{number:02}.pdf")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(letter_pdf(made))
    for sentence in made.sentences():
        stdout.print(sentence, markup=False, highlight=False)
    stdout.print(str(target), markup=False, highlight=False)


def _account(engine: "Engine", named: str | None) -> str:
    from tickledger.db.trading import read_accounts

    known = sorted(account.account_id for account in read_accounts(engine))
    if named is None and len(known) == 1:
        return known[0]
    if named is None or named not in known:
        found = "no choice" if named is None else repr(named)
        raise ConfigurationError(f"--account: expected one of {', '.join(known) or 'none: none traded'}, found {found}")
    return named


def _month(text: str | None, record: "LetterRecord") -> tuple[int, int]:
    if text is None:
        last = max((row.session_date for row in record.balances), default=None)
        if last is None:
            raise ConfigurationError(
                f"--month: expected an account with a session, {record.account.account_id} has none"
            )
        return last.year, last.month
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12:  # noqa: PLR2004  months
        raise ConfigurationError(f"--month: expected a month such as 2026-03, found {text!r}")
    return int(found[1]), int(found[2])
