"""Statistics of an analysis: one idea each, NumPy arrays in and out, nothing known of a store."""
