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
rows, whatever their values and even where a row is missing, and where something cannot be valued. Any other
order is then refused: what is at stake is not known.
A day's loss beyond its limit therefore stops opening orders and no others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_UP, Decimal
from typing import Final

from tickledger.domain.ids import identified
from tickledger.domain.order import OrderSide, RiskCheck, RiskDecision, RiskLimit
from tickledger.domain.signal import OrderIntent
from tickledger.risk.exposure import Exposure, sector_of
from tickledger.risk.limits import LIMIT_NAMES, limits_in_force

_NOTHING: Final = Decimal(0)
_ONE_DOLLAR: Final = Decimal(1)
_RATIO_INCREMENT: Final = Decimal("0.0001")

#: What (side, shares, USD per share, trade date) is estimated to cost, USD, charges included.
CostEstimate = Callable[[OrderSide, Decimal, Decimal, date], Decimal]


@dataclass(frozen=True, slots=True)
class Question:
    """One intent with the exposure before and after it: what every check looks at."""

    intent: OrderIntent
    before: Exposure
    after: Exposure
    sectors: Mapping[str, str]
    adverse_move: Decimal


@dataclass(frozen=True, slots=True)
class PreTradeRisk:
    """The risk rules of one account: rows of limits, each symbol's sector and how costs are estimated.

    `adverse_move` is the part of its price that a share is expected to lose in a bad spell.
    """

    limits: Sequence[RiskLimit]
    estimate_cost: CostEstimate
    sectors: Mapping[str, str] = field(default_factory=dict)
    adverse_move: Decimal = Decimal("0.10")

    def check(self, intent: OrderIntent, exposure: Exposure) -> RiskDecision:
        """The decision on `intent`: all of it or nothing, with every check and the reason for a refusal."""
        question = Question(intent, exposure, exposure.after(intent), self.sectors, self.adverse_move)
        in_force = limits_in_force(self.limits, account_id=intent.account_id, on=intent.session_date)
        is_exempt = is_reducing(question)
        checks = [_limit_check(name, question, in_force.get(name), is_exempt=is_exempt) for name in LIMIT_NAMES]
        checks += [self._buying_power(question), _short_sale(question), _unvalued(question, is_exempt=is_exempt)]
        missing = [name for name in LIMIT_NAMES if name not in in_force]
        return _decision(intent, checks, missing)

    def _buying_power(self, question: Question) -> RiskCheck:
        intent = question.intent
        cost = _NOTHING
        if intent.side.sign > 0:
            cost = self.estimate_cost(intent.side, intent.quantity, intent.reference_price, intent.session_date)
        cash = question.before.cash
        return RiskCheck("buying_power", is_passed=cost <= max(cash, _NOTHING), limit=cash, value=cost)


def is_reducing(question: Question) -> bool:
    """Whether the order only takes from a position, down to flat at most."""
    before = question.before.quantity(question.intent.symbol)
    after = question.after.quantity(question.intent.symbol)
    return before != 0 and before * after >= 0 and abs(after) < abs(before)


def _limit_check(name: str, question: Question, limit: Decimal | None, *, is_exempt: bool) -> RiskCheck:
    value = _MEASURES[name](question)
    is_within = limit is not None and value <= limit
    return RiskCheck(name, is_passed=is_exempt or is_within, limit=_NOTHING if limit is None else limit, value=value)


def _short_sale(question: Question) -> RiskCheck:
    short = max(-question.after.quantity(question.intent.symbol), _NOTHING)
    is_passed = question.intent.side.sign > 0 or short == 0
    return RiskCheck("short_sale", is_passed=is_passed, limit=_NOTHING, value=short)


def _unvalued(question: Question, *, is_exempt: bool) -> RiskCheck:
    count = Decimal(len(question.after.unvalued()))
    return RiskCheck("unvalued_symbols", is_passed=is_exempt or not count, limit=_NOTHING, value=count)


def _decision(intent: OrderIntent, checks: Sequence[RiskCheck], missing: Sequence[str]) -> RiskDecision:
    failed = [check for check in checks if not check.is_passed]
    reason = "; ".join(_refusal(check, intent, is_missing=check.name in missing) for check in failed)
    decision = RiskDecision(
        risk_decision_id="",
        account_id=intent.account_id,
        signal_id=intent.signal_id,
        symbol=intent.symbol,
        side=intent.side,
        requested_quantity=intent.quantity,
        approved_quantity=_NOTHING if failed else intent.quantity,
        is_approved=not failed,
        reason=reason,
        decided_at=intent.intended_at,
        session_date=intent.session_date,
        checks=tuple(checks),
    )
    return identified("risk", decision)


def _refusal(check: RiskCheck, intent: OrderIntent, *, is_missing: bool) -> str:
    if is_missing:
        return f"{check.name}: no limit in force on {intent.session_date}"
    return f"{check.name}: {check.value.normalize():f} exceeds {check.limit.normalize():f}"


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
