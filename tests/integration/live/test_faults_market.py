"""scratch"""
from tests.integration.live.floor import *

def test_trades(ledger, home):
    import time
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until_state(SessionState.RUNNING)
        t=time.monotonic()
        running.until_traded(4)
        print(time.monotonic()-t, running.told(), [a.kind for a in running.alerts.sent], floor.working())
