"""The commands over the ledger: its schema up and down, and any id explained."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from sqlalchemy import Engine
from typer.testing import CliRunner

from tests.integration.db.story import Story
from tickledger.cli import db, explain
from tickledger.db.migrate import newest_revision
from tickledger.domain.errors import ConfigurationError, InputError

RUN = CliRunner()


@pytest.fixture
def app() -> typer.Typer:
    """The two commands alone; how the whole program ends is tested with the program."""
    commands = typer.Typer()
    commands.command("explain")(explain.run)
    commands.add_typer(db.app, name="db")
    return commands


def test_the_schema_goes_up_and_down_by_command(app: typer.Typer, home: Path) -> None:
    def run(*arguments: str) -> str:
        result = RUN.invoke(app, ["db", *arguments])
        return result.stdout.strip() if result.exit_code == 0 else f"exit {result.exit_code}"

    assert run("current") == "base"
    newest = newest_revision()
    assert run("upgrade") == newest
    assert run("current") == newest
    assert run("downgrade", "--to", "base") == "base"
    assert run("current") == "base"
    assert run("upgrade", "--to", "0001") == "0001"
    assert run("downgrade", "--to", "base", "--yes") == "base"
    assert run("downgrade") == "exit 2"
    assert isinstance(RUN.invoke(app, ["db", "upgrade", "--to", "9999"]).exception, ConfigurationError)
    assert home.exists()


@pytest.mark.long
def test_a_person_is_asked_before_rows_are_dropped(home: Path) -> None:
    assert _typed_at_a_terminal("n", home) == 1
    assert not (home / "pg").exists(), "a person who said no has not even started the server"
    assert _typed_at_a_terminal("y", home) == 0


def _typed_at_a_terminal(answer: str, home: Path) -> int:
    """The exit code of a downgrade that finds a terminal where `answer` is typed."""
    person, terminal = pty.openpty()
    program = "import typer, tickledger.cli.db as db; db.app()"
    command = [sys.executable, "-c", program, "downgrade", "--to", "base"]
    environment = {**os.environ, "TICKLEDGER_HOME": str(home)}
    with subprocess.Popen(command, stdin=terminal, stderr=subprocess.PIPE, env=environment) as process:
        os.write(person, f"{answer}\n".encode())
        process.communicate(timeout=120)
    os.close(person)
    os.close(terminal)
    return process.returncode


def test_an_id_is_explained_as_a_tree_and_as_a_document(
    app: typer.Typer, ledger: Engine, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKLEDGER_DATABASE_URL", ledger.url.render_as_string(hide_password=False))
    gain = story.tax.gains[0].gain_id
    tree = RUN.invoke(app, ["explain", gain])
    assert tree.exit_code == 0, tree.output
    told, _, lineage = tree.stdout.partition("\n\n")
    assert told.startswith(f"{gain}\n60 shares of AAPL, bought on 2012-01-04")
    assert lineage.startswith("realized gain 60 AAPL sold 2012-01-05")
    assert "ingestion bars 1day brought from bars.csv" in tree.stdout
    document = json.loads(RUN.invoke(app, ["explain", gain, "--json"]).stdout)
    assert document["id"] == gain
    assert document["explanation"] == told.removeprefix(f"{gain}\n")
    assert [parent["kind"] for parent in document["parents"]] == ["tax lot", "execution", "wash sale"]
    unknown = RUN.invoke(app, ["explain", "gain_none"])
    assert isinstance(unknown.exception, InputError)
    assert unknown.stdout == ""
