"""Pausing and resuming from the UI: one op each, which writes the request that sessions look for.

A pause keeps a session from deciding anything new; what it holds and what works at the broker stays. To stop at once
and cancel, there is `tickledger kill`, which needs no Dagster.
"""

from typing import Final

import dagster as dg

from resources.ledger import Ledger
from resources.trading_session import LiveTrading
from tickledger.db.accounts import ensure_account
from tickledger.db.trading_sessions import request_pause, request_resume

_TAGS: Final = {"dagster/priority": "100"}


class Why(dg.Config):
    """What goes into the record with the request."""

    reason: str = "asked for in the Dagster UI"


@dg.op(description="Ask whatever session trades the account to decide no new orders until somebody resumes.")
def request_pause_of_trading(
    context: dg.OpExecutionContext, config: Why, ledger: Ledger, live: dg.ResourceParam[LiveTrading]
) -> None:
    ensure_account(ledger.engine, live.account)
    request_pause(
        ledger.engine,
        live.account.account_id,
        actor=f"Dagster run {context.run_id}",
        reason=config.reason,
        requested_at=live.now(),
    )


@dg.op(description="Ask for trading to go on.")
def request_resumption_of_trading(
    context: dg.OpExecutionContext, config: Why, ledger: Ledger, live: dg.ResourceParam[LiveTrading]
) -> None:
    ensure_account(ledger.engine, live.account)
    request_resume(
        ledger.engine,
        live.account.account_id,
        actor=f"Dagster run {context.run_id}",
        reason=config.reason,
        requested_at=live.now(),
    )


@dg.job(tags=_TAGS, description="Pause trading: sessions of the account decide nothing new, today and on later days.")
def pause_trading() -> None:
    request_pause_of_trading()


@dg.job(tags=_TAGS, description="Let trading go on after a pause.")
def resume_trading() -> None:
    request_resumption_of_trading()
