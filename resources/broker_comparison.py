"""The ledger beside the broker: what does not agree, read from both, written to neither."""

from dataclasses import asdict, dataclass

import pandas as pd

from resources.ledger import Ledger
from resources.trading_session import LiveTrading
from tickledger.db.order_journal import LedgerJournal
from tickledger.domain.errors import BrokerUnavailableError
from tickledger.execution.order_reconciliation import Break, BreakKind, Reconciliation, reconciled


@dataclass(frozen=True, slots=True)
class BrokerComparison:
    """What came of comparing; `unavailable` says why the broker could not be asked, and then nothing is known."""

    account_id: str
    breaks: tuple[Break, ...] = ()
    foreign: int = 0
    unresolved: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    positions: int = 0
    unavailable: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the broker was asked and has what the ledger has; orders and fills that are not ours may be there."""
        return not (self.breaks or self.unresolved or self.problems or self.unavailable)

    def table(self) -> str:
        """The breaks as a table in Markdown."""
        rows = [{name: str(value) for name, value in asdict(one).items()} for one in self.breaks]
        return pd.DataFrame(rows).to_markdown(index=False) if rows else "none"


def compare_with_broker(ledger: Ledger, live: LiveTrading) -> BrokerComparison:
    """Ask the broker for the whole account, and hold the ledger beside it."""
    account_id = live.account.account_id
    record = LedgerJournal(ledger.engine).load(account_id)
    try:
        snapshot = live.broker.snapshot()
        found = reconciled(record, snapshot)
    except BrokerUnavailableError as error:
        return BrokerComparison(account_id, unavailable=str(error))
    return BrokerComparison(
        account_id,
        breaks=(*found.breaks, *_missing(found)),
        foreign=len(found.foreign_orders) + len(found.foreign_fills),
        unresolved=found.unresolved,
        problems=tuple(str(problem) for problem in found.problems),
        positions=len(snapshot.positions),
    )


def _missing(found: Reconciliation) -> list[Break]:
    """Fills that the ledger does not have: a session that ended in good order has left none."""
    return [
        Break(
            BreakKind.FILLS,
            f"{fill.symbol} {fill.execution_id}",
            in_record=fill.quantity - fill.quantity,
            at_broker=fill.quantity,
            reason=f"order {fill.order_id}: the fill is not in the ledger; the next session takes it in",
        )
        for fill in found.missing_fills
    ]
