"""How often a fault is repeated: once in the test run, as often as `make faults` says there."""

import os

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
