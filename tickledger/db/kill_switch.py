"""The kill switch in the record: engaged, resumed and obeyed by any process, and read by all of them."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import psycopg
from sqlalchemy import Engine, Select, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from tickledger.bars.corporate_actions import domain_actions
from tickledger.db import audit
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.records import as_values, select_fields
from tickledger.db.tables import kill_switch_events as events
from tickledger.db.tables import orders, symbols
from tickledger.db.versions import current, writing
from tickledger.domain.corporate_action import in_order
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind, KillSwitchState


def record_kill_switch_event(engine: Engine, event: KillSwitchEvent) -> KillSwitchEvent:
    """Append `event` and return it with its sequence; requests are noted in the audit log as well.

    Raises ConfigurationError where the database does not answer: then nothing was recorded.
    """
    row = {name: value for name, value in asdict(event).items() if name != "sequence"}
    with writing(engine, "kill switch") as (connection, _):
        sequence = connection.execute(insert(events).values(row).returning(events.c.sequence)).scalar_one()
        if event.answers is None:
            details: audit.Details = {"reason": event.reason, "flattens": str(event.flattens), "sequence": sequence}
            action = f"kill switch {event.kind}"
            audit.append(connection, actor=event.actor, action=action, subject="kill switch", details=details)
    return replace(event, sequence=sequence)


def read_kill_switch_state(engine: Engine) -> KillSwitchState:
    """The state as it is now, one row read by its index; a database that does not answer counts as engaged."""
    try:
        # Without a transaction, whose beginning and end would each be waited for.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            found = as_values(connection, _LATEST, KillSwitchEvent)
    except (SQLAlchemyError, psycopg.Error, OSError) as error:
        return KillSwitchState(unreadable=" ".join(str(error).split()))
    return KillSwitchState(found[0] if found else None)


def read_kill_switch_events(engine: Engine, *, after: int | None = None) -> list[KillSwitchEvent]:
    """The events in sequence: those after one of them, or since trading was last resumed, that event included."""
    if after is None:
        resumed = events.c.kind == KillSwitchEventKind.RESUMED
        last = select(func.max(events.c.sequence)).where(resumed).scalar_subquery()
        where = events.c.sequence >= func.coalesce(last, 0)
    else:
        where = events.c.sequence > after
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return as_values(connection, _fields().where(where).order_by(events.c.sequence), KillSwitchEvent)


def last_signal_ids(engine: Engine, account_id: str) -> dict[str, str]:
    """By symbol, the signal behind the latest order of an account: what closes a position is lined up with it.

    What a symbol has become, and was not ordered by its own name yet, has the signal of what it was.
    """
    statement = (
        select(symbols.c.ticker, orders.c.signal_id)
        .join(symbols, symbols.c.symbol_id == orders.c.symbol_id)
        .where(current(orders), orders.c.account_id == account_id)
        .distinct(symbols.c.ticker)
        .order_by(symbols.c.ticker, orders.c.submitted_at.desc(), orders.c.order_id)
    )
    with engine.connect() as connection:
        found = {row.ticker: row.signal_id for row in connection.execute(statement)}
    for action in in_order(domain_actions(read_corporate_actions(engine))):
        if action.new_symbol is not None and action.symbol in found:
            found.setdefault(action.new_symbol, found[action.symbol])
    return found


class RecordedKillSwitch:
    """The kill switch of a ledger, as those who obey it ask for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, event: KillSwitchEvent) -> KillSwitchEvent:
        """Append an event; see `record_kill_switch_event`."""
        return record_kill_switch_event(self._engine, event)

    def events(self) -> Sequence[KillSwitchEvent]:
        """The events since trading was last resumed."""
        return read_kill_switch_events(self._engine)

    def state(self) -> KillSwitchState:
        """The state now; see `read_kill_switch_state`."""
        return read_kill_switch_state(self._engine)


def _fields() -> Select[tuple[object, ...]]:
    return select_fields(events, KillSwitchEvent, symbol=events.c.symbol)


_LATEST = _fields().where(events.c.answers.is_(None)).order_by(events.c.sequence.desc()).limit(1)
