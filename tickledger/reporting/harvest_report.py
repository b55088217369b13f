"""The harvest report: candidates with the dates and dollars of their risk, and what pending purchases would buy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.lot import Lot
from tickledger.reporting import tax_reports as r
from tickledger.reporting.harvest import Candidate, Harvest
from tickledger.reporting.harvest_netting import Effect, YearSoFar
from tickledger.reporting.open_lots_sold import PendingPurchase
from tickledger.reporting.tax_reports import NOT_ADVICE, Cell, Report, ReportKind, Section
from tickledger.reporting.tax_reports_basis import Close
from tickledger.tax.wash_sales import WINDOW_DAYS

_SHARE: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Reinvestment:
    """A standing instruction: dividends of the symbol buy more of it in the account."""

    account_id: str
    symbol: str


def reinvested(
    plans: Iterable[Reinvestment],
    *,
    lots: Sequence[Lot],
    dividends: Iterable[CorporateAction],
    closes: Mapping[str, Close],
    on: date,
) -> list[PendingPurchase]:
    """What the dividends of the 30 days after `on` would buy at the last close, by the day they go ex.

    A dividend buys on its payment date, which is not recorded and later: a window that is clear of its ex-date may not
    be clear of it.
    """
    payments = [
        action
        for action in dividends
        if action.kind is CorporateActionKind.DIVIDEND and on < action.ex_date <= on + timedelta(days=WINDOW_DAYS)
    ]
    bought = []
    for plan in plans:
        held = sum(
            (lot.quantity for lot in lots if (lot.account_id, lot.symbol) == (plan.account_id, plan.symbol)), Decimal(0)
        )
        for payment in payments:
            close = closes.get(plan.symbol)
            if payment.symbol == plan.symbol and payment.amount and close and held > 0:
                shares = (held * payment.amount / close.price).quantize(_SHARE)
                why = f"dividend of {payment.amount} USD a share, ex {payment.ex_date}, reinvested"
                bought.append(PendingPurchase(plan.account_id, plan.symbol, shares, payment.ex_date, why))
    return [one for one in bought if one.quantity > 0]


def harvest_report(found: Harvest) -> Report:
    """The report: candidates, the purchases around each, and the year they are netted in."""
    return Report(
        ReportKind.HARVEST,
        f"Harvest candidates {found.year.tax_year}",
        (_candidates(found), _purchases(found.candidates), _netting(found)),
        notes=tuple(_notes(found)),
    )


def _candidates(found: Harvest) -> Section:
    return r.table(
        "harvest",
        "Harvest",
        found.candidates,
        [
            (r.text("symbol", "Symbol"), lambda row: row.holding.symbol),
            (r.text("account", "Account"), lambda row: row.holding.account_id),
            (r.number("quantity", "Shares"), lambda row: row.holding.quantity),
            (r.day("acquired_date", "Acquired"), lambda row: row.holding.acquired_date),
            (r.text("term", "Term"), lambda row: row.sold.terms),
            (r.money("basis", "Basis"), lambda row: row.holding.basis),
            (r.money("market_value", "Market value"), lambda row: row.sold.proceeds),
            (r.money("loss", "Loss"), lambda row: row.loss),
            (r.money("disallowed_loss", "Disallowed if sold"), lambda row: row.sold.disallowed_loss),
            (r.money("permanently_disallowed", "Lost for good"), lambda row: row.sold.permanently_disallowed),
            (r.number("recent_shares", "Bought in 30 days"), lambda row: row.recent_shares),
            (r.day("clear_from", "Clear from"), lambda row: row.clear_from),
            (r.number("pending_shares", "Pending shares"), lambda row: row.pending_shares),
            (r.money("disallowed_by_pending", "Pending would disallow"), lambda row: row.disallowed_by_pending),
            (r.day("buy_again_from", "Buy again from"), lambda row: row.buy_again_from),
            (r.money("saves", "Saves this year", is_summed=False), lambda row: row.effect.saves),
            (r.money("carries", "Carries on", is_summed=False), lambda row: row.effect.carries),
            (r.money("after_tax", "Cash after tax", is_summed=False), _after_tax),
            (r.detail("open_execution_id", "Opened by"), lambda row: row.holding.open_execution_id),
        ],
        notes=(
            "Each row is that holding sold alone, whole, at the last close; what rows save does not add up.",
            ("'Clear from' is the first day on which no purchase made so far replaces the shares; 'buy again from' the "
            "first on which a purchase does not disallow the loss of a sale on the day."),
        ),
    )  # fmt: skip


def _after_tax(row: Candidate) -> Cell:
    return None if row.effect.saves is None else row.sold.proceeds.quantize(Decimal("0.01")) + row.effect.saves


@dataclass(frozen=True, slots=True)
class _Purchase:
    candidate: Candidate
    on: date
    account_id: str
    symbol: str
    quantity: Decimal
    what: str


def _purchases(candidates: Sequence[Candidate]) -> Section:
    rows = [
        _Purchase(one, fill.trade_date, fill.account_id, fill.symbol, fill.quantity, f"bought ({fill.execution_id})")
        for one in candidates
        for fill in one.recent
    ] + [
        _Purchase(one, bought.on, bought.account_id, bought.symbol, bought.quantity, bought.why)
        for one in candidates
        for bought in one.pending
    ]
    return r.table(
        "harvest_purchases",
        "Purchases around",
        rows,
        [
            (r.text("holding", "Holding"), lambda row: row.candidate.holding.open_execution_id),
            (r.text("symbol", "Symbol"), lambda row: row.symbol),
            (r.text("account", "Bought in"), lambda row: row.account_id),
            (r.day("on", "On"), lambda row: row.on),
            (r.number("quantity", "Shares"), lambda row: row.quantity),
            (r.text("what", "What"), lambda row: row.what),
        ],
        notes=(
            ("A purchase disallows as many shares of loss as are still held when the loss is made and replace no other "
            "(IRC 1091; policy P1): what it disallows is in the table of candidates."),
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Step:
    what: str
    short_term: Decimal | None
    long_term: Decimal | None
    total: Decimal | None


def _netting(found: Harvest) -> Section:
    return r.table(
        "harvest_netting",
        "Netting",
        [*netting_steps(found.year, found.together)],
        [
            (r.text("what", "Step"), lambda step: step.what),
            (r.money("short_term", "Short-term", is_summed=False), lambda step: step.short_term),
            (r.money("long_term", "Long-term", is_summed=False), lambda step: step.long_term),
            (r.money("total", "Together", is_summed=False), lambda step: step.total),
        ],
        notes=("Netting follows IRC 1222, 1211(b) and 1212(b): the steps of Schedule D and its carryover worksheet.",),
    )


def netting_steps(year: YearSoFar, together: Effect | None) -> Iterable[_Step]:
    """The year so far, netted; then the same with all candidates sold."""
    carried = year.carryover
    yield _step("Gains and losses so far", year.short_term, year.long_term)
    yield _step("Carried into the year", -carried.short_term, -carried.long_term)
    states = [("", year.netted())] if together is None else [("", together.before), (", all sold", together.after)]
    for words, netted in states:
        yield _step(f"Net of each term{words}", netted.net_short_term, netted.net_long_term)
        yield _step(f"Taxed gain after netting{words}", netted.ordinary_gain, netted.preferential_gain)
        yield _Step(f"Deducted from other income{words}", None, None, netted.deduction)
        yield _step(f"Carried to the next year{words}", netted.carryover.short_term, netted.carryover.long_term)
    if together is not None and together.saves is not None:
        yield _Step("Saved this year, all sold", None, None, together.saves)


def _step(what: str, short_term: Decimal, long_term: Decimal) -> _Step:
    # Adding zero takes the sign off a zero.
    return _Step(what, short_term + Decimal(0), long_term + Decimal(0), short_term + long_term)


def _notes(found: Harvest) -> Iterable[str]:
    if found.rates is None:
        yield "No marginal rates were stated (rate_short and rate_long): nothing is said of tax."
    else:
        yield (
            f"Marginal rates as stated: {found.rates.short_term} on a dollar of other income or net short-term gain, "
            f"{found.rates.long_term} on net long-term gain."
        )
    yield "A replacement is the reader's choice: none is suggested, and identity is as declared, not judged."
    if found.unpriced:
        yield f"Not judged, as no close is known: {', '.join(found.unpriced)}."
    for reason in found.unknown:
        yield f"Not judged: {reason}"
    yield NOT_ADVICE
