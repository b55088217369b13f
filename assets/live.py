"""Stage `live`: the session of a day at a broker, told while it goes on.

The session is one long step. Nothing of it waits for Dagster: its own tables have every bar, signal, order and fill,
and from a thread of its own it tells here, now and then, how many there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import dagster as dg
import pandas as pd
from dagster import DagsterExecutionInterruptedError

from assets.checks import Materialized
from assets.models import DIRECTION
from assets.partitions import SESSIONS, session_of
from resources.broker_comparison import BrokerComparison, compare_with_broker
from resources.interrupts import cancelling_interrupts
from resources.journal_check import JournalCheck, check_journal
from resources.ledger import Ledger
from resources.notifier import AlertNotifier
from resources.readiness import SUBJECTS, Finding, Readiness, readiness
from resources.session_tally import SessionSummary
from resources.trading_session import LiveTrading
from tickledger.db.order_origins import OrderOrigins, read_order_origins
from tickledger.domain.alert_wording import readiness_alert

GROUP = "live"
OWNERS = ["team:trading"]
READINESS = [GROUP, "readiness"]
BARS = [GROUP, "bars"]
SIGNALS = [GROUP, "signals"]
ORDERS = [GROUP, "orders"]
FILLS = [GROUP, "fills"]
SESSION = [GROUP, "session"]

#: What is told of each stage while the session goes on; the first count says whether there is anything new.
_TOLD: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    tuple(BARS): ("bars",),
    tuple(SIGNALS): ("signals", "decisions", "refused"),
    tuple(ORDERS): ("orders",),
    tuple(FILLS): ("fills",),
}


@dg.asset(
    key=READINESS,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres"},
    partitions_def=SESSIONS,
    description="Whether the session may start: database, disk, limits, market data, model, broker, clock. What is "
    "missing keeps the session from starting, with its reason.",
    check_specs=[
        dg.AssetCheckSpec(
            subject, asset=dg.AssetKey(READINESS), blocking=True, description=f"{subject} for the session"
        )
        for subject in SUBJECTS
    ],
)
def live_readiness(
    context: dg.AssetExecutionContext, ledger: Ledger, live: dg.ResourceParam[LiveTrading], notifier: AlertNotifier
) -> Materialized:
    found = readiness(ledger, live, session_of(context))
    _alert(found, live, notifier)
    return dg.MaterializeResult(
        metadata={"ready": not found.blockers, "findings": dg.MetadataValue.md(_table(found.findings))},
        check_results=[_checked(row) for row in found.findings],
    )


def _alert(found: Readiness, live: LiveTrading, notifier: AlertNotifier) -> None:
    account = live.account
    notifier.notify(
        readiness_alert(
            found.blockers,
            account_id=account.account_id,
            mode=account.mode,
            session_day=str(found.session_date),
            occurred_at=found.checked_at,
        )
    )


def _table(rows: Sequence[Finding]) -> str:
    return pd.DataFrame(map(asdict, rows)).to_markdown(index=False)


def _checked(row: Finding) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if row.is_blocking else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(READINESS),
        check_name=row.subject,
        passed=row.is_met,
        severity=severity,
        description=row.found,
        metadata={"found": row.found},
    )


def _spec(key: Sequence[str], deps: Sequence[Sequence[str]], description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=[dg.AssetKey(dep) for dep in deps],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"postgres"},
        partitions_def=SESSIONS,
        description=description,
    )


@dg.multi_asset(
    name="live_session",
    specs=[
        _spec(BARS, [READINESS], "Bars of the day, made from the ticks of the broker; told every quarter of a minute."),
        _spec(SIGNALS, [BARS, DIRECTION], "What the strategies said of each bar, and what risk said to it."),
        _spec(ORDERS, [SIGNALS], "Orders sent to the broker; each is in the ledger before it is sent."),
        _spec(FILLS, [ORDERS], "Executions as the broker told them, each once."),
        _spec(
            SESSION,
            [FILLS],
            "The session of the day: one process, which alone holds the account's lease. It ends with the close, or "
            "when it is told to.",
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "orders_have_their_origin",
            asset=dg.AssetKey(SESSION),
            description="Every order of the session was let out by a risk decision on its own signal.",
        ),
        dg.AssetCheckSpec(
            "ledger_equals_broker",
            asset=dg.AssetKey(SESSION),
            description="At the end the broker has the positions, cash, orders and fills that the ledger has.",
        ),
        dg.AssetCheckSpec(
            "replays_to_the_same_decisions",
            asset=dg.AssetKey(SESSION),
            description="The session's journal of inputs, played again, leads to the decisions that were made.",
        ),
    ],
)
def live_session(
    context: dg.AssetExecutionContext, ledger: Ledger, live: dg.ResourceParam[LiveTrading]
) -> tuple[Materialized, Materialized, Materialized, Materialized, Materialized]:
    session_date = session_of(context)
    summary = _traded(context, ledger, live)
    origins = read_order_origins(ledger.engine, live.account.account_id, session_date)
    comparison = compare_with_broker(ledger, live)
    journal = check_journal(live.journal_of(summary))
    told: list[Materialized] = [
        dg.MaterializeResult(asset_key=dg.AssetKey(key), metadata=_counts(summary, names))
        for key, names in _TOLD.items()
    ]
    session: Materialized = dg.MaterializeResult(
        asset_key=dg.AssetKey(SESSION),
        metadata=_session_metadata(summary),
        check_results=[_origins_checked(origins), _comparison_checked(comparison), _journal_checked(journal)],
    )
    return told[0], told[1], told[2], told[3], session


def _traded(context: dg.AssetExecutionContext, ledger: Ledger, live: LiveTrading) -> SessionSummary:
    """Trade; an interrupt ends the session first and is then told as Dagster tells it."""
    try:
        with cancelling_interrupts():
            return live.trade(ledger, session_of(context), run_id=context.run.run_id, on_summary=_Teller(context))
    except KeyboardInterrupt as interrupt:
        raise DagsterExecutionInterruptedError from interrupt


class _Teller:
    """Tells Dagster how far the session is; called from a thread beside it, every quarter of a minute.

    A count that has not changed is not told again: each event costs a connection to Dagster's database.
    """

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context
        self._partition = context.partition_key
        self._told: dict[tuple[str, ...], int] = {}

    def __call__(self, summary: SessionSummary) -> None:
        for key, names in _TOLD.items():
            count: int = getattr(summary, names[0])
            if count and count != self._told.get(key):
                self._told[key] = count
                self._context.log_event(
                    dg.AssetMaterialization(key, metadata=_counts(summary, names), partition=self._partition)
                )


def _counts(summary: SessionSummary, names: Sequence[str]) -> dict[str, Any]:
    counts = {name: getattr(summary, name) for name in names}
    market_at = "" if summary.market_at is None else f"{summary.market_at:%Y-%m-%d %H:%M:%S} UTC"
    return {"dagster/row_count": counts[names[0]], **counts, "market_at": market_at, "session": summary.session_id}


def _session_metadata(summary: SessionSummary) -> dict[str, Any]:
    rows = pd.DataFrame({"": name, "session": str(value)} for name, value in asdict(summary).items())
    money = {name: float(value) for name in ("equity", "cash") if (value := getattr(summary, name)) is not None}
    return {"summary": dg.MetadataValue.md(rows.to_markdown(index=False)), "state": str(summary.state), **money}


def _origins_checked(origins: OrderOrigins) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(SESSION),
        check_name="orders_have_their_origin",
        passed=origins.are_complete,
        metadata={
            "orders": origins.orders,
            "without_decision": list(origins.undecided),
            "without_signal": list(origins.unsignalled),
        },
    )


def _comparison_checked(comparison: BrokerComparison) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(SESSION),
        check_name="ledger_equals_broker",
        passed=comparison.agrees,
        severity=dg.AssetCheckSeverity.WARN if comparison.unavailable else dg.AssetCheckSeverity.ERROR,
        metadata=comparison_metadata(comparison),
    )


def _journal_checked(journal: JournalCheck) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(SESSION),
        check_name="replays_to_the_same_decisions",
        passed=journal.is_same,
        severity=dg.AssetCheckSeverity.WARN if journal.unreadable else dg.AssetCheckSeverity.ERROR,
        metadata={
            "events": journal.events,
            "decisions": journal.decisions,
            "differences": list(journal.differences),
            "unreadable": journal.unreadable,
        },
    )


def comparison_metadata(comparison: BrokerComparison) -> dict[str, Any]:
    """What a person reads of a comparison."""
    return {
        "breaks": dg.MetadataValue.md(comparison.table()),
        "unresolved_orders": list(comparison.unresolved),
        "problems": list(comparison.problems),
        "positions_at_broker": comparison.positions,
        "not_ours": comparison.foreign,
        "unavailable": comparison.unavailable,
    }
