"""Many stores side by side: the same quantities of each, in tables and one picture."""
