"""Checks of the channels that alerts go by: whether the settings make sense; nobody is disturbed by a message."""

from collections.abc import Iterator
from typing import Final

from tickledger.cli.finding import Finding
from tickledger.domain.account import Mode
from tickledger.domain.errors import ConfigurationError
from tickledger.notifications.configuration import alert_channels
from tickledger.settings import Settings

_ADVICE: Final = (
    "docs/alerts.md says how to set up each channel; `tickledger alerts test` sends a message by all of them"
)


def check_alerts(settings: Settings) -> Iterator[Finding]:
    """Each channel and where it sends to; that there is none is worth a warning once more than a simulation trades."""
    try:
        channels = alert_channels(settings)
    except ConfigurationError as error:
        for problem in str(error).splitlines():
            yield Finding("alerts", "broken", problem, _ADVICE)
        return
    for channel in channels:
        yield Finding(f"alerts by {channel.name}", "ok", channel.target)
    if not channels and settings.mode is Mode.SIMULATED:
        yield Finding("alerts", "ok", "no channel is set up, nobody is told")
    elif not channels:
        yield Finding(
            "alerts", "warning", f"no channel is set up, nobody is told, and the mode is {settings.mode}", _ADVICE
        )
