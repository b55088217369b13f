"""Environments of the client libraries: each its own, made once with uv (or venv and pip) in pytest's cache.

They cannot share one: ib_insync and ib_async both bring a module named `eventkit`, ibapi and nautilus-ibapi one named
`ibapi`.
"""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SECONDS = 180
_READY = "ready"


@dataclass(frozen=True)
class ClientLibrary:
    """A client library: its pins, none where it is installed with the project, and the driver that speaks to it."""

    name: str
    pins: Sequence[str]
    driver: str
    module: str
    version: int

    def __str__(self) -> str:
        return self.name


#: The server version is what the library speaks at most, or 176.
LIBRARIES = (
    ClientLibrary("ib_insync 0.9.86", (), "ib_insync_like.py", "ib_insync", 176),
    ClientLibrary("ib_async 2.1.0", ("ib_async==2.1.0",), "ib_insync_like.py", "ib_async", 176),
    ClientLibrary("ibapi 9.81.1", ("ibapi==9.81.1.post1",), "ibapi_like.py", "ibapi", 157),
    ClientLibrary("ibapi 10.46.1", ("nautilus-ibapi==10.46.1", "protobuf"), "ibapi_like.py", "ibapi", 176),
)


def python_of(library: ClientLibrary, cache: Path) -> Path:
    """The Python that has the library; skips the test where it cannot be fetched."""
    if not library.pins:
        return Path(sys.executable)
    name = "-".join(library.pins).replace("=", "_")
    folder = cache / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    with _locked(cache / f"{folder.name}.lock"):
        if not (folder / _READY).exists():
            _make(folder, library.pins)
    return folder / "bin" / "python"


def _make(folder: Path, pins: Sequence[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for command in _commands(folder, pins):
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if ran.returncode:
            told = ran.stderr.strip().splitlines() or ["no reason told"]
            pytest.skip(f"{' '.join(pins)} cannot be fetched from the package index: {told[-1]}")
    (folder / _READY).touch()


def _commands(folder: Path, pins: Sequence[str]) -> Iterator[list[str]]:
    python = str(folder / "bin" / "python")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        yield [sys.executable, "-m", "venv", str(folder)]
        yield [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins]
    else:
        yield [uv, "venv", "--quiet", "--python", sys.executable, str(folder)]
        yield [uv, "pip", "install", "--quiet", "--python", python, *pins]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among the workers of a run."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
