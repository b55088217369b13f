"""`tickledger data import` and `data check` as a person runs them, on a home of their own."""

import gzip
import json
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.command import tickledger
from tests.unit.bars.files import BARS_HEADER, GOOD_BAR, NEXT_BAR, actions_file, csv_file
from tickledger.cli.app import app
from tickledger.cli.problems import SHOWN, tell
from tickledger.domain.errors import Problem

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("data commands")]

HIGH_BELOW_LOW = "AAPL,2012-01-05T00:00:00Z,59.28,58.00,58.87,59.72,67817400"
NEGATIVE = "AAPL,2012-01-06T00:00:00Z,59.97,60.39,59.89,-60.34,79573200"
DUPLICATE = GOOD_BAR
ON_SATURDAY = "AAPL,2012-01-07T00:00:00Z,59.97,60.39,59.89,60.34,0"
AFTER_A_GAP = "NEWCO,2012-01-03,10,10,10,10,5", "NEWCO,2012-01-06,30,30,30,30,5"
RESTATED = NEXT_BAR.replace("59.06", "59.05")


@dataclass(frozen=True)
class Told:
    """How a command ended, and the document it printed."""

    exit_code: int
    stderr: str
    document: dict[str, Any]

    @property
    def counts(self) -> list[tuple[int, ...]]:
        """Inserted, unchanged, restated and quarantined, for each file."""
        names = ("inserted", "unchanged", "restated", "quarantined")
        return [tuple(one[name] for name in names) for one in self.document["imports"]]


@pytest.fixture(scope="module")
def own_home(run_folder: Path) -> Iterator[Path]:
    folder = run_folder / f"data-{uuid.uuid4().hex[:6]}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def story(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Told]:
    """What each command of a short story said: the home is fresh at its beginning."""
    folder = tmp_path_factory.mktemp("files")
    defects = csv_file(folder, GOOD_BAR, NEXT_BAR, HIGH_BELOW_LOW, NEGATIVE, DUPLICATE, ON_SATURDAY, *AFTER_A_GAP)
    corrected = csv_file(folder, RESTATED, name="corrected.csv.gz")
    actions = actions_file(folder, "NEWCO,2012-01-06,split,1/3,", "NEWCO,2012-01-04,gift,,1")
    minutes = folder / "minutes.parquet"
    stamps = pd.to_datetime(["2012-01-03T14:30:00Z", "2012-01-03T14:31:00Z", "2012-01-03T14:31:30Z"]).as_unit("us")
    prices = dict.fromkeys(("open", "high", "low", "close"), 58.5)
    pd.DataFrame({"symbol": "AAPL", "timestamp": stamps, **prices, "volume": 100}).to_parquet(minutes)
    header_only = csv_file(folder, name="nothing.csv")
    commands = {
        "first": ("import", defects, "--interval", "1day"),
        "before the split": ("check",),
        "again": ("import", defects, "--interval", "1day"),
        "corrected": ("import", corrected, "--interval", "1day", "--corporate-actions", actions),
        "minutes": ("import", minutes, "--interval", "1min"),
        "nothing": ("import", header_only, "--interval", "1day"),
        "check": ("check",),
    }
    return {name: _told(tickledger(own_home, "data", *map(str, words), "--json")) for name, words in commands.items()}


def _told(ran: subprocess.CompletedProcess[str]) -> Told:
    return Told(ran.returncode, ran.stderr, json.loads(ran.stdout))


def test_every_bad_row_is_told_and_every_good_one_goes_in(story: Mapping[str, Told]) -> None:
    first = story["first"]
    assert first.exit_code == 1
    assert first.counts == [(5, 0, 0, 3)]
    assert first.stderr.splitlines() == [
        "error: bars.csv, row 4, column high: expected a high of at least the low, 58.87, found 58.00",
        (
            "error: bars.csv, row 5, column close: expected a price above 0, from 0.0001 to 1,000,000,000 USD, "
            "found -60.34"
        ),
        "error: bars.csv, row 6, column timestamp: expected one bar per symbol and timestamp, found a repeat of row 2",
    ]
    assert [(problem["row"], problem["column"]) for problem in first.document["refused"]] == [
        (4, "high"),
        (5, "close"),
        (6, "timestamp"),
    ]


def test_the_same_file_again_changes_nothing(story: Mapping[str, Told]) -> None:
    first, again = story["first"], story["again"]
    assert again.counts == [(0, 5, 0, 3)]
    assert again.exit_code == 1
    assert again.document["imports"][0]["ingestion_id"] == first.document["imports"][0]["ingestion_id"]


def test_a_bar_that_differs_becomes_the_next_version(story: Mapping[str, Told], own_home: Path) -> None:
    assert story["corrected"].counts[0] == (0, 0, 1, 0)
    for version, close in ((1, "59.06"), (2, "59.05")):
        shown = tickledger(own_home, "explain", f"bar_AAPL_1day_20120104T0000Z_{version}", "--json")
        node = json.loads(shown.stdout)
        assert close in node["summary"]
        assert node["is_superseded"] is (version == 1)


def test_corporate_actions_come_along(story: Mapping[str, Told]) -> None:
    corrected = story["corrected"]
    assert corrected.counts[1] == (1, 0, 0, 1)
    assert corrected.exit_code == 1
    assert corrected.stderr.startswith("error: corporate_actions.csv, row 3, column kind: expected ")


def test_minute_bars_are_stamped_with_whole_minutes(story: Mapping[str, Told]) -> None:
    minutes = story["minutes"]
    assert minutes.counts == [(2, 0, 0, 1)]
    assert minutes.document["imports"][0]["contents"] == "minute bars"
    assert "column timestamp: expected a whole minute, the start of the bar" in minutes.stderr


def test_a_file_with_only_its_header_is_an_empty_set(story: Mapping[str, Told]) -> None:
    assert story["nothing"].counts == [(0, 0, 0, 0)]
    assert (story["nothing"].exit_code, story["nothing"].stderr) == (0, "")


def test_the_check_finds_what_an_import_does_not_judge(story: Mapping[str, Told]) -> None:
    check = story["before the split"]
    assert check.exit_code == 1
    assert (check.document["ok"], check.document["errors"], check.document["warnings"]) == (False, 1, 5)
    assert [(one["symbol"], one["kind"], one["dates"]) for one in check.document["findings"]] == [
        ("AAPL", "off_calendar", ["2012-01-07"]),
        ("AAPL", "missing_sessions", ["2012-01-05", "2012-01-06"]),
        ("AAPL", "zero_volume", ["2012-01-07"]),
        ("NEWCO", "missing_sessions", ["2012-01-04", "2012-01-05"]),
        ("NEWCO", "jump", ["2012-01-06"]),
    ]
    assert check.stderr.splitlines()[0] == (
        "error: AAPL, daily bar of 2012-01-07, column timestamp: expected a session of the New York Stock Exchange, "
        "found Saturday 2012-01-07"
    )


def test_the_check_sees_every_interval_the_splits_and_the_quarantine(story: Mapping[str, Told]) -> None:
    document = story["check"].document
    assert document["bars"] == [
        {"symbol": "AAPL", "interval": "1day", "bars": 3, "first": "2012-01-03", "last": "2012-01-07"},
        {"symbol": "NEWCO", "interval": "1day", "bars": 2, "first": "2012-01-03", "last": "2012-01-06"},
        {"symbol": "AAPL", "interval": "1min", "bars": 2, "first": "2012-01-03", "last": "2012-01-03"},
    ]
    assert "jump" not in {one["kind"] for one in document["findings"]}
    assert [(one["source"], one["rows"], one["first"]["row"]) for one in document["quarantine"]] == [
        ("bars.csv", 3, 4),
        ("corporate_actions.csv", 1, 3),
        ("minutes.parquet", 1, 4),
    ]


def test_the_report_for_a_person_has_a_line_for_each_symbol_and_interval(
    story: Mapping[str, Told], own_home: Path
) -> None:
    shown = tickledger(own_home, "data", "check")
    assert shown.returncode == story["check"].exit_code == 1
    heading, apple, newco, minutes, verdict = (line.split() for line in shown.stdout.splitlines())
    assert heading[:5] == ["symbol", "interval", "bars", "first", "last"]
    assert apple == ["AAPL", "1day", "3", "2012-01-03", "2012-01-07", "1", "2", "0", "1"]
    assert newco == ["NEWCO", "1day", "2", "2012-01-03", "2012-01-06", "0", "2", "0", "0"]
    assert minutes == ["AAPL", "1min", "2", "2012-01-03", "2012-01-03", "0", "0", "0", "0"]
    assert verdict == ["1", "error,", "6", "warnings"]


def absent(folder: Path) -> Path:
    return folder / "absent.csv"


def directory(folder: Path) -> Path:
    (folder / "bars.csv").mkdir()
    return folder / "bars.csv"


def binary(folder: Path) -> Path:
    (folder / "bars.csv").write_bytes(gzip.compress(BARS_HEADER.encode()))
    return folder / "bars.csv"


def truncated_gzip(folder: Path) -> Path:
    path = csv_file(folder, *[GOOD_BAR] * 50, name="bars.csv.gz")
    path.write_bytes(path.read_bytes()[:-12])
    return path


def without_a_column(folder: Path) -> Path:
    return csv_file(folder, "AAPL,2012-01-03,1,1,1,1", header=BARS_HEADER.removesuffix(",volume"))


UNUSABLE: Mapping[Callable[[Path], Path], str] = {
    absent: "error: absent.csv: expected a readable file, found no such file",
    directory: "error: bars.csv: expected a readable file, found a folder",
    binary: "error: bars.csv: expected comma-separated text in UTF-8, found binary data",
    truncated_gzip: "error: bars.csv.gz: expected a readable file, found gzip data that breaks off before its end",
    without_a_column: "error: bars.csv, row 1, column volume: expected a column named volume, found the columns symbol",
}


@pytest.mark.parametrize("unusable", UNUSABLE, ids=lambda unusable: unusable.__name__)
def test_a_file_that_cannot_be_used_is_told_and_nothing_is_opened(
    unusable: Callable[[Path], Path], run_folder: Path, tmp_path: Path
) -> None:
    untouched = run_folder / "untouched"
    ran = tickledger(untouched, "data", "import", str(unusable(tmp_path)), "--interval", "1day")
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith(UNUSABLE[unusable])
    assert not untouched.exists()


def test_good_bars_wait_for_corporate_actions_that_can_be_read(run_folder: Path, tmp_path: Path) -> None:
    untouched = run_folder / "untouched"
    files = [str(csv_file(tmp_path, GOOD_BAR)), "--corporate-actions", str(tmp_path / "absent.csv")]
    ran = tickledger(untouched, "data", "import", *files, "--interval", "1day")
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: absent.csv: expected a readable file, found no such file")
    assert not untouched.exists()


@pytest.mark.parametrize("words", [[], ["--interval", "1hour"], ["--interval", "1day", "--fast"]])
def test_wrong_usage_is_told_apart(words: list[str]) -> None:
    assert CliRunner().invoke(app, ["data", "import", "bars.csv", *words]).exit_code == 2


def test_no_more_problems_are_told_than_a_person_reads(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("bars.csv", "a price", "[nothing]", row=row) for row in range(2, SHOWN + 2 + 1234)]
    tell(problems, elsewhere="all of them in the quarantine")
    *lines, last = capsys.readouterr().err.splitlines()
    assert lines == [str(problem) for problem in problems[:SHOWN]]
    assert last == "and 1,234 more, all of them in the quarantine"
