-- What parent orders cost, one current row for each.

CREATE TABLE order_costs (
    order_cost_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    symbol_id INTEGER NOT NULL,
    parent_order_id TEXT NOT NULL,
    side TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    session_date DATE NOT NULL,
    quantity NUMERIC NOT NULL,
    filled_quantity NUMERIC NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    arrived_at TIMESTAMP WITH TIME ZONE,
    first_filled_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
    arrival_price NUMERIC NOT NULL,
    end_price NUMERIC NOT NULL,
    average_price NUMERIC,
    interval_vwap NUMERIC,
    market_volume BIGINT NOT NULL,
    slippage_bps NUMERIC,
    vwap_slippage_bps NUMERIC,
    execution_cost NUMERIC NOT NULL,
    opportunity_cost NUMERIC NOT NULL,
    fees NUMERIC NOT NULL,
    fees_are_estimated BOOLEAN NOT NULL,
    implementation_shortfall NUMERIC NOT NULL,
    shortfall_bps NUMERIC NOT NULL,
    participation NUMERIC,
    spread_capture NUMERIC,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_order_costs PRIMARY KEY (order_cost_id),
    CONSTRAINT fk_order_costs_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT fk_order_costs_orders_parent_order_id
        FOREIGN KEY(parent_order_id, account_id, symbol_id)
        REFERENCES orders (order_id, account_id, symbol_id),
    CONSTRAINT fk_order_costs_symbols_symbol_id FOREIGN KEY(symbol_id) REFERENCES symbols (symbol_id),
    CONSTRAINT ck_order_costs_side_is_known CHECK (side IN ('BUY', 'SELL', 'SELL_SHORT', 'BUY_TO_COVER')),
    CONSTRAINT ck_order_costs_positive
        CHECK (quantity > 0 AND quantity < 'Infinity' AND arrival_price > 0 AND arrival_price < 'Infinity'
            AND end_price > 0 AND end_price < 'Infinity' AND average_price > 0 AND average_price < 'Infinity'
            AND interval_vwap > 0 AND interval_vwap < 'Infinity'),
    CONSTRAINT ck_order_costs_not_negative CHECK (participation >= 0 AND participation < 'Infinity'),
    CONSTRAINT ck_order_costs_market_volume_is_counted CHECK (market_volume >= 0),
    CONSTRAINT ck_order_costs_finite
        CHECK (slippage_bps > '-Infinity' AND slippage_bps < 'Infinity' AND vwap_slippage_bps > '-Infinity'
            AND vwap_slippage_bps < 'Infinity' AND execution_cost > '-Infinity' AND execution_cost < 'Infinity'
            AND opportunity_cost > '-Infinity' AND opportunity_cost < 'Infinity' AND fees > '-Infinity'
            AND fees < 'Infinity' AND shortfall_bps > '-Infinity' AND shortfall_bps < 'Infinity'
            AND spread_capture > '-Infinity' AND spread_capture < 'Infinity'),
    CONSTRAINT ck_order_costs_fills_no_more_than_decided CHECK (filled_quantity BETWEEN 0 AND quantity),
    CONSTRAINT ck_order_costs_average_where_it_filled CHECK ((average_price IS NULL) = (filled_quantity = 0)),
    CONSTRAINT ck_order_costs_shortfall_adds_up
        CHECK (implementation_shortfall = execution_cost + opportunity_cost + fees)
);
CREATE INDEX ix_order_costs_account_id_session_date ON order_costs (account_id, session_date);
CREATE UNIQUE INDEX ix_order_costs_parent_order_id ON order_costs (parent_order_id) WHERE superseded_at IS NULL;

CREATE TRIGGER stays_as_recorded AFTER UPDATE ON order_costs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_there BEFORE DELETE ON order_costs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_filled BEFORE TRUNCATE ON order_costs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
