-- A fill of an order that was not ours is an execution as well: holdings, lots and forms rest on it. It has no order.
-- Its figures in force are those of foreign_executions.
ALTER TABLE executions ALTER COLUMN order_id DROP NOT NULL;

-- It may turn out to be one of ours: then its order is filled in, once, and nothing else.
DROP TRIGGER stays_as_recorded ON executions;
CREATE TRIGGER stays_as_recorded AFTER UPDATE ON executions
    FOR EACH ROW WHEN (NOT (
        OLD.order_id IS NULL AND NEW.order_id IS NOT NULL
        AND to_jsonb(NEW) - '{order_id,side}'::text[] = to_jsonb(OLD) - '{order_id,side}'::text[]
    )) EXECUTE FUNCTION refuse_change();

INSERT INTO executions (
    execution_id, account_id, mode, symbol_id, side, quantity, price, commission, fees, commission_is_estimated,
    executed_at, trade_date, exchange, recorded_at
)
SELECT
    execution_id, account_id, mode, symbol_id, side, quantity, price, commission, fees, commission_is_estimated,
    executed_at, trade_date, exchange, recorded_at
FROM foreign_executions
WHERE superseded_at IS NULL AND quantity > 0
ON CONFLICT (execution_id) DO NOTHING;
