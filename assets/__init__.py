"""One module for each stage of the lineage, its asset checks beside its assets.

What belongs here: read, one pure call, write, metadata. What does not: loops, arithmetic, SQL, `try`, clocks; those
live in `tickledger` and `ml`, where they are tested without Dagster.
"""

import warnings

import dagster as dg

# Single-run backfills are in beta; their behaviour here is held by the tests of ranges of partitions.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
