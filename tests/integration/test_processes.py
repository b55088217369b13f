"""Services of a command: watched while they run, and gone with every process they started however it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from tickledger.cli.processes import Service, await_answers, running
from tickledger.domain.errors import TickledgerError
from tickledger.local_servers import locks

# A service like Dagster's code server: it starts a process of its own, which holds a lock and survives its parent.
STUBBORN_CHILD = """
import signal, sys, time
from pathlib import Path
from tickledger.local_servers import locks
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with locks.hold(Path(sys.argv[1])):
    Path(sys.argv[1]).with_suffix(".held").touch()
    time.sleep(600)
"""
SERVICE = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {STUBBORN_CHILD!r}, sys.argv[1]])
"""
# A command that runs the service of its arguments until it is killed.
COMMAND = """
import sys, time
from pathlib import Path
from tickledger.cli.processes import Service, running
lock = Path(sys.argv[1])
command = [sys.executable, "-c", sys.argv[2], str(lock)]
with running(Service("stubborn", command, {}, lock.with_suffix(".log"), lambda: True)):
    time.sleep(600)
"""


def service(tmp_path: Path, code: str, *, ready: bool = True) -> Service:
    return Service("clock", [sys.executable, "-c", code], {"SPOKEN": "tick"}, tmp_path / "clock.log", lambda: ready)


def wait_for_child(lock: Path) -> None:
    assert locks.poll(lock.with_suffix(".held").exists, seconds=60)
    assert not locks.is_free(lock)


def test_a_service_is_stopped_with_every_process_it_started(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    stubborn = Service("stubborn", [sys.executable, "-c", SERVICE, str(lock)], {}, tmp_path / "log", lambda: True)
    with running(stubborn):
        wait_for_child(lock)
    assert locks.is_free(lock)


def test_a_killed_command_leaves_no_process_of_its_services(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", COMMAND, str(lock), SERVICE]) as command:
        wait_for_child(lock)
        command.kill()
    with locks.hold(lock):  # granted when the child has gone; the test's time limit ends the wait
        pass


def test_a_service_that_ends_early_is_explained_by_the_end_of_its_log(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['SPOKEN'], 'tock'); sys.exit(3)"
    ending = pytest.raises(TickledgerError, match=r"(?s)clock ended by itself with status 3\..*clock\.log:\ntick tock")
    with running(service(tmp_path, code, ready=False)) as clock, ending:
        await_answers([clock], seconds=60)


def test_a_service_that_is_killed_is_noticed(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    ending = pytest.raises(TickledgerError, match="status 137")
    with running(service(tmp_path, code, ready=False)) as clock, ending:
        await_answers([clock], seconds=60)


def test_a_service_that_never_answers_is_named(tmp_path: Path) -> None:
    silence = pytest.raises(TickledgerError, match="clock does not answer after 1 s")
    with running(service(tmp_path, "import signal; signal.pause()", ready=False)) as clock, silence:
        await_answers([clock], seconds=1)
