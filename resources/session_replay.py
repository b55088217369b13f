"""A session played again from its journal: the same inputs have to lead to the same decisions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tickledger.domain.errors import InputError, Problem
from tickledger.domain.market import MarketEvent
from tickledger.domain.order import RiskDecision
from tickledger.execution.clock import ReplayClock
from tickledger.execution.journal import BufferedJournal
from tickledger.execution.journaled import ReplayedBroker, replayed_facts
from tickledger.execution.session import TurnNews
from tickledger.execution.session_assembly import SessionPorts, assembled
from tickledger.execution.session_journal import BEGAN, DECIDED, EVENT, JournalLine, of_kind, read_session_journal
from tickledger.execution.session_terms import SessionTerms
from tickledger.risk.order_flow import OrderFlow

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class SessionReplay:
    """What came of it: the decisions of the journal and of the replay, and the first of them that differ.

    `left_out` is what a torn end of the journal held.
    """

    session_date: str
    events: int
    recorded: tuple[RiskDecision, ...]
    replayed: tuple[RiskDecision, ...]
    differences: tuple[Problem, ...]
    left_out: tuple[Problem, ...]

    @property
    def is_same(self) -> bool:
        """Whether every decision is the same, in the same order."""
        return self.recorded == self.replayed


def replayed(path: Path) -> SessionReplay:
    """Play a journal again, in this thread; raises InputError for a file that is no journal of a session."""
    lines, left_out = read_session_journal(path)
    terms: SessionTerms | None = next(of_kind(lines, BEGAN), None)
    if terms is None:
        raise InputError([Problem(path.name, expected="the terms of a session in its first line", found="none")])
    decided = asyncio.run(_decided(lines, terms))
    recorded = tuple(of_kind(lines, DECIDED))
    # What was decided of the last event may not have been written down any more.
    made = decided[: len(recorded)] if left_out else decided
    return SessionReplay(
        session_date=terms.session_date.isoformat(),
        events=sum(line.kind == EVENT for line in lines),
        recorded=recorded,
        replayed=tuple(made),
        differences=tuple(_differences(recorded, made)),
        left_out=tuple(left_out),
    )


async def _decided(lines: Sequence[JournalLine], terms: SessionTerms) -> list[RiskDecision]:
    events: list[tuple[datetime, MarketEvent]] = list(of_kind(lines, EVENT))
    clock = ReplayClock(min((at for at, _ in events), default=terms.warmed_until))
    journal = BufferedJournal(terms.account_id, terms.opening, opened_on=terms.opened_on)
    for transaction in terms.cash:
        journal.record_cash_transaction(transaction)
    decided: list[RiskDecision] = []

    def take(news: TurnNews) -> None:
        decided.extend(news.decisions)

    ports = SessionPorts(
        clock=clock,
        market_data=_Events(events, clock),
        broker=ReplayedBroker(lines),
        order_journal=journal,
        journal=journal,
        facts=replayed_facts(lines, OrderFlow()),
    )
    await assembled(terms, ports, onlookers=(take,)).session.run()
    return decided


class _Events:
    """The MarketData port over the events of a journal; the clock goes where it was."""

    def __init__(self, events: Sequence[tuple[datetime, MarketEvent]], clock: ReplayClock) -> None:
        self._events = events
        self._clock = clock

    async def events(self) -> AsyncIterator[MarketEvent]:
        """The events in order."""
        for at, event in self._events:
            self._clock.advance(at)
            yield event


def _differences(recorded: Sequence[RiskDecision], made: Sequence[RiskDecision]) -> list[Problem]:
    found = []
    for place in range(max(len(recorded), len(made))):
        expected, told = (rows[place] if place < len(rows) else None for rows in (recorded, made))
        if expected != told:
            found.append(Problem(f"decision {place + 1}", expected=_words(expected), found=_words(told)))
    return found[:_SHOWN]


def _words(decision: RiskDecision | None) -> str:
    if decision is None:
        return "none"
    verdict = "let out" if decision.is_approved else "refused"
    deal = f"{decision.side} {decision.requested_quantity.normalize():f} {decision.symbol}"
    return f"{deal} at {decision.decided_at:%H:%M:%S}, {verdict}, {decision.risk_decision_id}"
