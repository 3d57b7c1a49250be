"""The closed loop: labellers, objective, strategies, loop, store, analysis, command line."""
