"""A gain of the ledger explains itself in words, with what was in force when it was."""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console
from sqlalchemy import Engine, select

from tests.golden.tax.test_explanation import assert_foots
from tests.integration.db.story import ACCOUNT, END, SELL_DAY, START, Story, at, bar_id, gain
from tickledger.cli import explain as command
from tickledger.db import tax, trading
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.lineage_explanations import gain_explanations
from tickledger.db.tables import form_lines
from tickledger.domain.lot import ClosedBy, RealizedGain
from tickledger.domain.order import OrderSide
from tickledger.tax.engine import compute
from tickledger.tax.explanation import explanations
from tickledger.tax.fills import from_executions


def the_line_of(ledger: Engine, codes: str) -> str:
    with ledger.connect() as connection:
        line_id: str = connection.execute(select(form_lines.c.line_id).where(form_lines.c.codes == codes)).scalar_one()
    return line_id


def rebuilt(ledger: Engine, story: Story, gains: Sequence[RealizedGain]) -> None:
    result = replace(story.tax, gains=tuple(gains), open_lots=())
    tax.replace_tax_result(ledger, result, account_ids=[ACCOUNT.account_id])


def sold_again(ledger: Engine, story: Story) -> RealizedGain:
    """The 60 bought back are sold on the 9th, at 421.73 less 1.00."""
    sale = replace(
        story.record.executions[1],
        execution_id="exec_09",
        side=OrderSide.SELL,
        quantity=Decimal(60),
        price=Decimal("421.73"),
        executed_at=at(END, 14),
        trade_date=END,
        bar_id=bar_id(END),
    )
    record = replace(story.record, executions=(*story.record.executions, sale))
    trading.replace_session(ledger, ACCOUNT, record, start=START, end=END)
    sold = replace(
        gain("again", "60", "25302.80", "24902.20"),
        close_execution_id="exec_09",
        open_execution_id="exec_06",
        lot_id="lot_2",
        acquired_date=END.replace(day=6),
        holding_start=SELL_DAY,
        sold_date=END,
    )
    rebuilt(ledger, story, [*story.tax.gains, sold])
    return sold


def test_a_gain_is_explained_with_the_policies_it_depends_on(told: Engine, story: Story) -> None:
    text = gain_explanations(told, "gain_washed")["gain_washed"]
    assert_foots(text, story.tax.gains[0])
    assert text.startswith(
        "60 shares of AAPL, bought on 2012-01-04 (exec_04) in SIM0001 (taxable), sold on 2012-01-05 (exec_05). "
        "Proceeds: 24060.00 − 0.60 = 24059.40, the price, less selling costs. "
        "Basis: 24660.60, what they cost, costs included. "
    )
    assert (
        "60 shares of AAPL bought on 2012-01-06 (exec_06) in SIM0001 (taxable) take over 601.20, carried by lot_2"
        in (text)
    )
    assert "Allowed: −601.20 + 601.20 = 0.00, reported in 2012 with code W." in text
    assert "Unsettled points it depends on: P4 ties (trade_order: " in text


def test_what_a_lot_carries_is_told_with_the_sale_it_came_from(ledger: Engine, story: Story) -> None:
    sold = sold_again(ledger, story)
    text = gain_explanations(ledger, "gain_again")["gain_again"]
    assert_foots(text, sold)
    assert "Basis: 24301.00 + 601.20 = 24902.20" in text
    assert "the loss carried in from the sale on 2012-01-05 (exec_05), which they replaced" in text
    assert "2012-01-06 − 1 day = 2012-01-05" in text


def test_the_ledger_tells_what_the_engine_s_result_tells(ledger: Engine, story: Story) -> None:
    """The same paragraphs from files and from the record; every adjustment names a lot that is there."""
    sold_again(ledger, story)
    fills = from_executions(trading.read_executions(ledger))
    result = compute(fills, accounts=[ACCOUNT])
    tax.replace_tax_result(ledger, result, account_ids=[ACCOUNT.account_id])
    written = {gain.gain_id: gain for gain in tax.read_gains(ledger)}
    assert set(written.values()) == set(result.gains)
    assert tax.read_wash_sales(ledger) == list(result.wash_sales)
    assert {wash.replacement_lot_id for wash in result.wash_sales} <= {lot.lot_id for lot in result.lots}
    told = explanations(result, fills=fills, accounts=[ACCOUNT])
    assert {name: gain_explanations(ledger, name)[name] for name in written} == told


def test_a_corporate_action_that_closed_a_lot_is_named(ledger: Engine, story: Story) -> None:
    action = read_corporate_actions(ledger)["corporate_action_id"].iloc[0]
    closed = replace(
        story.tax.gains[1],
        gain_id="gain_in_lieu",
        close_execution_id="CA:AAPL:2012-01-09",
        corporate_action_id=action,
        closed_by=ClosedBy.CORPORATE_ACTION,
        sold_date=END,
    )
    rebuilt(ledger, story, [story.tax.gains[0], closed])
    text = gain_explanations(ledger, "gain_in_lieu")["gain_in_lieu"]
    assert "closed on 2012-01-09 by a corporate action (CA:AAPL:2012-01-09)" in text


def test_a_superseded_gain_is_explained_by_what_was_in_force_with_it(ledger: Engine, story: Story) -> None:
    washed, plain = story.tax.gains
    unwashed = replace(
        washed, gain_id="gain_new", disallowed_loss=Decimal(0), gain_loss=Decimal("-601.20"), adjustment_code=""
    )
    result = replace(story.tax, gains=(unwashed, plain), wash_sales=(), open_lots=(), lots=story.tax.lots[:1])
    tax.replace_tax_result(ledger, result, account_ids=[ACCOUNT.account_id])
    assert "take over 601.20" in gain_explanations(ledger, "gain_washed")["gain_washed"]
    assert "none, so all of it is allowed" in gain_explanations(ledger, "gain_new")["gain_new"]


def test_a_form_line_has_the_paragraphs_of_its_gains_and_other_rows_have_none(told: Engine) -> None:
    assert list(gain_explanations(told, the_line_of(told, "W"))) == ["gain_washed"]
    for identity in ("gain_none", "line_none", "lot_2", "wash_1", "exec_05", "17"):
        assert gain_explanations(told, identity) == {}


@pytest.fixture
def printed(told: Engine, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the command writes about the story, as into a pipe."""

    @contextmanager
    def opened() -> Iterator[Engine]:
        yield told

    file = io.StringIO()
    monkeypatch.setattr(command, "opened_ledger", opened)
    monkeypatch.setattr(command, "out", Console(file=file, width=240, highlight=False))
    return file


def test_the_command_prints_the_paragraph_before_the_tree(told: Engine, printed: io.StringIO) -> None:
    paragraph = gain_explanations(told, "gain_washed")["gain_washed"]
    command.run("gain_washed")
    text = printed.getvalue()
    assert text.startswith(f"gain_washed\n{paragraph}\n")
    assert text.index("realized gain 60 AAPL") > len(paragraph)
    command.run(the_line_of(told, "W"))
    assert printed.getvalue().count(paragraph) == 2


def test_the_document_has_the_paragraph_under_explanation(told: Engine, printed: io.StringIO) -> None:
    paragraph = gain_explanations(told, "gain_washed")["gain_washed"]
    command.run(" gain_washed", json=True)
    document = json.loads(printed.getvalue())
    assert (document["id"], document["explanation"]) == ("gain_washed", paragraph)
    printed.truncate(printed.seek(0))
    command.run("lot_2", json=True)
    assert "explanation" not in json.loads(printed.getvalue())
