-- What was recorded stays as it was: no row is deleted, and only superseded_at is ever updated.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - 'superseded_at' = to_jsonb(OLD) - 'superseded_at' THEN
            RETURN NULL;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

-- After an update, because only then are generated columns known. Partitions inherit the row triggers.
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'ingestions', 'market_data', 'corporate_actions', 'quarantine',
        'feature_snapshots', 'model_versions', 'model_promotions', 'signals', 'signal_components',
        'accounts', 'risk_limits', 'risk_decisions', 'orders', 'order_events', 'executions',
        'cash_transactions', 'positions', 'balances',
        'tax_lots', 'open_lots', 'capital_gains', 'wash_sales',
        'daily_pnl', 'strategy_performance',
        'form_lines', 'form_line_gains', 'schedule_d', 'schedule_d_lines', 'audit_log'
    ] LOOP
        EXECUTE format('CREATE TRIGGER stays_as_recorded AFTER UPDATE ON %I'
                       ' FOR EACH ROW EXECUTE FUNCTION refuse_change()', guarded);
        EXECUTE format('CREATE TRIGGER stays_there BEFORE DELETE ON %I'
                       ' FOR EACH ROW EXECUTE FUNCTION refuse_change()', guarded);
        EXECUTE format('CREATE TRIGGER stays_filled BEFORE TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', guarded);
    END LOOP;
END
$$;
