"""The process that starts the embedded Redis, starts it again where it dies, and stops it after its last user.

It is the server's parent and signals its own child only; the kernel kills the server should the keeper itself be
killed. `tickledger.cache.embedded` starts it, holding the lock that the server inherits. Only stdlib modules are
imported: it starts in milliseconds.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final, TextIO

from tickledger.local_servers.server_user import die_with_parent
from tickledger.local_servers.watching import stop, wait_for_last_user

SOCKET_NAME: Final = "redis.sock"
_STOP_SECONDS: Final = 2  # there is nothing to write down
_SHORT_LIFE_SECONDS: Final = 1.0
_ENVIRONMENT: Final = {"LC_ALL": "C", "TZ": "UTC"}
_OPTIONS: Final = (
    *("--port", "0"),  # no TCP
    *("--unixsocketperm", "700"),
    *("--daemonize", "no"),
    *("--databases", "1"),
    *("--save", ""),
    *("--appendonly", "no"),
    *("--always-show-logo", "no"),
    # Whatever nobody wrote or read for the longest goes first; all of it can be written again.
    *("--maxmemory-policy", "allkeys-lru"),
    # Nothing of ours runs scripts, and the interpreter is where Redis 6.2 has had its holes.
    *("--user", "default", "on", "nopass", "~*", "&*", "+@all", "-@scripting", "-module", "-debug", "-replicaof"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one keeper keeps; paths as text, because the plan travels as JSON on the command line."""

    program: str
    run: str
    run_is_temporary: bool
    users_lock: str
    server_lock: int
    megabytes: int

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        return cls(**json.loads(text))


def keep(plan: Plan) -> None:
    """Run the server until its last user has gone."""
    # The users' lock is held until the server is gone: a newcomer waits for that, then starts another.
    with Path(plan.users_lock).open("a") as users:
        while _lived_and_died(plan, users):
            pass
        Path(plan.run, SOCKET_NAME).unlink(missing_ok=True)
        if plan.run_is_temporary:
            Path(plan.run).rmdir()


def _lived_and_died(plan: Plan, users: TextIO) -> bool:
    """Run the server once; whether it died of itself, after a life long enough to give it another."""
    # The lock that we and every server before it hold says that nobody listens at this socket.
    Path(plan.run, SOCKET_NAME).unlink(missing_ok=True)
    started = time.monotonic()
    with _start(plan) as server:
        try:
            died = wait_for_last_user(users, server)
        finally:
            stop(server, (signal.SIGTERM, signal.SIGKILL), seconds=_STOP_SECONDS)
    return died and time.monotonic() - started > _SHORT_LIFE_SECONDS


def _start(plan: Plan) -> subprocess.Popen[bytes]:
    place = ("--dir", plan.run, "--unixsocket", str(Path(plan.run, SOCKET_NAME)))
    try:
        return subprocess.Popen(  # noqa: S603  our own program, no shell
            [plan.program, *_OPTIONS, *place, "--maxmemory", f"{plan.megabytes}mb"],
            stdin=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            pass_fds=(plan.server_lock,),
            preexec_fn=partial(die_with_parent, signal.SIGKILL, parent=os.getpid()),  # noqa: PLW1509  single thread
        )
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"{plan.program} could not be executed: {error}")


def main() -> None:
    """Leave the command that started us, then keep the server of the plan in the first argument."""
    plan = Plan.from_json(sys.argv[1])
    if os.fork() == 0:
        keep(plan)


if __name__ == "__main__":
    main()
