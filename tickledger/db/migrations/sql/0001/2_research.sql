-- What is thought of the bars: feature rows behind signals, model versions, signals.

CREATE TABLE model_versions (
    model_version_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    algorithm TEXT NOT NULL,
    trained_for_year INTEGER NOT NULL,
    train_start_date DATE NOT NULL,
    train_end_date DATE NOT NULL,
    feature_set TEXT NOT NULL,
    feature_names TEXT[] NOT NULL,
    data_sha256 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    git_commit TEXT NOT NULL,
    git_diff_sha256 TEXT NOT NULL,
    mlflow_run_id TEXT NOT NULL,
    parameters JSONB NOT NULL,
    metrics JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_model_versions PRIMARY KEY (model_version_id),
    CONSTRAINT uq_model_versions_name_version UNIQUE (name, version),
    CONSTRAINT uq_model_versions_model_version_id_name_trained_for_year UNIQUE (model_version_id, name, trained_for_year),
    CONSTRAINT ck_model_versions_training_ends_after_it_starts CHECK (train_start_date <= train_end_date),
    CONSTRAINT ck_model_versions_training_saw_the_past_only CHECK (train_end_date < make_date(trained_for_year, 1, 1))
);

CREATE TABLE model_promotions (
    promotion_id BIGINT GENERATED ALWAYS AS IDENTITY,
    model_version_id TEXT NOT NULL,
    name TEXT NOT NULL,
    trained_for_year INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_model_promotions PRIMARY KEY (promotion_id),
    CONSTRAINT fk_model_promotions_model_versions_model_version_id
        FOREIGN KEY(model_version_id, name, trained_for_year)
        REFERENCES model_versions (model_version_id, name, trained_for_year)
);
CREATE INDEX ix_model_promotions_name_trained_for_year ON model_promotions (name, trained_for_year);

CREATE TABLE feature_snapshots (
    feature_row_id TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    bar_interval TEXT NOT NULL,
    bar_at TIMESTAMP WITH TIME ZONE NOT NULL,
    bar_version INTEGER NOT NULL,
    features JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_feature_snapshots PRIMARY KEY (feature_row_id),
    CONSTRAINT fk_feature_snapshots_market_data_symbol_id
        FOREIGN KEY(symbol_id, bar_interval, bar_at, bar_version)
        REFERENCES market_data (symbol_id, interval, bar_at, version),
    CONSTRAINT uq_feature_snapshots_feature_row_id_symbol_id UNIQUE (feature_row_id, symbol_id),
    CONSTRAINT fk_feature_snapshots_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id)
);
CREATE INDEX ix_feature_snapshots_symbol_id_bar_at ON feature_snapshots (symbol_id, bar_at);

CREATE TABLE signals (
    signal_id TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    session_date DATE NOT NULL,
    signalled_at TIMESTAMP WITH TIME ZONE NOT NULL,
    signal_type TEXT NOT NULL,
    confidence FLOAT(53) NOT NULL,
    strategy TEXT NOT NULL,
    feature_row_id TEXT NOT NULL,
    model_version_id TEXT,
    metadata JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_signals PRIMARY KEY (signal_id),
    CONSTRAINT fk_signals_feature_snapshots_feature_row_id
        FOREIGN KEY(feature_row_id, symbol_id)
        REFERENCES feature_snapshots (feature_row_id, symbol_id),
    CONSTRAINT uq_signals_signal_id_symbol_id UNIQUE (signal_id, symbol_id),
    CONSTRAINT ck_signals_signal_type_is_known
        CHECK (signal_type IN ('BUY', 'SELL', 'HOLD', 'CLOSE_LONG', 'CLOSE_SHORT')),
    CONSTRAINT ck_signals_confidence_is_a_fraction CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT fk_signals_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT fk_signals_model_versions_model_version_id
        FOREIGN KEY(model_version_id)
        REFERENCES model_versions (model_version_id)
);
CREATE INDEX ix_signals_current ON signals (session_date) WHERE superseded_at IS NULL;
CREATE INDEX ix_signals_symbol_id_signalled_at ON signals (symbol_id, signalled_at DESC);

CREATE TABLE signal_components (
    signal_id TEXT NOT NULL,
    component_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_signal_components PRIMARY KEY (signal_id, component_id),
    CONSTRAINT ck_signal_components_no_signal_is_its_own_part CHECK (signal_id <> component_id),
    CONSTRAINT fk_signal_components_signals_signal_id FOREIGN KEY(signal_id) REFERENCES signals (signal_id),
    CONSTRAINT fk_signal_components_signals_component_id FOREIGN KEY(component_id) REFERENCES signals (signal_id)
);
