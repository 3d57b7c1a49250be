"""The device's program, and what builds it."""
