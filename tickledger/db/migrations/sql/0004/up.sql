-- The kill switch and the steps of those who obey it; and the names of further limits.

-- No foreign key on the account: while trading is being stopped, a row must never be refused.
CREATE TABLE kill_switch_events (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    flattens BOOLEAN NOT NULL,
    answers BIGINT,
    obeying_account TEXT,
    symbol TEXT,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_kill_switch_events PRIMARY KEY (sequence),
    CONSTRAINT fk_kill_switch_events_kill_switch_events_answers
        FOREIGN KEY(answers) REFERENCES kill_switch_events (sequence),
    CONSTRAINT ck_kill_switch_events_kind_is_known
        CHECK (kind IN ('engaged', 'resumed', 'cancel_sent', 'flatten_sent', 'flatten_skipped', 'failed',
            'carried_out')),
    CONSTRAINT ck_kill_switch_events_steps_answer CHECK ((kind IN ('engaged', 'resumed')) = (answers IS NULL)),
    CONSTRAINT ck_kill_switch_events_only_engaging_flattens CHECK (kind = 'engaged' OR NOT flattens)
);
CREATE INDEX ix_kill_switch_events_requests ON kill_switch_events (sequence) WHERE answers IS NULL;

CREATE TRIGGER stays_as_recorded AFTER UPDATE ON kill_switch_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_there BEFORE DELETE ON kill_switch_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_filled BEFORE TRUNCATE ON kill_switch_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE risk_limits DROP CONSTRAINT ck_risk_limits_name_is_known;
ALTER TABLE risk_limits ADD CONSTRAINT ck_risk_limits_name_is_known
    CHECK (name IN ('max_position_size', 'max_portfolio_exposure', 'max_sector_exposure', 'max_single_loss',
        'max_daily_loss', 'max_single_name_exposure', 'max_order_quantity', 'max_order_notional',
        'max_price_deviation', 'max_price_deviation_bps', 'max_volume_participation', 'max_orders_per_second',
        'max_orders_per_minute', 'max_orders_per_day'));
