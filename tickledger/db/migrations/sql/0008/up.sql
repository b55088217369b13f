-- Where profit and loss comes from, how cash and net asset value roll forward, returns and their attribution.

CREATE TABLE pnl_contributions (
    pnl_contribution_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    session_date DATE NOT NULL,
    symbol_id INTEGER,
    sector TEXT NOT NULL,
    strategy TEXT NOT NULL,
    model_version_id TEXT,
    realized_pnl NUMERIC NOT NULL,
    unrealized_pnl NUMERIC NOT NULL,
    dividends NUMERIC NOT NULL,
    total_pnl NUMERIC NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_pnl_contributions PRIMARY KEY (pnl_contribution_id),
    CONSTRAINT fk_pnl_contributions_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_pnl_contributions_finite
        CHECK (realized_pnl > '-Infinity' AND realized_pnl < 'Infinity' AND unrealized_pnl > '-Infinity' AND
            unrealized_pnl < 'Infinity' AND dividends > '-Infinity' AND dividends < 'Infinity'),
    CONSTRAINT ck_pnl_contributions_pnl_adds_up CHECK (total_pnl = realized_pnl + unrealized_pnl + dividends),
    CONSTRAINT fk_pnl_contributions_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT fk_pnl_contributions_model_versions_model_version_id
        FOREIGN KEY(model_version_id) REFERENCES model_versions (model_version_id)
);
CREATE INDEX ix_pnl_contributions_account_id_session_date ON pnl_contributions (account_id, session_date);

CREATE TABLE roll_forwards (
    roll_forward_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    session_date DATE NOT NULL,
    opening_cash NUMERIC NOT NULL,
    trades NUMERIC NOT NULL,
    charges NUMERIC NOT NULL,
    dividends NUMERIC NOT NULL,
    interest NUMERIC NOT NULL,
    fees NUMERIC NOT NULL,
    deposits NUMERIC NOT NULL,
    withdrawals NUMERIC NOT NULL,
    corporate_action_cash NUMERIC NOT NULL,
    cash_difference NUMERIC NOT NULL,
    closing_cash NUMERIC NOT NULL,
    opening_nav NUMERIC NOT NULL,
    market_gain NUMERIC NOT NULL,
    nav_difference NUMERIC NOT NULL,
    closing_nav NUMERIC NOT NULL,
    gross_exposure NUMERIC NOT NULL,
    net_exposure NUMERIC NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_roll_forwards PRIMARY KEY (roll_forward_id),
    CONSTRAINT fk_roll_forwards_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_roll_forwards_finite
        CHECK (closing_cash > '-Infinity' AND closing_cash < 'Infinity' AND closing_nav > '-Infinity' AND
            closing_nav < 'Infinity' AND net_exposure > '-Infinity' AND net_exposure < 'Infinity' AND
            cash_difference > '-Infinity' AND cash_difference < 'Infinity' AND nav_difference > '-Infinity' AND
            nav_difference < 'Infinity'),
    CONSTRAINT ck_roll_forwards_not_negative CHECK (gross_exposure >= 0 AND gross_exposure < 'Infinity'),
    CONSTRAINT ck_roll_forwards_cash_ties
        CHECK (closing_cash = opening_cash + trades + charges + dividends + interest + fees + deposits +
            withdrawals + corporate_action_cash + cash_difference),
    CONSTRAINT ck_roll_forwards_nav_ties
        CHECK (closing_nav = opening_nav + market_gain + charges + dividends + interest + fees + deposits +
            withdrawals + nav_difference)
);
CREATE UNIQUE INDEX ix_roll_forwards_account_id_session_date
    ON roll_forwards (account_id, session_date) WHERE superseded_at IS NULL;

CREATE TABLE period_returns (
    period_return_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    period TEXT NOT NULL,
    start_date DATE NOT NULL,
    session_date DATE NOT NULL,
    opening_nav NUMERIC NOT NULL,
    net_flows NUMERIC NOT NULL,
    pnl NUMERIC NOT NULL,
    closing_nav NUMERIC NOT NULL,
    time_weighted FLOAT(53),
    annualized FLOAT(53),
    money_weighted FLOAT(53),
    money_weighted_note TEXT NOT NULL,
    benchmark TEXT NOT NULL,
    benchmark_return FLOAT(53),
    excess_return FLOAT(53),
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_period_returns PRIMARY KEY (period_return_id),
    CONSTRAINT fk_period_returns_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_period_returns_finite
        CHECK (opening_nav > '-Infinity' AND opening_nav < 'Infinity' AND net_flows > '-Infinity' AND net_flows
            < 'Infinity' AND pnl > '-Infinity' AND pnl < 'Infinity' AND closing_nav > '-Infinity' AND
            closing_nav < 'Infinity'),
    CONSTRAINT ck_period_returns_starts_before_it_ends CHECK (start_date <= session_date),
    CONSTRAINT ck_period_returns_nav_adds_up CHECK (closing_nav = opening_nav + net_flows + pnl)
);
CREATE UNIQUE INDEX ix_period_returns_account_id_period_start_date_session_date
    ON period_returns (account_id, period, start_date, session_date) WHERE superseded_at IS NULL;

CREATE TABLE attribution_effects (
    attribution_effect_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    kind TEXT NOT NULL,
    benchmark TEXT NOT NULL,
    start_date DATE NOT NULL,
    session_date DATE NOT NULL,
    segment TEXT NOT NULL,
    effect TEXT NOT NULL,
    value FLOAT(53) NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_attribution_effects PRIMARY KEY (attribution_effect_id),
    CONSTRAINT fk_attribution_effects_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_attribution_effects_kind_is_known CHECK (kind IN ('sector', 'factor')),
    CONSTRAINT ck_attribution_effects_finite CHECK (value > '-Infinity' AND value < 'Infinity'),
    CONSTRAINT ck_attribution_effects_starts_before_it_ends CHECK (start_date <= session_date)
);
CREATE UNIQUE INDEX ix_attribution_effects_account_id_kind_start_date_sessi_db8e
    ON attribution_effects (account_id, kind, start_date, session_date, segment, effect) WHERE superseded_at IS NULL;

ALTER TABLE strategy_performance
    ADD COLUMN profit_factor FLOAT(53),
    ADD COLUMN turnover FLOAT(53),
    ADD COLUMN exposure FLOAT(53),
    ADD COLUMN average_holding_days FLOAT(53);

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'pnl_contributions', 'roll_forwards', 'period_returns', 'attribution_effects'
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
