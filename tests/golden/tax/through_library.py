"""The cases of the conformance suite through the library: the same questions without files and processes."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.golden.tax.conformance.comparing import differences
from tests.golden.tax.conformance.suite import CapitalLoss, Case, FormRow, History, Row
from tests.tax import account
from tickledger.domain.account import Mode
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.instrument import AssetClass, OptionContract, OptionRight
from tickledger.domain.lot import RealizedGain, Term
from tickledger.reporting.tax_tables import GAIN_COLUMNS, LOT_COLUMNS, gains_rows, lots_rows
from tickledger.tax.engine import compute
from tickledger.tax.fills import Fill, FillSide, LotChoice
from tickledger.tax.form_8949 import FormLine, form_lines
from tickledger.tax.methods import Method, MethodSchedule
from tickledger.tax.policies import Policies
from tickledger.tax.result import TaxResult
from tickledger.tax.schedule_d import schedule_d

NEW_YORK = ZoneInfo("America/New_York")
YEAR = 2025


def differences_of(case: Case, *, policies: Policies | None = None) -> list[str]:
    """What we find other than the case expects, as lines of text."""
    match case.question:
        case History() as history:
            return _of_result(history, computed(history, policies=policies))
        case FormRow() as row:
            return _of_form_row(row)
        case CapitalLoss() as loss:
            return _of_capital_loss(loss)


def computed(history: History, *, policies: Policies | None = None) -> TaxResult:
    """The engine's result; raises ValueError for a method or a side that it does not know."""
    return compute(
        [_fill(row) for row in history.fills],
        accounts=[account(name, kind) for name, kind in history.accounts.items()],
        corporate_actions=[_action(row) for row in history.corporate_actions],
        methods=MethodSchedule(Method(history.method)),
        policies=policies,
    )


def _of_result(history: History, result: TaxResult) -> list[str]:
    gains = [dict(zip(GAIN_COLUMNS, row, strict=True)) for row in gains_rows(result.gains)]
    lots = [dict(zip(LOT_COLUMNS, row, strict=True)) for row in lots_rows(result.open_lots)]
    errors = [str(problem) for problem in result.problems if problem.severity == "error"]
    return [*errors, *differences(history, gains=gains, open_lots=lots)]


def _fill(row: Row) -> Fill:
    when = datetime.fromisoformat(row["executed_at"])
    has_time = "T" in row["executed_at"]
    return Fill(
        execution_id=row["execution_id"],
        order_id=row.get("order_id", row["execution_id"]),
        account_id=row["account"],
        symbol=row["symbol"],
        side=FillSide(row["side"]),
        quantity=Decimal(row["quantity"]),
        gross_amount=Decimal(row["gross_amount"]),
        commission=Decimal(row.get("commission", "0")),
        trade_date=when.astimezone(NEW_YORK).date() if has_time else when.date(),
        executed_at=when if has_time else None,
        lots=tuple(_choice(part) for part in row.get("lots", "").split(";") if part),
        asset_class=AssetClass(row.get("asset_class", "stock")),
        contract=_contract(row) if "underlying" in row else None,
    )


def _contract(row: Row) -> OptionContract:
    return OptionContract(
        underlying=row["underlying"],
        expiry=date.fromisoformat(row["expiry"]),
        strike=Decimal(row["strike"]),
        right=OptionRight(row["right"]),
        multiplier=Decimal(row["multiplier"]),
    )


def _choice(text: str) -> LotChoice:
    name, quantity = text.split(":")
    return LotChoice(name, Decimal(quantity))


def _action(row: Row) -> CorporateAction:
    amounts: dict[str, Any] = {
        name: Decimal(row[name]) for name in ("amount", "fmv_old", "fmv_new", "cash_in_lieu") if name in row
    }
    return CorporateAction(
        row["symbol"],
        date.fromisoformat(row["ex_date"]),
        CorporateActionKind(row["kind"]),
        ratio=Fraction(row["ratio"]) if "ratio" in row else None,
        new_symbol=row.get("new_symbol"),
        **amounts,
    )


def _of_form_row(row: FormRow) -> list[str]:
    (line,) = _lines(
        [_gain(proceeds=row.proceeds, basis=row.basis, codes="".join(row.codes), adjustment=row.adjustment)]
    )
    return _unequal(codes=(row.expected_codes, line.codes), gain_loss=(row.expected_gain_loss, line.gain_loss))


def _of_capital_loss(loss: CapitalLoss) -> list[str]:
    nets = {Term.SHORT: loss.net_short_term, Term.LONG: loss.net_long_term}
    gains = [_gain(proceeds=max(net, Decimal(0)), basis=max(-net, Decimal(0)), term=term) for term, net in nets.items()]
    schedule = schedule_d(_lines(gains), tax_year=YEAR, taxable_income=loss.taxable_income)
    return _unequal(
        deduction=(loss.expected_deduction, schedule.results["21"]),
        short_term=(loss.expected_short_term, schedule.carryover.short_term),
        long_term=(loss.expected_long_term, schedule.carryover.long_term),
    )


def _lines(gains: Sequence[RealizedGain]) -> tuple[FormLine, ...]:
    return form_lines(gains, tax_year=YEAR, mode=Mode.LIVE)


def _unequal(**pairs: tuple[object, object]) -> list[str]:
    return [f"{name} expected {wanted}, found {got}" for name, (wanted, got) in pairs.items() if wanted != got]


def _gain(
    *,
    proceeds: Decimal,
    basis: Decimal,
    term: Term = Term.SHORT,
    codes: str = "",
    adjustment: Decimal = Decimal(0),
) -> RealizedGain:
    """A gain of which nothing matters but what a form row shows."""
    sold = date(YEAR, 6, 2)
    acquired = date(YEAR if term is Term.SHORT else YEAR - 2, 3, 3)
    return RealizedGain(
        gain_id=f"gain_{term}",
        close_execution_id=f"S_{term}",
        open_execution_id=f"B_{term}",
        lot_id=f"lot_{term}",
        account_id="T1",
        symbol="X",
        quantity=Decimal(1),
        acquired_date=acquired,
        holding_start=acquired,
        sold_date=sold,
        proceeds=proceeds,
        basis=basis,
        adjustment_code=codes,
        disallowed_loss=adjustment,
        gain_loss=proceeds - basis + adjustment,
        term=term,
        permanently_disallowed=Decimal(0),
        tax_year=YEAR,
    )
