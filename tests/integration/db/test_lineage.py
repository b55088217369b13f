"""Every id explains itself, back to the file that brought the bars."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest
from rich.console import Console
from sqlalchemy import Column, Engine, event, select

from tests.integration.db.story import ACCOUNT, BUY_DAY, END, SELL_DAY, SOURCE, START, Story, bar_id, bars
from tickledger.cli.explain import as_json, as_tree
from tickledger.db import market_data, tax, trading
from tickledger.db.corporate_actions import ingest_corporate_actions
from tickledger.db.lineage import LineageNode, explain
from tickledger.db.lineage import told as as_told
from tickledger.db.tables import (
    corporate_actions,
    ingestions,
    quarantine,
    reconciliation_breaks,
    schedule_d,
    statements,
)
from tickledger.domain.errors import InputError
from tickledger.domain.ids import PREFIXES


def walk(node: LineageNode) -> Iterator[LineageNode]:
    yield node
    for parent in node.parents:
        yield from walk(parent)


def paths(node: LineageNode) -> Iterator[list[str]]:
    """The kinds on each way from a row to where its lineage ends."""
    if not node.parents:
        yield [node.kind]
    for parent in node.parents:
        for path in paths(parent):
            yield [node.kind, *path]


def found(ledger: Engine, column: Column[str]) -> str:
    """The first id in a column of the ledger."""
    with ledger.connect() as connection:
        return connection.execute(select(column).limit(1)).scalar_one()


def test_a_form_line_goes_back_to_the_ingestion_by_way_of_lot_and_sale(told: Engine) -> None:
    line = _washed_line(told)
    before = ["form line", "realized gain"]
    order = ["execution", "order"]
    brought = ["bar", "ingestion"]
    thought = ["signal", "signal", "feature row", *brought]
    assert [*before, "tax lot", *order, *thought] in list(paths(line))
    assert [*before, "tax lot", "execution", *brought] in list(paths(line))
    assert [*before, *order, *thought] in list(paths(line))
    assert [*before, *order, "signal", "signal", "model version"] in list(paths(line))
    assert [*before, "wash sale", *order, *thought] in list(paths(line))
    assert {node.id for node in walk(line) if node.kind == "execution"} == {"exec_04", "exec_05", "exec_06"}


def test_what_is_shown_can_be_read_by_a_person(told: Engine) -> None:
    line = _washed_line(told)
    summaries = {node.id: node.summary for node in walk(line)}
    assert line.summary == "Form 8949 box A of 2012: 60 sh. AAPL, sold 2012-01-05, gain or loss 0.00"
    assert summaries["gain_washed"] == (
        "60 AAPL sold 2012-01-05: proceeds 24059.40 − basis 24660.60 + disallowed 601.20 = 0.00"
    )
    assert summaries["exec_04"] == "BUY 100 AAPL at 411 on 2012-01-04"
    assert summaries["ord_04"] == "MARKET to BUY 100 AAPL on 2012-01-03: FILLED"
    assert summaries["sig_composite_03"] == "composite says BUY AAPL after 2012-01-03, confidence 0.3"
    assert summaries[bar_id(BUY_DAY)].startswith("AAPL 1day 2012-01-04: open 412.94, high 414.44")
    facts = {node.id: node.facts for node in walk(line)}
    assert facts["risk_04"]["max_position_size"] == "100 of 1000, passed"
    assert facts["feat_03"]["rsi_14"] == "55.5"
    assert facts["ord_04"]["filled"] == "100"
    assert (facts["gain_washed"]["closed_by"], facts["gain_washed"]["policies"]) == ("trade", "P4")
    assert facts["wash_1"]["replacement_lot_id"] == "lot_2"
    assert line.facts["watermark"] == "SIMULATED - NOT FOR FILING"


def test_every_kind_of_id_is_explained(told: Engine) -> None:
    ids = {
        "schd": found(told, schedule_d.c.schedule_d_id),
        "line": _lines(told)[0].id,
        "ing": found(told, ingestions.c.ingestion_id),
        "quar": found(told, quarantine.c.quarantine_id),
        "ca": found(told, corporate_actions.c.corporate_action_id),
        "bar": bar_id(SELL_DAY),
        "gain": "gain_plain",
        "lot": "lot_2",
        "wash": "wash_1",
        "exec": "exec_05",
        "ord": "ord_06",
        "risk": "risk_05",
        "sig": "sig_ml_04",
        "model": "model_1",
        "feat": "feat_05",
        "cash": "cash_1",
        "pos": "pos_06",
        "brk": found(told, reconciliation_breaks.c.break_id),
        "stmt": found(told, statements.c.statement_id),
    }
    assert ids.keys() == PREFIXES.keys()
    for prefix, identity in ids.items():
        node = explain(told, f" {identity}\n")
        assert (node.id, node.kind) == (identity, PREFIXES[prefix])
        assert node.summary
        assert not node.is_cut


def test_a_position_comes_from_the_fills_since_it_was_opened(told: Engine) -> None:
    assert [parent.id for parent in explain(told, "pos_06").parents] == ["exec_06", bar_id(END.replace(day=6))]


def test_a_position_that_was_renamed_comes_from_the_fills_of_the_old_symbol_and_the_action(
    ledger: Engine, story: Story
) -> None:
    row = {
        "symbol": "AAPL",
        "ex_date": END,
        "kind": "ticker_change",
        "ratio": None,
        "amount": None,
        "new_symbol": "APL",
    }
    change = pd.DataFrame([row]).astype({"ex_date": "datetime64[us]", "ratio": "float64", "amount": "float64"})
    ingest_corporate_actions(ledger, change, rejects=[], source=SOURCE)
    market_data.ingest_bars(ledger, bars().assign(symbol="APL"), rejects=[], source=SOURCE)
    held = replace(
        story.record.positions[1],
        position_id="pos_renamed",
        symbol="APL",
        session_date=END,
        bar_id=bar_id(END).replace("AAPL", "APL"),
    )
    record = replace(story.record, positions=(*story.record.positions, held))
    trading.replace_session(ledger, ACCOUNT, record, start=START, end=END)
    kinds = [(parent.kind, parent.id) for parent in explain(ledger, "pos_renamed").parents]
    assert kinds[0] == ("execution", "exec_06")
    assert [kind for kind, _ in kinds] == ["execution", "corporate action", "bar"]


def test_the_basis_a_lot_carries_is_traced_to_the_loss_it_came_from(told: Engine) -> None:
    lot = explain(told, "lot_2")
    assert [parent.kind for parent in lot.parents] == ["execution", "wash sale"]
    wash = lot.parents[1]
    assert [parent.id for parent in wash.parents] == ["gain_washed", "exec_06"]
    assert lot.facts["still_open"] == "60"
    assert lot.facts["adjusted_basis"] == "24902.20"


def test_a_lot_that_a_corporate_action_changed_still_leads_to_the_loss_it_carries(ledger: Engine, story: Story) -> None:
    """Its id is another; what it was, is known by the purchase and the start of the holding period."""
    (left,) = story.tax.open_lots
    split = replace(left, lot_id="lot_split", quantity=left.quantity * 2)
    other = replace(split, lot_id="lot_other", holding_start=left.acquired_date)
    lots = (*story.tax.lots, split, other)
    tax.replace_tax_result(ledger, replace(story.tax, lots=lots, open_lots=(split,)), account_ids=[ACCOUNT.account_id])
    assert [parent.id for parent in explain(ledger, "lot_split").parents] == ["exec_06", "wash_1"]
    assert [parent.id for parent in explain(ledger, "lot_other").parents] == ["exec_06"]


def test_what_forks_is_unfolded_once_and_every_chain_reaches_its_ingestion(told: Engine) -> None:
    nodes = list(walk(explain(told, found(told, schedule_d.c.schedule_d_id))))
    forks = [node.id for node in nodes if len(node.parents) > 1]
    assert len(forks) == len(set(forks))
    cut = {node.id for node in nodes if node.is_cut}
    assert cut
    assert cut <= {node.id for node in nodes if node.parents}
    assert {node.kind for node in nodes if not node.parents and not node.is_cut} == {"ingestion", "model version"}


def test_the_number_of_queries_does_not_grow_with_the_number_of_rows(told: Engine) -> None:
    statements: list[object] = []

    def count(*arguments: object) -> None:
        statements.append(arguments[2])

    whole = found(told, schedule_d.c.schedule_d_id)
    event.listen(told, "before_cursor_execute", count)
    node = explain(told, whole)
    event.remove(told, "before_cursor_execute", count)
    assert len(statements) < len({one.id for one in walk(node)})


def test_a_superseded_row_is_explained_and_marked(ledger: Engine, story: Story) -> None:
    kept, gone = story.tax.gains
    changed = replace(gone, gain_id="gain_new", proceeds=gone.proceeds + 1, gain_loss=gone.gain_loss + 1)
    tax.replace_tax_result(ledger, replace(story.tax, gains=(kept, changed)), account_ids=[ACCOUNT.account_id])
    old, new = explain(ledger, gone.gain_id), explain(ledger, "gain_new")
    assert (old.is_superseded, new.is_superseded) == (True, False)
    assert "superseded_at" in old.facts
    assert [node.id for node in walk(old)][1:] == [node.id for node in walk(new)][1:]


def test_a_superseded_gain_keeps_the_wash_sale_it_had_and_the_new_one_has_none(ledger: Engine, story: Story) -> None:
    washed, plain = story.tax.gains
    unwashed = replace(
        washed, gain_id="gain_new", disallowed_loss=Decimal(0), gain_loss=Decimal("-601.20"), adjustment_code=""
    )
    rebuilt = replace(story.tax, gains=(unwashed, plain), wash_sales=(), open_lots=(), lots=story.tax.lots[:1])
    tax.replace_tax_result(ledger, rebuilt, account_ids=[ACCOUNT.account_id])
    assert "wash_1" in {node.id for node in walk(explain(ledger, "gain_washed"))}
    assert "wash_1" not in {node.id for node in walk(explain(ledger, "gain_new"))}
    assert "wash_1" in {node.id for node in walk(explain(ledger, "lot_2"))}


def test_a_corporate_action_is_found_by_the_name_that_gains_give_it(told: Engine) -> None:
    node = explain(told, "CA:AAPL:2012-01-09")
    assert node.summary == "dividend of AAPL, ex 2012-01-09"
    assert [parent.kind for parent in node.parents] == ["ingestion"]


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("gain_none", "the id of a realized gain in the ledger, found gain_none"),
        ("bar_AAPL_1day_20120103T0000Z_9", "the id of a bar in the ledger"),
        ("bar_AAPL", "a bar id such as bar_AAPL_1day_20120103T0000Z_1, found bar_AAPL"),
        ("0000e0d5.1", r"realized gain \(gain_…\).* or an execution or order id"),
        ("", "the id of one of"),
        ("CA:AAPL:2012-01-10", "a corporate action of AAPL on 2012-01-10"),
        ("CA:AAPL:tomorrow", "CA:symbol:date"),
    ],
)
def test_an_id_that_nothing_has_gets_a_message(told: Engine, identity: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        explain(told, identity)


def test_a_brokers_own_ids_are_found(ledger: Engine, story: Story) -> None:
    order = replace(story.record.orders[0], order_id="17")
    fill = replace(story.record.executions[0], execution_id="0000e0d5.4d.01", order_id="17", bar_id=None)
    events = tuple(replace(one, order_id="17") for one in story.record.order_events[:2])
    record = replace(story.record, orders=(order,), executions=(fill,), order_events=events)
    trading.replace_session(ledger, ACCOUNT, record, start=START, end=END)
    assert explain(ledger, "0000e0d5.4d.01").kind == "execution"
    assert [parent.id for parent in explain(ledger, "0000e0d5.4d.01").parents] == ["17"]
    assert explain(ledger, "17").kind == "order"


def test_the_tree_and_the_document_hold_the_whole_lineage(told: Engine) -> None:
    node = explain(told, found(told, schedule_d.c.schedule_d_id))
    console = Console(width=1000, file=io.StringIO())
    with console.capture() as captured:
        console.print(as_tree(node))
    text = captured.get()
    document = json.loads(json.dumps(as_json(node)))
    for one in walk(node):
        assert one.id in text
        assert one.summary in text
    assert text.count("rsi_14 55.5") == 3, "a feature row tells its facts once"
    assert _ids(document) == [one.id for one in walk(node)]
    assert "(see above)" in text


def test_numbers_read_as_they_are_meant() -> None:
    cells = (Decimal("1E+2"), Decimal("411.5000"), Decimal("0.00"), Decimal(100), True, None, 0.5)
    assert [as_told(cell) for cell in cells] == ["100", "411.50", "0.00", "100", "yes", "", "0.5"]


def _ids(document: dict[str, object]) -> list[str]:
    parents = document["parents"]
    assert isinstance(parents, list)
    return [str(document["id"]), *(identity for parent in parents for identity in _ids(parent))]


def _washed_line(ledger: Engine) -> LineageNode:
    """The line of the wash sale, explained by itself so that nothing of it was shown before."""
    return explain(ledger, next(line.id for line in _lines(ledger) if line.facts.get("codes") == "W"))


def _lines(ledger: Engine) -> tuple[LineageNode, ...]:
    return explain(ledger, found(ledger, schedule_d.c.schedule_d_id)).parents
