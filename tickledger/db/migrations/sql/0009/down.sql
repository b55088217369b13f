-- Constraints, indexes and guards go with their tables.

DROP TABLE break_corrections, break_events, reconciliation_breaks, reconciliations, statements, statement_files;
