"""Checks of the database: the binaries of the embedded server, whether it answers, the revision of the ledger."""

import subprocess
from collections.abc import Iterator

from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from tickledger.cli.finding import Finding
from tickledger.cli.system_libraries import missing_library_hint_in
from tickledger.db.connect import LEDGER, external_server, external_url
from tickledger.db.embedded import is_running, programs_folder, serve
from tickledger.db.engine import create_ledger_engine
from tickledger.db.migrate import current_revision, newest_revision
from tickledger.db.places import data_folder
from tickledger.domain.errors import ConfigurationError
from tickledger.local_servers.places import nearest_existing
from tickledger.settings import Settings


def check_database(settings: Settings) -> Iterator[Finding]:
    """The server that the settings name, and the ledger in it."""
    if settings.database_url is not None:
        yield from _external(settings.database_url.get_secret_value())
        return
    yield _programs()
    yield from _embedded(settings)


def _programs() -> Finding:
    try:
        program = programs_folder() / "postgres"
    except ConfigurationError as error:
        return Finding("PostgreSQL binaries", "broken", "not installed", str(error))
    tried = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  ours
    if tried.returncode != 0:
        found = tried.stderr.strip()
        return Finding("PostgreSQL binaries", "broken", found, missing_library_hint_in(found) or "run `make install`")
    return Finding("PostgreSQL binaries", "ok", tried.stdout.strip())


def _embedded(settings: Settings) -> Iterator[Finding]:
    data = data_folder(settings.home)
    if nearest_existing(data) != data:
        yield Finding("PostgreSQL server", "ok", "embedded, not made yet: the first command makes it")
        return
    state = "running" if is_running(settings.home) else "not running; started for this check"
    try:
        with serve(settings.home) as server:
            yield Finding("PostgreSQL server", "ok", f"embedded, {state}")
            yield _ledger(server.url(LEDGER))
    except ConfigurationError as error:
        yield Finding("PostgreSQL server", "broken", "embedded, does not start", str(error))


def _external(address: str) -> Iterator[Finding]:
    try:
        url = external_url(address)
        with external_server(url) as connection:
            found = f"{connection.info.server_version // 10_000} at {url.render_as_string(hide_password=True)}"
    except ConfigurationError as error:
        yield Finding("PostgreSQL server", "broken", "not usable", str(error))
        return
    yield Finding("PostgreSQL server", "ok", found)
    yield _ledger(url.render_as_string(hide_password=False))


def _ledger(url: str) -> Finding:
    engine = create_ledger_engine(url)
    try:
        found, newest = current_revision(engine), newest_revision()
    except OperationalError:  # the server answers, so the database is absent
        return Finding("ledger", "ok", f"the database {make_url(url).database} is not made yet")
    finally:
        engine.dispose()
    if found == newest:
        return Finding("ledger", "ok", f"revision {found}, the newest")
    return Finding("ledger", "ok", f"revision {found or 'base'}; the next command brings it to {newest}")
