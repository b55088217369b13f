"""Every command the README shows works as it stands there."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.command import tickledger
from tests.demonstration import Demonstration

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
MAKE = [line.split()[1] for line in COMMANDS if line.startswith("make ")]
#: Ends on Ctrl-C only; `test_gateway_command` runs it.
ENDLESS = "gateway"
TICKLEDGER = [
    command
    for line in COMMANDS
    if "bin/tickledger " in line and not (command := line.removeprefix(".venv/bin/tickledger ")).startswith(ENDLESS)
]


def test_the_readme_shows_commands() -> None:
    assert {"demo", "up", "test", "check", "bench"} <= set(MAKE)
    assert len(TICKLEDGER) >= 5


@pytest.mark.parametrize("target", MAKE)
def test_make_knows_the_target(target: str) -> None:
    planned = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert planned.returncode == 0, planned.stderr


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize(
    # A second demonstration is run and looked at by `test_demo` as well.
    "command",
    [pytest.param(command, marks=[pytest.mark.long] if command.startswith("demo") else []) for command in TICKLEDGER],
)
def test_the_command_runs(command: str, demo: Demonstration) -> None:
    # The README's ids are those of its own run; the last digits of a model can differ between processors.
    arguments = [demo.summary["explain"] if word.startswith("line_") else word for word in shlex.split(command)]
    shutil.copy(demo.exports / "fills.csv", demo.home.parent)  # the folder that the commands run in
    ran = tickledger(demo.home, *arguments)
    assert ran.returncode == 0, ran.stderr


def test_every_folder_of_the_map_is_there() -> None:
    assert [name for name in re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE) if not (ROOT / name).is_dir()] == []


def test_every_document_that_is_linked_is_there() -> None:
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
