"""What an order would do to losses: the tax engine is run with the fill and without it, and the difference told.

    purchase   a loss of the 30 days before it is disallowed as far as the shares bought replace the shares sold
    sale       its own loss is disallowed as far as shares of the 30 days before it are held and free

Identical securities, all accounts of the household and the IRAs count as the engine counts them. Whether later trades
disallow more is not known yet: the window of a loss stays open for 30 days.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.errors import LedgerError
from tickledger.domain.lot import RealizedGain
from tickledger.domain.order import OrderSide
from tickledger.domain.signal import OrderIntent
from tickledger.domain.wash_sale import OpenReplacementLot, RecentLoss, WashSaleEffect
from tickledger.execution.tax_history import HYPOTHETICAL, TaxHistory, hypothetical_fill
from tickledger.tax.fills import Fill
from tickledger.tax.result import TaxResult
from tickledger.tax.wash_sales import WINDOW_DAYS

_NOTHING: Final = Decimal(0)
_WINDOW: Final = timedelta(days=WINDOW_DAYS)
_NO_EFFECT: Final = WashSaleEffect()

#: A disposition: the event that made it, its account and its symbol.
_Sale = tuple[str, str, str]


@dataclass(slots=True)
class _Baseline:
    """One security's history as it is, with what the engine concludes from it."""

    history: TaxHistory
    linked: frozenset[str]
    last_activity: date
    result: TaxResult | None = None

    def concluded(self) -> TaxResult:
        if self.result is None:
            self.result = self.history.result()
        return self.result


@dataclass(slots=True)
class WashSaleAwareness:
    """The household's history, for questions about what a fill would disallow.

    The engine runs only where something happened in the security within 30 days, and for a purchase only where a loss
    of that time is still open; what it concludes is kept until `note` brings another fill.
    """

    history: TaxHistory
    _fills: list[Fill] = field(default_factory=list, init=False)
    _baselines: dict[str, _Baseline] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._fills = list(self.history.ordered().fills)
        self.history = replace(self.history, fills=self._fills)

    def note(self, fill: Fill) -> None:
        """Take in a fill that happened after all others."""
        self._fills.append(replace(fill, executed_at=None))
        stale = [name for name, known in self._baselines.items() if fill.contract or fill.symbol in known.linked]
        for name in stale:
            del self._baselines[name]

    def of_intent(
        self, intent: OrderIntent, *, trade_date: date | None = None, charges: Decimal = _NOTHING
    ) -> WashSaleEffect:
        """What a fill of all of `intent` would disallow: at its limit price where it has one, else at the reference.

        `trade_date` is when it is expected to be filled, its session unless told otherwise.
        """
        return self.of_fill(
            hypothetical_fill(
                account_id=intent.account_id,
                symbol=intent.symbol,
                side=intent.side,
                quantity=intent.quantity,
                price=intent.limit_price or intent.reference_price,
                trade_date=trade_date or intent.session_date,
                charges=charges,
            )
        )

    def of_fill(self, fill: Fill) -> WashSaleEffect:
        """What `fill`, which is under the id `HYPOTHETICAL` and after all others, would disallow."""
        baseline = self._baseline(fill.symbol)
        last = self._fills[-1].trade_date if self._fills else date.min
        if fill.trade_date < last:
            return WashSaleEffect(problem=f"{fill.trade_date} is before the last fill, {last}")
        if baseline.last_activity + _WINDOW < fill.trade_date:
            return _NO_EFFECT
        try:
            before = baseline.concluded()
            if fill.side is OrderSide.BUY and not before.left_out and not _has_open_loss(before, fill.trade_date):
                return _NO_EFFECT
            after = baseline.history.result(fill)
        except LedgerError as error:
            return WashSaleEffect(problem=str(error))
        return effect_of(before, after)

    def _baseline(self, symbol: str) -> _Baseline:
        known = self._baselines.get(symbol)
        if known is None:
            related = self.history.related(symbol)
            known = _Baseline(related, self.history.linked(symbol), _last_activity(related))
            self._baselines[symbol] = known
        return known


def effect_of(before: TaxResult, after: TaxResult) -> WashSaleEffect:
    """What the hypothetical fill that is in `after` and not in `before` disallows; the history must be one security's.

    Where either could not be computed, why not.
    """
    if after.left_out or before.left_out:
        problems = [str(problem) for problem in (*after.problems, *before.problems) if problem.severity == "error"]
        found = problems[0] if problems else "its history is not complete"
        return WashSaleEffect(problem=f"{', '.join(after.left_out or before.left_out)} cannot be computed: {found}")
    earlier, later = _disallowed(before.gains), _disallowed(after.gains)
    losses = [
        loss for sale, gain in later.items() if (loss := _loss(gain, earlier.get(sale))).disallowed_loss > _NOTHING
    ]
    return WashSaleEffect(
        disallowed_loss=sum((loss.disallowed_loss for loss in losses), _NOTHING),
        permanently_disallowed=sum((loss.permanently_disallowed for loss in losses), _NOTHING),
        losses=tuple(losses),
        replacements=tuple(_replacements(after, {loss.close_execution_id for loss in losses})),
    )


def _disallowed(gains: Iterable[RealizedGain]) -> dict[_Sale, RealizedGain]:
    """One row for each disposition, its amounts those of all its lots."""
    sales: dict[_Sale, RealizedGain] = {}
    for gain in gains:
        sale = (gain.close_execution_id, gain.account_id, gain.symbol)
        known = sales.get(sale)
        sales[sale] = gain if known is None else replace(
            known,
            disallowed_loss=known.disallowed_loss + gain.disallowed_loss,
            permanently_disallowed=known.permanently_disallowed + gain.permanently_disallowed,
        )  # fmt: skip
    return sales


def _loss(after: RealizedGain, before: RealizedGain | None) -> RecentLoss:
    known, permanent = (before.disallowed_loss, before.permanently_disallowed) if before else (_NOTHING, _NOTHING)
    return RecentLoss(
        close_execution_id=after.close_execution_id,
        account_id=after.account_id,
        symbol=after.symbol,
        sold_date=after.sold_date,
        disallowed_loss=after.disallowed_loss - known,
        permanently_disallowed=max(after.permanently_disallowed - permanent, _NOTHING),
        open_until_date=after.sold_date + _WINDOW,
    )


def _replacements(after: TaxResult, sales: set[str]) -> Iterable[OpenReplacementLot]:
    """What takes the losses over through the fill: the shares it buys, or those that its own loss goes into."""
    closings = {gain.gain_id: gain.close_execution_id for gain in after.gains}
    for wash in after.wash_sales:
        sale = closings[wash.gain_id]
        if sale in sales and HYPOTHETICAL in {sale, wash.replacement_execution_id}:
            yield OpenReplacementLot(
                execution_id=wash.replacement_execution_id,
                lot_id=wash.replacement_lot_id,
                close_execution_id=sale,
                quantity=wash.quantity,
                disallowed_loss=wash.disallowed_loss,
                is_permanent=wash.is_permanent,
                rule=wash.rule,
            )


def _has_open_loss(result: TaxResult, on: date) -> bool:
    """Whether a loss whose window reaches `on` is not disallowed yet in full."""
    return any(
        gain.proceeds + gain.disallowed_loss < gain.basis and on <= gain.sold_date + _WINDOW for gain in result.gains
    )


def _last_activity(history: TaxHistory) -> date:
    """The last day on which anything of the history happened that a window could reach."""
    days = [fill.trade_date for fill in history.fills]
    days += [action.ex_date for action in history.corporate_actions]
    days += [lot.acquired_date for lot in history.opening_lots]
    return max(days, default=date.min)
