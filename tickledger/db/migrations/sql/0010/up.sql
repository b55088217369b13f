-- A holding that changed its ticker, or that a merger or a spin-off brought, is guarded and sold on the signal that
-- opened what it came from: then the order is of another symbol than its signal, and the record says why.
ALTER TABLE risk_decisions DROP CONSTRAINT fk_risk_decisions_signals_signal_id;
ALTER TABLE risk_decisions ADD CONSTRAINT fk_risk_decisions_signals_signal_id
    FOREIGN KEY(signal_id) REFERENCES signals (signal_id);
ALTER TABLE orders DROP CONSTRAINT fk_orders_signals_signal_id;
ALTER TABLE orders ADD CONSTRAINT fk_orders_signals_signal_id
    FOREIGN KEY(signal_id) REFERENCES signals (signal_id);

CREATE FUNCTION refuse_another_symbol() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM signals WHERE signal_id = NEW.signal_id AND symbol_id = NEW.symbol_id) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (
        WITH RECURSIVE became(symbol_id) AS (
            SELECT symbol_id FROM signals WHERE signal_id = NEW.signal_id
            UNION
            SELECT action.new_symbol_id FROM corporate_actions AS action JOIN became USING (symbol_id)
            WHERE action.new_symbol_id IS NOT NULL AND action.ex_date <= NEW.session_date
        )
        SELECT FROM became WHERE symbol_id = NEW.symbol_id
    ) THEN
        RETURN NULL;
    END IF;
    RAISE foreign_key_violation USING MESSAGE = format(
        '%s: expected a signal of its own symbol, or of one that a corporate action made it of, found %s',
        TG_TABLE_NAME, NEW.signal_id
    );
END
$$;

CREATE TRIGGER rests_on_its_symbol AFTER INSERT ON risk_decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_another_symbol();
CREATE TRIGGER rests_on_its_symbol AFTER INSERT ON orders
    FOR EACH ROW EXECUTE FUNCTION refuse_another_symbol();
