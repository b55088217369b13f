"""The embedded server's life: shared by its users, gone with the last of them, and harmless to everything else."""

import multiprocessing
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tickledger.db.embedded import EmbeddedServer, ensure_databases, is_running, programs_folder, serve
from tickledger.domain.errors import ConfigurationError
from tickledger.local_servers import locks
from tickledger.local_servers.server_user import ServerUser, barriers, server_user

CHECKOUT = Path(__file__).parents[2]
# A command like any other: it says which server it got, then uses it until its input ends.
USER_OF_SERVER = """
import sys
from pathlib import Path
from tickledger.db.embedded import serve
with serve(Path(sys.argv[1])) as server:
    print(server.conninfo("postgres"), flush=True)
    sys.stdin.read()
"""

Command = subprocess.Popen[str]


@contextmanager
def command(home: Path, *, user: str | None = None) -> Iterator[Command]:
    """Another process that asks for the server of `home`; it ends with the context."""
    python = sys.executable if user is None else interpreter_of(server_user())
    arguments = [str(python), "-c", USER_OF_SERVER, str(home)]
    environment = {"PYTHONPATH": f"{CHECKOUT}:{Path(psycopg.__file__).parents[1]}"}
    with subprocess.Popen(
        arguments,
        env=environment,
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


def conninfo_of(process: Command) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, process.communicate()[1]
    return line


def birth_of_server(conninfo: str) -> str:
    """Two connections reach the same server if and only if this is the same."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT system_identifier, pg_postmaster_start_time() FROM pg_control_system()")
        return str(row.fetchone())


def postmaster_of(home: Path) -> int:
    return int((home / "pg/data/postmaster.pid").read_text().splitlines()[0])


def wait_until_gone(home: Path) -> None:
    """Return when no process of the server of `home` is left; the test's own time limit ends the wait."""
    with locks.hold(home / "pg/server.lock"), locks.hold(home / "pg/users.lock"):
        pass


def commands_naming(text: str) -> list[str]:
    listed = subprocess.run(["ps", "-axww", "-o", "command="], check=True, capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if text in line]


def interpreter_of(user: ServerUser) -> Path:
    """A Python of this version that `user` may run; skips the test where there is none."""
    system = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path=os.defpath)
    for candidate in (sys.executable, system):
        if candidate and not barriers(user, [Path(candidate), Path(psycopg.__file__), Path(locks.__file__)]):
            return Path(candidate)
    return pytest.skip("no other user may run this checkout")


def is_root() -> bool:
    return os.geteuid() == 0


def test_a_server_answers_while_it_is_used_and_is_gone_afterwards(home: Path) -> None:
    with serve(home) as server:
        ensure_databases(server, ["one", "two"])
        assert "(1,)" in str(psycopg.connect(server.conninfo("two")).execute("SELECT 1").fetchone())
        assert is_running(home)
    assert not is_running(home)
    assert commands_naming(str(home)) == []


def test_what_was_written_is_there_on_the_next_start(home: Path) -> None:
    with serve(home) as server, psycopg.connect(server.conninfo("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with serve(home) as server, psycopg.connect(server.conninfo("postgres")) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_every_machine_gets_the_same_encoding_order_and_time_zone(home: Path) -> None:
    # A server of its own: the one that the tests share has its durability switched off.
    with serve(home) as server, psycopg.connect(server.conninfo("postgres")) as connection:
        names = ("server_encoding", "TimeZone", "listen_addresses", "fsync")
        assert [connection.info.parameter_status(name) for name in names[:2]] == ["UTF8", "UTC"]
        shown = [connection.execute(f"SHOW {name}").fetchone() for name in names[2:]]
        assert shown == [("",), ("on",)]
        assert connection.execute("SELECT 'Z' < 'a', 'é' > 'z', upper('é')").fetchone() == (True, True, "É")


def test_a_database_is_made_once_whoever_asks(server: EmbeddedServer) -> None:
    for _ in range(2):
        ensure_databases(server, ["asked_twice"])
    with psycopg.connect(server.conninfo("postgres")) as connection:
        found = connection.execute("SELECT count(*) FROM pg_database WHERE datname = 'asked_twice'").fetchone()
    assert found == (1,)


def test_commands_share_one_server_and_the_last_to_leave_stops_it(home: Path) -> None:
    with command(home) as first:
        server = birth_of_server(conninfo_of(first))
        with command(home) as second:
            assert birth_of_server(conninfo_of(second)) == server
        assert is_running(home)
    assert not is_running(home)


def test_three_first_starts_at_once_make_one_server(home: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(command(home)) for _ in range(3)]
        births = {birth_of_server(conninfo_of(process)) for process in processes}
    assert len(births) == 1
    assert not is_running(home)


def test_two_homes_have_two_servers(home: Path, server: EmbeddedServer) -> None:
    with serve(home) as other:
        assert birth_of_server(other.conninfo("postgres")) != birth_of_server(server.conninfo("postgres"))


def test_the_server_goes_when_its_only_user_is_killed(home: Path) -> None:
    with command(home) as process:
        conninfo_of(process)
        process.kill()
        wait_until_gone(home)
    assert commands_naming(str(home)) == []


def test_the_server_stays_when_one_of_two_users_is_killed(home: Path) -> None:
    with command(home) as survivor, command(home) as victim:
        server = birth_of_server(conninfo_of(survivor))
        conninfo_of(victim)
        victim.kill()
        victim.wait()
        assert birth_of_server(server_conninfo(home)) == server


def server_conninfo(home: Path) -> str:
    with serve(home) as server:
        return server.conninfo("postgres")


def test_a_killed_server_is_started_again_with_its_data(home: Path) -> None:
    with serve(home) as server:
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        os.kill(postmaster_of(home), signal.SIGKILL)
        with serve(home) as again, psycopg.connect(again.conninfo("postgres")) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    assert not is_running(home)


def test_the_server_goes_when_its_keeper_is_killed(home: Path) -> None:
    with serve(home):
        status = Path(f"/proc/{postmaster_of(home)}/stat")
        if not status.exists():
            pytest.skip("only Linux lets a child follow its parent")
        keeper = int(status.read_text().rpartition(")")[2].split()[1])
        os.kill(keeper, signal.SIGKILL)
        with locks.hold(home / "pg/server.lock"):
            pass
        assert not is_running(home)


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


def test_a_stale_pid_file_that_names_a_strangers_process_is_survived_and_the_stranger_untouched(home: Path) -> None:
    with serve(home):
        lines = (home / "pg/data/postmaster.pid").read_text().splitlines()
    user = server_user()
    with subprocess.Popen(["sleep", "600"], user=user.uid) as stranger:
        for stale in (home / "pg/data/postmaster.pid", home / "pg/run/.s.PGSQL.5432.lock"):
            stale.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            os.chown(stale, user.uid, user.gid)
        with serve(home) as server:
            birth_of_server(server.conninfo("postgres"))
        assert stranger.poll() is None
        stranger.kill()


@pytest.fixture
def closed_folder(home: Path) -> Path:
    """A folder that only its owner may enter, like /root; not the server's to change."""
    closed = home / "closed"
    closed.mkdir(mode=0o700, parents=True)
    return closed


def test_no_folder_that_is_not_ours_changes_its_mode(closed_folder: Path) -> None:
    home = closed_folder / "home"
    foreign = [*home.parents, *programs_folder().parents, Path(sys.executable), programs_folder()]
    before = {path: stat.S_IMODE(path.stat().st_mode) for path in foreign}
    with serve(home) as server:
        birth_of_server(server.conninfo("postgres"))
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in foreign} == before
    assert before[closed_folder] == 0o700


def test_a_home_that_was_there_keeps_its_mode(closed_folder: Path) -> None:
    with serve(closed_folder):
        assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700


def test_only_the_owner_may_enter_the_folder_of_the_socket(home: Path) -> None:
    with serve(home) as server:
        assert stat.S_IMODE(server.run.stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "pg/data").stat().st_mode) == 0o700


@pytest.mark.skipif(not is_root(), reason="only root can try what the other user may do")
def test_a_plain_user_gets_a_server_as_well(home: Path) -> None:
    home.mkdir()
    os.chown(home, server_user().uid, server_user().gid)
    with command(home, user="nobody") as process:
        birth_of_server(conninfo_of(process))
        assert (home / "pg/run").stat().st_uid == server_user().uid
    assert not is_running(home)


@pytest.mark.parametrize(
    "name",
    ["with a space", "50%, +more & 'quoted' \"too\"", "d'été", "long-" * 24],
    ids=["space", "marks", "accent", "long"],
)
def test_any_name_of_the_home_will_do(home: Path, name: str) -> None:
    with serve(home / name) as server:
        birth_of_server(server.conninfo("postgres"))
        for driver in ("psycopg", "psycopg2"):
            engine = create_engine(server.url("postgres", driver=driver))
            with engine.connect() as connection:
                assert connection.execute(text("SELECT 1")).scalar() == 1
            engine.dispose()
        run = server.run
    assert run.is_relative_to(home) or not run.exists()


def test_a_first_start_that_was_killed_half_way_is_made_good(home: Path) -> None:
    half_made = home / "pg/data.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with serve(home) as server:
        birth_of_server(server.conninfo("postgres"))
    assert not half_made.exists()


def test_a_command_killed_during_its_first_start_leaves_nothing_in_the_way(home: Path) -> None:
    with command(home) as process:
        assert locks.poll((home / "pg/data.new").exists, seconds=30)
        process.kill()
        wait_until_gone(home)
    assert commands_naming(str(home)) == []
    with serve(home) as server:
        birth_of_server(server.conninfo("postgres"))


# --- what cannot be started says why


def refused(home: Path) -> str:
    with pytest.raises(ConfigurationError) as raised, serve(home):
        pass
    message = str(raised.value)
    assert "TICKLEDGER_HOME" in message
    return message


def made_home(home: Path, change: Callable[[Path], object]) -> Path:
    with serve(home):
        pass
    change(home / "pg/data")
    return home


def test_data_of_another_version_are_refused(home: Path) -> None:
    message = refused(made_home(home, lambda data: (data / "PG_VERSION").write_text("15\n")))
    assert f"{home}/pg/data: expected data of PostgreSQL 18, found those of PostgreSQL 15" in message


def test_a_folder_that_holds_something_else_is_refused(home: Path) -> None:
    (home / "pg/data").mkdir(parents=True)
    os.chown(home / "pg/data", server_user().uid, -1)
    (home / "pg/data/holiday.jpg").touch()
    assert "a folder without PG_VERSION" in refused(home)
    assert (home / "pg/data/holiday.jpg").exists()


@pytest.mark.skipif(not is_root(), reason="only root can give a folder away")
def test_data_of_another_user_are_refused(home: Path) -> None:
    message = refused(made_home(home, lambda data: os.chown(data, 12345, 12345)))
    assert f"expected data that belong to {server_user().name}, found 12345's" in message


def test_a_home_that_cannot_be_made_is_refused(home: Path) -> None:
    home.parent.joinpath(f"{home.name}.file").touch()
    message = refused(home.parent / f"{home.name}.file" / "home")
    assert f"{home.name}.file" in message
    assert "Not a directory" in message


def test_a_server_that_does_not_start_is_explained_by_the_end_of_its_log(home: Path) -> None:
    def damage(data: Path) -> None:
        (data / "postgresql.auto.conf").write_text("no_such_setting = 1\n")

    message = refused(made_home(home, damage))
    assert str(home / "logs/postgresql.log") in message
    assert 'unrecognized configuration parameter "no_such_setting"' in message


@pytest.mark.skipif(not is_root(), reason="only root can mount a small disk")
def test_a_full_disk_is_named(home: Path) -> None:
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(home)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount a disk")
    try:
        message = refused(home)
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)
    assert "No space left on device" in message
