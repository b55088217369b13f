"""What an explanation of a gain may point at: the rows beside it, indexed by what refers to them.

The rows come from one run of the engine or out of the ledger; here they are only looked up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.account import Account, AccountKind
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.domain.money import round_cents
from tickledger.tax.distributions import close_id
from tickledger.tax.fills import Fill
from tickledger.tax.policies import Policies
from tickledger.tax.result import TaxResult

_CENTS: Final = Decimal("0.02")
_RETURNING: Final = frozenset({CorporateActionKind.RETURN_OF_CAPITAL, CorporateActionKind.MERGER})


@dataclass(frozen=True, slots=True)
class Evidence:
    """Gains, lots, fills and accounts by id; wash sales by the gain they disallow and by the fill that replaces.

    `policies` tells of each setting (``P1``…) its name, its value and what that means.
    """

    gains: Mapping[str, RealizedGain]
    lots: Mapping[str, Lot]
    washes_of_gain: Mapping[str, tuple[WashSale, ...]]
    washes_by_replacement: Mapping[str, tuple[WashSale, ...]]
    fills: Mapping[str, Fill]
    accounts: Mapping[str, Account]
    corporate_actions: tuple[CorporateAction, ...]
    policies: Mapping[str, str]


def gathered(
    gains: Iterable[RealizedGain],
    *,
    wash_sales: Iterable[WashSale],
    lots: Iterable[Lot],
    fills: Iterable[Fill] = (),
    accounts: Iterable[Account] = (),
    corporate_actions: Iterable[CorporateAction] = (),
    policies: Policies | None = None,
) -> Evidence:
    """The rows as evidence. Without `fills` the costs of trades cannot be told, nor when an IRA bought."""
    of_gain: defaultdict[str, list[WashSale]] = defaultdict(list)
    by_replacement: defaultdict[str, list[WashSale]] = defaultdict(list)
    for wash in wash_sales:
        of_gain[wash.gain_id].append(wash)
        by_replacement[wash.replacement_execution_id].append(wash)
    return Evidence(
        gains={gain.gain_id: gain for gain in gains},
        lots={lot.lot_id: lot for lot in lots},
        washes_of_gain={gain_id: tuple(washes) for gain_id, washes in of_gain.items()},
        washes_by_replacement={fill_id: tuple(washes) for fill_id, washes in by_replacement.items()},
        fills={fill.execution_id: fill for fill in fills},
        accounts={account.account_id: account for account in accounts},
        corporate_actions=tuple(corporate_actions),
        policies=_told(policies or Policies()),
    )


def evidence_of(
    result: TaxResult,
    *,
    fills: Iterable[Fill],
    accounts: Iterable[Account] = (),
    corporate_actions: Iterable[CorporateAction] = (),
) -> Evidence:
    """What one run of the engine says, with what it was given."""
    return gathered(
        result.gains,
        wash_sales=result.wash_sales,
        lots=result.lots,
        fills=fills,
        accounts=accounts,
        corporate_actions=corporate_actions,
        policies=result.policies,
    )


def _told(policies: Policies) -> dict[str, str]:
    """Each setting under its number: ``P4`` → ``P4 ties (trade_order: purchases of one day …)``."""
    return {name.split()[0]: f"{name} ({meaning})" for name, meaning in policies.described().items()}


def kind_of_account(account_id: str, evidence: Evidence) -> AccountKind:
    """An account that nobody has described is taxable."""
    account = evidence.accounts.get(account_id)
    return account.kind if account is not None else AccountKind.TAXABLE


def action_of(gain: RealizedGain, evidence: Evidence) -> CorporateAction | None:
    """The corporate action that closed the lot, by its id or, where it has none, by symbol and date."""
    candidates = [action for action in evidence.corporate_actions if action.kind is not CorporateActionKind.DIVIDEND]
    if gain.corporate_action_id is not None:
        candidates = [action for action in candidates if action.corporate_action_id == gain.corporate_action_id]
    names = {close_id(action): action for action in reversed(candidates)}
    return names.get(gain.close_execution_id)


def carried_in(lot: Lot, evidence: Evidence) -> tuple[WashSale, ...]:
    """The wash sales whose losses the basis of `lot` carries.

    They name the lot itself; where a corporate action has changed the lot since, they name what it was, which
    has the same purchase and the same start of the holding period.
    """
    if lot.adjusted_basis == lot.original_basis and lot.holding_start == lot.acquired_date:
        return ()
    washes = [wash for wash in evidence.washes_by_replacement.get(lot.open_execution_id, ()) if not wash.is_permanent]
    named = tuple(wash for wash in washes if wash.replacement_lot_id == lot.lot_id)
    return named or tuple(wash for wash in washes if _is_former_self(lot, wash, evidence))


def _is_former_self(lot: Lot, wash: WashSale, evidence: Evidence) -> bool:
    former = evidence.lots.get(wash.replacement_lot_id or "")
    return former is None or (former.holding_start, former.account_id) == (lot.holding_start, lot.account_id)


def has_returned_capital(lot: Lot, gain: RealizedGain, evidence: Evidence) -> bool:
    """Whether something may have lowered the basis while the lot was held."""
    return any(
        action.kind in _RETURNING and action.amount and lot.acquired_date < action.ex_date <= gain.sold_date
        for action in evidence.corporate_actions
    )


def part_of(amount: Decimal, quantity: Decimal, whole: Decimal) -> Decimal:
    """The part of `amount` that goes with `quantity` of `whole`, to the cent."""
    return round_cents(amount * quantity / abs(whole)) if whole else Decimal(0)


def taken_over(gain: RealizedGain, lot: Lot, evidence: Evidence) -> tuple[Decimal, tuple[WashSale, ...]]:
    """What the sale took over of losses from closing shorts (1091(e)(1)), which stand in no lot, and whence."""
    washes = tuple(
        wash
        for wash in evidence.washes_by_replacement.get(gain.close_execution_id, ())
        if not wash.is_permanent and wash.replacement_lot_id is None and wash.gain_id != gain.gain_id
    )
    if gain.is_short or not washes:
        return Decimal(0), ()
    extra = gain.basis - part_of(lot.adjusted_basis, gain.quantity, lot.quantity)
    if extra <= _CENTS:
        return Decimal(0), ()
    whole = sum((wash.disallowed_loss for wash in washes), Decimal(0))
    # What a lot gives to one sale is rounded to the cent: where that explains the difference, the rows are right.
    return (whole if abs(whole - extra) <= _CENTS else extra), washes


def agrees(one: Decimal, other: Decimal) -> bool:
    """Whether two amounts are the same but for the cent that apportioning may move."""
    return abs(one - other) <= _CENTS


def tacked_days(gain: RealizedGain) -> int:
    """By how many days the holding period starts before the purchase."""
    return max((gain.acquired_date - gain.holding_start) // timedelta(days=1), 0)
