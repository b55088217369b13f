"""What the kill switch means: which event counts, whom it stops, and what is still to be done about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind, KillSwitchState

#: What people ask for; everything else is a step.
REQUESTS: Final = frozenset({KillSwitchEventKind.ENGAGED, KillSwitchEventKind.RESUMED})


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """All events so far, in sequence.

    Once engaged, nothing opens a position until it is resumed; cancels and orders that only reduce always pass.
    Engaging again while it is engaged adds to what was asked: flattening that was asked for once stays asked for.
    """

    events: Sequence[KillSwitchEvent] = ()

    @property
    def state(self) -> KillSwitchState:
        """Whether trading is stopped now."""
        return state_after(self.events)

    def unanswered(self, account_id: str) -> tuple[KillSwitchEvent, ...]:
        """The requests to engage since the last resumption that were not carried out for `account_id`."""
        return tuple(
            request
            for request in self._in_force()
            if not any(
                step.kind is KillSwitchEventKind.CARRIED_OUT and step.obeying_account == account_id
                for step in self.steps(request)
            )
        )

    def steps(self, request: KillSwitchEvent) -> tuple[KillSwitchEvent, ...]:
        """What was done about a request."""
        return tuple(event for event in self.events if event.answers == request.sequence and event.sequence)

    def flattened(self, request: KillSwitchEvent, account_id: str) -> frozenset[str]:
        """The symbols for which an order was sent for this request: none is ever sent twice."""
        return frozenset(
            step.symbol
            for step in self.steps(request)
            if step.kind is KillSwitchEventKind.FLATTEN_SENT and step.obeying_account == account_id and step.symbol
        )

    def _in_force(self) -> list[KillSwitchEvent]:
        requests: list[KillSwitchEvent] = []
        for event in self.events:
            if event.kind is KillSwitchEventKind.RESUMED:
                requests.clear()
            elif event.kind is KillSwitchEventKind.ENGAGED:
                requests.append(event)
        return requests


def state_after(events: Iterable[KillSwitchEvent]) -> KillSwitchState:
    """The state that the latest request leaves."""
    last: KillSwitchEvent | None = None
    for event in events:
        if event.kind in REQUESTS:
            last = event
    return KillSwitchState(last)
