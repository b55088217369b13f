"""The ledger's record as a history that questions about hypothetical trades are put to."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine

from tickledger.bars.corporate_actions import domain_actions
from tickledger.db.accounts import read_accounts
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.lot_choices import read_lot_choices
from tickledger.db.trading import read_executions
from tickledger.execution.tax_history import TaxHistory
from tickledger.tax.fills import from_executions
from tickledger.tax.methods import MethodSchedule
from tickledger.tax.policies import Policies


def read_tax_history(
    engine: Engine,
    *,
    methods: MethodSchedule | None = None,
    policies: Policies | None = None,
    identity: Mapping[str, str] | None = None,
    as_of: datetime | None = None,
) -> TaxHistory:
    """Every fill, account and corporate action that is recorded, of all modes: households keep them apart.

    `as_of`: fills, choices of lots and corporate actions as they were known then.
    """
    return TaxHistory(
        fills=from_executions(read_executions(engine, as_of=as_of), lots=read_lot_choices(engine, as_of=as_of)),
        accounts=read_accounts(engine),
        corporate_actions=domain_actions(read_corporate_actions(engine, as_of=as_of)),
        methods=methods or MethodSchedule(),
        policies=policies or Policies(),
        identity=identity or {},
        where="the ledger",
    )
