"""Checks of the machine: Python, the installed packages, system libraries, the home's disk, ports."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from tickledger.cli.finding import Finding
from tickledger.cli.ports import port_problem
from tickledger.cli.system_libraries import missing_library_hint_in
from tickledger.local_servers.places import nearest_existing
from tickledger.local_servers.server_user import user_name
from tickledger.settings import Settings

_PYTHONS: Final = ((3, 11), (3, 14))
_PACKAGES: Final = (
    *("tickledger", "dagster", "dagster-webserver", "dagster-postgres", "mlflow", "great-expectations", "dash"),
    *("pandas", "numpy", "pandera", "scikit-learn", "xgboost", "TA-Lib", "sqlalchemy", "psycopg", "pyarrow", "redis"),
)
# Modules with machine code of their own, which may miss a library of the system.
_NATIVE: Final = ("numpy", "pandas", "pyarrow", "sklearn.ensemble", "xgboost", "talib", "psycopg", "psycopg2")
_LIBRARY_SECONDS: Final = 120
_SCARCE_BYTES: Final = 2 * 10**9
_TOO_FEW_BYTES: Final = 3 * 10**8
_PORTS: Final = {
    "Dagster": ("--dagster-port", 3000),
    "MLflow": ("--mlflow-port", 5000),
    "the dashboard": ("--dashboard-port", 8050),
}


def check_python(_settings: Settings) -> Iterator[Finding]:
    """Whether this Python is one of those that the lock was made for."""
    found = f"{platform.python_version()} ({sys.executable})"
    first, end = _PYTHONS
    if first <= sys.version_info[:2] < end:
        yield Finding("Python", "ok", found)
    else:
        yield Finding("Python", "broken", found, "install Python 3.11, 3.12 or 3.13 and run `make clean install`")


def check_packages(_settings: Settings) -> Iterator[Finding]:
    """The versions that matter when something is reported."""
    for package in _PACKAGES:
        try:
            yield Finding(package, "ok", version(package))
        except PackageNotFoundError:
            yield Finding(package, "broken", "not installed", "run `make install` in the checkout")


def check_libraries(_settings: Settings) -> Iterator[Finding]:
    """Whether each module with machine code loads; each is tried in a process of its own."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        yield from pool.map(_load, _NATIVE)


def _load(module: str) -> Finding:
    try:
        tried = subprocess.run(  # noqa: S603  our own interpreter, no shell
            [sys.executable, "-c", f"import {module}"], capture_output=True, timeout=_LIBRARY_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(f"import {module}", "broken", f"not loaded after {_LIBRARY_SECONDS} s")
    return _judged(module, tried.returncode, tried.stderr.decode("utf-8", "replace"))


def _judged(module: str, status: int, message: str) -> Finding:
    subject = f"import {module}"
    if status == 0:
        return Finding(subject, "ok", "loads")
    lines = message.strip().splitlines()
    found = lines[-1] if lines else f"ended with status {status}"
    return Finding(subject, "broken", found, missing_library_hint_in(message) or "run `make clean install`")


def check_home(settings: Settings) -> Iterator[Finding]:
    """Whether the home can be written, and the room on its disk."""
    nearest = nearest_existing(settings.home)
    state = "exists" if nearest == settings.home else f"not made yet, will be in {nearest}"
    obstacle = _obstacle(nearest)
    if obstacle is None:
        yield Finding("home", "ok", f"{settings.home} ({state})")
    else:
        found = f"{settings.home}: {nearest} {obstacle}"
        yield Finding("home", "broken", found, "set TICKLEDGER_HOME to a folder of your own")
    yield _disk(nearest)


def _obstacle(place: Path) -> str | None:
    """Why this user cannot write in `place`; None where nothing stands in the way."""
    if not place.is_dir():
        return "is not a folder"
    if not os.access(place, os.W_OK | os.X_OK):
        return f"belongs to {user_name(place.stat().st_uid)}, {user_name(os.geteuid())} may not write there"
    return None


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    found = f"{free / 10**9:,.1f} GB free"
    if free < _TOO_FEW_BYTES:
        return Finding("disk", "broken", found, f"make room on the disk of {folder}, or set TICKLEDGER_HOME to another")
    if free < _SCARCE_BYTES:
        return Finding("disk", "warning", found, f"the demo needs about 1 GB on the disk of {folder}")
    return Finding("disk", "ok", found)


def check_ports(_settings: Settings) -> Iterator[Finding]:
    """Whether the ports that `tickledger up` uses are free; it may be `up` itself that uses them."""
    for page, (option, port) in _PORTS.items():
        problem = port_problem(port)
        if problem is None:
            yield Finding(f"port {port}", "ok", f"free for {page}")
        else:
            advice = f"unless `tickledger up` is running: stop what uses it, or choose another with {option}"
            yield Finding(f"port {port}", "warning", problem, advice)
