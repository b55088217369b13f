-- The index that holds the numbering has the steps in force alone; who explains an order also reads superseded ones.
CREATE INDEX ix_order_events_order_id ON order_events (order_id);
-- Orders in a status are few of many, except for those that are over.
CREATE INDEX ix_order_events_account_id_status_order_id ON order_events (account_id, status, order_id)
    WHERE superseded_at IS NULL;
