"""The ledger: PostgreSQL as the system of record.

What belongs here: the tables, their migrations, the repositories that write and read domain values, the
lineage queries over them, and the embedded server. What does not: any rule that decides what a row says.

Repositories are modules of functions that take an `Engine` first; a write is one transaction. What happened
outside is recorded once; what is derived is replaced by scope (`versions`): nothing is updated in place or
deleted, and triggers see to it.
"""
