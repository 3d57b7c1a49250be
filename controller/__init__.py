"""The closed loop: labellers, objective, strategies, loop, store, analysis, command line."""

import os

# XLA prints a screenful for every cached program it loads, because it compares tuning hints with
# CPU features; this must be said before JAX is imported anywhere.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
