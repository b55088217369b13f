"""The wash-sale report: where each disallowed dollar went, and which losses purchases can still disallow.

A disallowed loss is either in the basis of a lot (IRC 1091(d)), taken over by a later short sale (1091(e)), or lost for
good (Rev. Rul. 2008-5). A broker's box 1g has only those of one account and one CUSIP: the others are the taxpayer's
to find (Pub. 550, p. 88), and are marked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.account import AccountKind
from tickledger.domain.errors import LedgerError
from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.reporting import tax_reports as r
from tickledger.reporting.tax_reports import Report, ReportKind, Section
from tickledger.reporting.tax_reports_basis import ReportBasis
from tickledger.tax.fills import Fill
from tickledger.tax.wash_sales import WINDOW_DAYS

_NOTHING: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Replacement:
    """One wash sale with the rows it is about; `lot` carries the amount, None where no lot does.

    `bought` is the fill that replaces, None where a corporate action or an opening lot does.
    """

    wash: WashSale
    gain: RealizedGain
    lot: Lot | None
    bought: Fill | None

    @property
    def account_id(self) -> str:
        """The account of the replacement, empty where it is not known."""
        return self.bought.account_id if self.bought else self.lot.account_id if self.lot else ""

    @property
    def acquired_date(self) -> date | None:
        """When the replacement was acquired or, for a short, sold."""
        return self.bought.trade_date if self.bought else self.lot.acquired_date if self.lot else None

    @property
    def is_in_1g(self) -> bool:
        """Whether the broker sees it: the same account, and the same symbol."""
        symbol = self.bought.symbol if self.bought else self.lot.symbol if self.lot else ""
        return (self.account_id, symbol) == (self.gain.account_id, self.gain.symbol)

    def destination(self, kinds: Mapping[str, AccountKind]) -> str:
        """Where the loss went, in words."""
        if self.wash.is_permanent:
            kind = kinds.get(self.account_id)
            return "lost for good" if kind is None else f"lost for good: bought in {kind}"
        return "basis of the lot" if self.lot else "taken over by a later sale"


def replacements(basis: ReportBasis) -> list[Replacement]:
    """The wash sales of the tax year's gains, in the order of the gains; raises LedgerError where dollars are missing.

    Each disallowed dollar of the gains is in one replacement, and no other is.
    """
    gains = {gain.gain_id: gain for gain in basis.gains}
    lots = {lot.lot_id: lot for lot in basis.result.lots}
    fills = {fill.execution_id: fill for fill in basis.history.fills}
    found = [
        Replacement(
            wash,
            gains[wash.gain_id],
            lots.get(wash.replacement_lot_id or ""),
            fills.get(wash.replacement_execution_id),
        )
        for wash in basis.result.wash_sales
        if wash.gain_id in gains
    ]
    disallowed = sum((gain.disallowed_loss for gain in gains.values()), _NOTHING)
    told = sum((row.wash.disallowed_loss for row in found), _NOTHING)
    if disallowed != told:
        raise LedgerError(f"expected replacements for the {disallowed} of losses disallowed, found {told}")
    return sorted(found, key=lambda row: (row.gain.sold_date, row.gain.gain_id, row.wash.wash_sale_id))


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A loss that purchases can still disallow: `open_loss` USD of it on `shares` shares, until `until`."""

    gain: RealizedGain
    open_loss: Decimal
    shares: Decimal
    until: date


def open_windows(basis: ReportBasis) -> list[OpenWindow]:
    """The losses whose 61 days have not passed on the day, of whatever tax year; a loss disallowed whole is none."""
    replaced: dict[str, Decimal] = {}
    for wash in basis.result.wash_sales:
        replaced[wash.gain_id] = replaced.get(wash.gain_id, _NOTHING) + wash.quantity
    windows = [
        OpenWindow(
            gain,
            open_loss=-gain.gain_loss,
            shares=gain.quantity - replaced.get(gain.gain_id, _NOTHING),
            until=gain.sold_date + timedelta(days=WINDOW_DAYS),
        )
        for gain in basis.result.gains
        if basis.scope.holds(gain.account_id) and gain.gain_loss < 0
    ]
    still_open = [window for window in windows if window.until >= basis.on]
    return sorted(still_open, key=lambda window: (window.until, window.gain.symbol, window.gain.gain_id))


def wash_sales_report(basis: ReportBasis) -> Report:
    """The report: disallowed losses of the tax year, windows open on the day, and what open lots still carry."""
    return Report(
        ReportKind.WASH_SALES,
        f"Wash sales {basis.tax_year}",
        (_replacements(basis), _windows(basis), _carried(basis)),
        notes=(
            (
                "A loss that is disallowed is in the basis of its replacement and lowers a later gain, unless it is "
                "lost for good."
            ),
            (
                "Box 1g of a Form 1099-B has the wash sales of one account and one CUSIP; those marked 'no' are the "
                "taxpayer's to add (Pub. 550, p. 88)."
            ),
        ),
    )


def _replacements(basis: ReportBasis) -> Section:
    kinds = {account.account_id: account.kind for account in basis.history.accounts}
    return r.table(
        "wash_sales",
        "Wash sales",
        replacements(basis),
        [
            (r.text("symbol", "Symbol"), lambda row: row.gain.symbol),
            (r.text("account", "Account"), lambda row: row.gain.account_id),
            (r.day("sold_date", "Loss sale"), lambda row: row.gain.sold_date),
            (r.number("quantity", "Shares replaced"), lambda row: row.wash.quantity),
            (r.money("disallowed_loss", "Disallowed"), lambda row: row.wash.disallowed_loss),
            (
                r.money("permanently_disallowed", "Lost for good"),
                lambda row: row.wash.disallowed_loss if row.wash.is_permanent else _NOTHING,
            ),
            (r.day("replacement_date", "Replaced on"), lambda row: row.acquired_date),
            (r.text("replacement_account", "Replaced in"), lambda row: row.account_id),
            (r.text("carried_to", "Where it went"), lambda row: row.destination(kinds)),
            (r.day("held_since", "Now held since"), lambda row: None if row.lot is None else row.lot.holding_start),
            (r.text("in_box_1g", "In box 1g"), lambda row: "yes" if row.is_in_1g else "no"),
            (r.detail("close_execution_id", "Loss sale id"), lambda row: row.gain.close_execution_id),
            (r.detail("replacement_execution_id", "Replaced by"), lambda row: row.wash.replacement_execution_id),
            (r.detail("replacement_lot_id", "Carried by lot"), lambda row: row.wash.replacement_lot_id),
            (r.detail("rule", "Rule"), lambda row: row.wash.rule),
            (r.detail("gain_id", "Gain"), lambda row: row.gain.gain_id),
        ],
    )


def _windows(basis: ReportBasis) -> Section:
    return r.table(
        "wash_sale_windows",
        "Open windows",
        open_windows(basis),
        [
            (r.text("symbol", "Symbol"), lambda row: row.gain.symbol),
            (r.text("account", "Account"), lambda row: row.gain.account_id),
            (r.day("sold_date", "Sold"), lambda row: row.gain.sold_date),
            (r.number("shares", "Shares"), lambda row: row.shares),
            (r.money("open_loss", "Loss at risk"), lambda row: row.open_loss),
            (r.day("open_until", "Until"), lambda row: row.until),
            (
                r.number("days_left", "Days left", r.ColumnKind.INTEGER),
                lambda row: (row.until - basis.on).days,
            ),
            (r.detail("close_execution_id", "Loss sale id"), lambda row: row.gain.close_execution_id),
        ],
        notes=(
            (
                "A purchase of the same shares until the date, in any account of the household and the IRAs, "
                f"disallows the loss share by share. As of {basis.on}."
            ),
        ),
    )


def _carried(basis: ReportBasis) -> Section:
    lots: Iterable[Lot] = (lot for lot in basis.open_lots if lot.adjusted_basis != lot.original_basis)
    return r.table(
        "wash_sale_lots",
        "Carried by open lots",
        sorted(lots, key=lambda lot: (lot.symbol, lot.account_id, lot.acquired_date, lot.lot_id)),
        [
            (r.text("symbol", "Symbol"), lambda lot: lot.symbol),
            (r.text("account", "Account"), lambda lot: lot.account_id),
            (r.number("quantity", "Shares"), lambda lot: lot.quantity),
            (r.day("acquired_date", "Acquired"), lambda lot: lot.acquired_date),
            (r.day("holding_start", "Held since"), lambda lot: lot.holding_start),
            (r.money("original_basis", "Original basis"), lambda lot: lot.original_basis),
            (r.money("carried", "Disallowed losses in it"), lambda lot: lot.adjusted_basis - lot.original_basis),
            (r.money("adjusted_basis", "Adjusted basis"), lambda lot: lot.adjusted_basis),
            (r.detail("lot_id", "Lot"), lambda lot: lot.lot_id),
        ],
    )
