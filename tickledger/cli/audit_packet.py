"""``tickledger audit-packet``: one zip for the accountant, or for a letter from the tax office."""

from pathlib import Path
from typing import Annotated

import typer

from tickledger.cli.console import out as stdout
from tickledger.tax.schedule_d import FilingStatus


def run(
    *,
    year: Annotated[int, typer.Option(min=1913, max=9998, help="Tax year.")],
    out: Annotated[
        Path | None, typer.Option(help="The zip.  [default: audit-packet-YEAR-TAXPAYER.zip in this folder]")
    ] = None,
    taxpayer: Annotated[
        str | None, typer.Option(help="Whose packet; needed where accounts have several owners.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="D", help="As the record was at the end of the day D (New York), or at an instant."),
    ] = None,
    identity: Annotated[Path | None, typer.Option(help="identity.csv: substantially identical symbols.")] = None,
    filing_status: Annotated[
        FilingStatus, typer.Option(help="Decides the yearly limit on a deductible loss.")
    ] = FilingStatus.OTHER,
    policy: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for an unsettled point of law; each is printed.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name(s) shown on the return, for the head of the forms.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print what is in it as one JSON document on stdout.")] = False,
) -> None:
    """Forms, the reconciliation, every adjustment explained, all inputs with their hashes, and how to rebuild it.

    The forms are computed anew from the inputs that lie in the packet, by the command that lies there too, and compared
    with those of the ledger; where they differ the packet says so, and the command exits 1. No tax advice.
    """
    from tickledger.cli.audit_packet_run import Wish, write_packet
    from tickledger.cli.known_at import known_at

    wish = Wish(
        tax_year=year,
        taxpayer=taxpayer,
        as_of=None if as_of is None else known_at(as_of),
        identity=identity,
        filing_status=filing_status,
        policies=tuple(policy or ()),
        name=name,
    )
    made = write_packet(wish, out)
    if json:
        stdout.print_json(data=made.as_json(), ensure_ascii=False)
    else:
        for line in made.lines():
            stdout.print(line, markup=False, highlight=False, soft_wrap=not stdout.is_terminal)
    if made.differences or made.has_errors:
        raise typer.Exit(1)
