"""``tickledger kill``, ``resume`` and ``flatten``: the kill switch, which lives in the database.

The commands write what is asked for; sessions that trade read it before every order and carry it out.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from tickledger.cli.console import err, out
from tickledger.cli.ledger import opened_ledger
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.execution.clock import WallClock

if TYPE_CHECKING:
    from sqlalchemy import Engine

_POLL_SECONDS: Final = 0.2
_BY_HAND: Final = (
    "Stop the session's process (Ctrl-C, or kill its id) and cancel or close at the broker by hand: TWS has "
    "“Cancel All Orders”, the broker has a telephone."
)

Reason = Annotated[str, typer.Option(help="Why, for the record.")]
Wait = Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait for a running session to tell its steps.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def kill(
    *,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position at the market as well.")] = False,
    reason: Reason = "",
    wait: Wait = 5,
    json: Json = False,
) -> None:
    """Stop trading: every session cancels all its orders and opens nothing until `tickledger resume`.

    Orders that only reduce a position and cancellations still pass. Works whether a session runs or not: one that
    starts later finds the switch engaged.
    """
    _engage(flattens=flatten, reason=reason, wait=wait, as_json=json)


def flatten(*, reason: Reason = "", wait: Wait = 5, json: Json = False) -> None:
    """Stop trading and close every position at the market: the same as `tickledger kill --flatten`.

    Each position is closed once for each time this is asked; orders that still work are cancelled first.
    """
    _engage(flattens=True, reason=reason, wait=wait, as_json=json)


def resume(*, reason: Reason = "", json: Json = False) -> None:
    """Let sessions open positions again; says who had stopped them, and why."""
    from tickledger.db.kill_switch import read_kill_switch_state, record_kill_switch_event

    with _ledger("trading was NOT resumed") as engine:
        state = read_kill_switch_state(engine)
        if state.unreadable:
            raise ConfigurationError(f"trading was NOT resumed: {state.reason}")
        event = None
        if state.is_engaged:
            event = record_kill_switch_event(engine, _event(KillSwitchEventKind.RESUMED, reason))
    if json:
        out.print_json(data={"was_engaged": state.is_engaged, "event": _as_json(event)}, ensure_ascii=False)
    elif event is None:
        out.print("The kill switch was not engaged; nothing has changed.")
    else:
        out.print(f"Trading is resumed (event {event.sequence}). It was {state.reason}", markup=False)


def _engage(*, flattens: bool, reason: str, wait: float, as_json: bool) -> None:
    from tickledger.db.kill_switch import record_kill_switch_event

    with _ledger("the kill switch was NOT engaged", advice=_BY_HAND) as engine:
        event = record_kill_switch_event(engine, _event(KillSwitchEventKind.ENGAGED, reason, flattens=flattens))
        if not as_json:
            _print_engaged(event)
        steps = _steps(engine, event, seconds=wait)
    if as_json:
        out.print_json(data={"event": _as_json(event), "steps": [_as_json(step) for step in steps]}, ensure_ascii=False)
    else:
        _print_steps(event, steps, wait=wait)


def _print_engaged(event: KillSwitchEvent) -> None:
    out.print(f"[bold red]The kill switch is engaged[/] (event {event.sequence}).")
    closing = ", then closes every position at the market, each once" if event.flattens else ""
    out.print(f"A running session cancels every order at the broker at once{closing}. It opens nothing from now on.")
    out.print("Orders that only reduce a position still pass. `tickledger resume` lets it trade again.")


def _print_steps(event: KillSwitchEvent, steps: Sequence[KillSwitchEvent], *, wait: float) -> None:
    for step in steps:
        where = " ".join(part for part in (step.obeying_account, step.symbol) if part)
        style = "red" if step.kind is KillSwitchEventKind.FAILED else None
        out.print(f"  {step.occurred_at:%H:%M:%S} {step.kind} {where}: {step.reason}", markup=False, style=style)
    if any(step.kind is KillSwitchEventKind.CARRIED_OUT for step in steps):
        return
    if steps:
        err.print("A session has begun to carry it out and has not finished yet.", style="yellow")
        return
    held = "orders and positions" if event.flattens else "orders"
    err.print(
        f"No running session answered within {wait:g} s: {held} at the broker are as they were. A session that starts "
        f"finds the switch engaged and carries it out first. {_BY_HAND}",
        style="yellow",
        markup=False,
    )


def _steps(engine: "Engine", request: KillSwitchEvent, *, seconds: float) -> list[KillSwitchEvent]:
    """What sessions recorded about a request, once one has carried it out or the time is over."""
    from sqlalchemy.exc import SQLAlchemyError

    from tickledger.db.kill_switch import read_kill_switch_events

    deadline = time.monotonic() + seconds
    while True:
        try:
            events = read_kill_switch_events(engine, after=request.sequence)
        except SQLAlchemyError as error:
            told = f"the kill switch IS engaged (event {request.sequence}), but what was done cannot be read: {error}"
            raise _ToldError(told) from error
        steps = [event for event in events if event.answers == request.sequence]
        if any(step.kind is KillSwitchEventKind.CARRIED_OUT for step in steps) or time.monotonic() >= deadline:
            return steps
        time.sleep(_POLL_SECONDS)


class _ToldError(ConfigurationError):
    """A failure whose message says all of it already."""


@contextmanager
def _ledger(undone: str, *, advice: str = "") -> Iterator["Engine"]:
    """The ledger; whatever keeps it from being read or written ends the command with what is not done."""
    try:
        with opened_ledger() as engine:
            yield engine
    except _ToldError:
        raise
    except ConfigurationError as error:
        _fail(undone, error, advice)
    except Exception as error:
        # The libraries that name the database's errors are slow to import, and needed only once there is one.
        if not _is_of_database(error):
            raise
        _fail(undone, error, advice)


def _fail(undone: str, error: Exception, advice: str) -> NoReturn:
    message = f"{undone}: {' '.join(str(error).split())}"
    raise ConfigurationError(f"{message}\n{advice}".strip()) from error


def _is_of_database(error: Exception) -> bool:
    import psycopg
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, SQLAlchemyError | psycopg.Error)


def _event(kind: KillSwitchEventKind, reason: str, *, flattens: bool = False) -> KillSwitchEvent:
    return KillSwitchEvent(kind, _actor(), reason, WallClock().now(), flattens=flattens)


def _actor() -> str:
    """The person at the keyboard, as the system knows them."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run a user that has no name
        return "unknown"


def _as_json(event: KillSwitchEvent | None) -> dict[str, Any] | None:
    return None if event is None else asdict(event) | {"occurred_at": event.occurred_at.isoformat()}
