"""Open lots today: market value, unrealized gain, the term a sale would have, and when it becomes long-term.

Holding periods are the tax engine's: counted from the day after `holding_start`, long-term after more than one year
(IRC 1222; Rev. Rul. 66-7), `holding_start` being the trade date less the days that wash sales have added.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.lot import Lot, Term
from tickledger.domain.money import round_cents
from tickledger.reporting import tax_reports as r
from tickledger.reporting.tax_reports import ColumnKind, Report, ReportKind, Section
from tickledger.reporting.tax_reports_basis import Close, ReportBasis
from tickledger.tax.holding_period import long_term_from, term

_NOTHING: Final = Decimal(0)
_HUNDRED: Final = Decimal(100)
#: A close older than this is told: the market was open since.
_FRESH: Final = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class OpenLot:
    """A lot on a day. `market_value` and `unrealized` are USD, None without a price; a short's value is negative.

    `term` is that of a sale on the day, None in an account whose gains are not taxed; `long_term_from` is the first
    day whose sale is long-term, None for a short, and `days_to_long_term` how far it is, 0 from that day on.
    """

    lot: Lot
    close: Close | None
    market_value: Decimal | None
    unrealized: Decimal | None
    term: Term | None
    long_term_from: date | None
    days_to_long_term: int | None

    @property
    def wash_sale_basis(self) -> Decimal:
        """What disallowed losses have added to the basis."""
        return self.lot.adjusted_basis - self.lot.original_basis


def open_lot(lot: Lot, *, on: date, close: Close | None, is_taxed: bool = True) -> OpenLot:
    """A lot as it stands on a day."""
    value = None if close is None else round_cents(lot.quantity * close.price)
    is_short = lot.quantity < 0
    since = None if is_short or not is_taxed else date.fromordinal(long_term_from(lot.holding_start.toordinal()))
    return OpenLot(
        lot=lot,
        close=close,
        market_value=value,
        # A short's basis is what it brought in; its value is what it costs to buy back, below zero.
        unrealized=None if value is None else value + (lot.adjusted_basis if is_short else -lot.adjusted_basis),
        term=_term_today(lot, on) if is_taxed else None,
        long_term_from=since,
        days_to_long_term=None if since is None else max((since - on).days, 0),
    )


def _term_today(lot: Lot, on: date) -> Term:
    return Term.SHORT if lot.quantity < 0 else term(lot.holding_start.toordinal(), on.toordinal())


@dataclass(frozen=True, slots=True)
class Holding:
    """What is left of one purchase in one account: the lots that a sale of its shares names together."""

    lots: tuple[Lot, ...]

    @property
    def account_id(self) -> str:
        return self.lots[0].account_id

    @property
    def symbol(self) -> str:
        return self.lots[0].symbol

    @property
    def open_execution_id(self) -> str:
        return self.lots[0].open_execution_id

    @property
    def acquired_date(self) -> date:
        return self.lots[0].acquired_date

    @property
    def quantity(self) -> Decimal:
        return sum((lot.quantity for lot in self.lots), _NOTHING)

    @property
    def basis(self) -> Decimal:
        """The adjusted basis of all of it, USD."""
        return sum((lot.adjusted_basis for lot in self.lots), _NOTHING)

    @property
    def long_term_from(self) -> date:
        """The first day on which all of it is long-term."""
        return date.fromordinal(max(long_term_from(lot.holding_start.toordinal()) for lot in self.lots))


def long_holdings(lots: Iterable[Lot]) -> list[Holding]:
    """The lots that are held, not owed, by purchase, account and symbol, in the order of their acquisition."""
    together: defaultdict[tuple[str, str, str], list[Lot]] = defaultdict(list)
    for lot in lots:
        if lot.quantity > 0:
            together[lot.account_id, lot.symbol, lot.open_execution_id].append(lot)
    found = [Holding(tuple(of_one)) for of_one in together.values()]
    return sorted(found, key=lambda held: (held.symbol, held.account_id, held.acquired_date, held.open_execution_id))


def open_lots(basis: ReportBasis) -> list[OpenLot]:
    """What the accounts that are asked for hold on the day, by symbol, account and date."""
    lots = sorted(
        basis.open_lots, key=lambda lot: (lot.symbol, lot.account_id, lot.acquired_date, lot.holding_start, lot.lot_id)
    )
    return [
        open_lot(lot, on=basis.on, close=basis.closes.get(lot.symbol), is_taxed=basis.scope.is_taxed(lot.account_id))
        for lot in lots
    ]


def open_lots_report(basis: ReportBasis) -> Report:
    """The report: every lot, and what is unrealized by term."""
    found = open_lots(basis)
    return Report(
        ReportKind.OPEN_LOTS,
        "Open lots",
        (_lots_section(found, basis.on), _by_term(found)),
        notes=tuple(_notes(found, basis.on)),
    )


def _lots_section(found: Sequence[OpenLot], on: date) -> Section:
    return r.table(
        "open_lots",
        "Open lots",
        found,
        [
            (r.text("symbol", "Symbol"), lambda row: row.lot.symbol),
            (r.text("account", "Account"), lambda row: row.lot.account_id),
            (r.number("quantity", "Shares"), lambda row: row.lot.quantity),
            (r.day("acquired_date", "Acquired"), lambda row: row.lot.acquired_date),
            (r.day("holding_start", "Held since"), lambda row: row.lot.holding_start),
            (r.money("original_basis", "Original basis"), lambda row: row.lot.original_basis),
            (r.money("wash_sale_basis", "From wash sales"), lambda row: row.wash_sale_basis),
            (r.money("adjusted_basis", "Adjusted basis"), lambda row: row.lot.adjusted_basis),
            (r.number("close", "Close", ColumnKind.PRICE), lambda row: None if row.close is None else row.close.price),
            (r.day("close_date", "Close of"), lambda row: None if row.close is None else row.close.session_date),
            (r.money("market_value", "Market value"), lambda row: row.market_value),
            (r.money("unrealized", "Unrealized"), lambda row: row.unrealized),
            (r.number("unrealized_pct", "Unrealized %", ColumnKind.PERCENT), _percent),
            (r.text("term", "Term"), lambda row: row.term),
            (r.number("days_to_long_term", "Days to long", ColumnKind.INTEGER), lambda row: row.days_to_long_term),
            (r.day("long_term_from", "Long from"), lambda row: row.long_term_from),
            (r.detail("open_execution_id", "Opened by"), lambda row: row.lot.open_execution_id),
            (r.detail("lot_id", "Lot"), lambda row: row.lot.lot_id),
        ],
        notes=(f"Terms and days are those of a sale on {on}.",),
    )


def _percent(row: OpenLot) -> Decimal | None:
    if row.unrealized is None or not row.lot.adjusted_basis:
        return None
    return (row.unrealized / row.lot.adjusted_basis * _HUNDRED).quantize(Decimal("0.01"))


_WORDS: Final[Mapping[Term | None, str]] = {
    Term.SHORT: "short-term",
    Term.LONG: "long-term",
    None: "not taxed",
}


def _by_term(found: Sequence[OpenLot]) -> Section:
    sums: dict[str, list[OpenLot]] = {}
    for word in _WORDS.values():
        rows = [row for row in found if _WORDS[row.term] == word and row.unrealized is not None]
        if rows:
            sums[f"{word} gains"] = [row for row in rows if (row.unrealized or _NOTHING) >= 0]
            sums[f"{word} losses"] = [row for row in rows if (row.unrealized or _NOTHING) < 0]

    def total(rows: Sequence[OpenLot], of: str) -> Decimal:
        return sum((getattr(row, of) for row in rows), Decimal("0.00"))

    return r.table(
        "open_lots_by_term",
        "Unrealized by term",
        sums.items(),
        [
            (r.text("kind", "Kind"), lambda item: item[0]),
            (r.number("lots", "Lots", ColumnKind.INTEGER), lambda item: len(item[1])),
            (r.money("market_value", "Market value"), lambda item: total(item[1], "market_value")),
            (r.money("unrealized", "Unrealized"), lambda item: total(item[1], "unrealized")),
        ],
    )


def _notes(found: Sequence[OpenLot], on: date) -> Iterable[str]:
    unpriced = sorted({row.lot.symbol for row in found if row.close is None})
    if unpriced:
        yield f"No close is known of {', '.join(unpriced)}: market value and unrealized gain are left empty."
    stale = {row.lot.symbol: row.close for row in found if row.close and row.close.session_date + _FRESH < on}
    if stale:
        told = ", ".join(f"{symbol} ({close.session_date})" for symbol, close in sorted(stale.items()))
        yield f"The last close is older than five days for {told}."
    if any(row.lot.quantity < 0 for row in found):
        yield (
            "A short's bases are the net proceeds of its sale. Its closing is short-term, but for the losses of IRC "
            "1233(d); shares held beside it may start their holding period anew (IRC 1233(b)), which is judged when "
            "it is closed."
        )
