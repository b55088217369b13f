-- What rests on an execution without an order cannot go with it: lots that do are refused by their foreign key.
ALTER TABLE executions DISABLE TRIGGER stays_there;
DELETE FROM executions WHERE order_id IS NULL;
ALTER TABLE executions ENABLE TRIGGER stays_there;

DROP TRIGGER stays_as_recorded ON executions;
CREATE TRIGGER stays_as_recorded AFTER UPDATE ON executions FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE executions ALTER COLUMN order_id SET NOT NULL;
