"""The market's clock of a session: the wall's, or that of a simulated gateway, which tells it on its control socket."""

import asyncio
import json
import socket
from datetime import datetime
from typing import Final

from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError
from tickledger.execution.clock import LiveClock, MarketClock, WallClock

_PATIENCE: Final = 5.0
_FOLLOW_EVERY: Final = 1.0
_QUESTION: Final = b'{"do": "status"}\n'


def market_now(control: str | None) -> datetime:
    """The market's time now; raises BrokerUnavailableError where the simulated gateway does not answer."""
    if control is None:
        return WallClock().now()
    host, port = address_of(control)
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE) as connection:
            connection.sendall(_QUESTION)
            with connection.makefile("rb") as answers:
                return _told(answers.readline())[0]
    except OSError as error:
        raise _unavailable(control, error) from error


async def market_clock(control: str | None) -> LiveClock:
    """A clock that runs as the market does; `follow` keeps that of a simulated one right."""
    if control is None:
        return WallClock()
    at, speed = await _ask(control)
    return MarketClock(at, speed)


async def follow(clock: LiveClock, control: str | None) -> None:
    """Set the clock by the simulated gateway every second, for as long as this runs; while that is gone it runs on."""
    while control is not None and isinstance(clock, MarketClock):
        await asyncio.sleep(_FOLLOW_EVERY)
        try:
            clock.set(*await _ask(control))
        except BrokerUnavailableError:
            continue


def address_of(control: str) -> tuple[str, int]:
    """The host and port that a setting names; raises ConfigurationError where it names none."""
    host, _, port = control.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigurationError(f"TICKLEDGER_GATEWAY_CONTROL: expected host:port, found {control!r}")
    return host, int(port)


async def _ask(control: str) -> tuple[datetime, float]:
    host, port = address_of(control)
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_QUESTION)
                return _told(await reader.readline())
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise _unavailable(control, error) from error


def _told(line: bytes) -> tuple[datetime, float]:
    if not line:
        raise ConnectionResetError("it closed the connection")
    answer = json.loads(line)
    return datetime.fromisoformat(answer["now"]), float(answer["speed"])


def _unavailable(control: str, error: Exception) -> BrokerUnavailableError:
    return BrokerUnavailableError(f"the simulated gateway at {control}: expected its time, found {error!r}")
