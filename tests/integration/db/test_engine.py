"""The pool of connections: a connection that is gone is replaced unnoticed, and one in use is not asked each time."""

import psycopg
import pytest
from sqlalchemy import Engine, event, text

from tickledger.db import engine as engine_module

MINE = text("SELECT pg_backend_pid()")


def process(ledger: Engine) -> int:
    with ledger.connect() as connection:
        return int(connection.execute(MINE).scalar_one())


@pytest.mark.parametrize("fresh_seconds", [1.0, 0.0], ids=["just used", "idle for long"])
def test_a_connection_that_its_server_has_ended_is_replaced_unnoticed(
    ledger: Engine, fresh_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_FRESH_SECONDS", fresh_seconds)
    url = ledger.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as another:
        for _ in range(5):
            with ledger.connect(), ledger.connect():  # two in the pool
                ended = process(ledger)
            another.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert process(ledger) != ended


def test_a_connection_that_is_in_use_is_the_same_one_each_time(ledger: Engine) -> None:
    made: list[object] = []
    event.listen(ledger, "connect", lambda connection, _: made.append(connection))
    assert len({process(ledger) for _ in range(20)}) == 1
    assert len(made) <= 1


def test_every_connection_reads_instants_in_utc(ledger: Engine) -> None:
    with ledger.connect() as connection:
        assert connection.execute(text("SHOW TIME ZONE")).scalar_one() == "UTC"
