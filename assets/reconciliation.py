"""Stage `reconciliation`: the ledger beside the broker and its statements, every evening.

What differs is a break, recorded with its history; nothing that is compared is changed. Forms wait for open breaks that
are worth money.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import dagster as dg
import pandas as pd

from assets.checks import SHOWN, Materialized
from assets.live import FILLS, comparison_metadata
from assets.lots import REALIZED
from assets.partitions import SESSIONS
from resources.broker_comparison import BrokerComparison, as_comparison, compare_with_broker
from resources.exports import Exports
from resources.ledger import Ledger
from resources.notifier import AlertNotifier
from resources.reconciliations import (
    AccountReconciliation,
    reconcile_statements,
    unsettled_breaks,
)
from resources.statement_inbox import StatementInbox, TakenIn
from resources.trading_session import LiveTrading
from tickledger.db.breaks import record_comparison
from tickledger.db.trading import ensure_account, read_accounts
from tickledger.domain.alert_wording import number, old_break_alert, reconciliation_break_alert
from tickledger.execution.order_journal import new_york_date
from tickledger.reconciliation.breaks import TrackedBreak
from tickledger.reporting.break_tables import breaks_table, daily_table

GROUP = "reconciliation"
BROKER = [GROUP, "broker"]
STATEMENT = [GROUP, "statement"]
BREAKS = [GROUP, "breaks"]
DAILY = [GROUP, "daily"]
#: The ages, in days, at which an open break is told of again.
_TOLD_AT: Final = frozenset({1, 3, 7, 14, 30, 60, 90})


@dg.asset(
    key=BROKER,
    group_name=GROUP,
    owners=["team:trading"],
    kinds={"postgres"},
    partitions_def=SESSIONS,
    deps=[dg.AssetKey(FILLS)],
    description="Positions, cash, working orders and the day's fills of the account at the broker beside those of the "
    "ledger; each difference is a break, kept until a comparison finds it no more.",
    check_specs=[
        dg.AssetCheckSpec(
            "agrees", asset=dg.AssetKey(BROKER), description="The broker was asked and has what the ledger has."
        )
    ],
)
def broker_reconciliation(ledger: Ledger, live: dg.ResourceParam[LiveTrading], notifier: AlertNotifier) -> Materialized:
    comparison = compare_with_broker(ledger, live)
    _record(comparison, ledger, live)
    _alert(comparison, live, notifier)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(comparison.breaks), **comparison_metadata(comparison)},
        check_results=[
            dg.AssetCheckResult(check_name="agrees", passed=comparison.agrees, metadata=comparison_metadata(comparison))
        ],
    )


def _record(comparison: BrokerComparison, ledger: Ledger, live: LiveTrading) -> None:
    """Keep the breaks with their history; where the broker did not answer, nothing is known of any."""
    if not comparison.unavailable:
        at = live.now()
        found = as_comparison(comparison, on=new_york_date(at))
        ensure_account(ledger.engine, live.account)
        record_comparison(ledger.engine, live.account, found, compared_at=at)


def _alert(comparison: BrokerComparison, live: LiveTrading, notifier: AlertNotifier) -> None:
    """An alert for each break, and one where the broker could not be asked."""
    told = [(f"{row.subject} {row.kind}", number(row.in_record), number(row.at_broker)) for row in comparison.breaks]
    told += [("the broker", "its account", comparison.unavailable)] if comparison.unavailable else []
    told += [(f"order {order_id}", "its state", "the broker does not tell") for order_id in comparison.unresolved]
    for subject, expected, found in told:
        notifier.notify(
            reconciliation_break_alert(
                account_id=comparison.account_id,
                mode=live.account.mode,
                subject=subject,
                expected=expected,
                found=found,
                occurred_at=live.now(),
            )
        )


@dg.asset(
    key=STATEMENT,
    group_name=GROUP,
    owners=["team:tax"],
    kinds={"postgres", "xml"},
    description="Statements of the broker: files of the inbox, and the Flex Web Service where its token is set. Each "
    "is kept whole, once.",
    check_specs=[
        dg.AssetCheckSpec("usable", asset=dg.AssetKey(STATEMENT), description="Every file and every row could be used.")
    ],
)
def statement_files(ledger: Ledger, inbox: StatementInbox) -> Materialized:
    taken = inbox.take_in(ledger.engine)
    problems = [problem for one in taken for problem in one.problems]
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(taken),
            "new": sum(one.is_new for one in taken),
            "files": _taken_table(taken),
            "problems": _list(map(str, problems)),
        },
        check_results=[dg.AssetCheckResult(check_name="usable", passed=not errors, metadata={"errors": _list(errors)})],
    )


@dg.multi_asset(
    name="reconciliation__breaks",
    specs=[
        dg.AssetSpec(
            BREAKS,
            deps=[dg.AssetKey(STATEMENT), dg.AssetKey(REALIZED)],
            group_name=GROUP,
            owners=["team:tax"],
            kinds={"postgres"},
            description="Every account beside its recorded statements: executions, charges, positions, cash, "
            "dividends, corporate actions, lots and gains. Each difference is a break with its cause, its age and its "
            "worth.",
        ),
        dg.AssetSpec(
            DAILY,
            deps=[dg.AssetKey(BREAKS)],
            group_name=GROUP,
            owners=["team:tax"],
            kinds={"csv"},
            description="What is unsettled tonight: breaks by account, cause and age, as files; alerts for those that "
            "stay.",
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "settled",
            asset=dg.AssetKey(BREAKS),
            blocking=True,
            description="No break that is worth money is open: a person has explained, accepted or corrected each.",
        )
    ],
)
def statement_breaks(
    ledger: Ledger, live: dg.ResourceParam[LiveTrading], notifier: AlertNotifier, exports: Exports
) -> tuple[Materialized, Materialized]:
    """One step for both: the check holds up what comes after its step, and the open breaks have to be told of."""
    found = reconcile_statements(ledger.engine, compared_at=live.now())
    _alert_opened(found, live, notifier)
    unsettled = unsettled_breaks(ledger.engine)
    _alert_old(unsettled, ledger, live, notifier)
    return _breaks_result(found, unsettled), _daily_result(unsettled, exports, on=new_york_date(live.now()))


def _breaks_result(found: Sequence[AccountReconciliation], unsettled: Sequence[TrackedBreak]) -> Materialized:
    blocking = [one for one in unsettled if one.blocks_forms]
    return dg.MaterializeResult(
        asset_key=BREAKS,
        metadata={"dagster/row_count": sum(len(one.comparison.breaks) for one in found), **_compared(found)},
        check_results=[
            dg.AssetCheckResult(
                check_name="settled",
                asset_key=dg.AssetKey(BREAKS),
                passed=not blocking,
                description=_verdict(blocking),
                metadata={"open": len(blocking), "breaks": _breaks_table(blocking)},
            )
        ],
    )


def _verdict(blocking: Sequence[TrackedBreak]) -> str:
    """The check in words: what holds the forms up, and where a person goes on."""
    if not blocking:
        return "No form waits for a break."
    worth = sum(one.found.money_at_stake for one in blocking)
    first = blocking[0].found
    more = f" and {len(blocking) - 1} more" if len(blocking) > 1 else ""
    return (
        f"Forms wait for {first.symbol} {first.subject}: {first.cause} ({first.break_id}){more}, {worth:,.2f} USD at "
        "stake. Work through them on the dashboard's page Reconciliation or with `tickledger breaks list`, then run "
        "this again."
    )


def _daily_result(unsettled: Sequence[TrackedBreak], exports: Exports, *, on: date) -> Materialized:
    daily = daily_table(unsettled, on=on)
    exports.write_tables({"reconciliation/breaks.csv": breaks_table(unsettled), "reconciliation/daily.csv": daily})
    at_stake = sum(one.found.money_at_stake for one in unsettled if one.blocks_forms)
    return dg.MaterializeResult(
        asset_key=DAILY,
        metadata={
            "dagster/row_count": len(unsettled),
            "usd_at_stake": float(at_stake),
            "oldest_days": max((one.age(on) for one in unsettled), default=0),
            "by_cause": dg.MetadataValue.md(pd.DataFrame(daily.rows).to_markdown(index=False) if unsettled else "none"),
        },
    )


def _alert_opened(found: Sequence[AccountReconciliation], live: LiveTrading, notifier: AlertNotifier) -> None:
    """An alert for each new break that is worth money, root causes alone."""
    for one in found:
        for opened in one.recorded.opened:
            if opened.is_money_relevant and not opened.because_of:
                notifier.notify(
                    reconciliation_break_alert(
                        account_id=one.account.account_id,
                        mode=one.account.mode,
                        subject=f"{opened.symbol} {opened.subject}: {opened.cause}".strip(),
                        expected=opened.ours or "nothing",
                        found=opened.theirs or "nothing",
                        occurred_at=live.now(),
                    )
                )


def _alert_old(unsettled: Sequence[TrackedBreak], ledger: Ledger, live: LiveTrading, notifier: AlertNotifier) -> None:
    modes = {account.account_id: account.mode for account in read_accounts(ledger.engine)}
    for one in unsettled:
        age = one.age(new_york_date(live.now()))
        if one.blocks_forms and age in _TOLD_AT:
            notifier.notify(
                old_break_alert(
                    account_id=one.found.account_id,
                    mode=modes[one.found.account_id],
                    break_id=one.found.break_id,
                    subject=f"{one.found.symbol} {one.found.subject}".strip(),
                    money_at_stake=one.found.money_at_stake,
                    age_days=age,
                    occurred_at=live.now(),
                )
            )


def _compared(found: Sequence[AccountReconciliation]) -> dict[str, dg.MetadataValue]:
    """For each account, what agreed and what differs."""
    rows = [
        {
            "account": one.account.account_id,
            "from": one.comparison.scope.start_date,
            "to": one.comparison.scope.end_date,
            "agreed": sum(one.comparison.matched.values()),
            "differ": len(one.comparison.breaks),
            "new": len(one.recorded.opened),
            "resolved": len(one.recorded.resolved),
        }
        for one in found
    ]
    problems = [str(problem) for one in found for problem in one.comparison.problems]
    accounts = pd.DataFrame(rows).to_markdown(index=False) if rows else "no account has a statement"
    return {"accounts": dg.MetadataValue.md(accounts), "problems": _list(problems)}


def _taken_table(taken: Sequence[TakenIn]) -> dg.MetadataValue:
    rows = [
        {
            "file": one.name,
            "kind": "cannot be read" if one.file is None else str(one.file.source.kind),
            "new": "yes" if one.is_new else "no",
            "accounts": "" if one.file is None else ", ".join(told.account_id for told in one.file.statements),
            "problems": len(one.problems),
        }
        for one in taken
    ]
    return dg.MetadataValue.md(pd.DataFrame(rows).to_markdown(index=False) if rows else "the inbox is empty")


def _breaks_table(breaks: Sequence[TrackedBreak]) -> dg.MetadataValue:
    rows = [
        {
            "break": one.found.break_id,
            "USD": f"{one.found.money_at_stake:,.2f}",
            "what": f"{one.found.symbol} {one.found.subject}: {one.found.cause}",
            "ledger": one.found.ours,
            "theirs": one.found.theirs,
        }
        for one in breaks[:SHOWN]
    ]
    return dg.MetadataValue.md(pd.DataFrame(rows).to_markdown(index=False) if rows else "none")


def _list(lines: "Sequence[str] | map[str]") -> dg.MetadataValue:
    told = list(lines)
    more = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return dg.MetadataValue.md("\n".join(f"- {line}" for line in [*told[:SHOWN], *more]) or "none")
