-- The audit log: what was done to the ledger, each entry holding the hash of the one before it.

CREATE TABLE audit_head (
    is_only_row BOOLEAN NOT NULL,
    sequence BIGINT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_audit_head PRIMARY KEY (is_only_row),
    CONSTRAINT ck_audit_head_has_one_row CHECK (is_only_row)
);

CREATE TABLE audit_log (
    sequence BIGINT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    details JSONB NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (sequence)
);
