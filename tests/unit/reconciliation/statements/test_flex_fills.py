"""Fills that are read by the plan of their layout: the same as cell by cell, whatever a file writes."""

from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.errors import Problem
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.statement import StatementExecution
from tickledger.reconciliation.statements.cells import Cells, RefusedRowError
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.flex import read_flex
from tickledger.reconciliation.statements.flex_fills import FillReader, fill_layout
from tickledger.reconciliation.statements.flex_trades import read_trade
from tickledger.reconciliation.statements.flex_xml import FlexElement
from tickledger.reconciliation.statements.place import Place

_TEXTS = st.sampled_from(["", "--", "-", "N/A", " ", " A ", "ABC", "AB - C"])
_NUMBERS = st.sampled_from(["", "--", "0", "1", "-1.25", "1,000.5", "1,20", "(3)", "NaN", " 7 ", "x"])
_DAYS = st.sampled_from(["", "--", "20250131", "2025-03-09", "01/31/2025", "20251332", " 20250131", "20250131;093000"])
_MOMENTS = st.sampled_from(
    ["", "20250131;093000", "20250309;023000", "20251102;013000", "2025-01-31, 15:30:00 EST", "20250131", "soon"]
)
_CODES = st.sampled_from(["", "P", "Ca", "P;Co", "O, P", "--"])
_CELLS = {
    "accountId": st.sampled_from(["U1", "U2", "", "-"]),
    "symbol": _TEXTS, "currency": _TEXTS, "conid": _TEXTS, "description": _TEXTS, "transactionID": _TEXTS,
    "ibExecID": _TEXTS, "execID": _TEXTS, "ibOrderID": _TEXTS, "orderReference": _TEXTS,
    "ibCommissionCurrency": _TEXTS, "openCloseIndicator": _TEXTS,
    "transactionType": st.sampled_from(["", "ExchTrade", "TradeCancel", "TradeCorrect", " TradeCancel "]),
    "buySell": st.sampled_from(["BUY", "SELL", "SELL (Ca.)", "", "BUY ", "LEND"]),
    "quantity": _NUMBERS, "tradePrice": _NUMBERS, "price": _NUMBERS, "multiplier": _NUMBERS, "proceeds": _NUMBERS,
    "ibCommission": _NUMBERS, "taxes": _NUMBERS, "cost": _NUMBERS, "fifoPnlRealized": _NUMBERS,
    "fxRateToBase": _NUMBERS, "dateTime": _MOMENTS, "tradeDate": _DAYS, "tradeTime": st.just("101500"),
    "settleDateTarget": _DAYS, "notes": _CODES, "code": _CODES,
    "levelOfDetail": st.sampled_from(["", "EXECUTION", "ORDER"]), "unheardOf": _TEXTS,
}  # fmt: skip
_PLAIN = {
    "accountId": "U1", "symbol": "ABC", "currency": "USD", "buySell": "BUY", "quantity": "5", "tradePrice": "10.5",
    "dateTime": "20250131;093000", "tradeDate": "20250131", "ibExecID": "0000aaaa.00000001.01.01",
}  # fmt: skip


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, str]:
    """A plain fill of which some cells are anything else, and some are not there."""
    changed = draw(st.fixed_dictionaries({}, optional=_CELLS))
    row = {**_PLAIN, **changed}
    dropped = draw(st.sets(st.sampled_from(sorted(_PLAIN)), max_size=2))
    return {name: text for name, text in row.items() if name not in dropped}


def _cell_by_cell(row: dict[str, str]) -> tuple[list[StatementExecution], list[Problem]]:
    drafts = Drafts(Place("file"))
    try:
        read_trade(Cells(drafts.place, 3, row, drafts.problems), drafts, "EXECUTION")
    except RefusedRowError:
        assert drafts.problems
    return drafts.executions, drafts.problems


@given(st.lists(_rows(), min_size=1, max_size=4))
def test_a_fill_read_by_plan_is_the_one_read_cell_by_cell(rows: list[dict[str, str]]) -> None:
    reader = FillReader(Place("file"))
    for row in rows:
        element = FlexElement("Trade", "Trades", [*row], [*row.values()], 3)
        found = reader.fill(fill_layout(element), element)
        if found is not None:
            assert row.get("levelOfDetail") in {None, "", "EXECUTION"}
            assert found[0] == row.get("accountId", "")
            assert _cell_by_cell(row) == ([found[1]], [])
            assert (found[1].where, found[1].row) == ("file", 3)


def test_a_plain_fill_is_read_by_plan() -> None:
    element = FlexElement("Trade", "Trades", [*_PLAIN], [*_PLAIN.values()], 3)
    assert FillReader(Place("file")).fill(fill_layout(element), element) is not None


def test_fills_of_several_layouts_and_accounts_are_all_counted() -> None:
    rows = [
        _PLAIN,
        {**_PLAIN, "accountId": "U2"},
        {**_PLAIN, "unheardOf": ""},
        {**_PLAIN, "quantity": "five"},
        {**_PLAIN, "quantity": "6"},
        {"symbol": "ABC"},
    ]
    trades = "".join("<Trade " + " ".join(f'{name}="{text}"' for name, text in row.items()) + " />" for row in rows)
    content = (
        '<FlexQueryResponse><FlexStatements><FlexStatement accountId="U1" fromDate="20250101" toDate="20250131">'
        f"<Trades>{trades}</Trades></FlexStatement></FlexStatements></FlexQueryResponse>"
    )
    own, other = read_flex([content.encode()], name="file").statements
    assert [len(own.executions), len(other.executions)] == [3, 1]
    counted = {(line.place, line.fate): line.count for one in (own, other) for line in one.accounting}
    assert counted["Trades/Trade EXECUTION", Fate.REFUSED] == 2
    assert counted["Trades/Trade@symbol", Fate.READ] == 6
    assert counted["Trades/Trade@unheardOf", Fate.UNKNOWN] == 1
    assert [(line.place, line.count) for line in own.accounting if line.fate is Fate.READ and " " in line.place] == [
        ("Trades/Trade EXECUTION", 3)
    ]
