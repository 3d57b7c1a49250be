"""Strategies: how a search for θ goes on from what was answered so far, one file each."""
