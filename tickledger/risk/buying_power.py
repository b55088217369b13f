"""How much an account may buy: cash, Regulation T, and FINRA Rule 4210 before and after its change of 2026.

| rule                  | an order that opens passes where                                                           |
|-----------------------|--------------------------------------------------------------------------------------------|
| `cash` (the default)  | its cost, charges included, is there as free cash, settled where that is told              |
| `reg_t`               | the initial margin it adds, and its charges, are there as excess over what is required of  |
|                       | all positions, or as SMA where that is told: 12 CFR 220.12, 50 % long, 150 % short of which |
|                       | the proceeds are 100                                                                       |
| `intraday_margin`     | maintenance margin of all positions after it and its charges do not exceed equity          |
| `pattern_day_trader`  | with less than 25,000 USD: closing it on the same day would not be the fourth day trade in |
|                       | five business days; maintenance margin is in today's equity and in that of the last close   |

`intraday_margin`: SR-FINRA-2025-017, approved by the SEC on 14 April 2026 (Release 34-105226, 91 FR 20731), strikes
the day-trading provisions of Rule 4210(f)(8)(B), with the count of day trades and the minimum of 25,000 USD, and adds
(a)(17)–(19) and (d)(2): an account must hold, at any time of the day, the maintenance margin of what it then holds, and
a broker may block whatever would create or increase a deficit, which is what the check does. In force since 4 June
2026; brokers may go on with the old rule until 20 October 2027, so which of the two an account is under is the broker's
to say, and a setting here.

Under both of these `holds_overnight` (the default) asks `reg_t` as well, because Regulation T is owed on what is still
held at the end of the day. All margin rules fall back to `cash` below 2,000 USD of equity: 4210(b)(4). Maintenance is
4210(c)(1)–(3): long 25 %; short 30 % but at least 5 USD a share, below 5 USD a share 100 % but at least 2.50. A broker
may ask for more (`house_rates`). Options, portfolio margin and concentrated positions are not judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.risk.day_trades import MOST_DAY_TRADES
from tickledger.risk.exposure import Measure
from tickledger.risk.question import Finding, Question, found

_NOTHING: Final = Decimal(0)
LEAST_MARGIN_EQUITY: Final = Decimal(2_000)
LEAST_DAY_TRADER_EQUITY: Final = Decimal(25_000)
_INITIAL: Final = Decimal("0.5")
_LONG: Final = Decimal("0.25")
_SHORT: Final = Decimal("0.30")
_SHORT_PER_SHARE: Final = Decimal(5)
_LOW_PRICE: Final = Decimal(5)
_LOW_PER_SHARE: Final = Decimal("2.50")


class BuyingPowerRule(StrEnum):
    """Which of the rules above an account is under."""

    CASH = "cash"
    REG_T = "reg_t"
    INTRADAY_MARGIN = "intraday_margin"
    PATTERN_DAY_TRADER = "pattern_day_trader"


@dataclass(frozen=True, slots=True)
class MarginFacts:
    """What the broker tells of an account beside cash and equity; None where it does not.

    `day_trades` are those of the last five business days (see `risk.day_trades`), `previous_equity` is that of the
    last close, USD.
    """

    settled_cash: Decimal | None = None
    sma: Decimal | None = None
    day_trades: int | None = None
    previous_equity: Decimal | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MarginTerms:
    """The rule an account is under. `house_rates` are parts of market value that the broker asks for by symbol."""

    rule: BuyingPowerRule = BuyingPowerRule.CASH
    holds_overnight: bool = True
    house_rates: Mapping[str, Decimal] = field(default_factory=dict)

    def measures(self) -> tuple[Measure, ...]:
        """What the rule sums over all positions."""
        match self.rule:
            case BuyingPowerRule.CASH:
                return ()
            case BuyingPowerRule.REG_T:
                return (_Initial(self),)
            case BuyingPowerRule.INTRADAY_MARGIN | BuyingPowerRule.PATTERN_DAY_TRADER:
                initial = (_Initial(self),) if self.holds_overnight else ()
                return (_Maintenance(self), *initial)

    def maintenance(self, symbol: str, quantity: Decimal, price: Decimal, /) -> Decimal:
        """Maintenance margin of one position, USD."""
        value = abs(quantity) * price
        house = self.house_rates.get(symbol, _NOTHING) * value
        if quantity >= 0:
            return max(_LONG * value, house)
        if price < _LOW_PRICE:
            return max(value, _LOW_PER_SHARE * -quantity, house)
        return max(_SHORT * value, _SHORT_PER_SHARE * -quantity, house)

    def initial(self, symbol: str, quantity: Decimal, price: Decimal, /) -> Decimal:
        """Initial margin of one position beyond the proceeds of a short sale, USD."""
        return max(_INITIAL * abs(quantity) * price, self.maintenance(symbol, quantity, price))


@dataclass(frozen=True, slots=True)
class _Maintenance:
    terms: MarginTerms

    def __call__(self, symbol: str, quantity: Decimal, price: Decimal, /) -> Decimal:
        return self.terms.maintenance(symbol, quantity, price)


@dataclass(frozen=True, slots=True)
class _Initial:
    terms: MarginTerms

    def __call__(self, symbol: str, quantity: Decimal, price: Decimal, /) -> Decimal:
        return self.terms.initial(symbol, quantity, price)


def buying_power(question: Question, terms: MarginTerms, facts: MarginFacts) -> list[Finding]:
    """The checks of the account's rule; an order that only reduces a position passes each of them."""
    equity = question.before.equity
    match terms.rule:
        case BuyingPowerRule.CASH:
            return [_cash(question, facts)]
        case BuyingPowerRule.REG_T:
            return [_reg_t(question, terms, facts)]
        case BuyingPowerRule.INTRADAY_MARGIN:
            findings = [_maintenance("intraday_margin", question, terms, limit=equity)]
        case BuyingPowerRule.PATTERN_DAY_TRADER:
            known = equity if facts.previous_equity is None else min(equity, facts.previous_equity)
            findings = [_day_trades(question, facts), _maintenance("day_trade_margin", question, terms, limit=known)]
    if terms.holds_overnight or equity < LEAST_MARGIN_EQUITY:
        findings.append(_reg_t(question, terms, facts))
    return findings


def _cash(question: Question, facts: MarginFacts) -> Finding:
    cash = question.before.cash
    if facts.settled_cash is not None:
        cash = min(cash, facts.settled_cash)
    is_passed = question.is_reducing or question.cost <= max(cash, _NOTHING)
    return found("buying_power", is_passed=is_passed, limit=cash, value=question.cost)


def _reg_t(question: Question, terms: MarginTerms, facts: MarginFacts) -> Finding:
    before, symbol = question.before, question.intent.symbol
    if before.equity < LEAST_MARGIN_EQUITY:
        return _cash(question, facts)
    after = question.after
    price = after.price(symbol)
    # Both at the same price: what the order adds, not what the market did.
    already = terms.initial(symbol, before.quantity(symbol), price)
    added = max(terms.initial(symbol, after.quantity(symbol), price) - already, _NOTHING)
    excess = max(before.equity - before.total(_Initial(terms)), facts.sma or _NOTHING, _NOTHING)
    value = added + question.charges
    return found("buying_power", is_passed=question.is_reducing or value <= excess, limit=excess, value=value)


def _maintenance(name: str, question: Question, terms: MarginTerms, *, limit: Decimal) -> Finding:
    value = question.after.total(_Maintenance(terms)) + question.charges
    return found(name, is_passed=question.is_reducing or value <= limit, limit=limit, value=value)


def _day_trades(question: Question, facts: MarginFacts) -> Finding:
    """The count as it would be if the order's shares were closed today."""
    limit = Decimal(MOST_DAY_TRADES)
    if facts.day_trades is None:
        refusal = "the day trades of the last five business days are not known"
        return found("day_trades", is_passed=question.is_reducing, limit=limit, value=_NOTHING, refusal=refusal)
    is_rich = question.before.equity >= LEAST_DAY_TRADER_EQUITY
    value = Decimal(facts.day_trades + (not question.is_reducing))
    return found("day_trades", is_passed=question.is_reducing or is_rich or value <= limit, limit=limit, value=value)
