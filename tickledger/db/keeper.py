"""The process that starts the embedded server, waits for its last user and stops it.

It is the server's parent: it signals its own child and never a number read from a file, because process ids repeat.
It lives in a session of its own, so that neither Ctrl-C nor the end of the command that started it reaches it, and
the kernel stops the server should the keeper itself be killed. `tickledger.db.embedded` starts it, holding the lock
that every process of the server inherits. Only stdlib modules are imported: it starts in milliseconds.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tickledger.local_servers.server_user import ServerUser, become, die_with_parent
from tickledger.local_servers.watching import stop, wait_for_last_user

SUPERUSER: Final = "tickledger"
SOCKET_NAME: Final = ".s.PGSQL.5432"
_STOP_SECONDS: Final = 30
# Nothing of the caller's environment (PGDATA, locale, time zone) may change what the server is.
_ENVIRONMENT: Final = {"LC_ALL": "C", "TZ": "UTC"}
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_INITDB: Final = (
    f"--username={SUPERUSER}",
    "--auth-local=trust",  # the socket lies in a folder that only its owner may enter
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # sorts and folds alike on every machine
    "--no-instructions",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one keeper keeps; paths as text, because the plan travels as JSON on the command line."""

    programs: str
    data: str
    run: str
    run_is_temporary: bool
    users_lock: str
    server_lock: int
    user: ServerUser

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        fields = json.loads(text)
        return cls(**{**fields, "user": ServerUser(**fields["user"])})


def keep(plan: Plan) -> None:
    """Run the server until its last user has gone."""
    if not Path(plan.data, "PG_VERSION").exists():
        _make_data(plan)
    _forget_last_server(plan)
    # The users' lock is held until the server is gone: a newcomer waits for that, then starts another.
    with Path(plan.users_lock).open("a") as users, _start(plan, "postgres", "-D", plan.data, *_options(plan)) as server:
        try:
            wait_for_last_user(users, server)
        finally:
            # End every session and write everything down (fast shutdown); at once where that takes too long.
            stop(server, (signal.SIGINT, signal.SIGQUIT), seconds=_STOP_SECONDS)
    if plan.run_is_temporary:
        Path(plan.run).rmdir()


def _make_data(plan: Plan) -> None:
    """Make the data folder beside its place and move it there whole, so that a half-made one is never taken for one."""
    new = Path(f"{plan.data}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    os.chown(new, plan.user.uid, plan.user.gid)
    with _start(plan, "initdb", "-D", str(new), *_INITDB) as initdb:
        status = initdb.wait()
    if status != 0:
        shutil.rmtree(new, ignore_errors=True)
        sys.exit(f"initdb ended with status {status}")
    new.rename(plan.data)


def _forget_last_server(plan: Plan) -> None:
    """Remove what a killed server left: we hold the lock that all its processes held, so nobody answers to its id."""
    for stale in (
        Path(plan.data, "postmaster.pid"),
        Path(plan.run, f"{SOCKET_NAME}.lock"),
        Path(plan.run, SOCKET_NAME),
    ):
        stale.unlink(missing_ok=True)


def _options(plan: Plan) -> list[str]:
    folder = plan.run.replace('"', '""')
    settings = {**_SETTINGS, "unix_socket_directories": f'"{folder}"'}
    return [f"--{name}={value}" for name, value in settings.items()]


def _start(plan: Plan, program: str, *arguments: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603  our own program, no shell
            [str(Path(plan.programs, program)), *arguments],
            stdin=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            pass_fds=(plan.server_lock,),
            preexec_fn=partial(_become_server, plan.user, os.getpid()),  # noqa: PLW1509  there is a single thread
        )
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"{program} could not be executed: {error}")


def _become_server(user: ServerUser, parent: int) -> None:
    try:
        become(user)
        die_with_parent(signal.SIGINT, parent=parent)
    except OSError as error:
        # What is raised here does not reach the parent; the log does.
        os.write(2, f"this machine does not let root become {user}: {error}\n".encode())
        raise


def main() -> None:
    """Leave the command that started us, then keep the server of the plan in the first argument."""
    plan = Plan.from_json(sys.argv[1])
    if os.fork() == 0:
        keep(plan)


if __name__ == "__main__":
    main()
