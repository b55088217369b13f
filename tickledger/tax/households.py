"""Which accounts the law looks at together: a taxpayer's own and the spouse's, real money apart from simulated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tickledger.domain.account import Account, AccountKind, Mode
from tickledger.domain.errors import Problem

_SPOUSES: Final = frozenset({AccountKind.SPOUSE_TAXABLE, AccountKind.SPOUSE_IRA})
DEFAULT_OWNER: Final = "taxpayer"


def is_spouses(kind: AccountKind) -> bool:
    """Whether the account is the taxpayer's spouse's."""
    return kind in _SPOUSES


def with_unlisted(accounts: Sequence[Account], account_ids: Iterable[str]) -> list[Account]:
    """The accounts, and one live taxable account of the one owner there is for each id that is not listed."""
    listed = {account.account_id for account in accounts}
    owners = taxpayers(accounts)
    owner = owners[0] if owners else DEFAULT_OWNER
    unlisted = [name for name in dict.fromkeys(account_ids) if name not in listed]
    return [*accounts, *(Account(name, Mode.LIVE, AccountKind.TAXABLE, owner) for name in unlisted)]


def taxpayers(accounts: Iterable[Account]) -> list[str]:
    """Whoever has accounts of their own, in the order in which they appear."""
    return list(dict.fromkeys(account.owner for account in accounts if not is_spouses(account.kind)))


def households(
    accounts: Sequence[Account], account_ids: Iterable[str]
) -> tuple[list[Mapping[str, Account]], list[Problem]]:
    """The accounts of `account_ids` by taxpayer and mode, each group by account id.

    A spouse's account belongs to the taxpayer who owns it or, where its owner has no accounts of their own,
    to the only taxpayer there is.
    """
    wanted = list(account_ids)
    everyone = with_unlisted(accounts, wanted)
    owners = taxpayers(everyone)
    groups: dict[tuple[str, Mode], dict[str, Account]] = {}
    problems: list[Problem] = []
    for account in everyone:
        owner = account.owner
        if is_spouses(account.kind) and owner not in owners:
            if len(owners) > 1:
                problems.append(_whose_spouse(account, owners))
            owner = owners[0] if len(owners) == 1 else owner
        groups.setdefault((owner, account.mode), {})[account.account_id] = replace(account, owner=owner)
    return list(groups.values()), problems


def _whose_spouse(account: Account, owners: Sequence[str]) -> Problem:
    return Problem(
        where=f"account {account.account_id}",
        column="owner",
        expected=f"one of {', '.join(owners)}, whose spouse's account it is",
        found=account.owner,
    )
