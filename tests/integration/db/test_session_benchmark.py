"""The benchmark of a session's record runs, at a tiny size, and its counts are right; no time is judged here."""

import uuid

import pytest

from tests.integration.db.intraday import minutes
from tests.performance import session_record
from tickledger.db.embedded import EmbeddedServer

pytestmark = pytest.mark.slow


def test_every_row_of_the_sessions_record_is_counted(server: EmbeddedServer) -> None:
    with session_record.ledger(server, f"tiny_record_{uuid.uuid4().hex}") as engine:
        told = list(minutes(3, symbols=("A", "B")))
        written = session_record.in_groups(engine, told)
        assert written.rows == sum(minute.rows for minute in told) == 36
        assert session_record.one_by_one(engine, 5).rows == 5
        assert session_record.bare_commits(engine, 5).rate > 0
        assert len(session_record.waits(engine, list(minutes(4, symbols=("C",))))) == 4
        times = session_record.lease(engine, 5)
        assert {name: len(took) for name, took in times.items() if name != "acquire"} == dict.fromkeys(
            ("renew", "objection", "plain", "guarded"), 5
        )
