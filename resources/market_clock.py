"""The market's clock of a session: the wall's, or that of a simulated gateway, which is asked for it."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from resources.broker_view import BrokerView
from tickledger.domain.account import Mode
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError
from tickledger.execution.clock import LiveClock, MarketClock, WallClock
from tickledger.settings import Settings

_PATIENCE: Final = 5.0
_FOLLOW_EVERY: Final = 1.0
_SAMPLES: Final = 4
_BETWEEN_SAMPLES: Final = 0.5
_LARGEST_ERROR: Final = timedelta(hours=1)
_SLOWEST_FAST: Final = 1.9
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


def told_now(settings: Settings) -> datetime:
    """The market's time as whoever starts a session has to know it: a paper gateway's own where that is simulated.

    The gateway is asked where nothing else tells; one that does not answer leaves the wall's time.
    """
    if settings.gateway_control is not None or settings.mode is not Mode.PAPER:
        return market_now(settings.gateway_control)
    wall = WallClock().now()
    try:
        told = BrokerView(settings).time()
    except BrokerUnavailableError:
        return wall
    return told if _is_of_another_day(told, wall) else wall


async def market_clock(settings: Settings) -> LiveClock:
    """A clock that runs as the market does; `follow` keeps that of a simulated one right.

    A paper gateway whose time is not the wall's is a simulated one, whether or not its control socket is known.
    """
    if settings.gateway_control is not None:
        return MarketClock(*await _ask(settings.gateway_control))
    if settings.mode is not Mode.PAPER:
        return WallClock()
    try:
        times = await BrokerView(settings).times(_SAMPLES, every=_BETWEEN_SAMPLES)
    except BrokerUnavailableError:
        return WallClock()
    (began, first), (ended, last) = times[0], times[-1]
    if not _is_of_another_day(last, WallClock().now()):
        return WallClock()
    return MarketClock(last, _speed(last - first, ended - began))


async def follow(clock: LiveClock, control: str | None, told: Callable[[], Awaitable[datetime]]) -> None:
    """Set the clock by the simulated gateway every second, for as long as this runs; while that is gone it runs on.

    `told` asks the gateway for its time, to the second, where it has no control socket.
    """
    began: tuple[float, datetime] | None = None
    while isinstance(clock, MarketClock):
        await asyncio.sleep(_FOLLOW_EVERY)
        try:
            if control is not None:
                clock.set(*await _ask(control))
                continue
            at, wall = await told(), asyncio.get_running_loop().time()
        except BrokerUnavailableError:
            continue
        began = began or (wall, at)
        passed = wall - began[0]
        clock.set(at, _speed(at - began[1], passed) if passed > _BETWEEN_SAMPLES else clock.speed)


def _is_of_another_day(told: datetime, wall: datetime) -> bool:
    """Whether a gateway's time cannot be the wall's, however wrong the two clocks are."""
    return abs(told - wall) > _LARGEST_ERROR


def _speed(told: timedelta, seconds: float) -> float:
    """Seconds of the market in one of the wall; times are told in whole seconds, so small differences mean nothing."""
    speed = told.total_seconds() / seconds
    return 1.0 if 0 < speed < _SLOWEST_FAST else speed


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
