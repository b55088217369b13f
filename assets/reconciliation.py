"""Stage `reconciliation`: the ledger beside the broker, every evening. Nothing is written to either."""

import dagster as dg

from assets.checks import Materialized
from assets.live import FILLS, comparison_metadata
from assets.partitions import SESSIONS
from resources.broker_comparison import BrokerComparison, compare_with_broker
from resources.ledger import Ledger
from resources.notifier import AlertNotifier
from resources.trading_session import LiveTrading
from tickledger.domain.alert_wording import number, reconciliation_break_alert

GROUP = "reconciliation"
BROKER = [GROUP, "broker"]


@dg.asset(
    key=BROKER,
    group_name=GROUP,
    owners=["team:trading"],
    kinds={"postgres"},
    partitions_def=SESSIONS,
    deps=[dg.AssetKey(FILLS)],
    description="Positions, cash, working orders and the day's fills of the account at the broker beside those of the "
    "ledger; each difference is a break.",
    check_specs=[
        dg.AssetCheckSpec(
            "agrees", asset=dg.AssetKey(BROKER), description="The broker was asked and has what the ledger has."
        )
    ],
)
def broker_reconciliation(ledger: Ledger, live: dg.ResourceParam[LiveTrading], notifier: AlertNotifier) -> Materialized:
    comparison = compare_with_broker(ledger, live)
    _alert(comparison, live, notifier)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(comparison.breaks), **comparison_metadata(comparison)},
        check_results=[
            dg.AssetCheckResult(check_name="agrees", passed=comparison.agrees, metadata=comparison_metadata(comparison))
        ],
    )


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
