"""A session played again from its journal: the same inputs have to lead to the same decisions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tickledger.domain.errors import InputError, Problem
from tickledger.domain.market import MarketEvent
from tickledger.domain.order import RiskDecision
from tickledger.execution.clock import ReplayClock
from tickledger.execution.journal import BufferedJournal
from tickledger.execution.journaled import JournalEndError, ReplayedBroker, replayed_facts
from tickledger.execution.session import TurnNews
from tickledger.execution.session_assembly import SessionPorts, assembled
from tickledger.execution.session_journal import (
    BEGAN,
    DECIDED,
    EVENT,
    RECORD,
    STARTED,
    JournalLine,
    of_kind,
    read_session_journal,
)
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
    before_last, last = asyncio.run(_decided(lines, terms))
    recorded = tuple(of_kind(lines, DECIDED))
    # A process that died over its last event may not have written down what it decided of it.
    made = [*before_last, *last[: max(len(recorded) - len(before_last), 0)]]
    return SessionReplay(
        session_date=terms.session_date.isoformat(),
        events=sum(line.kind == EVENT for line in lines),
        recorded=recorded,
        replayed=tuple(made),
        differences=tuple(_differences(recorded, made)),
        left_out=tuple(left_out),
    )


async def _decided(lines: Sequence[JournalLine], terms: SessionTerms) -> tuple[list[RiskDecision], list[RiskDecision]]:
    """What is decided of all events but the last, and of the last."""
    events: list[tuple[datetime, MarketEvent]] = list(of_kind(lines, EVENT))
    clock = ReplayClock(next(of_kind(lines, STARTED), terms.warmed_until))
    journal = BufferedJournal(terms.account_id, terms.opening, opened_on=terms.opened_on)
    for transaction in terms.cash:
        journal.record_cash_transaction(transaction)
    if terms.opened_on is not None:
        journal.take_corporate_actions(one for one in terms.corporate_actions if one.ex_date > terms.opened_on)
    for record in of_kind(lines, RECORD):
        journal.take_orders(record)
    before_last: list[RiskDecision] = []
    last: list[RiskDecision] = []

    def take(news: TurnNews) -> None:
        (last if news.event is events[-1][1] else before_last).extend(news.decisions)

    ports = SessionPorts(
        clock=clock,
        market_data=_Events(events, clock),
        broker=ReplayedBroker(lines),
        order_journal=journal,
        journal=journal,
        facts=replayed_facts(lines, OrderFlow()),
    )
    with suppress(JournalEndError):
        await assembled(terms, ports, onlookers=(take,)).session.run()
    return before_last, last


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
