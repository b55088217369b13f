"""`tickledger audit-packet` on the demonstration's ledger: whole, the same twice, and rebuilt by its own command."""

import csv
import io
import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.command import TICKLEDGER, command_environment, tickledger
from tests.demonstration import Demonstration
from tickledger.reporting.packet import problems_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


def made(demo: Demonstration, path: Path, *options: str) -> dict[str, Any]:
    ran = tickledger(demo.home, "audit-packet", "--year", "2012", "--out", str(path), "--json", *options)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def table(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def test_the_packet_is_whole_the_same_twice_and_rebuilds_itself(demo: Demonstration, tmp_path: Path) -> None:
    told = made(demo, tmp_path / "one.zip")
    made(demo, tmp_path / "two.zip")
    content = (tmp_path / "one.zip").read_bytes()
    assert content == (tmp_path / "two.zip").read_bytes()
    assert problems_of(content) == []
    assert told["differences"] == []
    assert told["watermark"] == "SIMULATED - NOT FOR FILING"
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.read("forms/form_8949.pdf").startswith(b"%PDF")
        adjusted = [row for row in table(archive, "forms/gains.csv") if row["adjustment_code"]]
        explained = {row["gain_id"]: row["explanation"] for row in table(archive, "adjustments.csv")}
        archive.extractall(tmp_path / "opened")
    assert adjusted
    assert all("take over" in explained[row["gain_id"]] for row in adjusted)
    environment = {**command_environment(demo.home), "PATH": f"{TICKLEDGER.parent}{os.pathsep}{os.environ['PATH']}"}
    script = ["sh", str(tmp_path / "opened/rebuild.sh")]
    ran = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("the rebuilt tables are those of the packet\n")


@pytest.mark.long
def test_before_anything_was_recorded_there_is_nothing_to_pack(demo: Demonstration, tmp_path: Path) -> None:
    """The forms that were made since are told apart from what was known then: neither has a row."""
    told = made(demo, tmp_path / "early.zip", "--as-of", "2001-01-01")
    assert (told["differences"], told["as_of"]) == ([], "2001-01-01T23:59:59.999999-05:00")
    with zipfile.ZipFile(tmp_path / "early.zip") as archive:
        assert table(archive, "forms/form_8949.csv") == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--taxpayer", "nobody"], "--taxpayer: expected one of taxpayer, found nobody"),
        (["--as-of", "yesterday"], "expected a day such as 2026-04-15"),
    ],
)
def test_what_cannot_be_met_is_told(demo: Demonstration, tmp_path: Path, options: list[str], told: str) -> None:
    ran = tickledger(demo.home, "audit-packet", "--year", "2012", "--out", str(tmp_path / "no.zip"), *options)
    assert ran.returncode == 2
    assert told in ran.stderr.replace("\n", " ")
    assert not (tmp_path / "no.zip").exists()
