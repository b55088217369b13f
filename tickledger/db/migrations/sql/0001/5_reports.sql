-- What is reported: daily P&L and performance per account, form lines and Schedule D per taxpayer.

CREATE TABLE form_lines (
    line_id TEXT NOT NULL,
    taxpayer TEXT NOT NULL,
    mode TEXT NOT NULL,
    tax_year INTEGER NOT NULL,
    part TEXT NOT NULL,
    box TEXT NOT NULL,
    description TEXT NOT NULL,
    date_acquired DATE,
    date_sold DATE NOT NULL,
    proceeds NUMERIC NOT NULL,
    basis NUMERIC NOT NULL,
    codes TEXT NOT NULL,
    adjustment NUMERIC NOT NULL,
    gain_loss NUMERIC NOT NULL,
    direct_entry BOOLEAN NOT NULL,
    watermark TEXT,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_form_lines PRIMARY KEY (line_id),
    CONSTRAINT ck_form_lines_mode_is_known CHECK (mode IN ('simulated', 'paper', 'live')),
    CONSTRAINT ck_form_lines_part_is_known CHECK (part IN ('I', 'II')),
    CONSTRAINT ck_form_lines_box_is_known CHECK (box IN ('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L')),
    CONSTRAINT ck_form_lines_watermark_unless_live CHECK ((watermark IS NULL) = (mode = 'live')),
    CONSTRAINT ck_form_lines_line_adds_up CHECK (gain_loss = proceeds - basis + adjustment),
    CONSTRAINT ck_form_lines_finite
        CHECK (proceeds > '-Infinity' AND proceeds < 'Infinity' AND basis > '-Infinity' AND basis < 'Infinity'
            AND adjustment > '-Infinity' AND adjustment < 'Infinity' AND gain_loss > '-Infinity'
            AND gain_loss < 'Infinity'),
    CONSTRAINT uq_form_lines_line_id_mode UNIQUE (line_id, mode)
);
CREATE INDEX ix_form_lines_taxpayer_mode_tax_year ON form_lines (taxpayer, mode, tax_year);

CREATE TABLE schedule_d (
    schedule_d_id TEXT NOT NULL,
    taxpayer TEXT NOT NULL,
    mode TEXT NOT NULL,
    tax_year INTEGER NOT NULL,
    lines JSONB NOT NULL,
    results JSONB NOT NULL,
    carryover JSONB NOT NULL,
    watermark TEXT,
    assumptions JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_schedule_d PRIMARY KEY (schedule_d_id),
    CONSTRAINT ck_schedule_d_mode_is_known CHECK (mode IN ('simulated', 'paper', 'live')),
    CONSTRAINT ck_schedule_d_watermark_unless_live CHECK ((watermark IS NULL) = (mode = 'live'))
);
CREATE UNIQUE INDEX ix_schedule_d_taxpayer_mode_tax_year
    ON schedule_d (taxpayer, mode, tax_year) WHERE superseded_at IS NULL;

CREATE TABLE daily_pnl (
    daily_pnl_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    session_date DATE NOT NULL,
    realized_pnl NUMERIC NOT NULL,
    unrealized_pnl NUMERIC NOT NULL,
    dividends NUMERIC NOT NULL,
    total_pnl NUMERIC NOT NULL,
    portfolio_value NUMERIC NOT NULL,
    cash_balance NUMERIC NOT NULL,
    num_trades INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_daily_pnl PRIMARY KEY (daily_pnl_id),
    CONSTRAINT fk_daily_pnl_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_daily_pnl_finite
        CHECK (portfolio_value > '-Infinity' AND portfolio_value < 'Infinity' AND cash_balance > '-Infinity'
            AND cash_balance < 'Infinity' AND realized_pnl > '-Infinity' AND realized_pnl < 'Infinity'
            AND unrealized_pnl > '-Infinity' AND unrealized_pnl < 'Infinity' AND dividends > '-Infinity'
            AND dividends < 'Infinity'),
    CONSTRAINT ck_daily_pnl_pnl_adds_up CHECK (total_pnl = realized_pnl + unrealized_pnl + dividends)
);
CREATE UNIQUE INDEX ix_daily_pnl_account_id_session_date
    ON daily_pnl (account_id, session_date) WHERE superseded_at IS NULL;

CREATE TABLE schedule_d_lines (
    schedule_d_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_schedule_d_lines PRIMARY KEY (schedule_d_id, line_id),
    CONSTRAINT fk_schedule_d_lines_schedule_d_schedule_d_id
        FOREIGN KEY(schedule_d_id)
        REFERENCES schedule_d (schedule_d_id),
    CONSTRAINT fk_schedule_d_lines_form_lines_line_id FOREIGN KEY(line_id) REFERENCES form_lines (line_id)
);
CREATE INDEX ix_schedule_d_lines_line_id ON schedule_d_lines (line_id);

CREATE TABLE strategy_performance (
    strategy_performance_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    strategy TEXT NOT NULL,
    start_date DATE NOT NULL,
    session_date DATE NOT NULL,
    num_signals INTEGER NOT NULL,
    num_trades INTEGER NOT NULL,
    pnl NUMERIC NOT NULL,
    win_rate FLOAT(53),
    total_return FLOAT(53),
    annual_return FLOAT(53),
    annual_volatility FLOAT(53),
    sharpe_ratio FLOAT(53),
    sortino_ratio FLOAT(53),
    max_drawdown FLOAT(53),
    calmar_ratio FLOAT(53),
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_strategy_performance PRIMARY KEY (strategy_performance_id),
    CONSTRAINT fk_strategy_performance_accounts_account_id
        FOREIGN KEY(account_id, mode)
        REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_strategy_performance_finite CHECK (pnl > '-Infinity' AND pnl < 'Infinity'),
    CONSTRAINT ck_strategy_performance_starts_before_it_ends CHECK (start_date <= session_date),
    CONSTRAINT ck_strategy_performance_win_rate_is_a_fraction CHECK (win_rate BETWEEN 0 AND 1)
);
CREATE UNIQUE INDEX ix_strategy_performance_account_id_strategy_start_date__7f32
    ON strategy_performance (account_id, strategy, start_date, session_date) WHERE superseded_at IS NULL;

CREATE TABLE form_line_gains (
    line_id TEXT NOT NULL,
    gain_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_form_line_gains PRIMARY KEY (line_id, gain_id),
    CONSTRAINT fk_form_line_gains_form_lines_line_id FOREIGN KEY(line_id, mode) REFERENCES form_lines (line_id, mode),
    CONSTRAINT fk_form_line_gains_capital_gains_gain_id
        FOREIGN KEY(gain_id, mode)
        REFERENCES capital_gains (gain_id, mode)
);
CREATE INDEX ix_form_line_gains_gain_id ON form_line_gains (gain_id);
