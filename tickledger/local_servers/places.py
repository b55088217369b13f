"""Where a home keeps one of its servers, and what is there of a path."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The smallest sun_path of the systems we run on (macOS: 104 bytes with the closing zero).
LONGEST_SOCKET_PATH: Final = 103


@dataclass(frozen=True, slots=True)
class Places:
    """The folder of a server, the name of its socket and its log, all in `home`."""

    home: Path
    folder: Path
    socket_name: str
    log: Path

    @property
    def run(self) -> Path:
        """The folder that holds the socket."""
        return self.folder / "run"

    @property
    def run_elsewhere(self) -> Path:
        """The file that names the socket's folder where `run` cannot hold one."""
        return self.folder / "run.path"

    def lock(self, name: str) -> Path:
        return self.folder / f"{name}.lock"


def nearest_existing(path: Path) -> Path:
    """`path`, or the nearest of its parents that can be seen to exist."""
    return next(place for place in (path, *path.parents) if _is_there(place))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder on the way may not be searched
        return False
