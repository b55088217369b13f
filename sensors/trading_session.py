"""Sees to it that a session trades on every day of the exchange, and that only one does.

Every five seconds: what Dagster and the record know is read, `supervision` decides, and what it decided is done. What
it says is the tick's reason in the UI.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Self

import dagster as dg

from resources.ledger import Ledger
from resources.trading_session import LiveTrading
from sensors.session_runs import ACCOUNT, JOB, days_around, going_on, over
from sensors.supervision import Decision, GiveUp, Nothing, Situation, Start, Stop, SupervisionPolicy, decide
from tickledger.db.trading_sessions import latest_session
from tickledger.domain.alert_wording import SessionNews, readiness_alert, session_alert
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError

#: Dagster's own loop asks no sensor more often.
EVERY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class _Memory:
    """What one tick leaves to the next: since when a run is past its close, and what was last alarmed about."""

    overtime_since: str | None = None
    alarmed: str = ""

    @classmethod
    def of(cls, cursor: str | None) -> Self:
        return cls(**json.loads(cursor)) if cursor else cls()

    @property
    def since(self) -> datetime | None:
        return None if self.overtime_since is None else datetime.fromisoformat(self.overtime_since)

    def after(self, decision: Decision, now: datetime) -> "_Memory":
        is_overtime = isinstance(decision, Nothing) and decision.is_overtime
        is_alarming = isinstance(decision, Nothing) and decision.is_alarming
        return _Memory(
            (self.overtime_since or now.isoformat()) if is_overtime else None, decision.reason if is_alarming else ""
        )


def trading_session_sensor(default_status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """The sensor, on from the beginning or waiting for a person to switch it on."""

    @dg.sensor(
        name="trading_session",
        job_name=JOB,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=default_status,
        description="Starts the trading session before the open, restarts it when it dies, lets no second one start "
        "beside it, and stops one that overstays the close. Pause trading with the job pause_trading; stop it at once "
        "with `tickledger kill`.",
    )
    def trading_session(
        context: dg.SensorEvaluationContext, ledger: Ledger, live: dg.ResourceParam[LiveTrading]
    ) -> dg.SensorResult:
        if live.is_off:
            return dg.SensorResult(skip_reason="TICKLEDGER_MODE is simulated: there is no broker to trade at")
        memory = _Memory.of(context.cursor)
        try:
            situation = _situation(context.instance, ledger, live, memory)
        except (BrokerUnavailableError, ConfigurationError) as error:
            return dg.SensorResult(skip_reason=str(error), cursor=context.cursor)
        policy = SupervisionPolicy(lead=live.lead)
        decision = decide(situation, policy)
        if isinstance(decision, GiveUp):
            _give_up(context.instance, decision)
            situation = _situation(context.instance, ledger, live, memory)
            decision = decide(situation, policy)
        _alert(decision, live, situation, memory)
        return _result(context, decision, situation, memory)

    return trading_session


def _situation(instance: dg.DagsterInstance, ledger: Ledger, live: LiveTrading, memory: _Memory) -> Situation:
    account_id, market_now = live.account.account_id, live.market_now()
    days = days_around(market_now)
    return Situation(
        account_id=account_id,
        now=live.now(),
        market_now=market_now,
        days=days,
        session=latest_session(ledger.engine, account_id),
        going_on=going_on(instance, ledger.engine),
        over=over(instance, ledger.engine, account_id, days),
        overtime_since=memory.since,
    )


def _give_up(instance: dg.DagsterInstance, decision: GiveUp) -> None:
    run = instance.get_run_by_id(decision.run_id)
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, message=decision.reason)


def _alert(decision: Decision, live: LiveTrading, situation: Situation, memory: _Memory) -> None:
    """Tell a person of a session that was restarted, and once of each thing that only a person can mend."""
    account = live.account
    if isinstance(decision, Start) and decision.attempt > 1:
        session_id = situation.session.session_id if situation.session is not None else ""
        live.tell(
            session_alert(
                SessionNews.RESTARTED,
                account_id=account.account_id,
                mode=account.mode,
                session_id=session_id,
                reason=decision.reason,
                occurred_at=situation.now,
            )
        )
    if isinstance(decision, Nothing) and decision.is_alarming and decision.reason != memory.alarmed:
        day = f"{situation.market_now:%Y-%m-%d}"
        live.tell(
            readiness_alert(
                [decision.reason],
                account_id=account.account_id,
                mode=account.mode,
                session_day=day,
                occurred_at=situation.now,
            )
        )


def _result(
    context: dg.SensorEvaluationContext, decision: Decision, situation: Situation, memory: _Memory
) -> dg.SensorResult:
    cursor = json.dumps(asdict(memory.after(decision, situation.now)))
    match decision:
        case Start():
            context.log.info("attempt %d: %s", decision.attempt, decision.reason)
            request = dg.RunRequest(
                run_key=decision.run_key,
                partition_key=str(decision.session_date),
                tags={ACCOUNT: situation.account_id, "tickledger/attempt": str(decision.attempt)},
            )
            return dg.SensorResult(run_requests=[request], cursor=cursor)
        case Stop():
            context.instance.run_coordinator.cancel_run(decision.run_id)
            return dg.SensorResult(skip_reason=f"{decision.reason}: it was asked to stop", cursor=cursor)
        case _:
            return dg.SensorResult(skip_reason=f"{_told(situation)}{decision.reason}", cursor=cursor)


def _told(situation: Situation) -> str:
    return f"[market {situation.market_now:%Y-%m-%d %H:%M:%S} UTC] "
