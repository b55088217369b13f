"""What a person means by a day on which something was known: all that the record had learned by its end."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import typer

_NEW_YORK: Final = ZoneInfo("America/New_York")


def known_at(text: str) -> datetime:
    """The instant behind ``--since`` and ``--as-of``: an instant with its offset, or the end of a New York day.

    Raises BadParameter for anything else.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        at = None
    if at is None or (at.tzinfo is None and at.time() != time(0)):
        raise typer.BadParameter(
            f"expected a day such as 2026-04-15, or an instant with its offset such as 2026-04-15T17:00:00-04:00, "
            f"found {text!r}"
        )
    return end_of_day(at.date()) if at.tzinfo is None else at


def end_of_day(day: date) -> datetime:
    """The last instant of a New York day."""
    next_day = datetime.combine(day + timedelta(days=1), time(0), tzinfo=_NEW_YORK)
    # By way of UTC: a day on which the clocks change has another length.
    return (next_day.astimezone(UTC) - timedelta(microseconds=1)).astimezone(_NEW_YORK)
