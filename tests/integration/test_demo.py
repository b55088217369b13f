"""`tickledger demo` as a newcomer runs it, and what can be asked of the ledger afterwards."""

import csv
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import TICKLEDGER, command_environment, tickledger
from tests.demonstration import Demonstration
from tickledger.db.connect import LEDGER
from tickledger.db.embedded import serve
from tickledger.db.engine import create_ledger_engine
from tickledger.db.lineage import explain

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]

CHAIN = [
    "form line",
    "realized gain",
    "tax lot",
    "execution",
    "order",
    "signal",
    "risk decision",
    "model version",
    "feature row",
    "bar",
    "ingestion",
]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def kinds(node: dict[str, Any]) -> Iterator[str]:
    yield node["kind"]
    for parent in node["parents"]:
        yield from kinds(parent)


def explained(demo: Demonstration, identity: str) -> dict[str, Any]:
    shown = tickledger(demo.home, "explain", identity, "--json")
    assert shown.returncode == 0, shown.stderr
    document: dict[str, Any] = json.loads(shown.stdout)
    return document


def test_the_demo_ends_in_a_form_with_rows_and_a_wash_sale_that_arose_by_itself(demo: Demonstration) -> None:
    form = read(demo.exports / "form_8949.csv")
    assert demo.summary["tax_year"] == 2012
    assert len(form) >= 10
    washed = [row for row in form if "W" in row["codes"]]
    assert washed
    assert all(float(row["adjustment"]) > 0 for row in washed)
    assert {row["watermark"] for row in form} == {"SIMULATED - NOT FOR FILING"}


def test_both_traded_years_are_out_of_sample(demo: Demonstration) -> None:
    trained_through = {model["year"]: model["trained_through"] for model in demo.summary["champions"]}
    assert {year: through < f"{year}-01-01" for year, through in trained_through.items()} == {2011: True, 2012: True}


def test_everything_a_person_takes_away_is_exported(demo: Demonstration) -> None:
    names = {path.name for path in demo.exports.iterdir() if path.is_file()}
    assert names == {
        "attribution.csv",
        "daily_pnl.csv",
        *(f"daily_pnl_by_{part}.csv" for part in ("symbol", "sector", "strategy", "model_version")),
        "fills.csv",
        "form_8949.csv",
        "gains.csv",
        "implementation_shortfall.csv",
        "lots.csv",
        "order_costs.csv",
        "orders.csv",
        "period_returns.csv",
        "roll_forward.csv",
        "schedule_d.json",
        "signals.csv",
        "strategy_performance.csv",
        "wash_sales.csv",
    }


def test_the_exported_fills_give_the_same_form_from_files_alone(demo: Demonstration, tmp_path: Path) -> None:
    """`tickledger tax` knows nothing of the ledger; the two must agree row by row."""
    arguments = [
        "--fills",
        str(demo.exports / "fills.csv"),
        "--method",
        "fifo",
        "--year",
        "2012",
        "--out",
        str(tmp_path),
    ]
    ran = tickledger(demo.home, "tax", *arguments)
    assert ran.returncode == 0, ran.stderr
    for name, ignored in (("form_8949.csv", {"gain_ids", "watermark"}), ("gains.csv", {"gain_id"})):
        of_files = [{key: row[key] for key in row.keys() - ignored} for row in read(tmp_path / name)]
        of_ledger = [
            {key: row[key] for key in row.keys() - ignored}
            for row in read(demo.exports / name)
            if row.get("tax_year", "2012") == "2012"
        ]
        assert sorted(of_files, key=repr_of) == sorted(of_ledger, key=repr_of)


def repr_of(row: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(row.items())


def test_a_form_line_is_traced_to_the_file_that_brought_its_bars(demo: Demonstration) -> None:
    assert set(CHAIN) <= set(kinds(explained(demo, demo.summary["explain"])))


def test_every_kind_of_id_on_the_way_can_be_explained(demo: Demonstration) -> None:
    root = explained(demo, demo.summary["explain"])
    with serve(demo.home) as server:
        engine = create_ledger_engine(server.url(LEDGER))
        for kind in CHAIN:
            node = next(find(root, kind))
            assert explain(engine, node["id"]).id == node["id"]
        engine.dispose()


def find(node: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    if node["kind"] == kind:
        yield node
    for parent in node["parents"]:
        yield from find(parent, kind)


def test_an_id_that_is_not_in_the_ledger_is_told_apart_from_one_that_cannot_be(demo: Demonstration) -> None:
    for unknown in ("gain_00000000000000000000", "nonsense"):
        shown = tickledger(demo.home, "explain", unknown)
        assert shown.returncode == 1
        assert unknown in shown.stderr
        assert "Traceback" not in shown.stderr


def test_a_second_demo_changes_not_one_row(demo: Demonstration) -> None:
    again = tickledger(demo.home, "demo", "--json")
    assert again.returncode == 0, again.stderr
    rows = json.loads(again.stdout)
    assert {**rows["rows"], "audit_log": 0} == {**demo.summary["rows"], "audit_log": 0}
    assert rows["form_8949"] == demo.summary["form_8949"]


@pytest.mark.long
def test_a_demo_killed_in_the_middle_runs_clean_the_next_time(run_folder: Path, demo: Demonstration) -> None:
    home = run_folder / "killed"
    with subprocess.Popen(
        [TICKLEDGER, "demo"],
        env=dict(command_environment(home)),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.lstrip().startswith("features of the training years"):
                break  # the next step trains, registers and signals: kill it there
        running.send_signal(signal.SIGKILL)
    again = tickledger(home, "demo", "--json")
    assert again.returncode == 0, again.stderr
    # Ids are functions of content: on another home and after an accident they are the same.
    assert json.loads(again.stdout)["form_8949"] == demo.summary["form_8949"]
