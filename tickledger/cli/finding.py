"""What one check of ``tickledger doctor`` found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about this machine; `advice` says what to do where it is not well."""

    subject: str
    state: State
    found: str
    advice: str = ""
