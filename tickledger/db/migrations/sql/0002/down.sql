-- Constraints and indexes go with their columns.

ALTER TABLE wash_sales DROP COLUMN replacement_lot_id;
ALTER TABLE capital_gains DROP COLUMN policies, DROP COLUMN closed_by;
