"""The evening: statements of the broker beside the ledger, in Dagster and by command."""
