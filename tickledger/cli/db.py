"""``tickledger db``: the revision of the ledger's schema, up and down."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tickledger.cli.console import err, out

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(help="Bring the ledger's schema up or down, or show where it is.", no_args_is_help=True)


@app.command()
def upgrade(*, to: Annotated[str, typer.Option("--to", help="Revision to bring the ledger up to.")] = "head") -> None:
    """Bring the ledger up to the newest revision, or to another."""
    from tickledger.db import migrate

    with _ledger() as engine:
        migrate.upgrade(engine, to)
        out.print(migrate.current_revision(engine))


@app.command()
def downgrade(
    *,
    to: Annotated[str, typer.Option("--to", help="Revision to go back to; `base` leaves nothing.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; nobody is asked where there is no terminal.")] = False,
) -> None:
    """Take the ledger back to an older revision; the tables that came after it are dropped with their rows."""
    from tickledger.db import migrate

    if sys.stdin.isatty() and not yes:
        typer.confirm(f"Drop every table, with its rows, that came after revision {to}?", abort=True, err=True)
    with _ledger() as engine:
        migrate.downgrade(engine, to)
        out.print(migrate.current_revision(engine) or "base")


@app.command()
def current() -> None:
    """Print the revision that the ledger is at; `base` where there is none."""
    from tickledger.db import migrate

    with _ledger() as engine:
        out.print(migrate.current_revision(engine) or "base")
        for difference in migrate.schema_differences(engine):
            err.print(f"differs from this version's tables: {difference}", markup=False)


@contextmanager
def _ledger() -> "Iterator[Engine]":
    from alembic.util import CommandError

    from tickledger.db.connect import open_databases
    from tickledger.db.engine import create_ledger_engine
    from tickledger.domain.errors import ConfigurationError
    from tickledger.settings import load_settings

    with open_databases(load_settings()) as connections:
        engine = create_ledger_engine(connections.ledger_url)
        try:
            yield engine
        except CommandError as error:
            raise ConfigurationError(f"expected a revision such as 0001, head or base, found: {error}") from error
        finally:
            engine.dispose()
