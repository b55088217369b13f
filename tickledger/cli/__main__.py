"""``python -m tickledger.cli``, where the `tickledger` script is not on the path."""

from tickledger.cli.app import main

main()
