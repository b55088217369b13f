"""A session that records minute after minute and says what is durable, for tests that kill it.

``python -m tests.integration.db.record_process URL MINUTES``: prints the number of each minute once it is flushed.
"""

import sys

from tests.integration.db.intraday import TODAY, minutes
from tests.integration.db.story import ACCOUNT
from tickledger.db.engine import create_ledger_engine
from tickledger.db.session_record import SessionRecorder


def main(url: str, count: str) -> None:
    engine = create_ledger_engine(url)
    with SessionRecorder(engine, ACCOUNT.account_id, session_id="killed", session_date=TODAY) as recorder:
        for number, minute in enumerate(minutes(int(count))):
            minute.add_to(recorder)
            if number % 3 == 2:
                recorder.flush()
                print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
