"""Accounts: who owns them, how they are taxed, and whether their money is real."""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How real an account's money is; it is stored on everything that trades."""

    SIMULATED = "simulated"
    PAPER = "paper"
    LIVE = "live"


class AccountKind(StrEnum):
    """How an account is taxed, as `accounts.csv` names it."""

    TAXABLE = "taxable"
    IRA = "ira"
    ROTH_IRA = "roth_ira"
    SPOUSE_TAXABLE = "spouse_taxable"
    SPOUSE_IRA = "spouse_ira"


@dataclass(frozen=True, slots=True)
class Account:
    """A brokerage account. `owner` is the taxpayer whose forms its gains are on."""

    account_id: str
    mode: Mode
    kind: AccountKind = AccountKind.TAXABLE
    owner: str = "taxpayer"
