"""Sales of shares in one form: our realized gains, a statement's closed lots, rows of a Form 1099-B.

realized = proceeds − basis; what is disallowed of a loss stands beside it, as in boxes 1d, 1e and 1g
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tickledger.domain.lot import RealizedGain, Term
from tickledger.reconciliation.findings import ZERO, told_shares
from tickledger.reconciliation.ledger_view import LedgerView, Names
from tickledger.reconciliation.statement import StatementClosedLot


@dataclass(frozen=True, slots=True)
class Disposal:
    """Shares of one acquisition that were disposed of; USD. What a side does not tell is None.

    `acquired` is None for several dates in one row, `sold` for several sales. A purchase closed what `is_short`.
    """

    symbol: str
    family: str
    sold: date | None
    acquired: date | None
    quantity: Decimal | None
    proceeds: Decimal | None
    basis: Decimal | None
    disallowed: Decimal | None
    term: Term | None
    is_short: bool = False
    is_noncovered: bool | None = None
    is_basis_reported: bool | None = None
    is_net: bool | None = None
    where: str = ""
    gain: RealizedGain | None = None


def our_disposals(gains: Iterable[RealizedGain], names: Names, *, left_out: Collection[str] = ()) -> list[Disposal]:
    """The gains of the ledger, without the closings `left_out` (which no broker tells)."""
    return [
        Disposal(
            gain.symbol, names.family(gain.symbol), gain.sold_date, gain.acquired_date, gain.quantity, gain.proceeds,
            gain.basis, gain.disallowed_loss, gain.term, gain.is_short, gain=gain,
        )
        for gain in gains
        if gain.close_execution_id not in left_out
    ]  # fmt: skip


def closed_lots(view: LedgerView, lots: Iterable[StatementClosedLot]) -> list[Disposal]:
    """The closed lots of a statement. IB leaves the proceeds open: they are the basis and what was realized."""
    found = []
    for lot in lots:
        if lot.currency != "USD":
            continue
        symbol = view.names.ours(lot.symbol, conid=lot.conid, cusip=lot.cusip)
        proceeds = lot.proceeds
        if lot.basis is not None and lot.realized is not None:
            proceeds = lot.basis + lot.realized
        found.append(
            Disposal(
                symbol, view.names.family(symbol), lot.closed_date, lot.opened_date, lot.quantity, proceeds, lot.basis,
                lot.disallowed_loss, lot.term, lot.is_short, where=f"{lot.where}:{lot.row}" if lot.where else "",
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Sums:
    """What rows add up to; None where a row does not tell it."""

    rows: int
    quantity: Decimal | None
    proceeds: Decimal | None
    basis: Decimal | None
    disallowed: Decimal | None

    @property
    def gain(self) -> Decimal | None:
        """Proceeds less basis."""
        return None if self.proceeds is None or self.basis is None else self.proceeds - self.basis


def sums(rows: Collection[Disposal]) -> Sums:
    """The rows added up."""
    return Sums(
        len(rows),
        None if (shares := _total([row.quantity for row in rows])) is None else told_shares(shares),
        _total([row.proceeds for row in rows]),
        _total([row.basis for row in rows]),
        _total([row.disallowed for row in rows]),
    )


def _total(values: Iterable[Decimal | None]) -> Decimal | None:
    total = ZERO
    for value in values:
        if value is None:
            return None
        total += value
    return total
