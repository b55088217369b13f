"""What is written as Flex XML is read back as it was, whatever the values; and what the layout says is read, is."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.reconciliation.statements.flex_text import CASH, FILL, POSITION, element, flex, section, statement
from tests.unit.reconciliation.statements.test_flex_sections import ACTION
from tests.unit.reconciliation.statements.test_flex_trades import LOT, WASH
from tickledger.domain.errors import Problem
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.statement import StatementExecution
from tickledger.reconciliation.statements.cells import Cells
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.flex import read_flex
from tickledger.reconciliation.statements.flex_cash import read_cash_transaction
from tickledger.reconciliation.statements.flex_holdings import read_corporate_action, read_position
from tickledger.reconciliation.statements.flex_layout import READ
from tickledger.reconciliation.statements.flex_trades import _WORDS, read_trade
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.terms import NEW_YORK

MONEY = st.decimals(-(10**9), 10**9, places=6, allow_nan=False, allow_infinity=False)
QUANTITIES = st.decimals(Decimal("0.0001"), 10**7, places=4, allow_nan=False, allow_infinity=False)
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=2, max_size=12).filter(
    lambda text: text not in {"--", "N/A", "n/a"}
)
INSTANTS = st.integers(946_684_800, 2_051_222_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@st.composite
def executions(draw: st.DrawFn) -> StatementExecution:
    executed_at = draw(INSTANTS)
    local = executed_at.astimezone(NEW_YORK)
    trade_date = local.date()
    return StatementExecution(
        symbol=draw(WORDS),
        side=draw(st.sampled_from([OrderSide.BUY, OrderSide.SELL])),
        quantity=draw(QUANTITIES),
        price=draw(MONEY),
        currency="USD",
        executed_on=trade_date,
        trade_date=trade_date,
        executed_at=executed_at,
        settle_date=draw(st.none() | st.just(trade_date + timedelta(days=1))),
        ib_exec_id=draw(WORDS),
        trade_id=draw(WORDS),
        transaction_id=draw(WORDS),
        order_id=draw(WORDS),
        order_ref=draw(st.just("") | WORDS),
        conid=draw(WORDS),
        description=draw(WORDS),
        asset_class="STK",
        proceeds=draw(st.none() | MONEY),
        commission=draw(st.none() | MONEY),
        commission_currency="USD",
        taxes=draw(st.none() | MONEY),
        basis=draw(st.none() | MONEY),
        realized=draw(st.none() | MONEY),
        codes=draw(st.lists(st.sampled_from(["O", "C", "P", "ST"]), unique=True).map(tuple)),
    )


def written(row: StatementExecution) -> Mapping[str, str]:
    """As IB writes a fill: local times, signs by side, costs negative."""
    assert row.executed_at is not None

    def number(value: Decimal | None, *, sign: int = 1) -> str:
        return "" if value is None else f"{sign * value:f}"

    local = row.executed_at.astimezone(NEW_YORK)
    return {
        "accountId": "U7654321",
        "currency": row.currency,
        "assetCategory": row.asset_class,
        "symbol": row.symbol,
        "description": row.description,
        "conid": row.conid,
        "tradeID": row.trade_id,
        "transactionID": row.transaction_id,
        "ibOrderID": row.order_id,
        "ibExecID": row.ib_exec_id,
        "orderReference": row.order_ref,
        "tradeDate": f"{row.trade_date:%Y%m%d}",
        "dateTime": f"{local:%Y%m%d;%H%M%S} {local:%z}" if local.fold else f"{local:%Y%m%d;%H%M%S}",
        "settleDateTarget": "" if row.settle_date is None else f"{row.settle_date:%Y%m%d}",
        "quantity": number(row.quantity, sign=row.side.sign),
        "tradePrice": number(row.price),
        "proceeds": number(row.proceeds),
        "taxes": number(row.taxes, sign=-1),
        "ibCommission": number(row.commission, sign=-1),
        "ibCommissionCurrency": row.commission_currency,
        "notes": ";".join(row.codes),
        "cost": number(row.basis),
        "fifoPnlRealized": number(row.realized),
        "buySell": row.side.value,
        "levelOfDetail": "EXECUTION",
    }


@settings(max_examples=examples(60))
@given(st.lists(executions(), max_size=5))
def test_fills_that_are_written_are_read_back(rows: list[StatementExecution]) -> None:
    content = flex(statement(section("Trades", *(element("Trade", written(row)) for row in rows))))
    (found,) = read_flex([content], name="x").statements
    assert found.executions == tuple(rows)
    assert all("one instant" in problem.expected for problem in found.problems)


class Asked(dict[str, str]):
    """A row that remembers which of its attributes were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        self.names.add(key)
        return super().get(key, default)


def asked(rows: Iterator[tuple[str, Mapping[str, str]]]) -> dict[str, set[str]]:
    """The attributes that the readers ask for, by element."""
    found: dict[str, set[str]] = {}
    for tag, values in rows:
        cells, problems = Asked(values), list[Problem]()
        row, drafts = Cells(Place("x"), 1, cells, problems), Drafts(Place("x"))
        if tag == "OpenPosition":
            read_position(row, drafts)
        elif tag == "CorporateAction":
            read_corporate_action(row, drafts)
        elif tag == "CashTransaction":
            read_cash_transaction(row, drafts)
        else:
            read_trade(row, drafts, tag)
        found.setdefault("Trade" if tag not in READ else tag, set()).update(cells.names)
    return found


def rows_of_each_kind() -> Iterator[tuple[str, Mapping[str, str]]]:
    words = dict(_WORDS)
    confirm = {words.get(name, name): value for name, value in FILL.items()}
    yield "EXECUTION", FILL
    yield "EXECUTION", confirm
    yield "EXECUTION", {**FILL, "dateTime": "", "tradeDate": "20250310"}
    yield "EXECUTION", {**FILL, "dateTime": "", "tradeDate": "", "reportDate": "20250310"}
    yield "CLOSED_LOT", LOT
    yield "WASH_SALE", WASH
    yield "OpenPosition", POSITION
    yield "OpenPosition", {**POSITION, "levelOfDetail": "LOT", "openDateTime": "20250310"}
    yield "OpenPosition", {**POSITION, "levelOfDetail": ""}
    yield "CorporateAction", ACTION
    yield "CorporateAction", {**ACTION, "description": ""}
    yield "CashTransaction", CASH
    yield "CashTransaction", {**CASH, "dateTime": "", "settleDate": ""}


def test_what_the_layout_calls_read_is_what_the_readers_ask_for() -> None:
    around = {"accountId", "acctAlias", "levelOfDetail", "reportDate"}
    for tag, names in asked(rows_of_each_kind()).items():
        assert names <= READ[tag], tag
        assert READ[tag] - names <= around, tag
