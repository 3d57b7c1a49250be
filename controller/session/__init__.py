"""Sessions with a subject on a rig, trial by trial. No module of this package imports JAX."""
