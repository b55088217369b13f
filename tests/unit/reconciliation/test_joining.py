"""Statements joined: nothing counts twice, nothing is lost, and what contradicts is named."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.reconciliation.statements.activity_text import HEAD, TRADES_HEADER, WHOLE
from tests.unit.reconciliation.statements.flex_text import CASH, POSITION, element, fill, flex, section, statement
from tickledger.domain.errors import Problem
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.joining import Joined, joined, of_account
from tickledger.reconciliation.statement import (
    ExecutionLevel,
    Source,
    Statement,
    StatementExecution,
    StatementKind,
    StatementWashSale,
)
from tickledger.reconciliation.statements.activity import read_activity
from tickledger.reconciliation.statements.flex import read_flex

D = Decimal


def read(content: bytes, name: str, *, generated: int = 0) -> Statement:
    (found,) = read_flex([content], name=name).statements
    assert found.generated_at is not None
    return replace(found, generated_at=found.generated_at.replace(day=1 + generated))


def month(*rows: str, name: str = "march.xml", generated: int = 0, **period: str) -> Statement:
    return read(flex(statement(section("Trades", *rows), **period)), name, generated=generated)


def contradictions(together: Joined) -> list[Problem]:
    """Problems of rows."""
    return [problem for problem in together.problems if problem.row is not None]


def test_a_fill_that_two_files_tell_counts_once() -> None:
    daily = month(fill(), name="10.xml", start="20250310", end="20250310")
    monthly = month(fill(), fill(ibExecID="b", tradeID="5002"), name="march.xml")
    (whole,) = joined([daily, monthly]).statements
    assert [row.ib_exec_id for row in whole.executions] == ["0000aaaa.0001.01.01", "b"]
    assert (whole.start_date, whole.end_date) == (date(2025, 3, 1), date(2025, 3, 31))
    assert [source.name for source in whole.sources] == ["10.xml", "march.xml"]
    assert not contradictions(joined([daily, monthly]))


def test_rows_that_contradict_are_named_with_both_files_and_the_later_one_is_believed() -> None:
    first = month(fill(), name="10.xml")
    later = month(fill(ibCommission="-1.25"), name="march.xml", generated=5)
    for order in ([first, later], [later, first]):
        together = joined(order)
        assert [row.commission for row in together.statements[0].executions] == [D("1.25")]
        assert [str(problem) for problem in contradictions(together)] == [
            (
                "warning: march.xml, row 6, column commission: expected commission 1.0003, as in 10.xml, row 6, "
                "found commission 1.25, which is believed"
            )
        ]


def test_what_one_file_leaves_open_the_other_fills_in() -> None:
    bare = month(fill(ibCommission="", orderReference="", settleDateTarget=""), name="bare.xml", generated=5)
    together = joined([month(fill()), bare])
    (execution,) = together.statements[0].executions
    assert (execution.commission, execution.order_ref) == (D("1.0003"), "tl-1")
    assert execution.settle_date == date(2025, 3, 11)
    assert not contradictions(together)


def activity(rows: str) -> Statement:
    (found,) = read_activity((HEAD + TRADES_HEADER + rows).encode(), name="march.csv").statements
    return found


ROW = 'Trades,Data,Trade,Stocks,USD,KITE,"2025-03-10, 10:15:30",100,25.5,26,-2550,-1.0003,2551.0003,0,50,O\n'


def test_fills_without_ids_are_those_with_ids_that_are_alike() -> None:
    flexed = month(fill(ibExecID="a", tradeID="1"), fill(ibExecID="b", tradeID="2"))
    for count, expected in ((1, 2), (2, 2), (3, 3)):
        together = joined([flexed, activity(ROW * count)])
        assert len(together.statements[0].executions) == expected
        assert {row.ib_exec_id for row in together.statements[0].executions} >= {"a", "b"}


def test_two_fills_alike_in_one_file_are_two() -> None:
    both = activity(ROW * 2)
    (whole,) = joined([both, activity(ROW), both]).statements
    assert len(whole.executions) == 2


def test_two_rows_of_one_file_with_one_id_are_one() -> None:
    (whole,) = joined([month(fill(), fill())]).statements
    assert len(whole.executions) == 1


def test_fills_of_one_instant_stand_in_the_order_of_their_ids() -> None:
    """Statements tell seconds, and an order is often filled several times within one.

    Lots are taken in the order of the fills, so that it may not hang on which file came first or how a file sorts its
    rows. Ids are what both sides know the fills by; a fill that has none stands behind those that do, by what it says.
    """
    by_id = [
        fill(ibExecID=f"0000aaaa.000{place}.01.01", transactionID=f"{9 - place}", tradePrice=f"25.{9 - place}")
        for place in (3, 1, 2)
    ]
    by_number = fill(ibExecID="", transactionID="77", tradePrice="25.9")
    nameless = [fill(ibExecID="", transactionID="", tradePrice=price) for price in ("25.2", "25.1")]
    earlier = fill(ibExecID="z", dateTime="20250310;101529")
    rows = [*nameless, *by_id, earlier, by_number]
    expected = ["z", "77", *(f"0000aaaa.000{place}.01.01" for place in (1, 2, 3)), "25.1", "25.2"]
    files = [month(*rows[:3], name="a.xml"), month(*rows[3:5], name="b.xml"), month(*rows[5:], name="c.xml")]
    for given_in in permutations(files):
        (whole,) = joined(given_in).statements
        assert [row.ib_exec_id or row.transaction_id or str(row.price) for row in whole.executions] == expected
    (one_file,) = joined([month(*reversed(rows))]).statements
    assert one_file.executions == whole.executions


def test_a_fill_that_closed_one_position_and_opened_another_stays_two_rows() -> None:
    split = month(fill(quantity="60", transactionID="1", notes="C"), fill(quantity="40", transactionID="2", notes="O"))
    together = joined([split, split])
    assert sorted(row.quantity for row in together.statements[0].executions) == [D(40), D(60)]
    assert not contradictions(together)


def test_orders_count_where_no_statement_has_the_fills_of_the_day() -> None:
    orders = activity(
        ROW.replace("Trade,Stocks", "Order,Stocks") + ROW.replace("Trade,", "Order,").replace("-03-", "-04-")
    )
    (whole,) = joined([orders, month(fill(ibExecID="a"), fill(ibExecID="b", quantity="7", tradeID="2"))]).statements
    assert [(row.level, row.trade_date.month) for row in whole.executions] == [
        (ExecutionLevel.EXECUTION, 3),
        (ExecutionLevel.EXECUTION, 3),
        (ExecutionLevel.ORDER, 4),
    ]


def test_a_statement_that_ends_too_early_covers_no_days() -> None:
    whole = flex(statement(section("Trades", fill())))
    cut = read(whole[: whole.index(b"</Trades>")], "cut.xml")
    orders = activity(ROW.replace("Trade,Stocks", "Order,Stocks").replace(",100,", ",300,"))
    (together,) = joined([orders, cut]).statements
    assert [row.quantity for row in together.executions] == [D(100), D(300)]
    assert not together.is_complete


def test_cash_and_positions_of_two_formats_count_once() -> None:
    flexed = read(
        flex(
            statement(
                section("OpenPositions", element("OpenPosition", POSITION, position="1160")),
                section("CashTransactions", element("CashTransaction", CASH)),
            )
        ),
        "march.xml",
    )
    (other,) = read_activity(WHOLE.encode(), name="march.csv").statements
    (whole,) = joined([flexed, other]).statements
    assert len(whole.positions) == 1
    assert sorted(cash.amount for cash in whole.cash_transactions if cash.symbol == "KITE") == [D("-2.5"), D(25)]


def test_the_losses_that_a_later_file_disallows_on_a_day_stand_in_place_of_those_of_earlier_ones() -> None:
    """A purchase after the first file, within 30 days of the sale, takes over more of its loss (IRC 1091(a))."""
    sold = date(2024, 3, 4)

    def washed(*losses: tuple[int, str], on: date = sold, symbol: str = "AAPL") -> tuple[StatementWashSale, ...]:
        return tuple(
            StatementWashSale(symbol=symbol, quantity=D(shares), currency="USD", disallowed_loss=D(loss), trade_date=on)
            for shares, loss in losses
        )

    first, later = month(name="march.xml"), month(name="april.xml", generated=1)
    first = replace(first, wash_sales=(*washed((10, "50")), *washed((1, "2"), symbol="IBM")))
    later = replace(later, wash_sales=(*washed((10, "50"), (4, "20")), *washed((3, "9"), on=date(2024, 4, 1))))
    for files in ([first, later], [later, first], [first, later, first]):
        [one] = joined(files).statements
        told = sorted((row.symbol, row.trade_date, row.quantity, row.disallowed_loss) for row in one.wash_sales)
        assert told == [
            ("AAPL", sold, D(4), D(20)),
            ("AAPL", sold, D(10), D(50)),
            ("AAPL", date(2024, 4, 1), D(3), D(9)),
            ("IBM", sold, D(1), D(2)),
        ]


def test_another_account_is_named_and_kept_apart() -> None:
    own, other = month(fill()), read(flex(statement(section("Trades"), account="U2")), "other.xml")
    together = joined([own, other])
    assert [one.account_id for one in together.statements] == ["U2", "U7654321"]
    assert [(problem.where, problem.found) for problem in together.problems] == [
        ("other.xml", "account U2"),
        ("march.xml", "account U7654321"),
    ]
    (kept,) = of_account([own, other], "U7654321").statements
    assert kept.account_id == "U7654321"
    assert [problem.found for problem in of_account([own, other], "U7654321").problems] == ["one of U2"]


def test_another_base_currency_is_named_and_kept_apart() -> None:
    euros = replace(month(fill(ibExecID="b"), name="euro.xml"), base_currency="EUR")
    unnamed = replace(month(fill(ibExecID="c"), name="bare.xml"), base_currency="")
    together = joined([month(fill()), month(fill(), name="again.xml", generated=1), euros, unnamed])
    assert [(one.base_currency, len(one.executions)) for one in together.statements] == [("USD", 2), ("EUR", 1)]
    assert [(problem.where, problem.found) for problem in together.problems] == [("euro.xml", "EUR")]


def test_a_file_that_is_given_twice_is_named() -> None:
    march = month(fill())
    assert [str(problem) for problem in joined([march, march]).problems] == [
        "warning: march.xml: expected each file once, found the content of march.xml"
    ]


def test_periods_that_overlap_are_named() -> None:
    daily = month(fill(), name="10.xml", start="20250310", end="20250310")
    (problem,) = joined([daily, month(fill())]).problems
    assert str(problem) == (
        "warning: 10.xml: expected a period after 2025-03-31, the end of march.xml, "
        "found 2025-03-10 to 2025-03-10; rows that both tell count once"
    )


def test_sessions_of_which_no_file_tells_are_named_and_not_covered() -> None:
    march, may = month(fill()), month(fill(ibExecID="b"), name="may.xml", start="20250501", end="20250531")
    together = joined([may, march])
    (whole,) = together.statements
    assert [problem.found for problem in together.problems] == ["none of 2025-04-01 to 2025-04-30"]
    assert [whole.covers(date(2025, number, 15)) for number in (2, 3, 4, 5)] == [False, True, False, True]
    assert joined([whole, march]).statements == (whole,)


def test_weekends_and_holidays_leave_no_gap() -> None:
    days = ("20250416", "20250417", "20250421")
    files = [month(fill(ibExecID=day), name=day, start=day, end=day) for day in days]
    together = joined(files)
    assert not together.problems
    assert together.statements[0].periods == ((date(2025, 4, 16), date(2025, 4, 21)),)


def test_the_accounts_of_files_are_added_once() -> None:
    march, april = month(fill()), month(fill(ibExecID="b"), name="april.xml", start="20250401", end="20250430")
    (whole,) = joined([march, april, march]).statements
    assert {line.place: line.count for line in whole.accounting}["Trades/Trade EXECUTION"] == 2
    (again,) = joined([whole, march]).statements
    assert again.accounting == whole.accounting


FILLS = st.builds(
    StatementExecution,
    symbol=st.sampled_from(["KITE", "WREN"]),
    side=st.sampled_from([OrderSide.BUY, OrderSide.SELL]),
    quantity=st.sampled_from([D(5), D(7)]),
    price=st.just(D(10)),
    currency=st.just("USD"),
    executed_on=st.just(date(2025, 3, 10)),
    trade_date=st.just(date(2025, 3, 10)),
    ib_exec_id=st.sampled_from(["", "", "a", "b", "c"]),
    commission=st.sampled_from([None, D(1), D(2)]),
    where=st.just("x"),
)


def _each_id_once(rows: list[StatementExecution]) -> tuple[StatementExecution, ...]:
    named = {row.ib_exec_id: row for row in rows if row.ib_exec_id}
    return (*named.values(), *(row for row in rows if not row.ib_exec_id))


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    number = draw(st.integers(0, 9))
    return Statement(
        account_id="U1",
        base_currency="USD",
        start_date=date(2025, 3, 1),
        end_date=date(2025, 3, 31),
        generated_at=datetime(2025, 4, 1 + number, tzinfo=UTC),
        sources=(Source(f"{number}.xml", str(number), StatementKind.FLEX_XML),),
        executions=_each_id_once(draw(st.lists(FILLS, max_size=4))),
    )


FILES = st.lists(statements(), min_size=1, max_size=4, unique_by=lambda one: one.sources)


@settings(max_examples=examples(60))
@given(FILES)
def test_joining_again_changes_nothing(files: list[Statement]) -> None:
    once = joined(files).statements
    assert joined(once).statements == once
    assert joined([*once, *files]).statements == once
    assert joined([*files, *files]).statements == once


@settings(max_examples=examples(30))
@given(FILES)
def test_the_order_of_the_files_does_not_matter(files: list[Statement]) -> None:
    results = [joined(order) for order in permutations(files)]
    assert all(result.statements == results[0].statements for result in results)
    assert all(set(result.problems) == set(results[0].problems) for result in results)


@settings(max_examples=examples(60))
@given(FILES)
def test_no_fill_with_an_id_is_lost_and_none_counts_twice(files: list[Statement]) -> None:
    (whole,) = joined(files).statements
    told = {row.ib_exec_id for one in files for row in one.executions if row.ib_exec_id}
    assert told <= {row.ib_exec_id for row in whole.executions}
    most = max(sum(1 for row in one.executions if not row.ib_exec_id) for one in files)
    assert sum(1 for row in whole.executions if not row.ib_exec_id) <= most * len(files)
