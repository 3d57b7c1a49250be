"""A store, or several, as one HTML file that needs nothing else."""
