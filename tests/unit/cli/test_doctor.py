"""`tickledger doctor` says what is configured and what is broken, and shows no secret."""

import json
import socket
import sqlite3
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tickledger.cli.app import app
from tickledger.cli.checks_of_database import check_database
from tickledger.cli.checks_of_machine import check_home, check_ports, check_python
from tickledger.cli.diagnosis import shown_settings
from tickledger.cli.ports import LOOPBACK
from tickledger.cli.system_libraries import missing_library_hint
from tickledger.db.embedded import EmbeddedServer
from tickledger.db.migrate import newest_revision
from tickledger.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def a_folder_of_its_own(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No .env of the checkout is read, and the home is fresh."""
    assert not home.exists()
    monkeypatch.chdir(tmp_path)


def shown() -> dict[str, tuple[str | None, str]]:
    return {one.name: (one.value, one.origin) for one in shown_settings(load_settings())}


def test_a_fresh_machine_is_well_and_nothing_is_written(home: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["ok"] is True
    assert {one["name"] for one in document["settings"]} == {
        f"TICKLEDGER_{field.upper()}" for field in Settings.model_fields
    }
    assert not home.exists()


def test_a_database_that_is_down_makes_the_doctor_exit_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLEDGER_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/ledger")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "broken" in result.stdout
    assert "Connection refused" in result.stderr
    assert "TICKLEDGER_DATABASE_URL" in result.stderr
    assert "hunter2" not in result.output


def test_every_setting_says_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("TICKLEDGER_TAXPAYER=Ada\n")
    monkeypatch.setenv("TICKLEDGER_IB_PORT", "7497")
    assert shown()["TICKLEDGER_TAXPAYER"] == ("Ada", ".env")
    assert shown()["TICKLEDGER_IB_PORT"] == ("7497", "environment")
    assert shown()["TICKLEDGER_IB_CLIENT_ID"] == ("1", "default")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("TICKLEDGER_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/ledger"),
        ("TICKLEDGER_DATABASE_URL", "postgresql://u:p@127.0.0.1:hunter2/ledger"),
        ("TICKLEDGER_DATABASE_URL", "hunter2"),
        ("TICKLEDGER_MLFLOW_TRACKING_URI", "http://u:hunter2@127.0.0.1:5999"),
    ],
)
def test_no_secret_is_shown(name: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, address)
    assert "***" in str(shown()[name])
    assert "hunter2" not in str(shown())
    assert "hunter2" not in str(list(check_database(load_settings())))


def test_a_ledger_that_was_never_migrated_says_which_revision_is_next(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKLEDGER_DATABASE_URL", server.url("postgres"))
    *_, ledger = check_database(load_settings())
    assert ledger.state == "ok"
    assert ledger.found == f"revision base; the next command brings it to {newest_revision()}"


def test_a_taken_port_is_a_warning_that_names_the_option() -> None:
    with socket.socket() as taken:
        try:
            taken.bind((LOOPBACK, 3000))
        except OSError:
            pytest.skip("this machine uses port 3000 already")
        taken.listen()
        dagster = next(check_ports(load_settings()))
    assert dagster.state == "warning"
    assert "--dagster-port" in dagster.advice


def test_a_home_that_cannot_be_made_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TICKLEDGER_HOME", str(tmp_path / "file" / "home"))
    found = next(check_home(load_settings()))
    assert found.state == "broken"
    assert f"{tmp_path}/file is not a folder" in found.found
    assert "TICKLEDGER_HOME" in found.advice


def test_a_python_that_the_lock_was_not_made_for_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    assert next(check_python(load_settings())).state == "broken"


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        # As the loader, LightGBM and XGBoost say it.
        ("libgomp.so.1: cannot open shared object file: No such file or directory", "apt-get install libgomp1"),
        (
            "postgres: error while loading shared libraries: libz.so.1: cannot open shared object file: No such file",
            "apt-get install zlib1g",
        ),
        (
            "XGBoost Library (libxgboost.so) could not be loaded: ['libstdc++.so.6: cannot open shared object file']",
            "apt-get install libstdc++6",
        ),
        ("libunheard-of.so.3: cannot open shared object file: No such file or directory", "apt-file search libunheard"),
    ],
)
def test_a_missing_system_library_is_named_with_its_package(message: str, advice: str) -> None:
    hint = missing_library_hint(OSError(message))
    assert hint is not None
    assert advice in hint


def test_a_missing_library_is_found_behind_another_error() -> None:
    error = ImportError("the model cannot be used")
    error.__cause__ = OSError("libgomp.so.1: cannot open shared object file: No such file or directory")
    assert "libgomp1" in str(missing_library_hint(error))


def test_other_errors_give_no_hint() -> None:
    assert missing_library_hint(FileNotFoundError(2, "No such file or directory", "bars.csv")) is None
    assert missing_library_hint(sqlite3.OperationalError("no such table")) is None
