-- Constraints, indexes and guards go with their tables.

DROP TABLE trading_controls, trading_session_events, trading_sessions, leases;
