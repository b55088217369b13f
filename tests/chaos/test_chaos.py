"""Random orders under random faults: in the end the record is what the gateway's books are, nothing lost or doubled."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.chaos.ledger import prepared
from tests.chaos.plan import plan
from tests.chaos.scenario import play
from tickledger.ib.order_ids import FileOrderIds


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The client library logs every error that it is told, and there are many."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(20, 40))])
def test_record_and_gateway_agree_after_random_orders_under_random_faults(seed: int) -> None:
    outcome = play(plan(seed))
    assert outcome.verdict.is_good, f"python -m tests.chaos --seed {seed} -v\n{outcome.verdict}"
    assert outcome.faults.total()


@pytest.mark.parametrize(
    "seed", [1_000, 1_001, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1_002, 1_006))]
)
def test_the_ledger_in_postgresql_and_gateway_agree(seed: int, ledger: Engine, tmp_path: Path) -> None:
    outcome = play(plan(seed), journal=prepared(ledger), order_ids=FileOrderIds(tmp_path))
    assert outcome.verdict.is_good, str(outcome.verdict)


def test_a_plan_is_the_same_in_every_run_of_its_seed() -> None:
    assert str(plan(7)) == str(plan(7))
    assert plan(7) != plan(8)
