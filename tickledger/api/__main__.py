"""``python -m tickledger.api --port PORT``: the server as `tickledger up` starts it; its token is in the settings."""

import argparse

from tickledger.api.access import Access, token_of
from tickledger.api.serve import serve
from tickledger.settings import load_settings

parser = argparse.ArgumentParser(prog="tickledger.api", description=__doc__)
parser.add_argument("--port", type=int, required=True)

if __name__ == "__main__":
    settings = load_settings()
    serve(settings, Access(token_of(settings), parser.parse_args().port))
