"""The monthly letter: its numbers tie to the record to the cent, and its pages say them."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from tests.examples import examples
from tickledger.domain.account import Account, Mode
from tickledger.domain.errors import InputError
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.lot import RealizedGain, Term
from tickledger.domain.order import OrderSide
from tickledger.domain.position import Balance, Position
from tickledger.execution.portfolio import cash_effect
from tickledger.reporting.letter import OTHER, LetterRecord, letter
from tickledger.reporting.letter_pdf import letter_pdf

ACCOUNT = Account("U1", Mode.LIVE, owner="Ann & Bob <AB>")
DAYS = [date(2024, 5, 31), date(2024, 6, 3), date(2024, 6, 28), date(2024, 7, 1)]
NOW = datetime(2024, 7, 2, 9, tzinfo=UTC)


def fill(day: date, side: OrderSide, quantity: int, price: str, symbol: str = "AAPL") -> Execution:
    at = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    money = (Decimal(price), Decimal("1.00"), Decimal("0.02"))
    return Execution(f"{day}{symbol}{side}", "", ACCOUNT.account_id, symbol, side, Decimal(quantity), *money, at, day)


def cash(day: date, kind: CashKind, amount: str, symbol: str | None = None) -> CashTransaction:
    return CashTransaction(f"{day}{kind}", ACCOUNT.account_id, kind, Decimal(amount), day, symbol=symbol)


def record(
    executions: list[Execution], moved: list[CashTransaction], closes: dict[date, dict[str, Decimal]]
) -> LetterRecord:
    """The account's closes worked out from what was traded, moved and the prices: independent of what is tested."""
    balances, positions = [], []
    for day in DAYS:
        money = sum((cash_effect(row) for row in executions if row.trade_date <= day), Decimal(0))
        money += sum((row.amount for row in moved if row.session_date <= day), Decimal(0))
        equity = money
        for symbol, close in closes[day].items():
            mine = [row for row in executions if row.symbol == symbol and row.trade_date <= day]
            shares = sum((row.side.sign * row.quantity for row in mine), Decimal(0))
            if shares:
                equity += shares * close
                money_of = (shares, Decimal(100), close, shares * (close - 100))
                positions.append(Position(f"{day}{symbol}", "U1", symbol, day, *money_of, DAYS[0], "bar"))
        balances.append(Balance("U1", day, money, equity))
    return LetterRecord(ACCOUNT, balances, positions, executions, moved, (), ())


def flat(price: str) -> dict[date, dict[str, Decimal]]:
    return {day: {"AAPL": Decimal(price)} for day in DAYS}


def gain(sold: date, amount: str, term: Term = Term.SHORT, **changed: Any) -> RealizedGain:
    lost = Decimal(amount)
    made = RealizedGain(
        gain_id=f"gain_{sold}{amount}",
        close_execution_id="c",
        open_execution_id="o",
        lot_id="lot",
        account_id="U1",
        symbol="AAPL",
        quantity=Decimal(1),
        acquired_date=DAYS[0],
        holding_start=DAYS[0],
        sold_date=sold,
        proceeds=Decimal(1000) + lost,
        basis=Decimal(1000),
        adjustment_code="",
        disallowed_loss=Decimal(0),
        gain_loss=lost,
        term=term,
        permanently_disallowed=Decimal(0),
        tax_year=sold.year,
    )
    return replace(made, **changed)


BOUGHT = fill(DAYS[0], OrderSide.BUY, 10, "100.00")
STORY = record(
    [BOUGHT, fill(DAYS[1], OrderSide.SELL, 4, "110.00")],
    [
        cash(DAYS[0], CashKind.DEPOSIT, "2000"),
        cash(DAYS[1], CashKind.WITHDRAWAL, "-100"),
        cash(DAYS[2], CashKind.DIVIDEND, "3.00", "AAPL"),
        cash(DAYS[2], CashKind.INTEREST, "0.50"),
    ],
    {DAYS[0]: {"AAPL": Decimal(100)}, DAYS[1]: {"AAPL": Decimal(110)}, DAYS[2]: {"AAPL": Decimal(120)}, DAYS[3]: {}},
)


def test_a_month_worked_out_by_hand() -> None:
    made = letter(STORY, year=2024, month=6, generated_at=NOW)
    # 10 × 100 + 998.98 cash at the end of May; 6 × 120 and 998.98 − 100 + 438.98 + 3.50 cash at the end of June.
    assert (made.opening, made.closing, made.cash) == (Decimal("1998.98"), Decimal("2061.46"), Decimal("1341.46"))
    assert [made.flows, made.pnl] == [-100, Decimal("162.48")]
    # AAPL: 720 − 1,000 + 438.98 + 3.00.
    assert [[row.symbol, row.amount, row.traded] for row in made.earned] == [
        ["AAPL", Decimal("161.98"), 4],
        [OTHER, Decimal("0.50"), 0],
    ]
    assert [made.fills, made.purchases, made.sales, made.charges] == [1, 0, 440, Decimal("1.02")]
    assert made.dividends == 3
    (held,) = made.held
    assert [held.symbol, held.quantity, held.value, held.unrealized] == ["AAPL", 6, 720, 120]
    assert held.weight == pytest.approx(720 / 2061.46)
    assert made.month_return.time_weighted == pytest.approx((1998.98 - 100 + 98.98) / 1898.98 * 2061.46 / 1997.96 - 1)
    assert made.watermark is None


def test_tax_to_date_tells_terms_and_open_windows() -> None:
    gains = [
        gain(date(2024, 2, 1), "-50"),
        gain(date(2024, 6, 20), "-30", symbol="IBM"),
        gain(date(2024, 6, 21), "200", Term.LONG),
        gain(date(2024, 6, 24), "0", disallowed_loss=Decimal(70)),
        gain(date(2024, 7, 1), "999"),
        gain(date(2023, 12, 1), "999"),
    ]
    tax = letter(replace(STORY, gains=gains), year=2024, month=6, generated_at=NOW).tax
    assert [tax.short_term, tax.long_term, tax.net, tax.disallowed] == [-80, 200, 120, 70]
    assert tax.windows == (("IBM", date(2024, 7, 20)),)


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(DAYS), st.sampled_from(list(OrderSide)[:2]), st.integers(1, 50), st.sampled_from(["A", "B"])
        ),
        max_size=8,
    ),
    st.lists(st.decimals("1", "500", places=4), min_size=8, max_size=8),
)
def test_what_symbols_earned_adds_up_to_the_month(trades: list[Any], prices: list[Decimal]) -> None:
    executions = [
        replace(fill(day, side, quantity, str(prices[number]), symbol), execution_id=str(number))
        for number, (day, side, quantity, symbol) in enumerate(trades)
    ]
    closes = {day: {"A": prices[place], "B": prices[place + 4]} for place, day in enumerate(DAYS)}
    moved = [cash(DAYS[0], CashKind.DEPOSIT, "100000"), cash(DAYS[2], CashKind.FEE, "-1.23")]
    made = letter(record(executions, moved, closes), year=2024, month=6, generated_at=NOW)
    assert sum(row.amount for row in made.earned) == made.pnl == made.closing - made.opening - made.flows
    rest = next((row.amount for row in made.earned if row.symbol == OTHER), Decimal(0))
    assert abs(rest + Decimal("1.23")) <= Decimal("0.02")


def test_a_month_without_a_session_is_told_with_what_there_is() -> None:
    with pytest.raises(InputError, match="expected sessions of U1 in January 2024, found its sessions are 2024-05-31"):
        letter(STORY, year=2024, month=1, generated_at=NOW)


def test_the_pages_say_it_and_are_the_same_bytes_twice() -> None:
    made = letter(STORY, year=2024, month=6, generated_at=NOW)
    content = letter_pdf(made)
    assert content == letter_pdf(made)
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    for told in ("June 2024", "Ann & Bob <AB>", "2,061.46", "161.98", "None is open.", "−100.00"):
        assert told in text
    assert "NOT FOR FILING" not in text
    on_paper = replace(STORY, account=replace(ACCOUNT, mode=Mode.PAPER))
    marked = letter_pdf(letter(on_paper, year=2024, month=6, generated_at=NOW))
    assert "PAPER TRADING" in PdfReader(io.BytesIO(marked)).pages[0].extract_text()


def test_an_account_in_cash_alone_has_a_letter_too() -> None:
    empty = record([], [cash(DAYS[0], CashKind.DEPOSIT, "10")], flat("1"))
    made = letter(empty, year=2024, month=6, generated_at=NOW)
    text = PdfReader(io.BytesIO(letter_pdf(made))).pages[0].extract_text()
    assert "None: all is cash." in text
    assert "Nothing was held or traded." in text
