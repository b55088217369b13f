"""Several keepers of one lease against a model of it: at no time do two of them hold it.

Time passes for all of them at once: their own clock goes forward, and the row's instants go back by as much. Steps are
multiples of 30 s and no border lies on one, so that the seconds which the test itself takes do not count.
"""

import uuid
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text

from tests.examples import examples
from tickledger.db.accounts import ensure_account
from tickledger.db.lease import LeaseKeeper, read_lease
from tickledger.domain.account import Account, Mode
from tickledger.domain.errors import FencedError

DURATION, MARGIN = 1000, 175
BACK = text(
    "UPDATE leases SET renewed_at = renewed_at - :by, expires_at = expires_at - :by WHERE account_id = :account"
)
KEEPERS = 3
keepers = st.integers(0, KEEPERS - 1)


class LeaseMachine(RuleBasedStateMachine):
    ledger: ClassVar[Engine]

    @initialize()
    def begin(self) -> None:
        self.account = f"ACCOUNT_{uuid.uuid4().hex}"
        ensure_account(self.ledger, Account(self.account, Mode.SIMULATED))
        self.now = 0.0
        self.keepers = [
            LeaseKeeper(
                self.ledger,
                self.account,
                holder=f"keeper {number}",
                duration=timedelta(seconds=DURATION),
                margin=timedelta(seconds=MARGIN),
                patience=timedelta(seconds=60),
                elapsed=lambda: self.now,
            )
            for number in range(KEEPERS)
        ]
        self.epoch, self.runs_out, self.is_free = 0, 0.0, True
        #: Of each keeper: the epoch that it believes in, and when it asked for it last.
        self.believed: list[tuple[int, float] | None] = [None] * KEEPERS

    @rule(number=keepers)
    def acquire(self, number: int) -> None:
        lease = self.keepers[number].acquire()
        can = self.is_free or self.now > self.runs_out + MARGIN
        assert (lease is not None) == can
        if lease is not None:
            self.epoch += 1
            assert lease.epoch == self.epoch
            self.runs_out, self.is_free = self.now + DURATION, False
            self.believed[number] = (self.epoch, self.now)

    @rule(number=keepers)
    def renew(self, number: int) -> None:
        if self.owns(number):
            self.keepers[number].renew()
            self.runs_out = self.now + DURATION
            self.believed[number] = (self.epoch, self.now)
            return
        with pytest.raises(FencedError):
            self.keepers[number].renew()
        self.believed[number] = None

    @rule(number=keepers)
    def release(self, number: int) -> None:
        self.keepers[number].release()
        self.is_free = self.is_free or self.owns(number)
        self.believed[number] = None

    @rule(number=keepers)
    def guard(self, number: int) -> None:
        believed = self.believed[number]
        in_time = believed is not None and self.now < believed[1] + DURATION - MARGIN
        with self.ledger.begin() as connection:
            if in_time and self.owns(number):
                self.keepers[number].guard(connection, self.account)
                return
            with pytest.raises(FencedError):
                self.keepers[number].guard(connection, self.account)
        if in_time:
            self.believed[number] = None

    @rule(steps=st.integers(1, 50))
    def wait(self, steps: int) -> None:
        by = 30 * steps
        self.now += by
        with self.ledger.begin() as connection:
            connection.execute(BACK, {"by": timedelta(seconds=by), "account": self.account})

    @invariant()
    def at_most_one_may_send(self) -> None:
        holding = [number for number, keeper in enumerate(self.keepers) if keeper.holds]
        assert len(holding) <= 1
        # Who may send is who the record names.
        assert all(self.owns(number) and self.now < self.runs_out - MARGIN for number in holding)

    @invariant()
    def the_record_is_as_the_model(self) -> None:
        lease = read_lease(self.ledger, self.account)
        assert (lease.epoch if lease else 0) == self.epoch
        assert (lease is None or lease.released_at is not None) == self.is_free

    def owns(self, number: int) -> bool:
        believed = self.believed[number]
        return believed is not None and believed[0] == self.epoch and not self.is_free

    def teardown(self) -> None:
        for keeper in self.keepers:
            keeper.close()


@pytest.mark.slow
def test_keepers_do_as_the_model_says(ledger: Engine) -> None:
    patient = settings(
        max_examples=examples(25), stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    machine = type("LeaseMachine", (LeaseMachine,), {"ledger": ledger})
    run_state_machine_as_test(machine, settings=patient)
