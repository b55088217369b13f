"""Sales that have not happened: which securities they touch, and that asking changes nothing."""

from datetime import date
from decimal import Decimal

from tests import tax
from tests.unit.reporting.books import ACCOUNTS, standing
from tickledger.execution.tax_history import TaxHistory
from tickledger.reporting.open_lots import long_holdings
from tickledger.reporting.open_lots_sold import PendingPurchase, Sales

LINKED = """
JJJ-C is a call on JJJ at 50 until 2025-12-19
B1 2025-01-02 buys 10 JJJ @ 10
B2 2025-01-02 buys 1 JJJ-C for 100
B3 2025-01-03 buys 10 OLD @ 10
B4 2025-01-03 buys 10 XA @ 10
B5 2025-01-03 buys 10 XB @ 10
B6 2025-01-03 buys 10 ALONE @ 10
"""


def test_groups_say_of_every_symbol_what_is_said_of_one() -> None:
    renamed = tax.action("OLD 2025-02-03 ticker_change", new_symbol="NEW")
    history = TaxHistory(tax.fills(LINKED), corporate_actions=[renamed], identity={"XA": "G", "XB": "G"})
    groups = history.groups()
    assert {name: history.linked(name) for name in groups} == groups
    assert groups["JJJ"] == {"JJJ", "JJJ-C"}
    assert groups["NEW"] == {"OLD", "NEW"}
    assert groups["XA"] >= {"XA", "XB"}
    assert groups["ALONE"] == {"ALONE"}


def test_a_symbol_that_nobody_held_is_linked_to_itself() -> None:
    assert Sales(TaxHistory(tax.fills(LINKED))).linked("NONE") == {"NONE"}


def test_asking_twice_gives_the_same_answer_and_changes_no_lot() -> None:
    basis = standing("B1 2025-02-03 buys 100 X @ 10\nB2 2025-11-03 buys 40 X @ 9\n", "2025-11-20", accounts=ACCOUNTS)
    sales = Sales(basis.history)
    first, second = long_holdings(basis.open_lots)
    pending = (PendingPurchase("T2", "X", Decimal(30), date(2025, 12, 1), "plan"),)
    answers = [sales.sold(first, price=Decimal(7), on=basis.on, pending=pending) for _ in range(2)]
    assert answers[0] == answers[1]
    # 40 are replaced by the purchase of November and 30 by the plan, in another account.
    assert answers[0].disallowed_loss == 210
    assert (answers[0].open_loss, answers[0].window_end) == (Decimal(90), date(2025, 12, 20))
    assert sales.sold(second, price=Decimal(7), on=basis.on).disallowed_loss == 0
    assert long_holdings(basis.history.result().open_lots) == [first, second]
