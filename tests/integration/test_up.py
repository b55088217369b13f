"""`tickledger up` as a person uses it: everything answers, one signal ends all of it, nothing is left."""

import http.client
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command import TICKLEDGER, command_environment, tickledger
from tickledger.cache.embedded import is_running
from tickledger.cli.ports import LOOPBACK, free_port, port_problem
from tickledger.local_servers import locks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@dataclass(frozen=True)
class Up:
    """A running `tickledger up` on ports of its own; `messages` is what it says on stderr."""

    process: subprocess.Popen[str]
    dagster_port: int
    mlflow_port: int
    dashboard_port: int
    messages: Path

    def read_addresses(self) -> str:
        """What it prints when everything answers; its last line names the logs."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("logs"):
                return "".join(lines)
        pytest.fail(f"`up` ended with status {self.process.wait()}: {self.messages.read_text()}")

    def ask(self, port: int, path: str, query: str | None = None) -> bytes:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
        body = None if query is None else json.dumps({"query": query})
        connection.request("GET" if query is None else "POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == http.HTTPStatus.OK
        return answer.read()


@contextmanager
def up(home: Path, *more: str) -> Iterator[Up]:
    messages = home.with_suffix(".stderr")
    ports = {name: free_port() for name in ("dagster", "mlflow", "dashboard")}
    options = (*(part for name, port in ports.items() for part in (f"--{name}-port", str(port))), *more)
    # A script that starts it in the background has it ignore Ctrl-C; it must end on one all the same.
    in_background = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
    with (
        messages.open("w") as stderr,
        subprocess.Popen(
            [*in_background, TICKLEDGER, "up", *options],
            cwd=home.parent,
            env={**command_environment(home), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            dagster_port, mlflow_port, dashboard_port = ports.values()
            yield Up(process, dagster_port, mlflow_port, dashboard_port, messages)
        finally:
            process.kill()
            process.wait()
            wait_until_nothing_is_left(home)


def processes_of(home: Path) -> list[str]:
    """Those that name `home` on their command line or (e) in the environment they were started with."""
    listing = ["ps", "axeww", "-o", "pid=", "-o", "args="]
    listed = subprocess.run(listing, env={"PATH": os.defpath}, check=True, capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if str(home) in line]


def wait_until_nothing_is_left(home: Path) -> None:
    assert locks.poll(lambda: not processes_of(home), seconds=60, every=0.5), processes_of(home)
    assert locks.is_free(home / "pg/server.lock")
    assert locks.is_free(home / "redis/server.lock")


def test_everything_answers_until_it_is_interrupted_and_then_nothing_is_left(home: Path) -> None:
    with up(home) as running:
        addresses = running.read_addresses()
        assert f"http://127.0.0.1:{running.dagster_port}" in addresses
        assert f"http://127.0.0.1:{running.mlflow_port}" in addresses
        assert f"unix://{home}/redis/run/redis.sock" in addresses.replace("\n", "")
        assert is_running(home)
        assert b"OK" in running.ask(running.mlflow_port, "/health")
        assert f"http://127.0.0.1:{running.dashboard_port}/login?token=" in addresses
        assert b"OK" in running.ask(running.dashboard_port, "/health")
        token = addresses.partition("?token=")[2].split()[0]
        assert token not in (home / "logs/dashboard.log").read_text()
        shown = subprocess.run(["ps", "axww", "-o", "args="], check=True, capture_output=True, text=True).stdout
        assert token not in shown
        loaded = running.ask(running.dagster_port, "/graphql", "{ assetNodes { assetKey { path } } }")
        assert {"path": ["reports", "form_8949"]} in [
            node["assetKey"] for node in json.loads(loaded)["data"]["assetNodes"]
        ]
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(60) == 0
        assert processes_of(home) == []
        assert port_problem(running.dagster_port) is None
        assert port_problem(running.mlflow_port) is None
        assert port_problem(running.dashboard_port) is None
        assert "SIMULATED" in addresses
        assert "no order leaves this machine" in running.messages.read_text()


def test_it_can_be_ended_while_it_starts(home: Path) -> None:
    with up(home, "--no-market") as running:
        assert locks.poll(lambda: any(" api grpc " in line for line in processes_of(home)), seconds=60)
        running.process.terminate()
        assert running.process.wait(60) == 0
        assert processes_of(home) == []


@pytest.mark.long
def test_nothing_is_left_when_it_is_killed(home: Path) -> None:
    with up(home) as running:
        running.read_addresses()
        running.process.kill()
        wait_until_nothing_is_left(home)


@pytest.mark.long
def test_a_part_that_dies_is_started_again_and_one_that_goes_on_dying_ends_the_command_with_its_log(home: Path) -> None:
    with up(home, "--no-market") as running:
        running.read_addresses()
        killed: set[str] = set()
        for _ in range(3):
            assert locks.poll(lambda: bool(daemons(home) - killed), seconds=60)
            (daemon,) = daemons(home) - killed
            killed.add(daemon)
            subprocess.run(["kill", "-9", daemon], check=True)
        assert running.process.wait(60) == 1
        said = running.messages.read_text()
        assert said.count("Dagster daemon ended by itself and is started again") == 2
        assert "Dagster daemon ended by itself with status 137" in said
        assert processes_of(home) == []


def daemons(home: Path) -> set[str]:
    return {
        line.split()[0] for line in processes_of(home) if " -m dagster._daemon " in line and "cli.guard" not in line
    }


OPTIONS = ("--dagster-port", "--mlflow-port", "--dashboard-port")


@pytest.mark.parametrize("option", OPTIONS)
def test_a_taken_port_is_named_with_the_option_that_changes_it(home: Path, option: str) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        others = [part for other in OPTIONS if other != option for part in (other, str(free_port()))]
        ran = tickledger(home, "up", option, str(port), *others)
    assert ran.returncode == 2
    assert f"port {port}" in ran.stderr
    assert option in ran.stderr
    assert not home.exists()
