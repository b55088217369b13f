"""Where a home keeps PostgreSQL."""

from pathlib import Path

from tickledger.db.keeper import SOCKET_NAME
from tickledger.local_servers.places import Places


def postgres_places(home: Path) -> Places:
    """The places of the embedded server of `home`."""
    return Places(home, home / "pg", SOCKET_NAME, home / "logs" / "postgresql.log")


def data_folder(home: Path) -> Path:
    """Where its data lie."""
    return home / "pg" / "data"
