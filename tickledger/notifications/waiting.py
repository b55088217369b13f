"""What waits to be sent: an alert, and how many others it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tickledger.domain.alert import Alert


class Waiting(NamedTuple):
    """An alert that waits; a tuple, since one is made for every alert on the trading path.

    `alerts` is how many were offered that it stands for.

    Where it is the latest of some that were held back because one like it had just been sent, `repeats` is their
    number and `since` the instant of the one that was sent.
    """

    alert: Alert
    alerts: int = 1
    repeats: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Losses:
    """Alerts that were not sent, told with the next one that is.

    `dropped` counts by kind those that were too many to keep, `undelivered` those that the channel did not take.
    """

    dropped: Mapping[str, int] = field(default_factory=dict)
    undelivered: int = 0
