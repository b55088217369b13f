"""What a scenario is judged by besides record = gateway: who traded when, what was held, what is replayed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from resources.session_replay import replayed
from tests.chaos.process import ACCOUNT
from tests.chaos.session.plan import SessionPlan
from tests.chaos.session.process import SessionProcess
from tests.chaos.session.record import Intentions
from tests.chaos.session.stage import Arrival
from tests.chaos.verdict import Verdict
from tickledger.domain.errors import TickledgerError
from tickledger.domain.order import OrderSide
from tickledger.gateway.server import Gateway

#: How long it may take until a session has heard of the kill switch, and until what it sent before has arrived.
_TO_BE_HEARD: Final = 2.0


@dataclass
class SessionOutcome:
    """What came of a scenario. `verdict` compares the record with the gateway's books."""

    plan: SessionPlan
    verdict: Verdict
    two_at_once: list[str] = field(default_factory=list)
    oversold: list[str] = field(default_factory=list)
    though_stopped: list[str] = field(default_factory=list)
    sessions: int = 0
    epochs: int = 0
    replays: int = 0
    decisions: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    timeline: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return self.verdict.is_good and not (self.two_at_once or self.oversold or self.though_stopped)

    def __str__(self) -> str:
        told = {"two at once": self.two_at_once, "oversold": self.oversold, "though stopped": self.though_stopped}
        lines = [f"{kind}: {line}" for kind, found in told.items() for line in found]
        return "\n".join(filter(None, [str(self.verdict), *lines]))


def two_at_once(arrivals: Iterable[Arrival]) -> list[str]:
    """The orders and modifications that came from a session after the first one from a session of a later epoch."""
    latest, found = 0, []
    for arrival in arrivals:
        if arrival.epoch < latest:
            what = "order" if arrival.is_new else "modification of"
            found.append(f"{what} {arrival.reference} of epoch {arrival.epoch} at {arrival.at:.3f} s, after {latest}")
        latest = max(latest, arrival.epoch)
    return found


def bought_though_stopped(
    arrivals: Iterable[Arrival], killed: Iterable[tuple[float, float]], meant: Intentions
) -> list[str]:
    """The purchases that were written down and sent while the kill switch was engaged, a moment after it was."""
    return [
        f"{arrival.reference} bought at {arrival.at:.3f} s, though the kill switch was engaged at {since:.3f} s"
        for arrival in arrivals
        for since, until in killed
        if meant.orders[arrival.reference].side is OrderSide.BUY
        and since + _TO_BE_HEARD < meant.written_at[arrival.reference] < arrival.at < until
    ]


def oversold(gateway: Gateway) -> list[str]:
    """The fills by which the account came to be short, as the gateway's books have them in order."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    found = []
    seen: set[str] = set()
    for row in gateway.floor.books.executions:
        base = row.told.execution_id.rpartition(".")[0]
        if base in seen:
            continue  # a correction, which changes prices alone
        seen.add(base)
        symbol = row.order.listing.symbol
        held[symbol] += row.told.quantity if row.told.is_buy else -row.told.quantity
        if held[symbol] < 0:
            found.append(f"{row.told.execution_id}: {-held[symbol]} {symbol} more sold than held")
    return found


def book_differences(session: SessionProcess, gateway: Gateway, *, with_cash: bool) -> list[str]:
    """Where a session's own account differs from the gateway's."""
    assert session.made is not None
    portfolio, state = session.made.account.portfolio, gateway.venue.account(ACCOUNT)
    ours = {symbol: held.quantity for symbol, held in sorted(portfolio.holdings.items()) if held.quantity}
    theirs = {row.symbol.replace(" ", "."): row.quantity for row in state.holdings if row.quantity}
    found = []
    if ours != dict(sorted(theirs.items())):
        found.append(f"the session's book holds {ours}, the gateway {theirs}")
    if with_cash and portfolio.cash != state.cash:
        found.append(f"the session's book has cash {portfolio.cash}, the gateway {state.cash}")
    return found


def replay_differences(sessions: Sequence[SessionProcess], outcome: SessionOutcome) -> None:
    """Play each session's journal again, of those that died as well."""
    for session in sessions:
        is_written = session.journal_path.exists() and session.journal_path.stat().st_size
        if not is_written or session.has_been_failed:
            continue
        try:
            replay = replayed(session.journal_path)
        except (TickledgerError, RuntimeError) as error:
            outcome.verdict.mismatches.append(f"session {session.number} cannot be replayed: {error!r}")
            continue
        outcome.replays += 1
        outcome.decisions += len(replay.recorded)
        if not replay.is_same:
            told = "; ".join(map(str, replay.differences[:2]))
            outcome.verdict.mismatches.append(f"session {session.number} replayed otherwise: {told}")
