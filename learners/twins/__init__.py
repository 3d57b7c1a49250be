"""Twins: models of a learner that are fitted to all its answers, one file each."""
