"""Bringing a database to a revision of the schema, and telling where it is.

The revisions are in `migrations/versions`; each is applied in one transaction, under a lock, so that several
commands that start at once migrate once and one that is killed leaves nothing half done.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, ForeignKeyConstraint, text
from sqlalchemy.schema import SchemaItem

from tickledger.db.tables import METADATA
from tickledger.domain.errors import ConfigurationError

OLDEST_SERVER: Final = 15
_PARTITION: Final = "market_data_"
_LOCK: Final = 0x7469_636B  # "tick": one number for every process that migrates a ledger


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the ledger up to `revision`; does nothing where it is there. Needs PostgreSQL 15 or newer."""
    with _locked(engine) as config:
        command.upgrade(config, revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the ledger down to `revision` (``base``: nothing is left), with the rows of every table dropped."""
    with _locked(engine) as config:
        command.downgrade(config, revision)


def current_revision(engine: Engine) -> str | None:
    """The revision the ledger is at; None where it was never migrated."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The revision that `upgrade` brings a ledger to."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def schema_differences(engine: Engine) -> list[object]:
    """How the database differs from `tickledger.db.tables`, in Alembic's words; empty where it does not."""
    with engine.connect() as connection:
        options = {"include_object": is_ours, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


def is_ours(item: SchemaItem, name: str | None, kind: str, _reflected: object, _counterpart: object) -> bool:
    """Whether the metadata describe `item`: partitions, and the keys that point at them, come with the data."""
    if isinstance(item, ForeignKeyConstraint):
        return not item.elements[0].target_fullname.startswith(_PARTITION)
    return kind != "table" or not (name or "").startswith(_PARTITION)


@contextmanager
def _locked(engine: Engine) -> Iterator[Config]:
    with engine.begin() as connection:
        _check_server(connection)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = _config()
        # A URL in the ini would have its % signs read as interpolation.
        config.attributes["connection"] = connection
        yield config


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "tickledger.db:migrations")
    return config


def _check_server(connection: Connection) -> None:
    version = connection.dialect.server_version_info or (0,)
    if version[0] < OLDEST_SERVER:
        found = ".".join(str(part) for part in version)
        raise ConfigurationError(f"expected PostgreSQL {OLDEST_SERVER} or newer, found {found}")
