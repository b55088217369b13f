"""What a reader has to be told because files leave it open."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class ReadingTerms:
    """How times and dates are meant, and whose statement it is where the file does not say.

    `zone` is where the account is kept: IB writes its times without one. `is_day_first` reads 03/02/2025 as the third
    of February. `account_id`, `base_currency` and `broker` are used only where a file names none.
    """

    zone: ZoneInfo = NEW_YORK
    is_day_first: bool = False
    account_id: str = ""
    base_currency: str = ""
    broker: str = ""
