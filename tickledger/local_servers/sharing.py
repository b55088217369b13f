"""What a command does to share a server: its folders, its socket and log, starting its keeper, waiting for its end."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tickledger.domain.errors import ConfigurationError
from tickledger.local_servers import locks
from tickledger.local_servers.locks import poll
from tickledger.local_servers.places import LONGEST_SOCKET_PATH, Places, nearest_existing
from tickledger.local_servers.server_user import user_name

_LARGEST_LOG_BYTES: Final = 5_000_000
_LOG_LINES_SHOWN: Final = 12


def make_folders(places: Places, *, open_to_server: bool) -> None:
    """Make the folders that are absent; a folder that is there keeps its mode, and must be one we may write.

    root's home can be entered by the users that its servers run as; `open_to_server` says so of the server's folder.
    """
    root = os.geteuid() == 0
    places.home.mkdir(mode=0o711 if root else 0o700, parents=True, exist_ok=True)
    places.folder.mkdir(mode=0o711 if root and open_to_server else 0o700, exist_ok=True)
    places.log.parent.mkdir(exist_ok=True)


def make_socket_folder(places: Places) -> Path:
    """The folder for the socket, a temporary one where the home's path is too long for an address or has a comma."""
    run = places.run
    if len(bytes(run / places.socket_name)) <= LONGEST_SOCKET_PATH and "," not in str(run):
        run.mkdir(mode=0o700, exist_ok=True)
        places.run_elsewhere.unlink(missing_ok=True)
    else:
        run = Path(tempfile.mkdtemp(prefix="tickledger-"))
        places.run_elsewhere.write_text(str(run), "utf-8")
    return run


def socket_folder(places: Places, *, owner: int) -> Path | None:
    """The folder that holds the socket, if the user `owner` made one that nobody else may enter."""
    try:
        run = Path(places.run_elsewhere.read_text("utf-8"))
    except FileNotFoundError:
        run = places.run
    if not run.is_dir() or run.is_symlink():
        return None
    status = run.stat()
    return run if status.st_uid == owner and status.st_mode & 0o077 == 0 else None


def begin_log(places: Places) -> int:
    """Put a large log aside; the size of the one that is continued."""
    if places.log.exists() and places.log.stat().st_size > _LARGEST_LOG_BYTES:
        places.log.replace(places.log.with_suffix(".1.log"))
    return places.log.stat().st_size if places.log.exists() else 0


def last_lines(log: Path, start: int) -> str:
    """The last lines of what was added to `log` after `start` bytes."""
    text = log.read_bytes()[start:].decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-_LOG_LINES_SHOWN:])


def start_keeper(module: str, plan: str, *, log: Path, keep_open: Sequence[int]) -> None:
    """Run `module` with its `plan`; it leaves us at once, so this returns. `keep_open` are locks for it to inherit."""
    package_root = str(Path(__file__).parents[2])
    with log.open("ab") as output:
        # -S: a keeper needs nothing of site-packages.
        subprocess.run(  # noqa: S603  our own module, no shell
            [sys.executable, "-S", "-m", module, plan],
            check=False,  # its end frees the lock, and the log says why
            cwd="/",
            env={"PYTHONPATH": package_root},
            stdin=subprocess.DEVNULL,
            stdout=output,  # a file, never a pipe: the server inherits it
            stderr=output,
            pass_fds=keep_open,
            start_new_session=True,
        )


def await_stop(places: Places, *, seconds: float) -> None:
    """Return when the server is gone, or at once where others use it."""

    def settled() -> bool:
        if not places.folder.exists() or locks.is_free(places.lock("server")):
            return True
        users = places.lock("users")
        return not locks.is_free(users) and locks.is_free(users, shared=True)

    poll(settled, seconds=seconds)


@contextmanager
def explained(places: Places, hint: str) -> Iterator[None]:
    """Turn what the file system says into what the user can do about it."""
    try:
        yield
    except OSError as error:
        path = Path(error.filename or places.home)
        nearest = nearest_existing(path)
        raise ConfigurationError(
            f"{path}: expected a place where {user_name(os.geteuid())} may write, found: {error.strerror} "
            f"({nearest} belongs to {user_name(nearest.stat().st_uid)}). {hint}"
        ) from error
