"""Fitting models to the answers in a finished store, and saying which one explains them best."""
