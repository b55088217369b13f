"""The forms of the record: which box, and what one year leaves to the next."""

from datetime import date
from decimal import Decimal

from tests.tax import account, fills
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.reporting.tax_years import tax_forms
from tickledger.tax.engine import compute


def test_a_return_of_capital_above_basis_is_in_the_box_of_what_no_form_told_of() -> None:
    """Instructions for Form 8949 (2025), p. 5: a nondividend distribution above basis comes without a 1099-B."""
    history = fills("B1 2023-01-03 buys 10 X for 100\nS1 2025-02-03 sells 10 X for 300")
    paid = CorporateAction("X", date(2025, 1, 6), CorporateActionKind.RETURN_OF_CAPITAL, amount=Decimal(15))
    accounts = [account("T1")]
    gains = compute(history, accounts=accounts, corporate_actions=[paid]).gains
    (form,) = tax_forms(gains, accounts, years=[2025], corporate_actions=[paid])
    assert [(line.box, line.gain_loss) for line in form.lines] == [("D", Decimal("300.00")), ("F", Decimal("50.00"))]
