-- Sessions as processes: who may trade an account, which processes do or did, and the requests to pause them.

-- Never deleted, and the epoch never falls: one of an earlier holder must not come again.
CREATE TABLE leases (
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    holder TEXT NOT NULL,
    acquired_at TIMESTAMP WITH TIME ZONE NOT NULL,
    renewed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    released_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_leases PRIMARY KEY (account_id),
    CONSTRAINT fk_leases_accounts_account_id FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_leases_epoch_counts_from_one CHECK (epoch >= 1)
);

CREATE TRIGGER epoch_never_falls AFTER UPDATE ON leases
    FOR EACH ROW WHEN (NEW.epoch < OLD.epoch OR NEW.account_id <> OLD.account_id) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_there BEFORE DELETE ON leases
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_filled BEFORE TRUNCATE ON leases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- State and heartbeat are brought up to date in place; what a session is, and that it is over, stays.
CREATE TABLE trading_sessions (
    session_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    session_date DATE NOT NULL,
    epoch BIGINT,
    state TEXT NOT NULL,
    strategy TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    dagster_run_id TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    heartbeat_at TIMESTAMP WITH TIME ZONE NOT NULL,
    market_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    detail JSONB NOT NULL,
    CONSTRAINT pk_trading_sessions PRIMARY KEY (session_id),
    CONSTRAINT fk_trading_sessions_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_trading_sessions_state_is_known
        CHECK (state IN ('waiting', 'starting', 'warming', 'running', 'paused', 'degraded', 'stopping', 'ended',
            'failed', 'superseded')),
    CONSTRAINT ck_trading_sessions_ends_when_it_is_over
        CHECK ((ended_at IS NOT NULL) = (state IN ('ended', 'failed', 'superseded')))
);
CREATE INDEX ix_trading_sessions_account_id_session_date ON trading_sessions (account_id, session_date);
CREATE INDEX ix_trading_sessions_latest ON trading_sessions (account_id, started_at DESC);

CREATE TRIGGER stays_itself AFTER UPDATE ON trading_sessions
    FOR EACH ROW WHEN (
        (NEW.session_id, NEW.account_id, NEW.mode, NEW.session_date, NEW.strategy, NEW.host, NEW.pid, NEW.started_at)
        IS DISTINCT FROM
        (OLD.session_id, OLD.account_id, OLD.mode, OLD.session_date, OLD.strategy, OLD.host, OLD.pid, OLD.started_at)
        OR OLD.ended_at IS NOT NULL
    ) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_there BEFORE DELETE ON trading_sessions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_filled BEFORE TRUNCATE ON trading_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Every state that a session was in, with the reason.
CREATE TABLE trading_session_events (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    session_id TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_trading_session_events PRIMARY KEY (sequence),
    CONSTRAINT fk_trading_session_events_trading_sessions_session_id
        FOREIGN KEY(session_id) REFERENCES trading_sessions (session_id),
    CONSTRAINT ck_trading_session_events_state_is_known
        CHECK (state IN ('waiting', 'starting', 'warming', 'running', 'paused', 'degraded', 'stopping', 'ended',
            'failed', 'superseded'))
);
CREATE INDEX ix_trading_session_events_session_id_sequence ON trading_session_events (session_id, sequence);

-- Requests to pause and to resume; the last one of an account counts.
CREATE TABLE trading_controls (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_trading_controls PRIMARY KEY (sequence),
    CONSTRAINT fk_trading_controls_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_trading_controls_kind_is_known CHECK (kind IN ('pause', 'resume'))
);
CREATE INDEX ix_trading_controls_account_id_sequence ON trading_controls (account_id, sequence);

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['trading_session_events', 'trading_controls'] LOOP
        EXECUTE format('CREATE TRIGGER stays_as_recorded AFTER UPDATE ON %I'
                       ' FOR EACH ROW EXECUTE FUNCTION refuse_change()', guarded);
        EXECUTE format('CREATE TRIGGER stays_there BEFORE DELETE ON %I'
                       ' FOR EACH ROW EXECUTE FUNCTION refuse_change()', guarded);
        EXECUTE format('CREATE TRIGGER stays_filled BEFORE TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', guarded);
    END LOOP;
END
$$;
