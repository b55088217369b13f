DROP TRIGGER rests_on_its_symbol ON orders;
DROP TRIGGER rests_on_its_symbol ON risk_decisions;
DROP FUNCTION refuse_another_symbol();

-- What rests on the signal of another symbol stays as it is.
ALTER TABLE orders DROP CONSTRAINT fk_orders_signals_signal_id;
ALTER TABLE orders ADD CONSTRAINT fk_orders_signals_signal_id
    FOREIGN KEY(signal_id, symbol_id) REFERENCES signals (signal_id, symbol_id) NOT VALID;
ALTER TABLE risk_decisions DROP CONSTRAINT fk_risk_decisions_signals_signal_id;
ALTER TABLE risk_decisions ADD CONSTRAINT fk_risk_decisions_signals_signal_id
    FOREIGN KEY(signal_id, symbol_id) REFERENCES signals (signal_id, symbol_id) NOT VALID;
