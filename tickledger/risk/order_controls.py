"""The checks that an order to a broker must pass besides those of `pre_trade`.

| check                     | value                                                       | limit                    |
|---------------------------|-------------------------------------------------------------|--------------------------|
| max_single_name_exposure  | notional of the symbol after the order / equity             | row, part of equity      |
| max_order_quantity        | shares of the order                                         | row, shares              |
| max_order_notional        | its shares at the worst price it may fill at that is known  | row, USD                 |
| max_price_deviation(_bps) | how much worse than the reference its limit price is        | row, USD a share; bps    |
| max_volume_participation  | its shares / average daily volume                           | row, part                |
| max_orders_per_…          | orders in a second, a minute, a session, this one included  | rows, orders             |
| duplicate_order           | orders just like it in the window, or of its signal         | 0                        |
| restricted                | entries of the restricted list against it                   | 0                        |
| short_sale                | shares short after the order                                | those short before it and|
|                           |                                                             | located                  |
| kill_switch               | 1 where it is engaged or cannot be read                     | 0                        |
| wash_sale                 | losses that its fill would disallow, USD                    | 0 under `block`          |
| buying_power, …           | see `buying_power`                                          |                          |

What is not known (an average volume, a locate, a limit) fails closed. Orders that only reduce a position pass the
rows and the kill switch; the duplicate check holds them to the window alone, so that one sent by mistake twice is
caught and one meant twice can go a moment later. Prices worse than the reference are what a fat finger pays: a limit
that is better than it does no harm. The price a stop becomes active at is the reference of a stop-limit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import Final

from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.order import OrderSide
from tickledger.domain.signal import OrderIntent
from tickledger.domain.wash_sale import WashSaleEffect, WashSalePolicy
from tickledger.risk.buying_power import BuyingPowerRule, MarginFacts, MarginTerms, buying_power
from tickledger.risk.order_flow import MINUTE, SECOND, OrderFlow
from tickledger.risk.question import Finding, Question, found, plain, row_limit
from tickledger.risk.restrictions import Restriction

_NOTHING: Final = Decimal(0)
_ONE: Final = Decimal(1)
_RATIO_INCREMENT: Final = Decimal("0.0001")
_BPS: Final = Decimal(10_000)
_BPS_INCREMENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What is known at the moment of an order, beside the exposure.

    `locates` are the shares that may be borrowed, by symbol: one that is missing is not known. `wash_sale` None
    says that nobody looked, which the check tells as such and `block` refuses.
    """

    flow: OrderFlow
    kill_switch: KillSwitchState
    locates: Mapping[str, Decimal] = field(default_factory=dict)
    margin: MarginFacts = field(default_factory=MarginFacts)
    wash_sale: WashSaleEffect | None = None


@dataclass(frozen=True, slots=True)
class OrderControls:
    """The settings of one account's controls, and where the facts of the moment come from.

    `average_daily_volumes` are shares by symbol. Under `wash_sale_policy` `block`, orders that open a position are
    refused; those that reduce one are warned of, unless `blocks_loss_sales`.
    """

    facts: Callable[[OrderIntent], OrderFacts]
    average_daily_volumes: Mapping[str, Decimal] = field(default_factory=dict)
    restrictions: Mapping[str, Sequence[Restriction]] = field(default_factory=dict)
    margin: MarginTerms = field(default_factory=MarginTerms)
    duplicate_window: timedelta = timedelta(seconds=10)
    wash_sale_policy: WashSalePolicy = WashSalePolicy.WARN
    blocks_loss_sales: bool = False

    def findings(self, question: Question, limits: Mapping[str, Decimal], facts: OrderFacts) -> list[Finding]:
        """Every check on one intent; `limits` are those in force, by name."""
        rows = [
            row_limit(name, question, value=measure(question), limit=limits.get(name))
            for name, measure in _MEASURES.items()
        ]
        return [
            *rows,
            self._participation(question, limits),
            *_rates(question, limits, facts.flow),
            _duplicate(question, facts.flow, self.duplicate_window),
            self._restricted(question),
            self._short_sale(question, facts),
            _kill_switch(question, facts.kill_switch),
            self._wash_sale(question, facts.wash_sale),
            *buying_power(question, self.margin, facts.margin),
        ]

    def _participation(self, question: Question, limits: Mapping[str, Decimal]) -> Finding:
        name = "max_volume_participation"
        volume = self.average_daily_volumes.get(question.intent.symbol)
        if volume is None or volume <= 0:
            refusal = f"the average daily volume of {question.intent.symbol} is not known"
            limit = limits.get(name, _NOTHING)
            return found(name, is_passed=question.is_reducing, limit=limit, value=_NOTHING, refusal=refusal)
        part = (question.intent.quantity / volume).quantize(_RATIO_INCREMENT, rounding=ROUND_UP)
        return row_limit(name, question, value=part, limit=limits.get(name))

    def _restricted(self, question: Question) -> Finding:
        intent = question.intent
        listed = self.restrictions.get(intent.symbol, ())
        against = [entry for entry in listed if entry.forbids(intent, is_reducing=question.is_reducing)]
        refusal = f"{intent.side} {intent.symbol}: {'; '.join(entry.reason for entry in against)}"
        return found("restricted", is_passed=not against, limit=_NOTHING, value=Decimal(len(against)), refusal=refusal)

    def _short_sale(self, question: Question, facts: OrderFacts) -> Finding:
        """No share is sold short that is not located, none in a cash account, none by an order that says SELL."""
        intent = question.intent
        before, after = (max(-shares.quantity(intent.symbol), _NOTHING) for shares in (question.before, question.after))
        located = facts.locates.get(intent.symbol)
        may_borrow = self.margin.rule is not BuyingPowerRule.CASH
        limit = before + (located or _NOTHING) if may_borrow else before
        refusal = f"{plain(after)} exceeds {plain(limit)}"
        if not may_borrow:
            refusal += ": a cash account holds no short positions"
        elif located is None:
            refusal += f": no shares of {intent.symbol} are known to be located"
        is_marked = intent.side is OrderSide.SELL_SHORT
        if after > before and not is_marked:
            refusal = f"{plain(after)} short by an order that is marked {intent.side}: split it at zero"
        is_passed = after <= before or (after <= limit and is_marked)
        return found("short_sale", is_passed=is_passed, limit=limit, value=after, refusal=refusal)

    def _wash_sale(self, question: Question, effect: WashSaleEffect | None) -> Finding:
        is_blocking = self.wash_sale_policy is WashSalePolicy.BLOCK
        may_block = is_blocking and (self.blocks_loss_sales or not question.is_reducing)
        told = _told(effect)
        is_known = effect is not None and not effect.problem
        value = _NOTHING if effect is None else effect.disallowed_loss
        is_passed = not may_block or (is_known and not value)
        warning = "" if self.wash_sale_policy is WashSalePolicy.ALLOW else told
        return found("wash_sale", is_passed=is_passed, limit=_NOTHING, value=value, refusal=told, warning=warning)


def _told(effect: WashSaleEffect | None) -> str:
    """What would be disallowed, or why that is not known, in words; empty where it is nothing."""
    if effect is None:
        return "nobody looked for wash sales"
    if effect.problem or not effect.disallowed_loss:
        return effect.problem
    names = ", ".join(f"{loss.close_execution_id} of {loss.sold_date}" for loss in effect.losses)
    lost = effect.permanently_disallowed
    for_good = f", {plain(lost)} of it for good" if lost else ""
    return f"disallows {plain(effect.disallowed_loss)} USD of loss{for_good} ({names})"


def _rates(question: Question, limits: Mapping[str, Decimal], flow: OrderFlow) -> list[Finding]:
    intent = question.intent
    sent = {
        "max_orders_per_second": flow.sent_within(SECOND, intent.intended_at),
        "max_orders_per_minute": flow.sent_within(MINUTE, intent.intended_at),
        "max_orders_per_day": flow.sent_on(intent.session_date),
    }
    return [row_limit(name, question, value=Decimal(count + 1), limit=limits.get(name)) for name, count in sent.items()]


def _duplicate(question: Question, flow: OrderFlow, window: timedelta) -> Finding:
    intent = question.intent
    is_alike = flow.is_alike_within(window, intent)
    is_of_signal = not question.is_reducing and flow.has_acted_on_signal(intent)
    reasons = (
        [f"the same order within {window.total_seconds():g} s"] * is_alike
        + [f"signal {intent.signal_id} has already led to one"] * is_of_signal
    )  # fmt: skip
    value = Decimal(len(reasons))
    return found("duplicate_order", is_passed=not reasons, limit=_NOTHING, value=value, refusal="; ".join(reasons))


def _kill_switch(question: Question, state: KillSwitchState) -> Finding:
    is_passed = question.is_reducing or not state.is_engaged
    value = Decimal(state.is_engaged)
    return found("kill_switch", is_passed=is_passed, limit=_NOTHING, value=value, refusal=state.reason)


def _single_name(question: Question) -> Decimal:
    equity = max(question.before.equity, _ONE)
    notional = question.after.notional(question.intent.symbol)
    return (notional / equity).quantize(_RATIO_INCREMENT, rounding=ROUND_UP)


def _quantity(question: Question) -> Decimal:
    return question.intent.quantity


def _notional(question: Question) -> Decimal:
    intent = question.intent
    prices = [intent.reference_price, intent.limit_price, intent.stop_price]
    return intent.quantity * max(price for price in prices if price is not None)


def _deviation(question: Question) -> Decimal:
    intent = question.intent
    if intent.limit_price is None:
        return _NOTHING
    sign, reference = intent.side.sign, _reference(intent)
    return max(sign * (intent.limit_price - reference), _NOTHING)


def _deviation_bps(question: Question) -> Decimal:
    bps = _BPS * _deviation(question) / _reference(question.intent)
    return bps.quantize(_BPS_INCREMENT, rounding=ROUND_UP)


def _reference(intent: OrderIntent) -> Decimal:
    """What a limit price is judged by: the market's price, or where a stop that lies beyond it becomes active."""
    if intent.stop_price is None:
        return intent.reference_price
    worse = max if intent.side.sign > 0 else min
    return worse(intent.stop_price, intent.reference_price)


#: What rows that need nothing but the question are compared with, in their units.
_MEASURES: Final[Mapping[str, Callable[[Question], Decimal]]] = {
    "max_single_name_exposure": _single_name,
    "max_order_quantity": _quantity,
    "max_order_notional": _notional,
    "max_price_deviation": _deviation,
    "max_price_deviation_bps": _deviation_bps,
}
