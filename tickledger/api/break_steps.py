"""A person's step with a break: explained, accepted or opened again, with a note; `tickledger.db.breaks` records it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import psycopg
from fastapi import APIRouter, Request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from tickledger.api.access import Access
from tickledger.api.control import actor
from tickledger.api.login import form_of
from tickledger.db.breaks import step_break
from tickledger.domain.errors import ConfigurationError, InputError, LedgerError
from tickledger.domain.ports import Clock
from tickledger.reconciliation.breaks import BreakState

PATH: Final = "/breaks/step"


class StepOutcome(StrEnum):
    """What came of it, as the address of the page tells it."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class _Steps:
    engine: Engine
    access: Access
    clock: Clock

    async def answer(self, request: Request) -> Response:
        form = await form_of(request)
        if not self.access.is_form_key(form.get("key", "")):
            return PlainTextResponse("403 Forbidden: expected a form of this server\n", HTTPStatus.FORBIDDEN)
        outcome = await asyncio.to_thread(self._outcome, form)
        place = {"told": str(outcome), "break": form.get("break", ""), "account": form.get("account", "")}
        chosen = urlencode({name: value for name, value in place.items() if value})
        return RedirectResponse(f"/reconciliation?{chosen}", HTTPStatus.SEE_OTHER)

    def _outcome(self, form: Mapping[str, str]) -> StepOutcome:
        try:
            step_break(
                self.engine,
                form.get("break", ""),
                BreakState(form.get("state", "")),
                actor=actor(),
                note=form.get("note", ""),
                occurred_at=self.clock.now(),
            )
        except (InputError, LedgerError, ValueError):
            return StepOutcome.REFUSED
        except (ConfigurationError, SQLAlchemyError, psycopg.Error, OSError):
            return StepOutcome.FAILED
        return StepOutcome.DONE


def break_routes(engine: Engine, access: Access, clock: Clock) -> APIRouter:
    """The route of `PATH`."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route(PATH, _Steps(engine, access, clock).answer, methods=["POST"])
    return router
