"""Every part of every page, drawn from an empty ledger and from one with a row of every kind."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from plotly.utils import PlotlyJSONEncoder
from sqlalchemy import Engine

from tests.integration.db.story import ACCOUNT, tell
from tickledger.api.dashboard.address import Address
from tickledger.api.dashboard.components import flat
from tickledger.api.dashboard.page import Look
from tickledger.api.dashboard.shell import page_of
from tickledger.api.live import LiveAccount
from tickledger.api.queries.accounts import account_choices
from tickledger.db.accounts import ensure_account

NOW = datetime(2012, 1, 10, 15, 0, tzinfo=UTC)
LOOKS = (
    "/",
    "/orders",
    "/orders?day=2012-01-04&symbol=AAPL&status=FILLED",
    "/orders?status=WORKING",
    "/orders?show=fills",
    "/orders?show=costs",
    "/orders?day=nonsense&page=7",
    "/strategies",
    "/strategies?show=signals",
    "/strategies?show=models",
    "/risk",
    "/risk?told=stopped",
    "/reconciliation",
    "/reconciliation?show=all&told=done",
    "/reconciliation?break=brk_",
    "/tax",
    "/tax?show=schedule",
    "/tax?show=gains&year=2012",
    "/tax?show=lots",
    "/tax?show=wash&year=1999",
    "/tax?show=wash",
    "/lineage",
    "/lineage?id=nothing",
)


@pytest.fixture(params=["empty", "story"])
def told(request: pytest.FixtureRequest, ledger: Engine) -> Engine:
    if request.param == "story":
        tell(ledger)
    else:
        ensure_account(ledger, ACCOUNT)
    return ledger


def look_at(ledger: Engine, place: str) -> Look:
    path, _, search = place.partition("?")
    account = next(one for one in account_choices(ledger) if one.account_id == ACCOUNT.account_id)
    return Look(ledger, Address.of(path, search), account, LiveAccount(), NOW, "a-key")


def drawn(ledger: Engine, place: str) -> list[Any]:
    look = look_at(ledger, place)
    page = page_of(look.address)
    assert page is not None
    return [flat(page.head(look)), flat(page.body(look))]


def lists_within_lists(part: Any) -> list[Any]:
    """Where Dash could not draw: children of children that are lists themselves."""
    match part:
        case dict():
            return [found for value in part.values() for found in lists_within_lists(value)]
        case list():
            inner = [
                one for one in part if isinstance(one, list) and one and isinstance(one[0], dict) and "type" in one[0]
            ]
            return inner + [found for one in part for found in lists_within_lists(one)]
        case _:
            return []


@pytest.mark.parametrize("place", LOOKS)
def test_it_is_drawn(told: Engine, place: str) -> None:
    for children in drawn(told, place):
        as_sent = json.loads(json.dumps(children, cls=PlotlyJSONEncoder))
        assert lists_within_lists(as_sent) == []
        text = json.dumps(as_sent)
        assert "NaN" not in text
        assert "Decimal(" not in text
        assert "None" not in text.replace("None.", "")


def test_the_fields_of_a_row_that_is_asked_about_are_all_shown(ledger: Engine) -> None:
    story = tell(ledger)
    (line, *_) = story.lines
    _, body = drawn(ledger, f"/lineage?id={line.line_id}")
    text = json.dumps(body, cls=PlotlyJSONEncoder)
    for kind in ("form line", "realized gain", "execution", "order", "signal", "feature row", "bar", "ingestion"):
        assert f'"kind": "{kind}"' in text
