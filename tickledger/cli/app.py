"""The commands, and how they end.

Exit codes: 0 success, 1 a problem in the data, 2 wrong usage or a setting that cannot be used.
"""

import os
import sys
from typing import Final, NoReturn

import typer

from tickledger.cli import (
    alerts,
    audit_packet,
    breaks,
    dashboard,
    data,
    db,
    demo,
    doctor,
    explain,
    gateway,
    kill,
    letter,
    reconcile,
    report,
    tax,
    trade,
    up,
    what_if,
)
from tickledger.cli.console import err
from tickledger.cli.system_libraries import missing_library_hint
from tickledger.domain.errors import ConfigurationError, TickledgerError

EXIT_DATA: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130

#: How the system and PostgreSQL say so.
_DISK_IS_FULL: Final = ("No space left on device", "DiskFull", "could not write init file")

app = typer.Typer(
    name="tickledger",
    help="Every dollar on the tax form, traced to the tick that caused it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("demo")(demo.run)
app.command("up")(up.run)
app.command("dashboard")(dashboard.run)
app.command("tax")(tax.run)
app.command("explain")(explain.run)
app.command("what-if")(what_if.run)
app.command("report")(report.run)
app.command("reconcile")(reconcile.run)
app.command("letter")(letter.run)
app.command("audit-packet")(audit_packet.run)
app.command("trade")(trade.run)
app.command("kill")(kill.kill)
app.command("resume")(kill.resume)
app.command("flatten")(kill.flatten)
app.command("gateway")(gateway.run)
app.command("doctor")(doctor.run)
app.add_typer(alerts.app, name="alerts")
app.add_typer(breaks.app, name="breaks")
app.add_typer(data.app, name="data")
app.add_typer(db.app, name="db")


def main() -> None:
    """Run the command line; every expected failure ends in a message and an exit code, never in a traceback."""
    try:
        app()
    except BrokenPipeError:
        # The reader of our output (a pager, `head`) has gone; say nothing more to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except InterruptedError as error:
        _fail(str(error), EXIT_INTERRUPTED)
    except ConfigurationError as error:
        _fail(str(error), EXIT_USAGE)
    except TickledgerError as error:
        _fail(str(error), EXIT_DATA)
    except (ImportError, OSError, ValueError) as error:
        # XGBoost tells of a missing library by a kind of ValueError.
        told = missing_library_hint(error) or _told(error)
        if told is None:
            raise
        _fail(told, EXIT_USAGE)
    except _database_errors() as error:
        _fail(f"the database stopped answering or refused the work: {str(error).strip()}", EXIT_USAGE)


def _fail(message: str, code: int) -> NoReturn:
    """End with `message`; where TICKLEDGER_DEBUG is set the traceback stands above it."""
    if _is_debugging():
        err.print_exception()
    if any(sign in message for sign in _DISK_IS_FULL):
        message += "\nThe disk is full: free some room, or set TICKLEDGER_HOME to a folder on another disk."
    err.print(message, style="red", markup=False)
    sys.exit(code)


def _is_debugging() -> bool:
    from tickledger.settings import load_settings

    try:
        return load_settings().debug
    except ConfigurationError:
        return False


def _told(error: Exception) -> str | None:
    """What the operating system refused, in its own words; None for what is no refusal of its."""
    if not isinstance(error, OSError) or error.strerror is None:
        return None
    place = "" if error.filename is None else f"{error.filename}: "
    return f"{place}{error.strerror}"


def _database_errors() -> tuple[type[Exception], ...]:
    """The exceptions of a database in trouble, of the libraries that are loaded by the time there is any."""
    names = (("sqlalchemy.exc", "OperationalError"), ("psycopg", "OperationalError"))
    return tuple(getattr(sys.modules[module], name) for module, name in names if module in sys.modules)
