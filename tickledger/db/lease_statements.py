"""The statements of `tickledger.db.lease`, where it is decided what each of them locks and when its clock is read.

`clock_timestamp()` goes on within a transaction. Where it decides something about a locked row it is read after the
lock was had, because a lock may be waited for while a lease runs out.
"""

from typing import Final

from sqlalchemy import text

_COLUMNS: Final = "account_id, epoch, holder, acquired_at, renewed_at, expires_at, released_at"

READ: Final = text(f"SELECT {_COLUMNS} FROM leases WHERE account_id = :account_id")  # noqa: S608  no outside text

#: Looked at without a lock first: who waits for a lease in vain never holds its row, not for a moment.
IS_FREE: Final = text(
    """
    SELECT released_at IS NOT NULL OR expires_at + :margin <= clock_timestamp()
    FROM leases WHERE account_id = :account_id
    """
)

#: The row is locked before the condition of the update is judged, so one of many that ask at once has it.
ACQUIRE: Final = text(
    f"""
    INSERT INTO leases AS held (account_id, mode, epoch, holder, acquired_at, renewed_at, expires_at)
    SELECT :account_id, :mode, 1, :holder, asked_at, asked_at, asked_at + :duration FROM clock_timestamp() AS asked_at
    ON CONFLICT (account_id) DO UPDATE SET
        epoch = held.epoch + 1, holder = excluded.holder, acquired_at = excluded.acquired_at,
        renewed_at = excluded.renewed_at, expires_at = excluded.expires_at, released_at = NULL
    WHERE held.released_at IS NOT NULL OR held.expires_at + :margin <= clock_timestamp()
    RETURNING {_COLUMNS}
    """  # noqa: S608  no outside text
)

#: A lease of ours that ran out and that nobody took is ours again: nobody else traded in between.
RENEW: Final = text(
    f"""
    UPDATE leases SET renewed_at = clock_timestamp(), expires_at = clock_timestamp() + :duration
    WHERE account_id = :account_id AND epoch = :epoch AND released_at IS NULL
    RETURNING {_COLUMNS}
    """  # noqa: S608  no outside text
)

RELEASE: Final = text(
    """
    UPDATE leases SET released_at = clock_timestamp()
    WHERE account_id = :account_id AND epoch = :epoch AND released_at IS NULL
    """
)

#: Locks the row against acquisitions until the transaction ends, then judges it. The advisory lock keeps nobody
#: waiting: it is how `END_FROZEN` knows of which account a transaction is.
GUARD: Final = text(
    """
    SELECT epoch = :epoch AND released_at IS NULL AND expires_at > clock_timestamp(),
           pg_advisory_xact_lock_shared(hashtextextended('tickledger lease of ' || account_id, 0))
    FROM (SELECT * FROM leases WHERE account_id = :account_id FOR SHARE) AS held
    """
)

#: Ends what transactions of the account that began while the last lease was in force, and still go on after its margin:
#: their process is frozen, or its host is gone, and they would hold the lease and the journal for as long.
END_FROZEN: Final = text(
    """
    SELECT count(pg_terminate_backend(pid)) FROM (
        SELECT DISTINCT pid FROM pg_locks JOIN pg_stat_activity USING (pid) CROSS JOIN leases
        WHERE account_id = :account_id AND expires_at + :margin <= clock_timestamp() AND xact_start <= expires_at
          AND datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
          AND locktype = 'advisory' AND granted AND objsubid = 1
          AND (classid::bigint << 32) | objid::bigint IN (
              hashtextextended('tickledger lease of ' || account_id, 0),
              hashtextextended('tickledger orders of ' || account_id, 0),
              hashtextextended('tickledger lineage of ' || account_id, 0))
    ) AS frozen
    """
)
