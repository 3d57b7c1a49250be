"""Benchmarks; each prints one ratio measured in one run."""
