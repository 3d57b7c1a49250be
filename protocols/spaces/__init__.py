"""Stimulus spaces, one file each."""
