"""`tickledger reconcile` and `breaks`, on files alone and on the ledger, as a person runs them."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner

from tests.integration.reconciliation.conftest import ACCOUNT, AGAIN, BOUGHT, SOLD, dearer, flex
from tickledger.cli import breaks, reconcile_run
from tickledger.cli.app import app
from tickledger.db.tables import break_events, reconciliations, statement_files


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Ran:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return Ran(1, result.stdout, str(result.exception))
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def fills(tmp_path: Path) -> Path:
    path = tmp_path / "fills.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["execution_id", "order_id", "account", "symbol", "side", "quantity", "price", "commission", "executed_at"]
        )
        for row in (BOUGHT, SOLD, AGAIN):
            what = [row.execution_id, "", row.account_id, row.symbol, row.side, row.quantity, row.price]
            writer.writerow([*what, row.commission, row.executed_at.isoformat()])
    return path


@pytest.fixture
def on_ledger(traded: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    @contextmanager
    def opened() -> Iterator[Engine]:
        yield traded

    monkeypatch.setattr(reconcile_run, "opened_ledger", opened)
    monkeypatch.setattr(breaks, "opened_ledger", opened)
    return traded


def put(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content)
    return path


def counts(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        tables = (statement_files, reconciliations, break_events)
        return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]


def test_files_that_agree_end_well(run: Run, fills: Path, tmp_path: Path) -> None:
    july = put(tmp_path, "july.xml", flex([BOUGHT, SOLD, AGAIN]))
    ran = run("reconcile", "--statement", july, "--fills", fills, "--json")
    assert ran.code == 0
    (comparison,) = ran.document["comparisons"]
    assert (comparison["account"], comparison["matched"]["execution"]) == (ACCOUNT.account_id, 3)
    assert ran.document["breaks"] == ran.document["problems"] == []
    assert {line["fate"] for line in ran.document["elements"]} <= {"read", "ignored"}


def test_what_differs_is_told_with_its_cause_and_worth_and_written(run: Run, fills: Path, tmp_path: Path) -> None:
    july = put(tmp_path, "july.xml", flex([BOUGHT, dearer(SOLD)]))
    ran = run("reconcile", "--statement", july, "--fills", fills, "--out", tmp_path / "told")
    assert ran.code == 1
    assert "against statement: 1 execution, 2 commissions agreed" in ran.out
    assert "2 differences (1 price, 1 extra)" in ran.out or "2 differences (1 extra, 1 price)" in ran.out
    with (tmp_path / "told/breaks.csv").open() as file:
        found = {(row["subject"], row["cause"]): row for row in csv.DictReader(file)}
    assert found["execution", "price"]["money_at_stake"] == "100.00"
    assert found["execution", "extra"]["key"] == AGAIN.execution_id
    with (tmp_path / "told/elements.csv").open() as file:
        assert any(row["element"].startswith("Trades/Trade") for row in csv.DictReader(file))


def test_a_statement_given_again_changes_nothing(run: Run, on_ledger: Engine, tmp_path: Path) -> None:
    july = put(tmp_path, "july.xml", flex([BOUGHT, dearer(SOLD), AGAIN]))
    first = run("reconcile", "--statement", july, "--json")
    before = counts(on_ledger)
    again = run("reconcile", "--statement", july, "--json")
    assert (first.code, again.code) == (1, 1)
    assert [one["break_id"] for one in first.document["breaks"]] == [
        one["break_id"] for one in again.document["breaks"]
    ]
    assert counts(on_ledger) == before == [1, 1, 1]


def test_nothing_is_kept_where_nothing_is_to_be_recorded(run: Run, on_ledger: Engine, tmp_path: Path) -> None:
    july = put(tmp_path, "july.xml", flex([BOUGHT, dearer(SOLD), AGAIN]))
    assert run("reconcile", "--statement", july, "--no-record").code == 1
    assert counts(on_ledger) == [0, 0, 0]


@pytest.mark.usefixtures("on_ledger")
def test_a_person_works_through_a_break(run: Run, tmp_path: Path) -> None:
    july = put(tmp_path, "july.xml", flex([BOUGHT, dearer(SOLD), AGAIN]))
    run("reconcile", "--statement", july)
    (listed,) = run("breaks", "list", "--json").document
    shown = run("breaks", "show", listed["break_id"][:12])
    assert shown.code == 0
    assert "at stake   100.00 USD" in shown.out
    assert "proposed: correct execution" in shown.out
    assert run("breaks", "explain", listed["break_id"], "--note", "asked the broker").code == 0
    assert run("reconcile", "--statement", july).code == 0
    applied = run("breaks", "apply", listed["break_id"], "--note", "the broker is right", "--yes", "--json")
    assert applied.code == 0
    assert applied.document["record_id"].startswith(SOLD.execution_id)
    assert run("reconcile", "--statement", july, "--json").document["breaks"] == []
    assert run("breaks", "list").code == 0
    (settled,) = run("breaks", "list", "--state", "resolved", "--json").document
    assert [event["state"] for event in settled["events"]] == ["open", "explained", "resolved"]
    refused = run("breaks", "accept", listed["break_id"], "--note", "too late")
    assert "a comparison closed it" in refused.err


def test_a_statement_of_another_account_is_named_and_the_others_compared(
    run: Run, on_ledger: Engine, tmp_path: Path
) -> None:
    july = put(tmp_path, "july.xml", flex([BOUGHT, SOLD, AGAIN]))
    other = put(tmp_path, "other.xml", flex([BOUGHT], account_id="U7"))
    torn = put(tmp_path, "torn.xml", flex([BOUGHT, SOLD])[:-60])
    milk = put(tmp_path, "milk.txt", "buy milk")
    files = [option for path in (july, other, torn, milk) for option in ("--statement", path)]
    ran = run("reconcile", *files, "--json")
    assert ran.code == 1
    assert ran.document["breaks"] == []
    told = " ".join(ran.document["problems"])
    assert "other.xml: expected a statement of U1234567, found one of U7" in told
    assert "torn.xml" in told
    assert "milk.txt: expected a Flex query in XML" in told
    assert counts(on_ledger)[0] == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--account", "U9"], "--account: expected one of U1234567, found 'U9'"),
        (["--zone", "Mars/Olympus"], "--zone: expected a time zone such as America/New_York"),
        (["--corporate-actions", "x.csv"], "expected together with --fills"),
    ],
)
@pytest.mark.usefixtures("on_ledger")
def test_a_wrong_wish_is_told(run: Run, tmp_path: Path, options: list[str], told: str) -> None:
    july = put(tmp_path, "july.xml", flex([BOUGHT]))
    assert told in run("reconcile", "--statement", july, *options).err
