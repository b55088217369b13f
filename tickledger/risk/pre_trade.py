"""The checks an order intent must pass. Each is a value, a limit and a verdict, and all of them are kept.

| check                  | value                                                     | limit                    |
|------------------------|-----------------------------------------------------------|--------------------------|
| max_position_size      | shares of the symbol after the order                      | row, shares              |
| max_portfolio_exposure | gross notional after the order / equity                   | row, part of equity      |
| max_sector_exposure    | gross notional of the sector after the order / equity     | row, part of equity      |
| max_single_loss        | open loss of the position + an adverse move on what the   | row, USD                 |
|                        | position is worth after the order                         |                          |
| max_daily_loss         | equity lost since the previous close                      | row, USD                 |
| buying_power           | estimated cost of a purchase, charges included            | free cash, USD           |
| short_sale             | shares short after the order                              | none: 0                  |
| unvalued_symbols       | symbols held or on order without a known price            | none: 0                  |

A limit must never trap anyone in a position: an order that only reduces one passes the five limits that are
rows, whatever their values and even where a row is missing, and where something cannot be valued or paid for. Any
other order is then refused: what is at stake is not known.
A day's loss beyond its limit therefore stops opening orders and no others.

Where orders go to a broker, `order_controls` adds its checks to these, and takes the place of the last rows on
cash and short sales.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_UP, Decimal
from typing import Final

from tickledger.domain.ids import identified
from tickledger.domain.order import OrderSide, RiskDecision, RiskLimit
from tickledger.domain.signal import OrderIntent
from tickledger.risk.exposure import Exposure, Measure, SectorNotional, notional_of, sector_of
from tickledger.risk.limits import LIMIT_NAMES, limits_in_force
from tickledger.risk.order_controls import OrderControls
from tickledger.risk.question import Finding, Moment, Question, found, row_limit

_NOTHING: Final = Decimal(0)
_ONE_DOLLAR: Final = Decimal(1)
_RATIO_INCREMENT: Final = Decimal("0.0001")

#: What (side, shares, USD per share, trade date) is estimated to cost, USD, charges included.
CostEstimate = Callable[[OrderSide, Decimal, Decimal, date], Decimal]


@dataclass(frozen=True, slots=True)
class PreTradeRisk:
    """The risk rules of one account: rows of limits, each symbol's sector and how costs are estimated.

    `adverse_move` is the part of its price that a share is expected to lose in a bad spell. `controls` are the
    further checks of orders that go to a broker; None where they do not.
    """

    limits: Sequence[RiskLimit]
    estimate_cost: CostEstimate
    sectors: Mapping[str, str] = field(default_factory=dict)
    adverse_move: Decimal = Decimal("0.10")
    controls: OrderControls | None = None

    def check(self, intent: OrderIntent, exposure: Exposure, *, moment: Sequence[Moment] = ()) -> RiskDecision:
        """The decision on `intent`: all of it or nothing, with every check and the reason for a refusal.

        `moment` are limits of the moment that the session watches over; what only reduces a position passes them.

        With controls, an intent that is let out counts as sent from then on: it is noted in their order flow.
        Raises ValueError for an intent whose quantity or prices are not numbers above zero.
        """
        _refuse_malformed(intent)
        question = self._question(intent, exposure)
        in_force = limits_in_force(self.limits, account_id=intent.account_id, on=intent.session_date)
        findings = [
            row_limit(name, question, value=_MEASURES[name](question), limit=in_force.get(name)) for name in LIMIT_NAMES
        ]
        findings += [watched.finding(question) for watched in moment]
        if self.controls is None:
            return _decision(intent, [*findings, _buying_power(question), _short_sale(question), _unvalued(question)])
        facts = self.controls.facts(intent)
        findings += [_unvalued(question), *self.controls.findings(question, in_force, facts)]
        decision = _decision(intent, findings)
        if decision.is_approved:
            facts.flow.note(intent)
        return decision

    def _question(self, intent: OrderIntent, exposure: Exposure) -> Question:
        for measure in self._measures(intent.symbol):
            # Made before the order is put on top, which then carries it on.
            exposure.total(measure)
        after = exposure.after(intent)
        arguments = (intent.side, intent.quantity, intent.reference_price, intent.session_date)
        cost = self.estimate_cost(*arguments)
        return Question(
            intent=intent,
            before=exposure,
            after=after,
            sectors=self.sectors,
            adverse_move=self.adverse_move,
            cost=cost if intent.side.sign > 0 else _NOTHING,
            charges=max(cost - intent.side.sign * intent.quantity * intent.reference_price, _NOTHING),
            is_reducing=is_reducing(exposure.quantity(intent.symbol), after.quantity(intent.symbol)),
        )

    def _measures(self, symbol: str) -> tuple[Measure, ...]:
        """What is summed over all positions for an order of `symbol`."""
        of_margin = self.controls.margin.measures() if self.controls is not None else ()
        return (notional_of, SectorNotional(sector_of(symbol, self.sectors), self.sectors), *of_margin)


def is_reducing(before: Decimal, after: Decimal) -> bool:
    """Whether a position only gets smaller, down to flat at most."""
    return before != 0 and before * after >= 0 and abs(after) < abs(before)


def _refuse_malformed(intent: OrderIntent) -> None:
    for name in ("quantity", "reference_price", "limit_price", "stop_price"):
        number: Decimal | None = getattr(intent, name)
        if number is not None and not (number.is_finite() and number > 0):
            raise ValueError(f"{intent.side} {intent.symbol}: {name}: expected a number above 0, found {number}")


def _buying_power(question: Question) -> Finding:
    cash, cost = question.before.cash, question.cost
    is_passed = question.is_reducing or cost <= max(cash, _NOTHING)
    return found("buying_power", is_passed=is_passed, limit=cash, value=cost)


def _short_sale(question: Question) -> Finding:
    short = max(-question.after.quantity(question.intent.symbol), _NOTHING)
    is_passed = question.intent.side.sign > 0 or short == 0
    return found("short_sale", is_passed=is_passed, limit=_NOTHING, value=short)


def _unvalued(question: Question) -> Finding:
    count = Decimal(len(question.after.unvalued()))
    return found("unvalued_symbols", is_passed=question.is_reducing or not count, limit=_NOTHING, value=count)


def _decision(intent: OrderIntent, findings: Sequence[Finding]) -> RiskDecision:
    refusals = [finding.refusal for finding in findings if finding.refusal]
    warnings = [f"warning: {finding.warning}" for finding in findings if finding.warning]
    decision = RiskDecision(
        risk_decision_id="",
        account_id=intent.account_id,
        signal_id=intent.signal_id,
        symbol=intent.symbol,
        side=intent.side,
        requested_quantity=intent.quantity,
        approved_quantity=_NOTHING if refusals else intent.quantity,
        is_approved=not refusals,
        reason="; ".join([*refusals, *warnings]),
        decided_at=intent.intended_at,
        session_date=intent.session_date,
        checks=tuple(finding.check for finding in findings),
    )
    return identified("risk", decision)


def _part_of_equity(notional: Decimal, question: Question) -> Decimal:
    """`notional` / equity, rounded up to four places; an account without equity counts as holding one dollar."""
    equity = max(question.before.equity, _ONE_DOLLAR)
    return (notional / equity).quantize(_RATIO_INCREMENT, rounding=ROUND_UP)


def _position_size(question: Question) -> Decimal:
    return abs(question.after.quantity(question.intent.symbol))


def _portfolio_exposure(question: Question) -> Decimal:
    return _part_of_equity(question.after.gross_notional(), question)


def _sector_exposure(question: Question) -> Decimal:
    sector = sector_of(question.intent.symbol, question.sectors)
    return _part_of_equity(question.after.sector_notional(sector, question.sectors), question)


def _single_loss(question: Question) -> Decimal:
    symbol, price = question.intent.symbol, question.intent.reference_price
    held = question.before.quantity(symbol)
    open_loss = held * (question.before.average_costs.get(symbol, price) - price)
    return max(open_loss, _NOTHING) + question.adverse_move * question.after.notional(symbol)


def _daily_loss(question: Question) -> Decimal:
    return max(question.before.day_loss, _NOTHING)


#: What each limit of `RISK_LIMIT_UNITS` is compared with, in that limit's unit.
_MEASURES: Final[Mapping[str, Callable[[Question], Decimal]]] = {
    "max_position_size": _position_size,
    "max_portfolio_exposure": _portfolio_exposure,
    "max_sector_exposure": _sector_exposure,
    "max_single_loss": _single_loss,
    "max_daily_loss": _daily_loss,
}
