-- What ended a holding, which unsettled points a gain depends on, and the lot that carries a disallowed loss.

-- Rows of before are told apart by what closed them. A change of type writes them anew without being an update,
-- which their guard refuses.
ALTER TABLE capital_gains ADD COLUMN closed_by TEXT NOT NULL DEFAULT 'trade';
ALTER TABLE capital_gains
    ALTER COLUMN closed_by DROP DEFAULT,
    ALTER COLUMN closed_by TYPE TEXT
        USING CASE WHEN corporate_action_id IS NULL THEN 'trade' ELSE 'corporate_action' END;
ALTER TABLE capital_gains ADD COLUMN policies TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE capital_gains ALTER COLUMN policies DROP DEFAULT;
ALTER TABLE capital_gains
    ADD CONSTRAINT ck_capital_gains_closed_by_is_known
        CHECK (closed_by IN ('trade', 'expiry', 'corporate_action')),
    ADD CONSTRAINT ck_capital_gains_closed_by_names_the_event
        CHECK ((closed_by = 'corporate_action') = (corporate_action_id IS NOT NULL));

ALTER TABLE wash_sales
    ADD COLUMN replacement_lot_id TEXT,
    ADD CONSTRAINT fk_wash_sales_tax_lots_replacement_lot_id
        FOREIGN KEY (replacement_lot_id) REFERENCES tax_lots (lot_id),
    ADD CONSTRAINT ck_wash_sales_lost_for_good_or_in_a_lot CHECK (replacement_lot_id IS NULL OR NOT is_permanent);
CREATE INDEX ix_wash_sales_replacement_lot_id ON wash_sales (replacement_lot_id);
