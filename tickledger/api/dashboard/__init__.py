"""The dashboard: pages for a person, drawn from what `tickledger.api.queries` and the cache tell."""
