"""What a person may ask of trading: stop it, stop and close everything, let it go on. Each is a POST that is confirmed.

The kill switch is written by the same function as `tickledger kill`, with the same entry in the audit log; the sessions
that trade read it before every order and carry it out.
"""

import asyncio
import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

import psycopg
from fastapi import APIRouter, Request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from tickledger.api.access import Access
from tickledger.api.login import form_of
from tickledger.db.kill_switch import read_kill_switch_state, record_kill_switch_event
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.domain.ports import Clock

_LONGEST_REASON: Final = 500
#: What a person does where the kill switch cannot be written.
BY_HAND: Final = (
    "Stop the session's process (Ctrl-C where it runs) and cancel or close at the broker by hand: TWS has “Cancel All "
    "Orders”, the broker has a telephone."
)


@dataclass(frozen=True, slots=True)
class Act:
    """What is asked for, and the word a person types to confirm it."""

    path: str
    confirmation: str
    kind: KillSwitchEventKind
    flattens: bool = False


KILL: Final = Act("/control/kill", "STOP", KillSwitchEventKind.ENGAGED)
FLATTEN: Final = Act("/control/flatten", "CLOSE EVERYTHING", KillSwitchEventKind.ENGAGED, flattens=True)
RESUME: Final = Act("/control/resume", "RESUME", KillSwitchEventKind.RESUMED)
ACTS: Final = (KILL, FLATTEN, RESUME)


class Outcome(StrEnum):
    """What came of it, as the address of the page tells it."""

    KILLED = "stopped"
    FLATTENING = "closing"
    RESUMED = "resumed"
    NOT_ENGAGED = "not-engaged"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"


def control_routes(engine: Engine, access: Access, clock: Clock) -> APIRouter:
    """The routes of `ACTS`; each answers with the way back to the page that asked."""
    router = APIRouter(include_in_schema=False)
    for act in ACTS:
        router.add_api_route(act.path, _Route(act, engine, access, clock).answer, methods=["POST"])
    return router


@dataclass(frozen=True, slots=True)
class _Route:
    act: Act
    engine: Engine
    access: Access
    clock: Clock

    async def answer(self, request: Request) -> Response:
        form = await form_of(request)
        if not self.access.is_form_key(form.get("key", "")):
            return PlainTextResponse("403 Forbidden: expected a form of this server\n", HTTPStatus.FORBIDDEN)
        outcome = await asyncio.to_thread(self._outcome, form)
        account = form.get("account", "")
        kept = f"&account={account}" if account.isalnum() else ""
        return RedirectResponse(f"/risk?told={outcome}{kept}", HTTPStatus.SEE_OTHER)

    def _outcome(self, form: Mapping[str, str]) -> Outcome:
        if form.get("confirmation", "").strip() != self.act.confirmation:
            return Outcome.UNCONFIRMED
        event = KillSwitchEvent(
            self.act.kind,
            actor(),
            form.get("reason", "").strip()[:_LONGEST_REASON],
            self.clock.now(),
            flattens=self.act.flattens,
        )
        try:
            return _resumed(self.engine, event) if self.act is RESUME else _engaged(self.engine, event)
        except (ConfigurationError, SQLAlchemyError, psycopg.Error, OSError):
            return Outcome.FAILED


def _engaged(engine: Engine, event: KillSwitchEvent) -> Outcome:
    record_kill_switch_event(engine, event)
    return Outcome.FLATTENING if event.flattens else Outcome.KILLED


def _resumed(engine: Engine, event: KillSwitchEvent) -> Outcome:
    state = read_kill_switch_state(engine)
    if state.unreadable:
        return Outcome.FAILED
    if not state.is_engaged:
        return Outcome.NOT_ENGAGED
    record_kill_switch_event(engine, event)
    return Outcome.RESUMED


def actor() -> str:
    """The person this server belongs to, as the system knows them, and by which way they asked."""
    try:
        return f"{getpass.getuser()} (dashboard)"
    except (KeyError, OSError):  # a container may run a user that has no name
        return "unknown (dashboard)"
