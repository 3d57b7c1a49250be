"""Divergences of a label distribution from its target, one file each."""
