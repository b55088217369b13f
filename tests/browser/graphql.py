"""Questions to the Dagster UI of a running `tickledger up`, as its own pages ask them."""

import json
import urllib.request
from typing import Any


def answer(address: str, query: str) -> Any:
    """The data of the answer to `query` at `address`."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as told:
        return json.load(told)["data"]
