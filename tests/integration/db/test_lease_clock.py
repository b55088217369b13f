"""The database's clock is set while a lease is held: forward by a minute, back by a minute."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.integration.database_clock import Step, settable_clock
from tickledger.db.accounts import ensure_account
from tickledger.db.lease import LeaseKeeper
from tickledger.domain.account import Account, Mode
from tickledger.domain.errors import FencedError

ACCOUNT = Account("DU1", Mode.PAPER)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def set_clock(ledger: Engine) -> Step:
    """Set what `clock_timestamp()` says in this database, for all its connections from now on."""
    ensure_account(ledger, ACCOUNT)
    return settable_clock(ledger)


@pytest.fixture
def keeper(ledger: Engine, set_clock: Step) -> Iterator[LeaseKeeper]:
    del set_clock
    keeper = LeaseKeeper(ledger, ACCOUNT.account_id, holder="one")
    assert keeper.acquire() is not None
    yield keeper
    keeper.close()


def guarded(ledger: Engine, keeper: LeaseKeeper) -> None:
    with ledger.begin() as connection:
        keeper.guard(connection, ACCOUNT.account_id)


def test_set_forward_no_order_goes_until_the_next_renewal(ledger: Engine, set_clock: Step, keeper: LeaseKeeper) -> None:
    guarded(ledger, keeper)
    set_clock(MINUTE)
    with pytest.raises(FencedError, match="ran out at"):
        guarded(ledger, keeper)
    keeper.renew()
    guarded(ledger, keeper)


def test_set_forward_a_successor_may_come_and_the_first_sends_nothing_more(
    ledger: Engine, set_clock: Step, keeper: LeaseKeeper
) -> None:
    set_clock(MINUTE)
    successor = LeaseKeeper(ledger, ACCOUNT.account_id, holder="two")
    assert successor.acquire() is not None
    with pytest.raises(FencedError, match="epoch 2 is two's"):
        guarded(ledger, keeper)
    with pytest.raises(FencedError, match="epoch 2 is two's"):
        keeper.renew()
    assert keeper.objection() is not None
    guarded(ledger, successor)
    successor.close()


def test_set_back_the_lease_goes_on_and_nobody_else_has_it_sooner(
    ledger: Engine, set_clock: Step, keeper: LeaseKeeper
) -> None:
    set_clock(-MINUTE)
    guarded(ledger, keeper)
    keeper.renew()
    guarded(ledger, keeper)
    other = LeaseKeeper(ledger, ACCOUNT.account_id, holder="two")
    assert other.acquire() is None
    set_clock(timedelta(0))
    keeper.renew()
    guarded(ledger, keeper)
    other.close()
