-- What comes from outside: ingestions, instruments, bars, corporate actions, and what was refused.

CREATE TABLE ingestions (
    ingestion_id TEXT NOT NULL,
    dataset TEXT NOT NULL,
    source TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    window_start DATE,
    window_end DATE,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_ingestions PRIMARY KEY (ingestion_id)
);

CREATE TABLE symbols (
    symbol_id INTEGER GENERATED ALWAYS AS IDENTITY,
    ticker TEXT COLLATE "C" NOT NULL,
    company_name TEXT,
    sector TEXT,
    industry TEXT,
    exchange TEXT,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_symbols PRIMARY KEY (symbol_id),
    CONSTRAINT ck_symbols_ticker_is_not_empty CHECK (ticker <> ''),
    CONSTRAINT uq_symbols_ticker UNIQUE (ticker)
);

CREATE TABLE corporate_actions (
    corporate_action_id TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    ex_date DATE NOT NULL,
    kind TEXT NOT NULL,
    ratio NUMERIC,
    amount NUMERIC,
    new_symbol_id INTEGER,
    fmv_old NUMERIC,
    fmv_new NUMERIC,
    cash_in_lieu NUMERIC,
    ingestion_id TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_corporate_actions PRIMARY KEY (corporate_action_id),
    CONSTRAINT ck_corporate_actions_kind_is_known
        CHECK (kind IN ('split', 'dividend', 'return_of_capital', 'spinoff', 'ticker_change', 'merger', 'delisting')),
    CONSTRAINT ck_corporate_actions_positive CHECK (ratio > 0 AND ratio < 'Infinity'),
    CONSTRAINT ck_corporate_actions_not_negative
        CHECK (amount >= 0 AND amount < 'Infinity' AND fmv_old >= 0 AND fmv_old < 'Infinity' AND fmv_new >= 0
            AND fmv_new < 'Infinity' AND cash_in_lieu >= 0 AND cash_in_lieu < 'Infinity'),
    CONSTRAINT fk_corporate_actions_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT fk_corporate_actions_symbols_new_symbol_id FOREIGN KEY(new_symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT fk_corporate_actions_ingestions_ingestion_id
        FOREIGN KEY(ingestion_id)
        REFERENCES ingestions (ingestion_id)
);
CREATE INDEX ix_corporate_actions_symbol_id_ex_date ON corporate_actions (symbol_id, ex_date);

CREATE TABLE market_data (
    symbol_id INTEGER NOT NULL,
    interval TEXT NOT NULL,
    bar_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    session_date DATE GENERATED ALWAYS
        AS ((bar_at AT TIME ZONE CASE WHEN interval = '1day' THEN 'UTC' ELSE 'America/New_York' END)::date) STORED,
    open NUMERIC NOT NULL,
    high NUMERIC NOT NULL,
    low NUMERIC NOT NULL,
    close NUMERIC NOT NULL,
    volume BIGINT NOT NULL,
    ingestion_id TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_market_data PRIMARY KEY (symbol_id, interval, bar_at, version),
    CONSTRAINT ck_market_data_version_counts_from_one CHECK (version >= 1),
    CONSTRAINT ck_market_data_interval_is_known CHECK (interval ~ '^[0-9]+(sec|min|hour|day|week|month)$'),
    CONSTRAINT ck_market_data_positive CHECK (low > 0 AND high < 'Infinity' AND volume >= 0),
    CONSTRAINT ck_market_data_range_holds_prices
        CHECK (low <= open AND low <= close AND open <= high AND close <= high),
    CONSTRAINT fk_market_data_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT fk_market_data_ingestions_ingestion_id FOREIGN KEY(ingestion_id) REFERENCES ingestions (ingestion_id)
) PARTITION BY RANGE (bar_at);
CREATE INDEX ix_market_data_symbol_id_bar_at ON market_data (symbol_id, bar_at DESC);
CREATE UNIQUE INDEX uq_market_data_current ON market_data (symbol_id, interval, bar_at) WHERE superseded_at IS NULL;

-- Years are made as their first bar arrives; what lies outside them would land here.
CREATE TABLE market_data_other PARTITION OF market_data DEFAULT;

CREATE TABLE quarantine (
    quarantine_id TEXT NOT NULL,
    ingestion_id TEXT NOT NULL,
    location TEXT NOT NULL,
    row_number INTEGER,
    column_name TEXT,
    expected TEXT NOT NULL,
    found TEXT NOT NULL,
    severity TEXT NOT NULL,
    record JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_quarantine PRIMARY KEY (quarantine_id),
    CONSTRAINT ck_quarantine_severity_is_known CHECK (severity IN ('error', 'warning')),
    CONSTRAINT fk_quarantine_ingestions_ingestion_id FOREIGN KEY(ingestion_id) REFERENCES ingestions (ingestion_id)
);
CREATE INDEX ix_quarantine_ingestion_id ON quarantine (ingestion_id);
