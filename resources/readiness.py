"""Whether a session may start: one finding for each thing that it needs, told so that a person can mend it.

What is asked for before the open does not keep a session that has died from being started again: that one goes on
where the day was, and waits for its broker by itself.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from resources.ledger import Ledger
from resources.session_account import enter_account, session_before, session_limits
from resources.session_plan import symbols_of
from resources.trading_session import LiveTrading
from tickledger.db.accounts import read_risk_limits
from tickledger.db.kill_switch import read_kill_switch_state
from tickledger.db.market_data import last_close
from tickledger.db.migrate import current_revision, newest_revision
from tickledger.db.models import read_champions
from tickledger.db.signals import read_signals
from tickledger.db.trading_sessions import read_pause, read_sessions
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, LedgerError
from tickledger.local_servers.places import nearest_existing
from tickledger.settings import Settings

#: The findings, in the order in which they are made; Dagster shows each as a check.
SUBJECTS: Final = ("database", "disk", "limits", "market_data", "model", "broker", "clock", "operators")
_SCARCE_BYTES: Final = 2 * 10**9
_TOO_FEW_BYTES: Final = 3 * 10**8
_SKEW: Final = timedelta(seconds=5)
#: A message takes a while, in which a fast market's clock goes far.
_SIMULATED_SKEW: Final = timedelta(minutes=10)
_COMPOSITE: Final = "composite"
_MODEL: Final = "direction"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a session needs. `is_blocking`: without it, none starts."""

    subject: str
    is_met: bool
    found: str
    is_blocking: bool = True


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was found for one session."""

    session_date: date
    checked_at: datetime
    findings: tuple[Finding, ...]

    @property
    def blockers(self) -> tuple[str, ...]:
        """What keeps the session from starting, in words."""
        return tuple(f"{row.subject}: {row.found}" for row in self.findings if row.is_blocking and not row.is_met)


def readiness(ledger: Ledger, live: LiveTrading, session_date: date) -> Readiness:
    """Look at everything that the session of a day needs; raises ConfigurationError where no account is named."""
    engine, settings = ledger.engine, live.settings
    account_id = live.account.account_id
    is_first = not any(
        session.epoch is not None for session in read_sessions(engine, session_date=session_date, account_id=account_id)
    )
    findings = (
        _database(engine),
        _disk(settings),
        _limits(engine, settings),
        *_knowledge(engine, settings, session_date),
        *_broker(live, is_first=is_first),
        _operators(engine, account_id),
    )
    return Readiness(session_date, live.now(), findings)


def _database(engine: Engine) -> Finding:
    found, newest = current_revision(engine), newest_revision()
    told = f"revision {found}" if found == newest else f"revision {found}, expected {newest}: `tickledger db upgrade`"
    return Finding("database", found == newest, told)


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(nearest_existing(settings.home)).free
    told = f"{free / 10**9:.1f} GB free at {settings.home}"
    return Finding("disk", free >= _SCARCE_BYTES, told, is_blocking=free < _TOO_FEW_BYTES)


def _limits(engine: Engine, settings: Settings) -> Finding:
    """The limits are recorded, and those in force are the settings'."""
    account = enter_account(engine, settings)
    wanted = {limit.name: limit.value for limit in session_limits(settings, account.account_id)}
    found = {limit.name: limit.value for limit in read_risk_limits(engine, account.account_id)}
    return Finding("limits", found == wanted, f"{len(found)} limits in force of account {account.account_id}")


def _knowledge(engine: Engine, settings: Settings, session_date: date) -> Iterator[Finding]:
    """Market data up to the session before, and the model of the year, where the strategy decides by them."""
    decides_by_day = settings.strategy == _COMPOSITE
    before = session_before(session_date) or session_date
    lasts = {symbol: last_close(engine, symbol, until=before) for symbol in symbols_of(engine, settings)}
    stale = [symbol for symbol, last in lasts.items() if last is None or last[1] < before]
    told = f"daily bars of {len(lasts) - len(stale)} of {len(lasts)} symbols reach {before}"
    told += f"; not those of {', '.join(stale[:10])}" if stale else ""
    yield Finding("market_data", not stale, told, is_blocking=decides_by_day)
    if not decides_by_day:
        yield Finding("model", is_met=True, found=f"{settings.strategy} asks no model")
        return
    try:
        (champion,) = read_champions(engine, _MODEL, years=[session_date.year])
    except LedgerError as error:
        yield Finding("model", is_met=False, found=str(error))
        return
    signals = read_signals(engine, start=before, end=before, strategy=_COMPOSITE)
    yield Finding("model", bool(signals), f"{champion.model_version_id}; {len(signals)} signals of {before}")


def _broker(live: LiveTrading, *, is_first: bool) -> Iterator[Finding]:
    """The broker answers, and its clock is ours."""
    try:
        theirs, ours = live.broker.time(), live.market_now()
    except (BrokerUnavailableError, ConfigurationError) as error:
        yield Finding("broker", is_met=False, found=str(error), is_blocking=is_first)
        yield Finding("clock", is_met=False, found="the broker's clock could not be asked", is_blocking=False)
        return
    settings, skew = live.settings, abs(ours - theirs)
    yield Finding("broker", is_met=True, found=f"{settings.ib_host}:{settings.ib_port} answers")
    limit = _SIMULATED_SKEW if live.has_simulated_market else _SKEW
    told = f"the broker's clock is {skew.total_seconds():.1f} s from ours (at most {limit.total_seconds():g})"
    yield Finding("clock", skew <= limit, told)


def _operators(engine: Engine, account_id: str) -> Finding:
    """Nobody has asked for trading to stand still. A session starts all the same, and obeys."""
    switch, pause = read_kill_switch_state(engine), read_pause(engine, account_id)
    told = [f"the kill switch is engaged: {switch.reason}"] if switch.is_engaged else []
    told += [f"paused by {pause.actor}: {pause.reason}{pause.unreadable}"] if pause.is_paused else []
    return Finding("operators", not told, "; ".join(told) or "nothing keeps trading back", is_blocking=False)
