-- What trades: accounts, limits, decisions, orders, executions, cash, positions, balances.

CREATE TABLE accounts (
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (account_id),
    CONSTRAINT uq_accounts_account_id_mode UNIQUE (account_id, mode),
    CONSTRAINT ck_accounts_mode_is_known CHECK (mode IN ('simulated', 'paper', 'live')),
    CONSTRAINT ck_accounts_kind_is_known CHECK (kind IN ('taxable', 'ira', 'roth_ira', 'spouse_taxable', 'spouse_ira'))
);

CREATE TABLE balances (
    balance_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    session_date DATE NOT NULL,
    cash NUMERIC NOT NULL,
    equity NUMERIC NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_balances PRIMARY KEY (balance_id),
    CONSTRAINT fk_balances_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_balances_finite
        CHECK (cash > '-Infinity' AND cash < 'Infinity' AND equity > '-Infinity' AND equity < 'Infinity')
);
CREATE UNIQUE INDEX ix_balances_account_id_session_date
    ON balances (account_id, session_date) WHERE superseded_at IS NULL;

CREATE TABLE risk_limits (
    risk_limit_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    name TEXT NOT NULL,
    value NUMERIC NOT NULL,
    effective_from DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_risk_limits PRIMARY KEY (risk_limit_id),
    CONSTRAINT fk_risk_limits_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_risk_limits_name_is_known
        CHECK (name IN ('max_position_size', 'max_portfolio_exposure', 'max_sector_exposure', 'max_single_loss', 'max_daily_loss')),
    CONSTRAINT ck_risk_limits_positive CHECK (value > 0 AND value < 'Infinity')
);
CREATE UNIQUE INDEX ix_risk_limits_account_id_name_effective_from
    ON risk_limits (account_id, name, effective_from) WHERE superseded_at IS NULL;

CREATE TABLE cash_transactions (
    cash_transaction_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount NUMERIC NOT NULL,
    session_date DATE NOT NULL,
    symbol_id INTEGER,
    corporate_action_id TEXT,
    description TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_cash_transactions PRIMARY KEY (cash_transaction_id),
    CONSTRAINT fk_cash_transactions_accounts_account_id
        FOREIGN KEY(account_id, mode)
        REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_cash_transactions_kind_is_known
        CHECK (kind IN ('deposit', 'withdrawal', 'dividend', 'cash_in_lieu', 'return_of_capital', 'merger', 'interest', 'fee')),
    CONSTRAINT ck_cash_transactions_finite CHECK (amount > '-Infinity' AND amount < 'Infinity'),
    CONSTRAINT fk_cash_transactions_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT fk_cash_transactions_corporate_actions_corporate_action_id
        FOREIGN KEY(corporate_action_id)
        REFERENCES corporate_actions (corporate_action_id)
);
CREATE INDEX ix_cash_transactions_account_id_session_date ON cash_transactions (account_id, session_date);

CREATE TABLE positions (
    position_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    session_date DATE NOT NULL,
    quantity NUMERIC NOT NULL,
    average_cost NUMERIC NOT NULL,
    close NUMERIC NOT NULL,
    unrealized_pnl NUMERIC NOT NULL,
    opened_date DATE NOT NULL,
    bar_interval TEXT NOT NULL,
    bar_at TIMESTAMP WITH TIME ZONE NOT NULL,
    bar_version INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_positions PRIMARY KEY (position_id),
    CONSTRAINT fk_positions_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT fk_positions_market_data_symbol_id
        FOREIGN KEY(symbol_id, bar_interval, bar_at, bar_version)
        REFERENCES market_data (symbol_id, interval, bar_at, version),
    CONSTRAINT ck_positions_finite
        CHECK (quantity > '-Infinity' AND quantity < 'Infinity' AND average_cost > '-Infinity'
            AND average_cost < 'Infinity' AND unrealized_pnl > '-Infinity' AND unrealized_pnl < 'Infinity'),
    CONSTRAINT ck_positions_positive CHECK (close > 0 AND close < 'Infinity'),
    CONSTRAINT ck_positions_opened_before_it_is_marked CHECK (opened_date <= session_date),
    CONSTRAINT fk_positions_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id)
);
CREATE UNIQUE INDEX ix_positions_account_id_session_date_symbol_id
    ON positions (account_id, session_date, symbol_id) WHERE superseded_at IS NULL;

CREATE TABLE risk_decisions (
    risk_decision_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    signal_id TEXT NOT NULL,
    side TEXT NOT NULL,
    requested_quantity NUMERIC NOT NULL,
    approved_quantity NUMERIC NOT NULL,
    is_approved BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    session_date DATE NOT NULL,
    checks JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_risk_decisions PRIMARY KEY (risk_decision_id),
    CONSTRAINT fk_risk_decisions_accounts_account_id
        FOREIGN KEY(account_id, mode)
        REFERENCES accounts (account_id, mode),
    CONSTRAINT fk_risk_decisions_signals_signal_id
        FOREIGN KEY(signal_id, symbol_id)
        REFERENCES signals (signal_id, symbol_id),
    CONSTRAINT uq_risk_decisions_risk_decision_id_account_id_symbol_id UNIQUE (risk_decision_id, account_id, symbol_id),
    CONSTRAINT ck_risk_decisions_side_is_known CHECK (side IN ('BUY', 'SELL', 'SELL_SHORT', 'BUY_TO_COVER')),
    CONSTRAINT ck_risk_decisions_positive CHECK (requested_quantity > 0 AND requested_quantity < 'Infinity'),
    CONSTRAINT ck_risk_decisions_approves_no_more_than_asked CHECK (approved_quantity BETWEEN 0 AND requested_quantity),
    CONSTRAINT ck_risk_decisions_approval_has_a_quantity CHECK (is_approved = (approved_quantity > 0)),
    CONSTRAINT fk_risk_decisions_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id)
);
CREATE INDEX ix_risk_decisions_account_id_session_date ON risk_decisions (account_id, session_date);

CREATE TABLE orders (
    order_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    signal_id TEXT NOT NULL,
    risk_decision_id TEXT NOT NULL,
    parent_order_id TEXT,
    side TEXT NOT NULL,
    order_type TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    limit_price NUMERIC,
    stop_price NUMERIC,
    time_in_force TEXT NOT NULL,
    submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    session_date DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_orders PRIMARY KEY (order_id),
    CONSTRAINT fk_orders_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT fk_orders_signals_signal_id FOREIGN KEY(signal_id, symbol_id) REFERENCES signals (signal_id, symbol_id),
    CONSTRAINT fk_orders_risk_decisions_risk_decision_id
        FOREIGN KEY(risk_decision_id, account_id, symbol_id)
        REFERENCES risk_decisions (risk_decision_id, account_id, symbol_id),
    CONSTRAINT uq_orders_order_id_account_id_symbol_id UNIQUE (order_id, account_id, symbol_id),
    CONSTRAINT uq_orders_order_id_account_id UNIQUE (order_id, account_id),
    CONSTRAINT ck_orders_side_is_known CHECK (side IN ('BUY', 'SELL', 'SELL_SHORT', 'BUY_TO_COVER')),
    CONSTRAINT ck_orders_order_type_is_known CHECK (order_type IN ('MARKET', 'LIMIT', 'STOP', 'STOP_LIMIT')),
    CONSTRAINT ck_orders_time_in_force_is_known CHECK (time_in_force IN ('DAY', 'GTC', 'IOC', 'OPG')),
    CONSTRAINT ck_orders_positive
        CHECK (quantity > 0 AND quantity < 'Infinity' AND limit_price > 0 AND limit_price < 'Infinity'
            AND stop_price > 0 AND stop_price < 'Infinity'),
    CONSTRAINT ck_orders_limit_price_where_it_limits
        CHECK ((limit_price IS NOT NULL) = (order_type IN ('LIMIT', 'STOP_LIMIT'))),
    CONSTRAINT ck_orders_stop_price_where_it_stops
        CHECK ((stop_price IS NOT NULL) = (order_type IN ('STOP', 'STOP_LIMIT'))),
    CONSTRAINT fk_orders_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT fk_orders_orders_parent_order_id FOREIGN KEY(parent_order_id) REFERENCES orders (order_id)
);
CREATE INDEX ix_orders_account_id_session_date ON orders (account_id, session_date);
CREATE INDEX ix_orders_symbol_id_submitted_at ON orders (symbol_id, submitted_at DESC);

CREATE TABLE executions (
    execution_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    order_id TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    price NUMERIC NOT NULL,
    commission NUMERIC NOT NULL,
    fees NUMERIC NOT NULL,
    commission_is_estimated BOOLEAN NOT NULL,
    executed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    trade_date DATE NOT NULL,
    exchange TEXT NOT NULL,
    bar_interval TEXT,
    bar_at TIMESTAMP WITH TIME ZONE,
    bar_version INTEGER,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_executions PRIMARY KEY (execution_id),
    CONSTRAINT fk_executions_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT fk_executions_market_data_symbol_id
        FOREIGN KEY(symbol_id, bar_interval, bar_at, bar_version)
        REFERENCES market_data (symbol_id, interval, bar_at, version),
    CONSTRAINT ck_executions_bar_is_whole CHECK (num_nonnulls(bar_interval, bar_at, bar_version) IN (0, 3)),
    CONSTRAINT fk_executions_orders_order_id
        FOREIGN KEY(order_id, account_id, symbol_id)
        REFERENCES orders (order_id, account_id, symbol_id),
    CONSTRAINT ck_executions_side_is_known CHECK (side IN ('BUY', 'SELL', 'SELL_SHORT', 'BUY_TO_COVER')),
    CONSTRAINT ck_executions_positive
        CHECK (quantity > 0 AND quantity < 'Infinity' AND price > 0 AND price < 'Infinity'),
    CONSTRAINT ck_executions_finite
        CHECK (commission > '-Infinity' AND commission < 'Infinity' AND fees > '-Infinity'
            AND fees < 'Infinity'),
    CONSTRAINT fk_executions_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id)
);
CREATE INDEX ix_executions_account_id_trade_date ON executions (account_id, trade_date);
CREATE INDEX ix_executions_order_id ON executions (order_id);
CREATE INDEX ix_executions_symbol_id_executed_at ON executions (symbol_id, executed_at DESC);

CREATE TABLE order_events (
    order_event_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    order_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    status TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    session_date DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_order_events PRIMARY KEY (order_event_id),
    CONSTRAINT fk_order_events_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT fk_order_events_orders_order_id
        FOREIGN KEY(order_id, account_id)
        REFERENCES orders (order_id, account_id),
    CONSTRAINT ck_order_events_status_is_known
        CHECK (status IN ('PENDING', 'SUBMITTED', 'PARTIALLY_FILLED', 'FILLED', 'CANCELLED', 'REJECTED', 'UNKNOWN')),
    CONSTRAINT ck_order_events_sequence_counts_from_zero CHECK (sequence >= 0)
);
CREATE INDEX ix_order_events_account_id_session_date ON order_events (account_id, session_date);
CREATE UNIQUE INDEX ix_order_events_order_id_sequence ON order_events (order_id, sequence) WHERE superseded_at IS NULL;
