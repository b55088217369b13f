-- Constraints, indexes and guards go with their tables.

DROP TABLE foreign_executions, commission_reports, execution_corrections, order_modifications;
