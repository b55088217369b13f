-- What others say of an account: statements, comparisons, breaks and what became of them.

-- Statements as they came, compressed by zlib; their names and hashes are those of the ingestions.
CREATE TABLE statement_files (
    ingestion_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    size BIGINT NOT NULL,
    content BYTEA NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_statement_files PRIMARY KEY (ingestion_id),
    CONSTRAINT ck_statement_files_size_is_counted CHECK (size >= 0),
    CONSTRAINT fk_statement_files_ingestions_ingestion_id
        FOREIGN KEY(ingestion_id) REFERENCES ingestions (ingestion_id)
);

-- One account's part of a file; the broker's account may be none of the ledger's.
CREATE TABLE statements (
    statement_id TEXT NOT NULL,
    ingestion_id TEXT NOT NULL,
    broker_account TEXT NOT NULL,
    broker TEXT NOT NULL,
    base_currency TEXT NOT NULL,
    start_date DATE,
    end_date DATE,
    generated_at TIMESTAMP WITH TIME ZONE,
    is_complete BOOLEAN NOT NULL,
    counts JSONB NOT NULL,
    accounting JSONB NOT NULL,
    problems JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_statements PRIMARY KEY (statement_id),
    CONSTRAINT fk_statements_statement_files_ingestion_id
        FOREIGN KEY(ingestion_id) REFERENCES statement_files (ingestion_id)
);
CREATE INDEX ix_statements_broker_account_end_date ON statements (broker_account, end_date);

-- Each time the ledger was held beside another source.
CREATE TABLE reconciliations (
    reconciliation_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    against TEXT NOT NULL,
    subjects JSONB NOT NULL,
    start_date DATE NOT NULL,
    end_date DATE NOT NULL,
    matched JSONB NOT NULL,
    break_count INTEGER NOT NULL,
    statement_ids JSONB NOT NULL,
    compared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_reconciliations PRIMARY KEY (reconciliation_id),
    CONSTRAINT fk_reconciliations_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_reconciliations_against_is_known CHECK (against IN ('ledger', 'broker', 'statement', '1099-B')),
    CONSTRAINT ck_reconciliations_starts_before_it_ends CHECK (start_date <= end_date),
    CONSTRAINT ck_reconciliations_breaks_are_counted CHECK (break_count >= 0)
);
CREATE INDEX ix_reconciliations_account_id_compared_at ON reconciliations (account_id, compared_at);

-- What differed, and what was said of it; a break is known by what differs.
CREATE TABLE reconciliation_breaks (
    break_version_id TEXT NOT NULL,
    break_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    cause TEXT NOT NULL,
    session_date DATE NOT NULL,
    against TEXT NOT NULL,
    field TEXT NOT NULL,
    symbol TEXT NOT NULL,
    ours TEXT NOT NULL,
    theirs TEXT NOT NULL,
    difference NUMERIC,
    unit TEXT NOT NULL,
    money_at_stake NUMERIC NOT NULL,
    detail TEXT NOT NULL,
    "where" TEXT NOT NULL,
    because_of JSONB NOT NULL,
    correction JSONB,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_reconciliation_breaks PRIMARY KEY (break_version_id),
    CONSTRAINT fk_reconciliation_breaks_accounts_account_id
        FOREIGN KEY(account_id, mode) REFERENCES accounts (account_id, mode),
    CONSTRAINT ck_reconciliation_breaks_against_is_known
        CHECK (against IN ('ledger', 'broker', 'statement', '1099-B')),
    CONSTRAINT ck_reconciliation_breaks_finite CHECK (difference > '-Infinity' AND difference < 'Infinity'),
    CONSTRAINT ck_reconciliation_breaks_not_negative CHECK (money_at_stake >= 0 AND money_at_stake < 'Infinity')
);
CREATE INDEX ix_reconciliation_breaks_account_id_session_date ON reconciliation_breaks (account_id, session_date);
CREATE UNIQUE INDEX ix_reconciliation_breaks_break_id ON reconciliation_breaks (break_id) WHERE superseded_at IS NULL;

-- Found, explained, accepted, resolved: the last step of a break is its state.
CREATE TABLE break_events (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    break_id TEXT NOT NULL,
    state TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    session_date DATE NOT NULL,
    actor TEXT NOT NULL,
    note TEXT NOT NULL,
    reconciliation_id TEXT,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_break_events PRIMARY KEY (sequence),
    CONSTRAINT ck_break_events_state_is_known CHECK (state IN ('open', 'explained', 'accepted', 'resolved')),
    CONSTRAINT fk_break_events_reconciliations_reconciliation_id
        FOREIGN KEY(reconciliation_id) REFERENCES reconciliations (reconciliation_id)
);
CREATE INDEX ix_break_events_break_id_sequence ON break_events (break_id, sequence);

-- What a person had recorded because of a break.
CREATE TABLE break_corrections (
    break_correction_id TEXT NOT NULL,
    break_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    record_values JSONB NOT NULL,
    record_id TEXT,
    actor TEXT NOT NULL,
    note TEXT NOT NULL,
    applied_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_break_corrections PRIMARY KEY (break_correction_id)
);
CREATE INDEX ix_break_corrections_break_id ON break_corrections (break_id);

-- All of it stays as it was recorded.
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'statement_files', 'statements', 'reconciliations', 'reconciliation_breaks', 'break_events', 'break_corrections'
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
