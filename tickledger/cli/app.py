"""The commands, and how they end.

Exit codes: 0 success, 1 a problem in the data, 2 wrong usage or a setting that cannot be used.
"""

import os
import sys
from typing import Final

import typer

from tickledger.cli import db, demo, doctor, explain, tax, up
from tickledger.cli.console import err
from tickledger.cli.system_libraries import missing_library_hint
from tickledger.domain.errors import ConfigurationError, TickledgerError

EXIT_DATA: Final = 1
EXIT_USAGE: Final = 2

app = typer.Typer(
    name="tickledger",
    help="Every dollar on the tax form, traced to the tick that caused it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("demo")(demo.run)
app.command("up")(up.run)
app.command("tax")(tax.run)
app.command("explain")(explain.run)
app.command("doctor")(doctor.run)
app.add_typer(db.app, name="db")


def main() -> None:
    """Run the command line; every expected failure ends in a message and an exit code, never in a traceback."""
    try:
        app()
    except TickledgerError as error:
        err.print(str(error), style="red", markup=False)
        sys.exit(EXIT_USAGE if isinstance(error, ConfigurationError) else EXIT_DATA)
    except (ImportError, OSError) as error:
        hint = missing_library_hint(error)
        if hint is None:
            raise
        err.print(hint, style="red", markup=False)
        sys.exit(EXIT_USAGE)
    except BrokenPipeError:
        # The reader of our output (a pager, `head`) has gone; say nothing more to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
