"""What a broker's own rules come to, beside what the law comes to for the taxpayer.

A broker looks at one account. It reports a loss as disallowed where the sale and the purchase are in the same account
and of covered securities with the same CUSIP (Reg. 1.6045-1(d)(6)(iii)(A); Pub. 550, p. 88), whatever other accounts,
the spouse or options do. So the same engine runs over the fills of that account alone, as a taxable one, without what
the taxpayer declared identical and without options as contracts to acquire; its policies are those of the taxpayer
(P1: a replacement is still held).

Where an option is exercised or assigned its premium moves into the shares, and it stays linked to them. A change of
ticker is taken for the same security, though some come with a new CUSIP.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from tickledger.domain.account import Account, AccountKind, Mode
from tickledger.execution.tax_history import TaxHistory
from tickledger.reconciliation.breaks import CorrectionKind, ProposedCorrection
from tickledger.reconciliation.corrections import action_of, execution_of, lots_of
from tickledger.reconciliation.findings import Hypothesis, OtherEvent
from tickledger.reconciliation.ledger_view import LedgerView, ScopeResult
from tickledger.tax.fills import Fill, FillSide, from_executions
from tickledger.tax.result import TaxResult

_EXERCISED: Final = frozenset({FillSide.EXERCISE, FillSide.ASSIGN})


def broker_scope(history: TaxHistory, account_id: str, *, until: date | None = None) -> ScopeResult:
    """Gains, wash sales and lots of `account_id` as its broker counts them, from the fills up to `until`.

    Raises LedgerError as the engine does.
    """
    mode = next((account.mode for account in history.accounts if account.account_id == account_id), Mode.LIVE)
    fills = [fill for fill in history.fills if fill.account_id == account_id and _is_known(fill, until)]
    exercised = {fill.symbol for fill in fills if fill.side in _EXERCISED}
    alone = replace(
        history,
        fills=[
            replace(fill, contract=None) if fill.contract and fill.symbol not in exercised else fill for fill in fills
        ],
        accounts=[Account(account_id, mode, AccountKind.TAXABLE)],
        identity={},
        corporate_actions=[action for action in history.corporate_actions if until is None or action.ex_date <= until],
        opening_lots=[lot for lot in history.opening_lots if lot.account_id == account_id],
    )
    return of_result(alone.result(until=until))


def taxpayer_scope(history: TaxHistory, *, until: date | None = None) -> ScopeResult:
    """Gains, wash sales and lots of all accounts as the law counts them, from the fills up to `until`."""
    known = replace(
        history,
        fills=[fill for fill in history.fills if _is_known(fill, until)],
        corporate_actions=[action for action in history.corporate_actions if until is None or action.ex_date <= until],
    )
    return of_result(known.result(until=until))


def of_result(result: TaxResult) -> ScopeResult:
    """What a run of the engine came to."""
    return ScopeResult(result.gains, result.wash_sales, result.open_lots, result.lots)


def _is_known(fill: Fill, until: date | None) -> bool:
    return until is None or fill.trade_date <= until


def with_scopes(view: LedgerView, *, until: date | None = None) -> LedgerView:
    """The view with both scopes worked out of its `history`, from what happened up to `until`."""
    if view.history is None:
        return view
    return replace(
        view,
        broker_scope=broker_scope(view.history, view.account_id, until=until),
        taxpayer_scope=taxpayer_scope(view.history, until=until),
        lots_date=until or view.history.last_date,
    )


def corrected_history(history: TaxHistory, corrections: Iterable[Hypothesis]) -> TaxHistory:
    """The history as it would be after corrections of executions, charges, lots and corporate actions."""
    fills = {fill.execution_id: fill for fill in history.fills}
    actions = list(history.corporate_actions)
    for correction in _one_by_one(corrections):
        if isinstance(correction, OtherEvent):
            kept = [action for action in actions if action != correction.recorded]
            actions = [*kept, correction.instead] if correction.instead is not None else kept
            continue
        values = correction.values
        match correction.kind:
            case CorrectionKind.ADD_EXECUTION:
                fills[values["execution_id"]] = from_executions([execution_of(values)])[0]
            case CorrectionKind.CORRECT_EXECUTION if values["execution_id"] in fills:
                _refigure(fills, values["execution_id"], correction)
            case CorrectionKind.REPORT_COMMISSION if values["execution_id"] in fills:
                name = values["execution_id"]
                fills[name] = replace(fills[name], commission=Decimal(values["commission"]))
            case CorrectionKind.ADD_CORPORATE_ACTION:
                actions.append(action_of(values))
            case CorrectionKind.CHOOSE_LOTS:
                name, lots = lots_of(values)
                if name in fills:
                    fills[name] = replace(fills[name], lots=lots)
            case _:
                pass
    return replace(history, fills=_in_time(fills.values()), corporate_actions=actions)


def _one_by_one(corrections: Iterable[Hypothesis]) -> Iterable[ProposedCorrection | OtherEvent]:
    for correction in corrections:
        yield from correction if isinstance(correction, tuple) else (correction,)


def _refigure(fills: dict[str, Fill], name: str, correction: ProposedCorrection) -> None:
    values = correction.values
    quantity = Decimal(values["quantity"])
    if not quantity:
        del fills[name]
        return
    fills[name] = replace(
        fills[name],
        quantity=quantity,
        gross_amount=Decimal(values["price"]) * quantity,
        trade_date=date.fromisoformat(values["trade_date"]),
        executed_at=datetime.fromisoformat(values["executed_at"]),
    )


def _in_time(fills: Iterable[Fill]) -> Sequence[Fill]:
    """The fills by date; of one date the engine goes by instants."""
    return sorted(fills, key=lambda fill: fill.trade_date)
