"""The consent to trade real money: given by typing the account's number at a terminal, after reading the terms."""

import sys
from collections.abc import Mapping

from rich.text import Text

from tickledger.cli.columns import aligned
from tickledger.cli.console import err
from tickledger.domain.account import Mode
from tickledger.domain.errors import ConfigurationError


def print_terms(terms: Mapping[str, str]) -> None:
    """What will be traded, and within which limits."""
    err.print(aligned([("term", "value"), *((name.replace("_", " "), str(value)) for name, value in terms.items())]))


def require_consent(terms: Mapping[str, str]) -> None:
    """Return where the account is not live, or its number was typed; raises ConfigurationError otherwise."""
    if terms["mode"] != Mode.LIVE:
        return
    account = terms["account"]
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"account {account} is live: expected its number typed at a terminal, found no terminal; nothing was traded"
        )
    err.print(Text(f"This trades REAL MONEY of account {account}. Type its number to go on: ", "bold red"), end="")
    typed = sys.stdin.readline().strip()
    if typed != account:
        raise ConfigurationError(f"expected {account}, found {typed or 'nothing'}; nothing was traded")
