-- What a broker in another program tells beside orders and fills: nothing of it changes a row of before.

-- What of an order in force changed: asked for by us, or found so at the broker.
CREATE TABLE order_modifications (
    order_modification_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    order_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    quantity NUMERIC,
    limit_price NUMERIC,
    stop_price NUMERIC,
    source TEXT NOT NULL,
    amended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    session_date DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_order_modifications PRIMARY KEY (order_modification_id),
    CONSTRAINT fk_order_modifications_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT fk_order_modifications_orders_order_id
        FOREIGN KEY(order_id, account_id) REFERENCES orders (order_id, account_id),
    CONSTRAINT uq_order_modifications_order_id_sequence UNIQUE (order_id, sequence),
    CONSTRAINT ck_order_modifications_source_is_known CHECK (source IN ('requested', 'broker')),
    CONSTRAINT ck_order_modifications_positive
        CHECK (quantity > 0 AND quantity < 'Infinity' AND limit_price > 0
            AND limit_price < 'Infinity' AND stop_price > 0 AND stop_price < 'Infinity'),
    CONSTRAINT ck_order_modifications_changes_something CHECK (num_nonnulls(quantity, limit_price, stop_price) > 0),
    CONSTRAINT ck_order_modifications_sequence_counts_from_zero CHECK (sequence >= 0)
);
CREATE INDEX ix_order_modifications_account_id_session_date ON order_modifications (account_id, session_date);

-- New figures of an execution; the last in sequence counts.
CREATE TABLE execution_corrections (
    correction_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    corrects TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    price NUMERIC NOT NULL,
    executed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    trade_date DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_execution_corrections PRIMARY KEY (correction_id),
    CONSTRAINT fk_execution_corrections_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT uq_execution_corrections_execution_id_sequence UNIQUE (execution_id, sequence),
    CONSTRAINT ck_execution_corrections_not_negative CHECK (quantity >= 0 AND quantity < 'Infinity'),
    CONSTRAINT ck_execution_corrections_positive CHECK (price > 0 AND price < 'Infinity'),
    CONSTRAINT ck_execution_corrections_sequence_counts_from_zero CHECK (sequence >= 0),
    CONSTRAINT ck_execution_corrections_corrects_another CHECK (corrects <> correction_id),
    CONSTRAINT fk_execution_corrections_executions_execution_id
        FOREIGN KEY(execution_id) REFERENCES executions (execution_id)
);

-- What an execution cost in all, told apart from it; the last in sequence counts.
CREATE TABLE commission_reports (
    commission_report_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    reported_execution_id TEXT NOT NULL,
    commission NUMERIC NOT NULL,
    currency TEXT NOT NULL,
    realized_pnl NUMERIC,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_commission_reports PRIMARY KEY (commission_report_id),
    CONSTRAINT fk_commission_reports_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT uq_commission_reports_execution_id_sequence UNIQUE (execution_id, sequence),
    CONSTRAINT ck_commission_reports_finite
        CHECK (commission > '-Infinity' AND commission < 'Infinity'
            AND realized_pnl > '-Infinity' AND realized_pnl < 'Infinity'),
    CONSTRAINT ck_commission_reports_sequence_counts_from_zero CHECK (sequence >= 0),
    CONSTRAINT fk_commission_reports_executions_execution_id
        FOREIGN KEY(execution_id) REFERENCES executions (execution_id)
);

-- Fills of orders that are not ours: they move positions and cash all the same.
CREATE TABLE foreign_executions (
    foreign_execution_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    reported_execution_id TEXT NOT NULL,
    broker_order_id TEXT NOT NULL,
    order_reference TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    price NUMERIC NOT NULL,
    commission NUMERIC NOT NULL,
    fees NUMERIC NOT NULL,
    commission_is_estimated BOOLEAN NOT NULL,
    executed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    trade_date DATE NOT NULL,
    exchange TEXT NOT NULL,
    corrects TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_foreign_executions PRIMARY KEY (foreign_execution_id),
    CONSTRAINT fk_foreign_executions_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_foreign_executions_side_is_known CHECK (side IN ('BUY', 'SELL', 'SELL_SHORT', 'BUY_TO_COVER')),
    CONSTRAINT ck_foreign_executions_not_negative CHECK (quantity >= 0 AND quantity < 'Infinity'),
    CONSTRAINT ck_foreign_executions_positive CHECK (price > 0 AND price < 'Infinity'),
    CONSTRAINT ck_foreign_executions_finite
        CHECK (commission > '-Infinity' AND commission < 'Infinity' AND fees > '-Infinity' AND fees < 'Infinity'),
    CONSTRAINT fk_foreign_executions_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id)
);
CREATE UNIQUE INDEX ix_foreign_executions_account_id_execution_id
    ON foreign_executions (account_id, execution_id) WHERE superseded_at IS NULL;
CREATE INDEX ix_foreign_executions_account_id_trade_date ON foreign_executions (account_id, trade_date);

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'order_modifications', 'execution_corrections', 'commission_reports', 'foreign_executions'
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
