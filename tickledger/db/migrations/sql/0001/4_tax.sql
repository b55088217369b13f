-- What the tax engine concludes: lots, what is left of them, realized gains, wash sales.

CREATE TABLE tax_lots (
    lot_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    asset_class TEXT NOT NULL,
    open_execution_id TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    acquired_date DATE NOT NULL,
    holding_start DATE NOT NULL,
    original_basis NUMERIC NOT NULL,
    adjusted_basis NUMERIC NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_tax_lots PRIMARY KEY (lot_id),
    CONSTRAINT fk_tax_lots_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_tax_lots_asset_class_is_known
        CHECK (asset_class IN ('stock', 'etf', 'option', 'index_option', 'future', 'crypto')),
    CONSTRAINT ck_tax_lots_quantity_is_not_zero CHECK (quantity <> 0),
    CONSTRAINT ck_tax_lots_finite
        CHECK (quantity > '-Infinity' AND quantity < 'Infinity' AND original_basis > '-Infinity'
            AND original_basis < 'Infinity' AND adjusted_basis > '-Infinity' AND adjusted_basis < 'Infinity'),
    CONSTRAINT fk_tax_lots_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT fk_tax_lots_executions_open_execution_id
        FOREIGN KEY(open_execution_id)
        REFERENCES executions (execution_id)
);
CREATE INDEX ix_tax_lots_account_id ON tax_lots (account_id);
CREATE INDEX ix_tax_lots_open_execution_id ON tax_lots (open_execution_id);
CREATE INDEX ix_tax_lots_symbol_id_acquired_date ON tax_lots (symbol_id, acquired_date);

CREATE TABLE capital_gains (
    gain_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    asset_class TEXT NOT NULL,
    is_short BOOLEAN NOT NULL,
    lot_id TEXT NOT NULL,
    open_execution_id TEXT NOT NULL,
    close_execution_id TEXT,
    corporate_action_id TEXT,
    quantity NUMERIC NOT NULL,
    acquired_date DATE NOT NULL,
    holding_start DATE NOT NULL,
    sold_date DATE NOT NULL,
    proceeds NUMERIC NOT NULL,
    basis NUMERIC NOT NULL,
    adjustment_code TEXT NOT NULL,
    disallowed_loss NUMERIC NOT NULL,
    gain_loss NUMERIC NOT NULL,
    term TEXT NOT NULL,
    permanently_disallowed NUMERIC NOT NULL,
    tax_year INTEGER NOT NULL,
    is_provisional BOOLEAN NOT NULL,
    open_until_date DATE,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_capital_gains PRIMARY KEY (gain_id),
    CONSTRAINT fk_capital_gains_accounts_account_id
        FOREIGN KEY(account_id, mode)
        REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_capital_gains_asset_class_is_known
        CHECK (asset_class IN ('stock', 'etf', 'option', 'index_option', 'future', 'crypto')),
    CONSTRAINT ck_capital_gains_term_is_known CHECK (term IN ('S', 'L')),
    CONSTRAINT ck_capital_gains_positive CHECK (quantity > 0 AND quantity < 'Infinity'),
    CONSTRAINT ck_capital_gains_finite
        CHECK (proceeds > '-Infinity' AND proceeds < 'Infinity' AND basis > '-Infinity' AND basis < 'Infinity'
            AND gain_loss > '-Infinity' AND gain_loss < 'Infinity'),
    CONSTRAINT ck_capital_gains_not_negative
        CHECK (disallowed_loss >= 0 AND disallowed_loss < 'Infinity' AND permanently_disallowed >= 0
            AND permanently_disallowed < 'Infinity'),
    CONSTRAINT ck_capital_gains_closed_by_one_event CHECK (num_nonnulls(close_execution_id, corporate_action_id) = 1),
    CONSTRAINT ck_capital_gains_gain_adds_up CHECK (gain_loss = proceeds - basis + disallowed_loss),
    CONSTRAINT ck_capital_gains_permanent_is_a_part CHECK (permanently_disallowed <= disallowed_loss),
    CONSTRAINT uq_capital_gains_gain_id_mode UNIQUE (gain_id, mode),
    CONSTRAINT fk_capital_gains_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT fk_capital_gains_tax_lots_lot_id FOREIGN KEY(lot_id) REFERENCES tax_lots (lot_id),
    CONSTRAINT fk_capital_gains_executions_open_execution_id
        FOREIGN KEY(open_execution_id)
        REFERENCES executions (execution_id),
    CONSTRAINT fk_capital_gains_executions_close_execution_id
        FOREIGN KEY(close_execution_id)
        REFERENCES executions (execution_id),
    CONSTRAINT fk_capital_gains_corporate_actions_corporate_action_id
        FOREIGN KEY(corporate_action_id)
        REFERENCES corporate_actions (corporate_action_id)
);
CREATE INDEX ix_capital_gains_account_id_tax_year ON capital_gains (account_id, tax_year);
CREATE INDEX ix_capital_gains_close_execution_id ON capital_gains (close_execution_id);
CREATE INDEX ix_capital_gains_lot_id ON capital_gains (lot_id);

CREATE TABLE open_lots (
    open_lot_id TEXT NOT NULL,
    lot_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    original_basis NUMERIC NOT NULL,
    adjusted_basis NUMERIC NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_open_lots PRIMARY KEY (open_lot_id),
    CONSTRAINT fk_open_lots_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_open_lots_quantity_is_not_zero CHECK (quantity <> 0),
    CONSTRAINT ck_open_lots_finite
        CHECK (quantity > '-Infinity' AND quantity < 'Infinity' AND original_basis > '-Infinity'
            AND original_basis < 'Infinity' AND adjusted_basis > '-Infinity' AND adjusted_basis < 'Infinity'),
    CONSTRAINT fk_open_lots_tax_lots_lot_id FOREIGN KEY(lot_id) REFERENCES tax_lots (lot_id)
);
CREATE INDEX ix_open_lots_account_id ON open_lots (account_id);
CREATE UNIQUE INDEX ix_open_lots_lot_id ON open_lots (lot_id) WHERE superseded_at IS NULL;

CREATE TABLE wash_sales (
    wash_sale_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    gain_id TEXT NOT NULL,
    replacement_execution_id TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    disallowed_loss NUMERIC NOT NULL,
    is_permanent BOOLEAN NOT NULL,
    rule TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_wash_sales PRIMARY KEY (wash_sale_id),
    CONSTRAINT fk_wash_sales_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_wash_sales_positive CHECK (quantity > 0 AND quantity < 'Infinity'),
    CONSTRAINT ck_wash_sales_not_negative CHECK (disallowed_loss >= 0 AND disallowed_loss < 'Infinity'),
    CONSTRAINT fk_wash_sales_capital_gains_gain_id FOREIGN KEY(gain_id) REFERENCES capital_gains (gain_id),
    CONSTRAINT fk_wash_sales_executions_replacement_execution_id
        FOREIGN KEY(replacement_execution_id)
        REFERENCES executions (execution_id)
);
CREATE INDEX ix_wash_sales_account_id ON wash_sales (account_id);
CREATE INDEX ix_wash_sales_gain_id ON wash_sales (gain_id);
CREATE INDEX ix_wash_sales_replacement_execution_id ON wash_sales (replacement_execution_id);
