-- Rows of limits that only came with this revision stay as they were recorded; no new ones may follow.

ALTER TABLE risk_limits DROP CONSTRAINT ck_risk_limits_name_is_known;
ALTER TABLE risk_limits ADD CONSTRAINT ck_risk_limits_name_is_known
    CHECK (name IN ('max_position_size', 'max_portfolio_exposure', 'max_sector_exposure', 'max_single_loss',
        'max_daily_loss')) NOT VALID;

DROP TABLE kill_switch_events;
