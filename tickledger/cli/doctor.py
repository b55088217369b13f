"""``tickledger doctor``: what is configured, what is reachable, and what to do about the rest."""

from typing import Annotated

import typer


def run(
    *, json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON document on stdout.")] = False
) -> None:
    """Print every setting and where it came from, and check all that Tickledger needs on this machine.

    Exits 1 where something needed is broken. Nothing is written or changed; secrets are not shown.
    """
    from tickledger.cli.diagnosis import diagnose, print_diagnosis
    from tickledger.settings import load_settings

    diagnosis = diagnose(load_settings())
    print_diagnosis(diagnosis, as_json=json)
    raise typer.Exit(0 if diagnosis.is_well else 1)
