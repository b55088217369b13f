"""The simulated IB gateway: the TWS socket protocol over `tickledger.exchange`, for any TWS-API client."""
